//go:build unix

package crashtest

import (
	"cmp"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// receiver takes notifications and remembers them.
type receiver struct {
	server *httptest.Server

	mu     sync.Mutex
	open   map[string]bool     // connections, by the other end's address
	counts map[string]tally    // what came, by key
	keysOf map[string][]string // by alert
	hold   int                 // how many of the next ones get no answer
	held   chan struct{}       // signalled when one is held
	let    chan struct{}       // closed when held ones may go
	told   chan struct{}       // set: closed after the next answer
	delay  time.Duration       // of every answer
	who    func(string) int    // set: the process at a connection's other end, 0 when it is not known
	whose  map[string]int      // connections' other ends, as far as asked
	trails map[string][]visit  // how each key came
	refuse func(visits int, key string) bool
	says   int // to what is refused; 0 is 503
}

// visit is one arrival of a notification.
type visit struct {
	at      time.Time
	process int // 0: not known
	refused bool
}

// tally is how often a notification came, and how often it got its answer.
type tally struct{ came, answered int }

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{
		open: map[string]bool{}, counts: map[string]tally{}, keysOf: map[string][]string{}, held: make(chan struct{}, 1000), let: make(chan struct{}),
		whose: map[string]int{}, trails: map[string][]visit{},
	}
	r.server = httptest.NewUnstartedServer(r)
	r.server.Config.ConnState = r.connection
	r.server.Start()
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
	key, alert := req.Header.Get("Idempotency-Key"), body.Title
	if len(body.Alerts) == 1 {
		alert = body.Alerts[0].Name
	}
	r.mu.Lock()
	n := r.counts[key]
	n.came++
	r.counts[key] = n
	if !slices.Contains(r.keysOf[alert], key) {
		r.keysOf[alert] = append(r.keysOf[alert], key)
	}
	v, nth := visit{at: time.Now()}, len(r.trails[key])
	v.refused = r.refuse != nil && r.refuse(nth, key)
	r.trails[key] = append(r.trails[key], v)
	hold, let, delay, says := r.hold > 0 && !v.refused, r.let, r.delay, cmp.Or(r.says, http.StatusServiceUnavailable)
	if hold {
		r.hold--
	}
	r.mu.Unlock()
	process := r.sender(req.RemoteAddr) // a look takes its time; the visit counts from when it came
	r.mu.Lock()
	r.trails[key][nth].process = process
	r.mu.Unlock()
	if v.refused { // no sooner than others are answered: many refusals in a row would open the channel's breaker
		time.Sleep(delay)
		w.WriteHeader(says)
		return
	}
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
	r.mu.Lock()
	n = r.counts[key]
	n.answered++
	r.counts[key] = n
	r.mu.Unlock()
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(http.StatusOK)
	_ = http.NewResponseController(w).Flush() // the answer is out, if anybody is left to read it
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.told != nil {
		close(r.told)
		r.told = nil
	}
}

// sender is the process that an address belongs to, if anybody asked for that. Others are served meanwhile: a look takes its time.
func (r *receiver) sender(address string) int {
	r.mu.Lock()
	who := r.who
	pid, known := r.whose[address]
	r.mu.Unlock()
	if who == nil || known {
		return pid
	}
	pid = who(address)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open[address] {
		r.whose[address] = pid
	}
	return pid
}

// came returns how each key came.
func (r *receiver) came() map[string][]visit {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make(map[string][]visit, len(r.trails))
	for key, list := range r.trails {
		out[key] = slices.Clone(list)
	}
	return out
}

// connection keeps count of the connections that are open.
func (r *receiver) connection(c net.Conn, s http.ConnState) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch s {
	case http.StateNew:
		r.open[c.RemoteAddr().String()] = true
	case http.StateClosed, http.StateHijacked:
		delete(r.open, c.RemoteAddr().String())
		delete(r.whose, c.RemoteAddr().String())
	default:
	}
}

// settle waits until everything is counted that a hub had sent before it died. Its connections are at their end then, and those that
// nobody has looked at yet come before a new one.
func (r *receiver) settle(t *testing.T) {
	t.Helper()
	mine, err := (&net.Dialer{Timeout: patience}).DialContext(t.Context(), "tcp", r.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer mine.Close()
	testkit.Eventually(t, patience, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.open) == 1 && r.open[mine.LocalAddr().String()]
	}, "the receiver has connections of a hub that is dead")
}

// holdNext keeps the next n notifications on the wire.
func (r *receiver) holdNext(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hold = n
}

// waitHeld waits until n notifications are held.
func (r *receiver) waitHeld(t *testing.T, n int) {
	t.Helper()
	testkit.Eventually(t, patience, func() bool { return len(r.held) >= n }, "the hub does not send what it should")
}

// release answers what is held, and holds no more.
func (r *receiver) release() {
	r.forget()
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.let)
	r.let = make(chan struct{})
}

// forget holds no more. What is held gets no answer: who sent it is dead.
func (r *receiver) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hold = 0
	for len(r.held) > 0 {
		<-r.held
	}
}

// nextAnswer returns a channel that is closed after the next answer.
func (r *receiver) nextAnswer() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.told == nil {
		r.told = make(chan struct{})
	}
	return r.told
}

// refuses answers with a status whatever comes for the channels, by id; none: it takes everything.
func (r *receiver) refuses(status int, channels ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.says, r.refuse = status, func(_ int, key string) bool {
		return slices.ContainsFunc(channels, func(c string) bool { return strings.HasSuffix(key, ":"+c) })
	}
}

// answerAfter delays every answer.
func (r *receiver) answerAfter(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.delay = d
}

// arrivals returns what came, by key.
func (r *receiver) arrivals() map[string]tally {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.counts)
}

// keys returns the keys under which each alert came.
func (r *receiver) keys() map[string][]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.keysOf)
}
