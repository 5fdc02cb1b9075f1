package notify_test

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

// someHush silences the alerts that it names.
type someHush struct {
	mu    sync.Mutex
	names []string
}

func (h *someHush) only(names ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.names = names
}

func (h *someHush) Silenced(_ string, a *event.Alert, _ time.Time) notify.Silenced {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !slices.Contains(h.names, a.Name) {
		return notify.Silenced{}
	}
	return notify.Silenced{By: id.New(), Reason: event.ReasonSilenced, Detail: "silenced"}
}

// naming is a place whose messages are the alerts that they name.
type naming struct{ *outlet }

func (naming) Render(n channel.Notice) (channel.Rendered, error) {
	names := []string{}
	for _, a := range n.Alerts {
		names = append(names, a.Name)
	}
	slices.Sort(names)
	body, err := json.Marshal(strings.Join(names, " "))
	return channel.Rendered{Body: body, Parts: 1}, err
}

// named are the alerts of each message.
func (o *outlet) named() []string {
	out := []string{}
	for _, m := range o.all() {
		out = append(out, strings.Trim(string(m.Body), `"`))
	}
	return out
}

// another adds a firing alert to an incident.
func (e *engine) another(x *event.Tell, name string) *event.Alert {
	e.t.Helper()
	a := &event.Alert{ID: id.New(), Name: name, Status: event.StatusFiring, Severity: event.SeverityCritical, Labels: map[string]string{"instance": name}}
	run(e.t, e.db, `INSERT INTO alerts (id, tenant_id, source, fingerprint, name, severity, status, description, labels, annotations, group_key, vendor_group_key,
		incident_id, trace_id, last_seq, occurrences, started_at, received_at, updated_at) VALUES (?, ?, 'test', ?, ?, 'critical', 'firing', '', '{}', '{}', '', '', ?, '', 1, 1, ?, ?, ?)`,
		a.ID, tenant, a.ID.String(), name, x.Incident.ID, started, started, started)
	return a
}

// pushed tells of alerts as the run of a push does, with its line of the ledger for each.
func (e *engine) pushed(x *event.Tell, seq int64, alerts ...*event.Alert) []event.Told {
	e.t.Helper()
	one := next(x, seq, event.EventAlertAdded)
	receipt := id.New()
	run(e.t, e.db, `UPDATE incidents SET event_seq = ? WHERE id = ?`, seq, x.Incident.ID)
	one.RunID, one.DefinitionID, one.Alerts = id.New(), id.New(), alerts
	run(e.t, e.db, `INSERT INTO runs (id, tenant_id, trace_id, definition_id, definition_name, definition_version, receipt_id, incident_id, state, status, source, environment, origin, created_at, updated_at)
		VALUES (?, ?, 'trace-1', ?, 'page', 1, ?, ?, 'succeeded', 'NOTIFIED', 'test', '', 'webhook', ?, ?)`,
		one.RunID, tenant, one.DefinitionID, receipt, x.Incident.ID, started, started)
	for n, a := range alerts {
		run(e.t, e.db, `INSERT INTO ledger (receipt_id, idx, definition_id, tenant_id, run_id, incident_id, alert_id, state, trace, created_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, 'pending', '[]', ?)`, receipt, n, one.DefinitionID, tenant, one.RunID, x.Incident.ID, a.ID, started)
	}
	return e.tell(one)
}

// roomy gives a channel room, and has its throttle looked at.
func (e *engine) roomy(o *outlet) {
	e.t.Helper()
	run(e.t, e.db, `UPDATE throttle_slots SET used_at = ? WHERE channel_id = ?`, started, o.live.ID)
	run(e.t, e.db, `UPDATE throttle_holds SET look_at = ? WHERE channel_id = ?`, started, o.live.ID)
	run(e.t, e.db, `UPDATE jobs SET due_at = ? WHERE kind = 'throttle' AND ref = ? AND lease_token IS NULL`, started, o.live.ID)
}

