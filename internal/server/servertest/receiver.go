package servertest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// Message is one call of a receiver.
type Message struct {
	Key    string // Idempotency-Key
	Status int    // what the receiver answered
	Header http.Header
	Raw    []byte

	Title      string            `json:"title"`
	Text       string            `json:"message"`
	Event      string            `json:"event"`
	Severity   string            `json:"severity"`
	Channel    string            `json:"channel"`
	IncidentID string            `json:"incident_id"`
	Tags       map[string]string `json:"tags"`
	Alerts     []struct {
		Name     string            `json:"name"`
		Status   string            `json:"status"`
		Severity string            `json:"severity"`
		Labels   map[string]string `json:"labels"`
	} `json:"alerts"`
}

// Receiver is a webhook receiver that remembers what arrived, in the order in which it answered.
type Receiver struct {
	URL string
	t   testing.TB

	mu     sync.Mutex
	calls  int
	got    []Message
	answer func(n int, w http.ResponseWriter, m *Message) int
	begun  chan struct{}
}

// NewReceiver starts a receiver that takes everything.
func NewReceiver(t testing.TB) *Receiver {
	t.Helper()
	r := &Receiver{t: t, begun: make(chan struct{}, 1000)}
	s := httptest.NewServer(http.HandlerFunc(r.serve))
	r.URL = s.URL
	t.Cleanup(s.Close)
	return r
}

// Answers sets what the receiver says to its n-th call, from 1; fn may write headers and returns the status. 0 is 200.
func (r *Receiver) Answers(fn func(n int, w http.ResponseWriter, m *Message) int) *Receiver {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = fn
	return r
}

// Says makes the receiver answer every call alike from now on.
func (r *Receiver) Says(status int) *Receiver {
	return r.Answers(func(int, http.ResponseWriter, *Message) int { return status })
}

func (r *Receiver) serve(w http.ResponseWriter, req *http.Request) {
	raw, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	m := Message{}
	_ = json.Unmarshal(raw, &m) // tests look at what is missing
	m.Key, m.Header, m.Raw = req.Header.Get("Idempotency-Key"), req.Header.Clone(), raw
	r.mu.Lock()
	r.calls++
	n, answer := r.calls, r.answer
	r.mu.Unlock()
	select {
	case r.begun <- struct{}{}:
	default:
	}
	m.Status = http.StatusOK
	if answer != nil {
		if s := answer(n, w, &m); s != 0 {
			m.Status = s
		}
	}
	r.mu.Lock()
	r.got = append(r.got, m)
	r.mu.Unlock()
	w.WriteHeader(m.Status)
}

// Called waits until one more call has begun.
func (r *Receiver) Called() {
	r.t.Helper()
	select {
	case <-r.begun:
	case <-time.After(patience):
		r.t.Fatal("nobody called the receiver")
	}
}

// All returns every call.
func (r *Receiver) All() []Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Message{}, r.got...)
}

// Told lists the events of the messages that were taken, in order: firing, updated, resolved.
func (r *Receiver) Told() []string {
	out := []string{}
	for _, m := range r.All() {
		if m.Status < 300 {
			out = append(out, m.Event)
		}
	}
	return out
}

// Last is the last call.
func (r *Receiver) Last() Message {
	r.t.Helper()
	all := r.All()
	if len(all) == 0 {
		r.t.Fatal("the receiver was never called")
	}
	return all[len(all)-1]
}

// Waits until n calls were answered and returns them.
func (r *Receiver) Waits(n int) []Message {
	r.t.Helper()
	testkit.Eventually(r.t, patience, func() bool { return len(r.All()) >= n }, "the receiver was called too rarely")
	return r.All()
}
