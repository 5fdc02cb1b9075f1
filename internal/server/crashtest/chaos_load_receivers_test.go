//go:build unix

package crashtest

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"
)

// misbehaving are receivers that do something wrong at the first visits of a key and take it later, if it comes again.
var misbehaving = map[string]struct {
	wrong  int // visits
	do     func(b *badReceiver, w http.ResponseWriter, req *http.Request)
	state  string          // what becomes of the delivery
	visits int             // of a key, in all
	gaps   []time.Duration // the least between visits
	// hasty: the channel waits a second only. A slow machine may need more tries then.
	hasty bool
}{
	"answers 500": {2, func(_ *badReceiver, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, "delivered", 3, []time.Duration{time.Second, 2 * time.Second}, false},
	"answers 429": {1, func(_ *badReceiver, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3")
		w.WriteHeader(429)
	}, "delivered", 2, []time.Duration{3 * time.Second}, false},
	"hangs":  {1, func(b *badReceiver, _ http.ResponseWriter, req *http.Request) { b.until(req) }, "delivered", 2, []time.Duration{time.Second}, true},
	"resets": {1, func(_ *badReceiver, w http.ResponseWriter, _ *http.Request) { reset(w) }, "delivered", 2, []time.Duration{time.Second}, false},
	"1 byte a second, head": {1, func(b *badReceiver, w http.ResponseWriter, req *http.Request) {
		b.slowly(w, req, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0)
	}, "delivered", 2, []time.Duration{time.Second}, true},
	// It has said 200, so it has the message.
	"1 byte a second, body": {1, func(b *badReceiver, w http.ResponseWriter, req *http.Request) {
		const head = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
		b.slowly(w, req, head+"a body that nobody waits for", len(head))
	}, "delivered", 1, nil, true},
	"answers 10 MiB": {1, func(_ *badReceiver, w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(bytes.Repeat([]byte("0123456789abcdef"), 10<<16))
	}, "delivered", 1, nil, false},
	"redirects to itself": {1 << 30, func(_ *badReceiver, w http.ResponseWriter, req *http.Request) {
		http.Redirect(w, req, req.URL.Path, http.StatusTemporaryRedirect)
	}, "dead", 1, nil, false},
	"answers 410": {1 << 30, func(_ *badReceiver, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(410) }, "dead", 1, nil, false},
}

// TestBadReceivers tells of alerts to receivers that misbehave in every way there is: only 2xx counts, what is worth another try gets it
// later and under the same key, and whoever behaves hears as soon as ever.
func TestBadReceivers(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: takes seconds")
	}
	engines(t, func(t *testing.T, engine, url string) {
		c := row(t, "C18", engine, "bad receivers")
		h, good := newHub(t, url, nil), newReceiver(t)
		h.start()
		h.channel("good", good.server.URL)
		bad := map[string]*badReceiver{}
		for name, how := range misbehaving {
			b := newBadReceiver(t, how.wrong, how.do)
			bad[name] = b
			if how.hasty {
				h.channel(name, b.server.URL, "timeout", 1)
			} else {
				h.channel(name, b.server.URL)
			}
		}
		p := newPulse("Bad", h)
		const alerts = 2 // fewer failures in a row than open a breaker
		p.run(alerts, 10)
		db := h.open(t)
		l, rest := settle(t, h, db, time.Now())
		for name, how := range misbehaving {
			var rows []struct {
				IdemKey, State, Reason string
				Attempts               int
				Longest                int
			}
			if err := db.Read(t.Context()).Raw(`SELECT d.idem_key, d.state, d.reason, d.attempts,
				(SELECT max(length(a.response)) FROM message_attempts a WHERE a.message_id = d.message_id) AS longest
				FROM deliveries d JOIN channels c ON c.id = d.channel_id WHERE c.name = ?`, name).Scan(&rows).Error; err != nil {
				t.Fatal(err)
			}
			if len(rows) != alerts {
				t.Errorf("%s: %d deliveries", name, len(rows))
			}
			for _, d := range rows {
				visits := bad[name].visitsOf(d.IdemKey)
				more := how.hasty && !long() && d.Attempts > how.visits && len(visits) >= how.visits
				if d.State != how.state || !more && (d.Attempts != how.visits || len(visits) != how.visits) {
					t.Errorf("%s: it is %s(%s) after %d attempts and %d visits, want %s after %d", name, d.State, d.Reason, d.Attempts, len(visits), how.state, how.visits)
				}
				for n, least := range how.gaps {
					if n+1 < len(visits) && visits[n+1].Sub(visits[n]) < least-50*time.Millisecond {
						t.Errorf("%s: visit %d came %s after the one before, want %s", name, n+2, visits[n+1].Sub(visits[n]), least)
					}
				}
				if d.Longest > 64<<10 {
					t.Errorf("%s: %d bytes of an answer are kept", name, d.Longest)
				}
			}
			if n := bad[name].keys(); n != alerts {
				t.Errorf("%s: %d keys came for %d alerts", name, n, alerts)
			}
		}
		heard := p.heard(t, good)
		// The worst of an alert's channels is what its ledger row says.
		if l.Counts["dead"] != alerts {
			t.Errorf("ledger %+v", l.Counts)
		}
		c.faults(len(misbehaving) * alerts)
		c.count(found(l, alerts))
		c.within("good receiver", heard.at(1), 5*time.Second)
		c.within("at rest", rest, 0)
	})
}

// badReceiver does something wrong at the first visits of each key.
type badReceiver struct {
	server *httptest.Server
	over   chan struct{}

	mu     sync.Mutex
	visits map[string][]time.Time
}

func newBadReceiver(t *testing.T, wrong int, do func(b *badReceiver, w http.ResponseWriter, req *http.Request)) *badReceiver {
	t.Helper()
	b := &badReceiver{over: make(chan struct{}), visits: map[string][]time.Time{}}
	b.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return
		}
		if b.visit(req.Header.Get("Idempotency-Key")) <= wrong {
			do(b, w, req)
		}
	}))
	t.Cleanup(func() {
		close(b.over)
		b.server.Close()
	})
	return b
}

func (b *badReceiver) visit(key string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.visits[key] = append(b.visits[key], time.Now())
	return len(b.visits[key])
}

func (b *badReceiver) visitsOf(key string) []time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.visits[key])
}

func (b *badReceiver) keys() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.visits)
}

// until waits until the sender gives up.
func (b *badReceiver) until(req *http.Request) {
	select {
	case <-req.Context().Done():
	case <-b.over:
	}
}

// slowly answers with text, all but its first bytes at one a second.
func (b *badReceiver) slowly(w http.ResponseWriter, _ *http.Request, text string, first int) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(fmt.Errorf("take the connection over: %w", err))
	}
	defer conn.Close()
	_, err = io.WriteString(conn, text[:first])
	for n := first; n < len(text) && err == nil; n++ {
		select {
		case <-time.After(time.Second):
		case <-b.over:
			return
		}
		_, err = io.WriteString(conn, text[n:n+1])
	}
}

// reset ends a connection in the hard way.
func reset(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(fmt.Errorf("take the connection over: %w", err))
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
