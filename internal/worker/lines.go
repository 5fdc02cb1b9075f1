package worker

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

// Times for one exchange with Redis. A URL may set others, but not "for ever": nothing may wait for Redis for long.
const (
	dialTime   = time.Second
	answerTime = time.Second
	maxTime    = 10 * time.Second
	keepAlive  = time.Minute
)

// errCut is what a Redis call gives after Stop.
var errCut = errors.New("the doorbell is stopped")

// lines are the connections to Redis, so that all of them can be cut: some of asynq's and go-redis' waits heed no context.
type lines struct {
	ctx  context.Context // ends when cut; of all dials
	end  context.CancelFunc
	dial func(ctx context.Context, network, address string) (net.Conn, error)
	mu   sync.Mutex
	open map[*line]struct{}
}

// newLines completes o and makes it dial through the result.
func newLines(o *redis.Options) *lines {
	for _, t := range []struct {
		set   *time.Duration
		usual time.Duration
	}{{&o.DialTimeout, dialTime}, {&o.ReadTimeout, answerTime}, {&o.WriteTimeout, answerTime}} {
		if *t.set <= 0 || *t.set > maxTime {
			*t.set = t.usual
		}
	}
	o.ContextTimeoutEnabled = true
	o.MaxRetries, o.MaxRetryBackoff = 1, 20*time.Millisecond // one more try: a connection may have died unnoticed
	o.DisableIdentity = true
	d := &net.Dialer{Timeout: o.DialTimeout, KeepAlive: keepAlive}
	ctx, cancel := context.WithCancel(context.Background())
	l := &lines{ctx: ctx, end: cancel, dial: d.DialContext, open: map[*line]struct{}{}}
	if o.TLSConfig != nil {
		secure := &tls.Dialer{NetDialer: d, Config: o.TLSConfig}
		l.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(ctx, d.Timeout) // the handshake too
			defer cancel()
			return secure.DialContext(ctx, network, address)
		}
	}
	o.Dialer = l.connect
	return l
}

// connect never fails: what cannot be dialled is a connection that breaks at its first use. go-redis counts dials that
// fail and, after some, tries on in a goroutine that outlives the client and stands between us and a Redis that is back.
func (l *lines) connect(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(l.ctx, cancel)() //nolint:contextcheck // a second reason to give up, beside ctx
	conn, err := l.dial(ctx, network, address)
	if err != nil {
		if l.ctx.Err() != nil {
			err = errCut
		}
		return deadLine{err: err}, nil
	}
	c := &line{Conn: conn, of: l}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ctx.Err() != nil {
		return deadLine{err: errCut}, conn.Close()
	}
	l.open[c] = struct{}{}
	if s, ok := conn.(syscall.Conn); ok {
		return checkedLine{c, s}, nil
	}
	return c, nil
}

// cut breaks every connection and every later one.
func (l *lines) cut() {
	l.end()
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.open {
		_ = c.Conn.Close()
	}
	clear(l.open)
}

type line struct {
	net.Conn
	of *lines
}

// Close implements net.Conn.
func (c *line) Close() error {
	c.of.mu.Lock()
	delete(c.of.open, c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}

// checkedLine lets go-redis see whether the server has closed an idle connection. It cannot look below TLS.
type checkedLine struct {
	*line
	syscall.Conn
}

// deadLine is a connection that could not be made.
type deadLine struct{ err error }

var _ net.Conn = deadLine{}

// Read implements net.Conn.
func (d deadLine) Read([]byte) (int, error) { return 0, d.err }

// Write implements net.Conn.
func (d deadLine) Write([]byte) (int, error) { return 0, d.err }

// Close implements net.Conn.
func (deadLine) Close() error { return nil }

// LocalAddr implements net.Conn.
func (deadLine) LocalAddr() net.Addr { return &net.TCPAddr{} }

// RemoteAddr implements net.Conn.
func (deadLine) RemoteAddr() net.Addr { return &net.TCPAddr{} }

// SetDeadline implements net.Conn.
func (deadLine) SetDeadline(time.Time) error { return nil }

// SetReadDeadline implements net.Conn.
func (deadLine) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline implements net.Conn.
func (deadLine) SetWriteDeadline(time.Time) error { return nil }
