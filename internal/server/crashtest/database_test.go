//go:build unix

package crashtest

import (
	"net/http"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// backIn is the bar for taking alerts in again once the cause of an outage has ended (I20).
const backIn = 30 * time.Second

// TestDatabaseAway shuts Postgres down at once under load: the hub stays up, answers 503, and is back by itself.
func TestDatabaseAway(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: needs Postgres")
	}
	c := row(t, "C7", "Postgres", "stopped at once, killed")
	times := pick(2, 6)
	p := testkit.OwnPostgres(t)
	h, r := newHub(t, p.URL(), nil), newReceiver(t)
	r.answerAfter(200 * time.Millisecond) // so that some are always on the wire
	h.start()
	h.tell(r)
	l := newLoad(h, rate())
	l.start(0)
	worst := time.Duration(0)
	for n := range times {
		l.wait(t, pick(30, 80))
		down := p.Abort
		if n%2 == 1 {
			down = p.Kill
		}
		if err := down(); err != nil {
			t.Fatal(err)
		}
		l.mark()
		time.Sleep(outage(n)) // what the hub has sent and could not book must not be sent again
		testkit.Eventually(t, patience, func() bool { refused, _ := l.since(); return refused[http.StatusServiceUnavailable] > 0 }, "no 503s")
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
		testkit.Eventually(t, patience, func() bool { _, first := l.since(); return !first.IsZero() && h.healthy() }, "the hub does not come back")
		worst = max(worst, time.Since(back))
	}
	l.end()
	c.within("back", worst, backIn)
	if l.silent != 0 {
		t.Errorf("%d alerts got no answer", l.silent)
	}
	o := (&audit{hub: h, load: l, receiver: r}).check(t)
	if long() && o.repeats != 0 {
		t.Errorf("%d messages came twice", o.repeats)
	}
	c.faults(times)
	c.count(o)
	c.within("at rest", o.rest, 0)
}
