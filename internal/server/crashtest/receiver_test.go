//go:build unix

package crashtest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"
)

// receiver takes notifications and remembers them.
type receiver struct {
	server *httptest.Server
	mu     sync.Mutex
	got    []*arrival
	hold   int           // how many of the next ones get no answer
	held   chan struct{} // signalled when one is held
	let    chan struct{} // closed when held ones may go
	delay  time.Duration // of every answer
}

// arrival is one notification; answered is zero while it was not.
type arrival struct {
	key, alert   string
	at, answered time.Time
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{held: make(chan struct{}, 1000), let: make(chan struct{})}
	r.server = httptest.NewServer(r)
	t.Cleanup(func() {
		r.release()
		r.server.Close()
	})
	return r
}

// ServeHTTP implements http.Handler.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	raw, err := io.ReadAll(req.Body)
	if err != nil {
		return // the sender died before it had said it all
	}
	var body struct {
		Title  string
		Alerts []struct{ Name string }
	}
	_ = json.Unmarshal(raw, &body)
	a := &arrival{key: req.Header.Get("Idempotency-Key"), alert: body.Title, at: time.Now()}
	if len(body.Alerts) == 1 {
		a.alert = body.Alerts[0].Name
	}
	r.mu.Lock()
	r.got = append(r.got, a)
	hold, let, delay := r.hold > 0, r.let, r.delay
	if hold {
		r.hold--
	}
	r.mu.Unlock()
	if hold {
		r.held <- struct{}{}
		select {
		case <-let:
		case <-req.Context().Done():
			return
		}
	} else if delay > 0 {
		time.Sleep(delay)
	}
	w.WriteHeader(http.StatusOK)
	r.mu.Lock()
	a.answered = time.Now()
	r.mu.Unlock()
}

// holdNext keeps the next n notifications on the wire.
func (r *receiver) holdNext(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hold = n
}

// release answers what is held, and holds no more.
func (r *receiver) release() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hold = 0
	close(r.let)
	r.let = make(chan struct{})
	for len(r.held) > 0 {
		<-r.held
	}
}

// slow delays every answer.
func (r *receiver) answerAfter(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.delay = d
}

// arrivals returns what came, by key, in order.
func (r *receiver) arrivals() (byKey map[string][]arrival, keysOf map[string][]string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	byKey, keysOf = map[string][]arrival{}, map[string][]string{}
	for _, a := range r.got {
		byKey[a.key] = append(byKey[a.key], *a)
		if !slices.Contains(keysOf[a.alert], a.key) {
			keysOf[a.alert] = append(keysOf[a.alert], a.key)
		}
	}
	return byKey, keysOf
}