// TestThrottleInPartSilenced: what the end of a silence will tell is left out when there is room, so that nobody hears it twice; all else of the
// incident is told.
func TestThrottleInPartSilenced(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		for name, tt := range map[string]struct {
			pushes [][]string // those in lower case are silenced
			after  []string   // still silenced when there is room
			want   []string   // what is told then
			stays  int        // what silences hold
		}{
			"one of two":           {[][]string{{"A"}, {"b"}}, []string{"b"}, []string{"A"}, 1},
			"its silence is over":  {[][]string{{"A"}, {"b"}}, nil, []string{"A"}, 1},
			"both in a later push": {[][]string{{"A"}, {"b"}, {"A", "b"}}, []string{"b"}, []string{"A b"}, 1},
			"silenced once more":   {[][]string{{"A"}, {"b"}, {"A", "b"}, {"b"}}, []string{"b"}, []string{"A"}, 1},
			"never held":           {[][]string{{"A", "b"}}, []string{"b"}, []string{"A b"}, 0},
		} {
			t.Run(name, func(t *testing.T) {
				o, quiet := narrow(t, db, name, 1, time.Hour), &someHush{}
				o.live.Channel = naming{o}
				e := startEngine(t, db, quiet, o)
				e.tell(e.fires(name))
				x := e.about()
				x.Channels = []string{name}
				alerts := map[string]*event.Alert{}
				for n, names := range tt.pushes {
					quiet.only("b")
					var list []*event.Alert
					for _, a := range names {
						if alerts[a] == nil {
							alerts[a] = e.another(x, a)
						}
						list = append(list, alerts[a])
					}
					e.pushed(x, int64(n+1), list...)
				}
				quiet.only(tt.after...)
				e.rests(o)
				e.roomy(o)
				e.service.Timers.Start()
				testkit.Eventually(t, 20*time.Second, func() bool { return e.heldBy(o) == 0 }, "it is held back for ever")
				e.rests(o)
				if diff := cmp.Diff(tt.want, o.named()[1:]); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
				if n := e.number(`SELECT count(*) FROM holds WHERE incident_id = ?`, x.Incident.ID); n != tt.stays {
					t.Errorf("silences hold %d, want %d", n, tt.stays)
				}
			})
		}
	})
}

// heldBy counts what the throttle of a channel holds back.
func (e *engine) heldBy(o *outlet) int {
	e.t.Helper()
	return e.number(`SELECT count(*) FROM throttle_holds WHERE channel_id = ?`, o.live.ID)
}

func (e *engine) number(sql string, args ...any) (n int) {
	e.t.Helper()
	if err := e.db.Read(e.t.Context()).Raw(sql, args...).Scan(&n).Error; err != nil {
		e.t.Fatal(err)
	}
	return n
}

// TestThrottleBeforeTheEndOfASilence: there is room after a silence is over and before its end is told: that tells it. If it tells others, or
// nobody, the throttle does.
func TestThrottleBeforeTheEndOfASilence(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		for name, retold := range map[string]bool{"retold": true, "retold to others": false} {
			t.Run(name, func(t *testing.T) {
				o, quiet := narrow(t, db, name, 1, time.Hour), &someHush{}
				o.live.Channel = naming{o}
				e := startEngine(t, db, quiet, o)
				e.tell(e.fires(name))
				x := e.about()
				x.Channels = []string{name}
				a := e.another(x, "A")
				e.pushed(x, 1, a) // held back by the throttle
				quiet.only("A")
				e.pushed(x, 2, a) // held back by the silence
				quiet.only()
				e.rests(o)
				e.roomy(o)
				e.service.Timers.Start()
				off := `SELECT count(*) FROM throttle_holds WHERE channel_id = ? AND look_at > held_at`
				testkit.Eventually(t, 20*time.Second, func() bool { return e.number(off, o.live.ID) == 1 }, "it is not put off")
				run(t, db, `DELETE FROM holds WHERE incident_id = ?`, x.Incident.ID)
				if retold {
					e.pushed(x, 3, a)
				}
				e.roomy(o)
				testkit.Eventually(t, 20*time.Second, func() bool { return e.heldBy(o) == 0 }, "it is held back for ever")
				e.rests(o)
				if diff := cmp.Diff([]string{"Disk full", "A"}, o.named()); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
			})
		}
	})
}
