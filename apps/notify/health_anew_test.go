package notify_test

import (
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

// TestHealthAnew: a channel whose trouble was forgotten, since it has new settings, begins anew: one try that fails makes it no failing one, and it fails
// since then and not since what was before.
func TestHealthAnew(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		o := place("ops", channel.Spec{Repeatable: true})
		o.say = gone
		e := startEngine(t, db, nil, o)
		e.tell(e.about())
		e.rests(o)
		before := e.trouble(o.live.ID, true, func(r notify.Trouble) bool { return r.Dead == 1 })
		run(t, db, `DELETE FROM channel_troubles`)
		pause(t, 5*time.Second) // the process has looked
		o.mu.Lock()
		o.say = away
		o.mu.Unlock()
		e.tell(e.about())
		testkit.Eventually(t, time.Minute, func() bool { return len(o.all()) == 2 }, "not tried")
		pause(t, 3*time.Second)
		e.trouble(o.live.ID, false, nil)
		for range 4 {
			e.tell(e.about())
		}
		got := e.trouble(o.live.ID, true, func(r notify.Trouble) bool { return r.Tries == 5 })
		if got.Dead != 0 || !got.Since.After(before.LastAt) {
			t.Errorf("%+v, before %+v", got, before)
		}
	})
}

// TestHealthOfNone: what was to be told to a channel that is not there any more says nothing of how it stands, and nobody would take that away.
func TestHealthOfNone(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		o := place("ops", channel.Spec{})
		o.say = away
		e := startEngine(t, db, nil, o)
		e.tell(e.about())
		testkit.Eventually(t, time.Minute, func() bool { r := e.rows(o); return len(r) == 1 && r[0].Attempts == 1 }, "not tried")
		e.stop()
		later := startEngine(t, db, nil)
		run(t, db, `UPDATE jobs SET due_at = ?`, started)
		if r := later.rests(o); r[0].State != event.StateDead || r[0].Reason != "channel_gone" {
			t.Fatalf("%+v", r)
		}
		later.stop() // what is known is written
		e.trouble(o.live.ID, false, nil)
	})
}
