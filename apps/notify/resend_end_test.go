package notify_test

import (
	"errors"
	"testing"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

// TestResendEndThatIsNone: an end that died is not sent again while the incident is on: who got it would think that it is over.
func TestResendEndThatIsNone(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		o, other := timed(t, db, "ops", 0, 0, nil), timed(t, db, "dev", 0, 0, nil)
		o.say = func(_ int, m channel.Outgoing) channel.Result {
			if m.Kind == channel.KindResolved {
				return gone(0, m)
			}
			return channel.Result{Verdict: channel.Done, Status: 200}
		}
		e := clocked(t, db, nil, o, other)
		x := e.fires("ops")
		e.tell(x)
		e.rests(o)
		e.resolve(next(x, 2, event.EventResolved))
		if r := e.rests(o); len(r) != 2 || r[1].State != event.StateDead {
			t.Fatalf("%+v", r)
		}
		again := next(x, 3, event.EventReopened)
		again.Incident.Status = event.IncidentOpen
		e.tell(again)
		e.rests(o)
		var end struct{ ID id.ID }
		if err := db.Read(t.Context()).Raw(`SELECT id FROM deliveries WHERE kind = 'resolved'`).Scan(&end).Error; err != nil {
			t.Fatal(err)
		}
		n := len(o.all())
		for _, to := range []string{"", "dev"} {
			if _, err := e.service.Resend(t.Context(), tenant, end.ID, to, "ann"); !errors.Is(err, event.ErrRefused) {
				t.Errorf("to %q: sent again: %v", to, err)
			}
		}
		e.rests(o)
		e.rests(other)
		if len(o.all()) != n || len(other.all()) != 0 {
			t.Errorf("told %v, %v", o.kinds(), other.kinds())
		}
		run(t, db, `UPDATE incidents SET status = 'resolved'`)
		if _, err := e.service.Resend(t.Context(), tenant, end.ID, "", "ann"); err != nil {
			t.Errorf("it is over: %v", err)
		}
		e.rests(o)
	})
}
