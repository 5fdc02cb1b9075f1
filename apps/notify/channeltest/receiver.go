package channeltest

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Request is what a receiver got.
type Request struct {
	Method string
	URL    url.URL
	Header http.Header
	Body   []byte
}

// Step is a receiver's behaviour for one request, whose body has arrived and can be read without waiting. gone ends when the test does.
type Step func(w http.ResponseWriter, r *http.Request, gone <-chan struct{})

// Receiver is a real HTTP server that answers by a script and remembers what arrived. The last step repeats.
type Receiver struct {
	URL string // http://127.0.0.1:port
	// Allow is the allow-list entry that lets the guarded client call it.
	Allow string

	mu    sync.Mutex
	steps []Step
	got   []Request
	gone  chan struct{}
}

// Receive starts a receiver that ends with the test. Without steps it answers 200.
func Receive(tb testing.TB, steps ...Step) *Receiver {
	tb.Helper()
	r := &Receiver{steps: steps, gone: make(chan struct{})}
	s := httptest.NewServer(http.HandlerFunc(r.serve))
	tb.Cleanup(func() {
		close(r.gone)
		s.CloseClientConnections()
		s.Close()
	})
	r.URL, r.Allow = s.URL, strings.TrimPrefix(s.URL, "http://")
	return r
}

func (r *Receiver) serve(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body) // a body that breaks off is remembered as far as it came
	r.mu.Lock()
	step := Answer(http.StatusOK, `{"ok":true}`)
	if len(r.steps) > 0 {
		step = r.steps[0]
	}
	if len(r.steps) > 1 {
		r.steps = r.steps[1:]
	}
	r.got = append(r.got, Request{Method: req.Method, URL: *req.URL, Header: req.Header.Clone(), Body: bytes.Clone(body)})
	r.mu.Unlock()
	req.Body = io.NopCloser(bytes.NewReader(body))
	step(w, req, r.gone)
}

// Requests returns what arrived so far, in order.
func (r *Receiver) Requests() []Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

// Answer answers with a status and a body; headers are name, value pairs.
func Answer(status int, body string, headers ...string) Step {
	return func(w http.ResponseWriter, _ *http.Request, _ <-chan struct{}) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// Hang takes the request and never answers.
func Hang() Step {
	return func(_ http.ResponseWriter, r *http.Request, gone <-chan struct{}) {
		select {
		case <-r.Context().Done():
		case <-gone:
		}
	}
}

// Reset takes the request, then drops the connection: the sender cannot know whether it was accepted.
func Reset() Step {
	return func(w http.ResponseWriter, _ *http.Request, _ <-chan struct{}) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // RST instead of FIN
		}
		_ = conn.Close()
	}
}

// Drip answers one byte at a time, headers included, slower than any caller waits.
func Drip() Step {
	return func(w http.ResponseWriter, _ *http.Request, gone <-chan struct{}) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		for _, b := range []byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") {
			if _, err := conn.Write([]byte{b}); err != nil {
				return
			}
			select {
			case <-time.After(time.Second):
			case <-gone:
				return
			}
		}
	}
}

// Huge answers 200 with that many bytes of body.
func Huge(size int) Step { return HugeStatus(http.StatusOK, size) }

// HugeStatus answers with that many bytes of body.
func HugeStatus(status, size int) Step {
	return func(w http.ResponseWriter, _ *http.Request, _ <-chan struct{}) {
		w.WriteHeader(status)
		chunk := bytes.Repeat([]byte("x"), 64<<10)
		for sent := 0; sent < size; sent += len(chunk) {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}
}

// Redirect sends the caller round in a circle.
func Redirect() Step {
	return func(w http.ResponseWriter, r *http.Request, _ <-chan struct{}) {
		w.Header().Set("Location", "/again")
		w.WriteHeader(http.StatusFound)
	}
}

// Echo answers with everything that it got, headers too, as debugging receivers do.
func Echo(status int) Step {
	return func(w http.ResponseWriter, r *http.Request, _ <-chan struct{}) {
		w.WriteHeader(status)
		_ = r.Write(w)
	}
}
