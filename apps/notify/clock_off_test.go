package notify_test

import (
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

// off is a clock that is off by a time.
type off time.Duration

func (o off) Now() time.Time { return clock.System().Now().Add(time.Duration(o)) }

// elsewhere opens a Postgres database as a process whose clock is off.
func elsewhere(t *testing.T, url string, by time.Duration) *storage.DB {
	t.Helper()
	return dbtest.Open(t, storage.Postgres, func(c *storage.Config) { c.URL, c.Clock = url, off(by) })
}

// TestExpiryByOneClock: how long a message is worth sending is said and judged by the database's clock. Between two processes whose own differ by
// hours none dies before its first try.
func TestExpiryByOneClock(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ plans, sends time.Duration }{
		"who plans is late":  {-2 * time.Hour, 0},
		"who sends is early": {0, 2 * time.Hour},
		"who sends is late":  {0, -2 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := dbtest.Postgres(t)
			here, there := elsewhere(t, url, tt.plans), elsewhere(t, url, tt.sends)
			o := place("ops", channel.Spec{})
			o.say = func(n int, _ channel.Outgoing) channel.Result {
				if n == 1 {
					return busy()
				}
				return channel.Result{Verdict: channel.Done, Status: 200}
			}
			e := startWith(t, here, setup{clock: off(tt.plans), idle: true}, o)
			e.tell(e.about())
			startWith(t, there, setup{clock: off(tt.sends)}, o)
			if r := e.rests(o); r[0].State != event.StateDelivered || r[0].Attempts != 2 {
				t.Errorf("%+v", r)
			}
		})
	}
}
