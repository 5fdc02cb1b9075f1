package notify_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/queue"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

// putOff counts what a channel is not told although it has room.
func (e *engine) putOff(o *outlet) int {
	e.t.Helper()
	return e.number(`SELECT count(*) FROM throttle_holds WHERE channel_id = ? AND look_at > held_at`, o.live.ID)
}

// TestThrottledThenSilenced: an alert is throttled, then silenced without being pushed again, and another one of its incident fires while there is room.
// That takes the first along, or nobody would ever hear of it.
func TestThrottledThenSilenced(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		o, quiet := narrow(t, db, "narrow", 1, time.Hour), &someHush{}
		o.live.Channel = naming{o}
		e := startEngine(t, db, quiet, o)
		e.tell(e.fires("*"))
		x := e.about()
		x.Channels = []string{"*"}
		e.pushed(x, 1, e.another(x, "A"))
		quiet.only("A")
		e.rests(o)
		e.roomy(o)
		e.service.Timers.Start()
		testkit.Eventually(t, 20*time.Second, func() bool { return e.putOff(o) == 1 }, "what is silenced is not put off")
		other := e.tell(e.fires("*"))[0]
		if other.Reason == event.ReasonThrottled {
			t.Errorf("one that is silenced is in the way of other incidents: %+v", other)
		}
		e.rests(o)
		run(t, db, `UPDATE throttle_slots SET used_at = ? WHERE channel_id = ?`, started, o.live.ID)
		e.pushed(x, 2, e.another(x, "B"))
		testkit.Eventually(t, 20*time.Second, func() bool { e.roomy(o); return e.heldBy(o) == 0 }, "it is held back for ever")
		e.rests(o)
		if diff := cmp.Diff([]string{"Disk full", "Disk full", "A B"}, o.named()); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

// TestThrottledByALateRun: a run that was slow tells of an event that is older than what is held back already, and than one that was told.
func TestThrottledByALateRun(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		o := narrow(t, db, "narrow", 1, time.Hour)
		e := startEngine(t, db, nil, o)
		x := e.fires("*")
		run(t, db, `UPDATE incidents SET event_seq = 5 WHERE id = ?`, x.Incident.ID)
		for _, seq := range []int64{4, 5, 3} {
			e.tell(next(x, seq, event.EventAlertAdded))
		}
		e.rests(o)
		if n := e.heldBy(o); n != 1 {
			t.Fatalf("%d held", n)
		}
		e.roomy(o)
		e.service.Timers.Start()
		e.settled()
		e.rests(o)
		if n := len(o.all()); n != 2 || e.kindsOf(x.Incident.ID)["retold"] != 1 {
			t.Errorf("%d messages, events %v", n, e.kindsOf(x.Incident.ID))
		}
	})
}

// says is a run that says the same again.
type says struct {
	noRuns

	tell *event.Tell
}

func (s says) BeginOutcomes(*storage.Tx, *notify.Batch, *queue.Writes) notify.RunBatch { return s }

func (s says) Tell(id.ID, string) (*event.Tell, error) {
	one := *s.tell
	return &one, nil
}

// TestThrottledThenSentAgain: somebody sends again what was told before. That says nothing of what is held back since.
func TestThrottledThenSentAgain(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		o := narrow(t, db, "narrow", 1, time.Hour)
		o.live.Channel = naming{o}
		said := &event.Tell{}
		e := startWith(t, db, setup{runs: says{tell: said}}, o)
		x := e.fires("*")
		x.Node = "page"
		*said = *x
		first := e.tell(x)[0]
		e.rests(o)
		e.pushed(x, 2, e.another(x, "B"))
		if _, err := e.service.Resend(t.Context(), tenant, first.DeliveryID, "", "ann"); err != nil {
			t.Fatal(err)
		}
		e.rests(o)
		if got := o.named(); !slices.Equal(got, []string{"Disk full", "Disk full"}) || e.heldBy(o) != 1 {
			t.Fatalf("told %q, %d held", got, e.heldBy(o))
		}
		e.roomy(o)
		e.service.Timers.Start()
		e.settled()
		e.rests(o)
		if n := len(o.all()); n != 3 || o.named()[2] != "B Disk full" {
			t.Errorf("told %q", o.named())
		}
	})
}

// few is a desk whose subjects have two alerts of their incidents at most, the oldest.
type few struct{ desk }

func (d few) Look(tx *storage.Tx, tenant string, incident id.ID, seq int64) (*notify.Subject, error) {
	s, err := d.desk.Look(tx, tenant, incident, seq)
	if err == nil {
		slices.SortFunc(s.Alerts, func(a, b *event.Alert) int { return bytes.Compare(a.ID[:], b.ID[:]) })
		s.Alerts = s.Alerts[:min(2, len(s.Alerts))]
	}
	return s, err
}

// TestSilencedButForOneOfMany: of an incident with more alerts than are looked at all but the last are silenced. That one is told when there is room,
// and reminded of.
func TestSilencedButForOneOfMany(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		o, quiet := timed(t, db, "ops", time.Second, 0, nil), &someHush{}
		o.limit(t, db, 1, time.Hour)
		o.live.Channel = naming{o}
		quiet.only("a", "b", "c")
		e := startWith(t, db, setup{hush: quiet, incidents: few{}}, o)
		gone := e.fires("*")
		e.tell(gone)
		e.rests(o)
		run(t, db, `UPDATE incidents SET status = 'resolved' WHERE id = ?`, gone.Incident.ID)
		x := e.about()
		x.Channels = []string{"*"}
		for _, name := range []string{"a", "b", "c"} {
			e.another(x, name)
		}
		e.pushed(x, 1, e.another(x, "Z"))
		e.roomy(o)
		e.service.Timers.Start()
		testkit.Eventually(t, 20*time.Second, func() bool { return len(o.all()) == 2 }, "it is not told")
		e.rests(o)
		testkit.Eventually(t, time.Minute, func() bool {
			e.roomy(o)
			run(t, db, `UPDATE jobs SET due_at = ? WHERE kind = 'remind' AND lease_token IS NULL`, time.Now().Add(-time.Second).UTC())
			return len(o.all()) >= 3
		}, "nobody is reminded of it")
		if got := o.named()[1:3]; !slices.Equal(got, []string{"Z", "Z"}) || o.kinds()[2] != channel.KindReminder {
			t.Errorf("told %q, %v", got, o.kinds())
		}
	})
}
