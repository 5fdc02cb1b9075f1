//go:build unix

package crashtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// abreast is how many alerts may wait for an answer at once. A hub that is slower than the rate gets as many as it can take.
const abreast = 32

// load sends distinct alerts at a rate, tries nothing twice, and remembers what the hub has promised to keep.
type load struct {
	hub  *hub
	rate int

	stop chan struct{}
	over sync.WaitGroup
	sent atomic.Int64
	busy chan struct{} // holds one for each alert that waits

	mu       sync.Mutex
	accepted []promise
	most     int           // not 0: how many to have accepted; then it waits
	promised chan struct{} // set: closed at the next 2xx
	refused  map[int]int   // answers that were no 2xx, by status
	odd      int           // answers that are neither 2xx nor 503 with Retry-After
	silent   int           // no answer
	why      error         // for the last of those
	firstOK  time.Time     // first 2xx after mark
}

// promise is an alert that was answered with 2xx.
type promise struct {
	alert, receipt string
	at             time.Time     // of asking
	took           time.Duration // to the answer
}

func newLoad(h *hub, rate int) *load {
	return &load{hub: h, rate: rate, stop: make(chan struct{}), busy: make(chan struct{}, abreast), refused: map[int]int{}}
}

// start begins to send, at most n alerts when n is not 0.
func (l *load) start(n int) {
	l.over.Go(func() {
		tick := time.NewTicker(time.Second / time.Duration(l.rate))
		defer tick.Stop()
		for i := 0; n == 0 || i < n; {
			select {
			case <-l.stop:
				return
			case <-tick.C:
			}
			if l.enough() {
				continue
			}
			select {
			case <-l.stop:
				return
			case l.busy <- struct{}{}:
			}
			i++
			l.over.Go(func() {
				defer func() { <-l.busy }()
				l.push(int(l.sent.Add(1)))
			})
		}
	})
}

// enough reports whether as many are accepted as may be.
func (l *load) enough() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.most > 0 && len(l.accepted) >= l.most
}

// allow lets the hub take n more in; then the load waits. 0 lifts that.
func (l *load) allow(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.most = 0; n > 0 {
		l.most = len(l.accepted) + n
	}
}

// hold lets no more be sent until allow.
func (l *load) hold() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.most = max(1, len(l.accepted))
}

// wait waits until the hub has taken n more in.
func (l *load) wait(t *testing.T, n int) {
	t.Helper()
	n += len(l.promises())
	testkit.Eventually(t, patience, func() bool { return len(l.promises()) >= n }, "the hub takes nothing in")
}

// nextPromise returns a channel that is closed at the next 2xx.
func (l *load) nextPromise() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.promised == nil {
		l.promised = make(chan struct{})
	}
	return l.promised
}

// end stops sending and waits for the last answers.
func (l *load) end() {
	close(l.stop)
	l.over.Wait()
}

func (l *load) push(n int) {
	name := fmt.Sprintf("Alert%06d", n)
	at := time.Now()
	a, err := l.hub.do(http.MethodPost, "/alerts/webhook/", alertmanager(name))
	took := time.Since(at)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err != nil:
		l.silent++
		l.why = err
		return
	case a.status/100 != 2:
		l.refused[a.status]++
		if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
			if l.odd++; l.odd < 5 {
				l.hub.t.Errorf("answered %d with Retry-After %q: %s", a.status, a.header.Get("Retry-After"), a.body)
			}
		}
		return
	}
	var body struct {
		Receipt string `json:"receipt_id"`
	}
	if err := json.Unmarshal(a.body, &body); err != nil || body.Receipt == "" {
		l.hub.t.Errorf("a %d without receipt: %s", a.status, a.body)
		return
	}
	l.accepted = append(l.accepted, promise{name, body.Receipt, at, took})
	if l.firstOK.IsZero() {
		l.firstOK = time.Now()
	}
	if l.promised != nil {
		close(l.promised)
		l.promised = nil
	}
}

// mark forgets the first 2xx and the refusals, so that they tell of what comes from now on.
func (l *load) mark() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.firstOK, l.refused = time.Time{}, map[int]int{}
}

// since returns what was refused since mark, and when the first alert was taken in again.
func (l *load) since() (refused map[int]int, firstOK time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.refused), l.firstOK
}

func (l *load) promises() []promise {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]promise(nil), l.accepted...)
}

// alertmanager is a webhook with one firing alert.
func alertmanager(name string) []byte {
	return fmt.Appendf(nil, `{"version":"4","groupKey":%q,"status":"firing","receiver":"hub","groupLabels":{"alertname":%q},
"commonLabels":{},"commonAnnotations":{},"externalURL":"http://am.test","alerts":[{"status":"firing","labels":{"alertname":%q,
"instance":"host-%s","severity":"critical","job":"node"},"annotations":{"summary":"made to be lost"},"startsAt":"2026-11-20T10:00:00Z",
"endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://prom.test/graph","fingerprint":""}]}`, name, name, name, name)
}
