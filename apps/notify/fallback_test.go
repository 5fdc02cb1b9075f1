package notify_test

import (
	"slices"
	"strings"
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

// gone is a receiver that will never take it.
func gone(int, channel.Outgoing) channel.Result {
	return channel.Result{Verdict: channel.Permanent, Status: 404, Class: "http_404", Error: "not found"}
}

// away is one that does not answer.
func away(int, channel.Outgoing) channel.Result {
	return channel.Result{Verdict: channel.Retry, Class: "refused", Error: "refused", RetryAfter: 30 * time.Minute}
}

// bodies are the messages so far, as text.
func (o *outlet) bodies() []string {
	var out []string
	for _, m := range o.all() {
		out = append(out, string(m.Body))
	}
	return out
}

// TestFallback: what a channel cannot be told is told to the one that it falls back on, under the same event, with the reason.
func TestFallback(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		phone := timed(t, db, "phone", 0, 0, nil)
		ops := timed(t, db, "ops", 0, 0, phone)
		ops.say = gone
		e, _ := clocked(t, db, nil, ops, phone), clocked(t, db, nil, ops, phone)
		x := e.fires("ops")
		told := e.tell(x)
		testkit.Eventually(t, time.Minute, func() bool { return len(phone.all()) == 1 }, "nobody is told instead")
		r := e.rests(phone)
		if len(r) != 1 || r[0].Kind != "firing" || r[0].State != event.StateDelivered || r[0].Cause != "fallback" {
			t.Errorf("%+v", r)
		}
		if body := phone.bodies()[0]; !strings.Contains(body, `channel \"ops\" could not be told: it answered 404 (not found).`) || !strings.Contains(body, "Disk full") {
			t.Errorf("it says %s", body)
		}
		if key := phone.all()[0].IdemKey; key != x.Incident.ID.String()+":1:0:"+phone.live.ID.String() {
			t.Errorf("key %s", key)
		}
		if got := e.instead(told[0].DeliveryID); got.IsZero() {
			t.Error("the dead delivery does not say what was told instead")
		}
		if n := e.jobs(notify.JobFallback); n != 0 {
			t.Errorf("%d jobs are left", n)
		}
		if n := len(ops.all()); n != 1 {
			t.Errorf("%d attempts of what is gone", n)
		}
	})
}

// instead is what tells another channel what a delivery did not.
func (e *engine) instead(delivery id.ID) id.ID {
	e.t.Helper()
	var row struct{ InsteadID id.ID }
	if err := e.db.Read(e.t.Context()).Raw(`SELECT instead_id FROM deliveries WHERE id = ?`, delivery).Scan(&row).Error; err != nil {
		e.t.Fatal(err)
	}
	return row.InsteadID
}

// TestFallbackAfter: a delivery that takes too long is told elsewhere, and goes on; one that arrives in time is not.
func TestFallbackAfter(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		phone := timed(t, db, "phone", 0, 0, nil)
		slow, fine := timed(t, db, "slow", 0, time.Second, phone), timed(t, db, "fine", 0, time.Hour, phone)
		slow.say = away
		e := clocked(t, db, nil, slow, fine, phone)
		begin := time.Now()
		e.tell(e.fires("fine"))
		e.rests(fine)
		if n := e.jobs(notify.JobFallback); n != 0 {
			t.Errorf("%d jobs wait for a delivery that is over", n)
		}
		x := e.fires("slow")
		e.tell(x)
		testkit.Eventually(t, time.Minute, func() bool { return len(phone.all()) > 0 }, "nobody is told instead")
		if took := time.Since(begin); took < time.Second {
			t.Errorf("told instead after %s", took)
		}
		e.triedOnce(slow)
		if r := e.rows(slow); r[0].State != event.StatePending {
			t.Errorf("the slow one is %s", r[0].State)
		}
		if body := phone.bodies()[0]; !strings.Contains(body, `channel \"slow\" has not been reached for 1s`) {
			t.Errorf("it says %s", body)
		}
		// It dies in the end: that is no news for the phone.
		run(t, db, `UPDATE deliveries SET expires_at = ? WHERE state = 'pending'`, time.Now().Add(-time.Minute).UTC())
		run(t, db, `UPDATE jobs SET due_at = ? WHERE kind = 'deliver'`, time.Now().Add(-time.Minute).UTC())
		if r := e.rests(slow); r[0].State != event.StateDead {
			t.Errorf("%+v", r)
		}
		pause(t, 200*time.Millisecond)
		if n := len(phone.all()); n != 1 || e.jobs(notify.JobFallback) != 0 {
			t.Errorf("%d messages to the phone, %d jobs", n, e.jobs(notify.JobFallback))
		}
	})
}

// TestFallbackChains: a chain goes on while there is a channel that was not told, and ends where it began.
func TestFallbackChains(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, storage.SQLite)
	a, b := timed(t, db, "a", 0, 0, nil), timed(t, db, "b", 0, 0, nil)
	c := timed(t, db, "c", 0, 0, nil)
	for _, link := range [][2]*outlet{{a, b}, {b, c}, {c, a}} {
		link[0].live.Fallback = link[1].live.ID
		run(t, db, `UPDATE channels SET fallback_id = ? WHERE id = ?`, link[1].live.ID, link[0].live.ID)
	}
	a.say, b.say, c.say = gone, gone, gone
	e := clocked(t, db, nil, a, b, c)
	e.tell(e.fires("a"))
	for _, o := range []*outlet{a, b, c} {
		testkit.Eventually(t, time.Minute, func() bool { return len(o.all()) == 1 }, "the chain breaks off")
		if r := e.rests(o); len(r) != 1 || r[0].State != event.StateDead {
			t.Errorf("%s: %+v", o.live.Name, r)
		}
	}
	testkit.Eventually(t, time.Minute, func() bool { return e.jobs(notify.JobFallback) == 0 }, "the chain has no end")
	if n := len(a.all()) + len(b.all()) + len(c.all()); n != 3 {
		t.Errorf("%d attempts", n)
	}
}

