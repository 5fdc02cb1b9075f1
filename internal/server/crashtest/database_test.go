//go:build unix

package crashtest

import (
	"net/http"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// backIn is how soon the hub takes alerts in again once the cause of an outage has ended (I20).
const backIn = 30 * time.Second

// TestDatabaseAway shuts Postgres down at once under load: the hub stays up, answers 503, and is back by itself.
func TestDatabaseAway(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: needs Postgres")
	}
	times := 2
	if long() {
		times = 6
	}
	p := testkit.OwnPostgres(t)
	h, r := newHub(t, p.URL(), nil), newReceiver(t)
	r.answerAfter(200 * time.Millisecond) // so that some are always on the wire
	h.start()
	h.tell(r)
	l := newLoad(h, 100)
	l.start(0)
	worst := time.Duration(0)
	for n := range times {
		taken := len(l.promises())
		testkit.Eventually(t, 10*time.Second*slow, func() bool { return len(l.promises()) >= taken+80 }, "the hub takes nothing in")
		down := p.Abort
		if n%2 == 1 {
			down = p.Kill
		}
		if err := down(); err != nil {
			t.Fatal(err)
		}
		l.mark()
		// Longer than a lease: what the hub has sent and could not book must not be sent again.
		testkit.Eventually(t, 15*time.Second*slow, func() bool { refused, _ := l.since(); return refused[http.StatusServiceUnavailable] >= 450 }, "no 503s")
		if h.healthy() {
			t.Error("ready without a database")
		}
		if a, err := h.do(http.MethodGet, "/livez", nil); err != nil || a.status != http.StatusOK {
			t.Errorf("not alive without a database: %d %v", a.status, err)
		}
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		l.mark()
		back := time.Now()
		testkit.Eventually(t, backIn, func() bool { _, first := l.since(); return !first.IsZero() && h.healthy() }, "the hub does not come back")
		worst = max(worst, time.Since(back))
	}
	l.end()
	if l.silent != 0 {
		t.Errorf("%d alerts got no answer", l.silent)
	}
	a := &audit{hub: h, load: l, receiver: r, within: time.Minute * slow}
	o := a.check(t)
	if o.repeats != 0 {
		t.Errorf("%d messages came twice", o.repeats)
	}
	summary.add("C7 Postgres stopped at once", times, o, "back "+worst.Round(time.Millisecond).String()+" after it (worst), at rest after "+
		o.rest.Round(10*time.Millisecond).String())
}
