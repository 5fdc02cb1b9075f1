package host

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
)

// Limits of Connect; an earlier end of ctx counts first.
const (
	connectLimit = 3 * time.Second
	answerLimit  = 5 * time.Second
)

// Connect implements Probe. It waits 3 s for the connection and 5 s for the first byte.
func (l *Live) Connect(ctx context.Context, address, send string) Connection {
	c := Connection{Address: address}
	watch := clock.Start()
	d := net.Dialer{Timeout: connectLimit}
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		c.Error = wordOf(err)
		return c
	}
	defer conn.Close()
	c.Connected = max(watch.Elapsed(), 1)
	if send == "" {
		return c
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	watch = clock.Start()
	_ = conn.SetDeadline(clock.System().Now().Add(answerLimit))
	if _, err = io.WriteString(conn, send); err == nil {
		_, err = io.ReadFull(conn, make([]byte, 1))
	}
	switch {
	case err == nil:
		c.FirstByte = max(watch.Elapsed(), 1)
	case ctx.Err() != nil:
		c.Error = wordOf(ctx.Err())
	default:
		c.Error = wordOf(err)
	}
	return c
}

// Of winsock2.h; package syscall's numbers of these names are not those that Windows gives. Elsewhere there are no such errors.
const (
	errWinReset       = syscall.Errno(10054)
	errWinRefused     = syscall.Errno(10061)
	errWinUnreachable = syscall.Errno(10065)
)

// wordOf says in one word what went wrong on the network.
func wordOf(err error) string {
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return "no such host"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return "timeout"
	case errors.Is(err, context.Canceled):
		return "stopped"
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, errWinRefused):
		return "refused"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH), errors.Is(err, errWinUnreachable):
		return "unreachable"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, errWinReset):
		return "reset"
	case errors.Is(err, io.EOF):
		return "closed without an answer"
	}
	return cut(clean([]byte(err.Error())), 200)
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}
