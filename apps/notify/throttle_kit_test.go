package notify_test

import (
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// narrow is a place that takes so many messages in a time.
func narrow(t *testing.T, db *storage.DB, name string, messages int, per time.Duration) *outlet {
	t.Helper()
	o := timed(t, db, name, 0, 0, nil)
	o.limit(t, db, messages, per)
	return o
}

// limit gives a place another throttle, as ChannelService does.
func (o *outlet) limit(t *testing.T, db *storage.DB, messages int, per time.Duration) {
	t.Helper()
	o.live.Throttle = notify.Throttle{Messages: messages, Per: per}
	run(t, db, `UPDATE channels SET throttle_messages = ?, throttle_per_s = ? WHERE id = ?`, messages, int(per/time.Second), o.live.ID)
	run(t, db, `DELETE FROM throttle_slots WHERE channel_id = ? AND slot >= ?`, o.live.ID, messages)
	for n := range messages {
		run(t, db, `INSERT INTO throttle_slots (channel_id, tenant_id, slot, used_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`, o.live.ID, tenant, n, time.Unix(0, 0).UTC())
	}
}

// briefly has a throttle of an hour, which held back what was told within it however slow that was, last no longer than said from now on.
func (e *engine) briefly(o *outlet, per time.Duration) {
	e.t.Helper()
	o.limit(e.t, e.db, o.live.Throttle.Messages, per)
	run(e.t, e.db, `UPDATE jobs SET due_at = created_at WHERE kind = 'throttle' AND ref = ?`, o.live.ID)
}

// worth gives an incident that fires its severity.
func (e *engine) worth(s event.Severity, channels ...string) *event.Tell {
	e.t.Helper()
	x := e.fires(channels...)
	run(e.t, e.db, `UPDATE incidents SET severity = ? WHERE id = ?`, string(s), x.Incident.ID)
	x.Incident.Severity = s
	return x
}

// held counts what throttles hold back.
func (e *engine) held() (n int) {
	e.t.Helper()
	if err := e.db.Read(e.t.Context()).Raw(`SELECT count(*) FROM throttle_holds`).Scan(&n).Error; err != nil {
		e.t.Fatal(err)
	}
	return n
}

// settled waits until throttles hold nothing back, and no job of theirs is left.
func (e *engine) settled() {
	e.t.Helper()
	testkit.Eventually(e.t, time.Minute, func() bool { return e.held() == 0 && e.jobs(notify.JobThrottle) == 0 }, "throttles hold something back for ever")
}

// sent are the incidents that a channel was told of with a message of its own, in the order in which that was planned.
func (e *engine) sent(o *outlet) (out []id.ID) {
	e.t.Helper()
	var rows []struct {
		IncidentID id.ID
	}
	if err := e.db.Read(e.t.Context()).Raw(`SELECT incident_id FROM deliveries WHERE channel_id = ? AND state <> 'suppressed' ORDER BY created_at, id`, o.live.ID).
		Scan(&rows).Error; err != nil {
		e.t.Fatal(err)
	}
	for _, r := range rows {
		out = append(out, r.IncidentID)
	}
	return out
}
