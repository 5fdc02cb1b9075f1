package notify_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

// quietly silences alerts whose names begin with "quiet", and calls those with "window" a maintenance.
type quietly struct{ by id.ID }

func (q quietly) Silenced(_ string, a *event.Alert, at time.Time) notify.Silenced {
	switch {
	case at.IsZero():
		return notify.Silenced{}
	case strings.HasPrefix(a.Name, "quiet"):
		return notify.Silenced{By: q.by, Reason: event.ReasonSilenced, Detail: "silenced by ada until noon"}
	case strings.HasPrefix(a.Name, "window"):
		return notify.Silenced{By: q.by, Reason: event.ReasonMaintenance, Detail: "maintenance until noon"}
	}
	return notify.Silenced{}
}

func TestHush(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		q := quietly{id.New()}
		for name, tt := range map[string]struct {
			alerts  []string
			gone    int // alerts at the front that have ended
			event   event.EventKind
			dry     bool
			least   event.Severity
			suppres string
			want    string // state(reason), or a state
			holds   int64
		}{
			"not silenced":              {alerts: []string{"loud"}, want: "delivered()"},
			"silenced":                  {alerts: []string{"quiet"}, want: "suppressed(silenced)", holds: 1},
			"in a window":               {alerts: []string{"window"}, want: "suppressed(maintenance)", holds: 1},
			"one is not":                {alerts: []string{"quiet", "loud"}, want: "delivered()"},
			"the one that is not ended": {alerts: []string{"loud", "quiet"}, gone: 1, want: "suppressed(silenced)", holds: 1},
			"none fires":                {alerts: []string{"quiet"}, gone: 1, want: "delivered()"},
			"two":                       {alerts: []string{"quiet", "window"}, want: "suppressed(silenced)", holds: 2},
			"an update":                 {alerts: []string{"quiet"}, event: event.EventAlertAdded, want: "suppressed(silenced)", holds: 1},
			"a reminder":                {alerts: []string{"quiet"}, event: event.EventReminder, want: "suppressed(silenced)", holds: 1},
			"the end":                   {alerts: []string{"quiet"}, event: event.EventResolved, want: "delivered()"},
			"somebody took it":          {alerts: []string{"quiet"}, event: event.EventAcknowledged, want: "delivered()"},
			"dry":                       {alerts: []string{"quiet"}, dry: true, want: "suppressed(silenced)"},
			"dry and loud":              {alerts: []string{"loud"}, dry: true, want: "suppressed(dry_run)"},
			"not bad enough anyway":     {alerts: []string{"quiet"}, least: "emergency", want: "suppressed(silenced)", holds: 1},
			"a condition says no":       {alerts: []string{"quiet"}, suppres: event.ReasonWhen, want: "suppressed(when)"},
		} {
			t.Run(name, func(t *testing.T) {
				o := place("ops-"+id.New().String(), channel.Spec{Repeatable: true})
				e := startEngine(t, db, q, o)
				x := e.about(tt.alerts...)
				for _, a := range x.Alerts[:tt.gone] {
					a.Status = event.StatusResolved
				}
				if tt.event != "" {
					x.Event = tt.event
				}
				x.Dry, x.Suppress, x.MinSeverity = tt.dry, tt.suppres, tt.least
				told := e.tell(x)
				r := e.rests(o)
				if len(r) != 1 || len(told) != 1 {
					t.Fatalf("%d deliveries, %d told", len(r), len(told))
				}
				if got := r[0].State + "(" + r[0].Reason + ")"; got != tt.want {
					t.Errorf("got %s, want %s", got, tt.want)
				}
				quiet := r[0].Reason == event.ReasonSilenced || r[0].Reason == event.ReasonMaintenance
				if quiet != (r[0].HeldBy == q.by) || quiet != (r[0].Detail != "") || quiet != (told[0].Detail != "") {
					t.Errorf("held by %s, %q, told %q", r[0].HeldBy, r[0].Detail, told[0].Detail)
				}
				if sent := len(o.all()); (sent == 1) != strings.HasPrefix(tt.want, "delivered") {
					t.Errorf("%d sent", sent)
				}
				var holds int64
				if err := db.Read(t.Context()).Table("holds").Where("incident_id = ? AND silence_id = ? AND tenant_id = ?", x.Incident.ID, q.by, tenant).Count(&holds).Error; err != nil || holds != tt.holds {
					t.Errorf("%d holds, want %d; %v", holds, tt.holds, err)
				}
			})
		}
	})
}

// TestHushTwice: a second event that is held back is no second hold; a route whose alert is not silenced gets the message out.
func TestHushTwice(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		o := place("ops", channel.Spec{Repeatable: true})
		q := quietly{id.New()}
		e := startEngine(t, db, q, o)
		x := e.about("quiet")
		e.tell(x)
		e.tell(next(x, 2, event.EventRetold))
		var holds int64
		if err := db.Read(t.Context()).Table("holds").Count(&holds).Error; err != nil || holds != 1 {
			t.Fatalf("%d holds, %v", holds, err)
		}
		loud := next(x, 2, event.EventRetold)
		loud.Alerts = e.about("loud").Alerts
		e.tell(loud)
		e.rests(o)
		e.tell(func() *event.Tell { again := next(x, 3, event.EventRetold); again.Alerts = loud.Alerts; return again }())
		e.rests(o)
		rows := e.rests(o)
		if diff := cmp.Diff([]channel.Kind{channel.KindFiring, channel.KindFiring}, o.kinds()); diff != "" || len(rows) != 3 {
			t.Fatalf("%d rows, sent:\n%s", len(rows), diff)
		}
		const why = "It was silenced by ada until noon."
		if b := o.bodies(); !strings.Contains(b[0], "This was held back for ") || !strings.Contains(b[0], why) || strings.Contains(b[1], "held back") {
			t.Errorf("what was held back is told as %s, what was not as %s", b[0], b[1])
		}
		if r := rows[1]; r.State != event.StateDelivered || r.Reason != "" || r.Detail != "" || !r.HeldBy.IsZero() {
			t.Errorf("taken over: %+v", r)
		}
	})
}