// TestFallbackJoins: the other channel hears of an event once, whoever asks for it.
func TestFallbackJoins(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		phone := timed(t, db, "phone", 0, 0, nil)
		ops, dev := timed(t, db, "ops", 0, 0, phone), timed(t, db, "dev", 0, 0, phone)
		ops.say, dev.say = gone, gone
		e := clocked(t, db, nil, ops, dev, phone)
		told := e.tell(e.fires("*"))
		for _, o := range []*outlet{ops, dev, phone} {
			e.rests(o)
		}
		testkit.Eventually(t, time.Minute, func() bool { return e.jobs(notify.JobFallback) == 0 }, "jobs are left")
		if n := len(phone.all()); n != 1 {
			t.Errorf("the phone was told %d times", n)
		}
		byName := map[string]id.ID{}
		for _, one := range told {
			byName[one.Channel] = one.DeliveryID
		}
		for _, name := range []string{"ops", "dev"} {
			if e.instead(byName[name]) != byName["phone"] {
				t.Errorf("%s is not taken care of by the phone's own delivery", name)
			}
		}
	})
}

// TestNoFallback: what nobody needs to hear any more, and what has nowhere to go, is not told elsewhere.
func TestNoFallback(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		kind   event.EventKind
		before string
	}{
		"an end":             {event.EventResolved, ""},
		"the other is off":   {event.EventOpened, `UPDATE channels SET is_active = false WHERE name = ?`},
		"the other is gone":  {event.EventOpened, `DELETE FROM channels WHERE name = ?`},
		"the incident ended": {event.EventOpened, ""},
		"somebody took it":   {event.EventOpened, ""},
		"no other any more":  {event.EventOpened, `UPDATE channels SET fallback_id = NULL WHERE name <> ?`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := dbtest.Open(t, storage.SQLite)
			phone := timed(t, db, "phone of "+name, 0, 0, nil)
			ops := timed(t, db, name, 0, 0, phone)
			ops.say = gone
			known := []*outlet{ops, phone}
			if tt.before != "" {
				run(t, db, tt.before, "phone of "+name)
			}
			if slices.Contains([]string{"the other is off", "the other is gone"}, name) {
				known = known[:1]
			}
			e := clocked(t, db, nil, known...)
			x := e.fires(name)
			x.Event = tt.kind
			if status := map[string]string{"the incident ended": "resolved", "somebody took it": "acknowledged"}[name]; status != "" {
				run(t, db, `UPDATE incidents SET status = ? WHERE id = ?`, status, x.Incident.ID)
			}
			e.tell(x)
			e.rests(ops)
			testkit.Eventually(t, time.Minute, func() bool { return e.jobs(notify.JobFallback) == 0 }, "a job is left")
			if n := len(phone.all()) + len(e.rows(phone)); n != 0 {
				t.Errorf("told %v, %+v", phone.kinds(), e.rows(phone))
			}
			e.stop()
		})
	}
}

// TestWorstOfReplaced: a dead delivery counts as what another channel was told instead.
func TestWorstOfReplaced(t *testing.T) {
	t.Parallel()
	a, b, c := id.New(), id.New(), id.New()
	dead := func(i, to id.ID) event.Told {
		return event.Told{DeliveryID: i, Status: event.StateDead, Reason: "http_404", Instead: to}
	}
	is := func(i id.ID, state string) event.Told { return event.Told{DeliveryID: i, Status: state} }
	owed := dead(a, id.ID{})
	owed.Owed = true
	for name, tt := range map[string]struct {
		told []event.Told
		want string
	}{
		"told instead":          {[]event.Told{dead(a, b), is(b, event.StateDelivered)}, "delivered"},
		"about to be":           {[]event.Told{owed}, "pending"},
		"on its way instead":    {[]event.Told{dead(a, b), is(b, event.StateSending)}, "pending"},
		"neither":               {[]event.Told{dead(a, b), dead(b, id.ID{})}, "dead http_404"},
		"held back instead":     {[]event.Told{dead(a, b), is(b, event.StateSuppressed)}, "dead http_404"},
		"by two steps":          {[]event.Told{dead(a, b), dead(b, c), is(c, event.StateDelivered)}, "delivered"},
		"in a circle":           {[]event.Told{dead(a, b), dead(b, a)}, "dead http_404"},
		"another one is dead":   {[]event.Told{dead(a, b), is(b, event.StateDelivered), dead(c, id.ID{})}, "dead http_404"},
		"nobody knows instead":  {[]event.Told{dead(a, b)}, "dead http_404"},
		"nothing has gone awry": {[]event.Told{is(a, event.StateDelivered)}, "delivered"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			state, reason := event.Worst(tt.told)
			if diff := cmp.Diff(tt.want, strings.TrimSpace(state+" "+reason)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
