package notify_test

import (
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

// stored is a place whose channel was made by the service, and may be changed there.
func stored(t *testing.T, s *notify.ChannelService, name, fallback string, after time.Duration) *outlet {
	t.Helper()
	in := generic(name, `{"endpoint":"https://a.example"}`)
	in.Fallback, in.FallbackAfter = fallback, after
	c := create(t, s, in)
	o := place(name, channel.Spec{Repeatable: true})
	o.live.ID, o.live.Fallback, o.live.FallbackAfter = c.ID, c.FallbackID, after
	return o
}

// impatient changes the fallback of a stored channel.
func impatient(t *testing.T, s *notify.ChannelService, name, fallback string, after time.Duration) {
	t.Helper()
	c, err := s.Get(t.Context(), tenant, name)
	if err != nil {
		t.Fatal(err)
	}
	in := notify.InputOf(c)
	in.Fallback, in.FallbackAfter = fallback, after
	if _, err := s.Update(t.Context(), tenant, name, 0, in); err != nil {
		t.Fatal(err)
	}
}

// TestFallbackChanges: another time, another channel, or none, count for what waits already.
func TestFallbackChanges(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		s := channels(t, db)
		phone, pager := stored(t, s, "phone", "", 0), stored(t, s, "pager", "", 0)
		// What each wants when the incident begins; half an hour later they want something else.
		early, none, dead := stored(t, s, "early", "phone", 4*time.Hour), stored(t, s, "none", "", 0), stored(t, s, "dead", "phone", 0)
		other, late, never := stored(t, s, "other", "phone", 4*time.Hour), stored(t, s, "late", "phone", time.Hour), stored(t, s, "never", "phone", time.Hour)
		all := []*outlet{early, none, dead, other, late, never}
		for _, o := range all {
			o.say = away
		}
		e := startEngine(t, db, nil, append(all, phone, pager)...)
		x := e.fires("early", "none", "dead", "other", "late", "never")
		told := map[string]id.ID{}
		for _, one := range e.tell(x) {
			told[one.Channel] = one.DeliveryID
		}
		for _, o := range all {
			e.triedOnce(o)
		}
		run(t, db, `UPDATE deliveries SET created_at = ?`, time.Now().Add(-30*time.Minute).UTC())
		if n := e.jobs(notify.JobFallback); n != 4 {
			t.Errorf("%d of six wait for another channel, want four", n)
		}
		impatient(t, s, "early", "phone", 10*time.Minute)
		impatient(t, s, "none", "phone", 10*time.Minute)
		impatient(t, s, "dead", "phone", time.Minute)
		impatient(t, s, "other", "pager", 10*time.Minute)
		impatient(t, s, "late", "phone", 4*time.Hour)
		impatient(t, s, "never", "", 0)
		if n := e.jobs("after"); n != 5 {
			t.Errorf("%d channels are looked at, want five", n)
		}
		e.service.Timers.Start()
		has := func(names ...string) bool {
			for _, name := range names {
				if e.instead(told[name]).IsZero() {
					return false
				}
			}
			return true
		}
		testkit.Eventually(t, time.Minute, func() bool { return has("early", "none", "dead", "other") && e.jobs("after") == 0 }, "nobody is told instead")
		e.rests(phone)
		e.rests(pager)
		if has("late") || has("never") || len(phone.all()) != 1 || len(pager.all()) != 1 {
			t.Errorf("the phone heard %d, the pager %d; late %v, never %v", len(phone.all()), len(pager.all()), has("late"), has("never"))
		}
		if body := pager.bodies()[0]; !strings.Contains(body, `channel \"other\" has not been reached for 10`) {
			t.Errorf("the pager says %s", body)
		}
		// The next time that the clock looks one waits on, and the other has nobody to wait for.
		run(t, db, `UPDATE jobs SET due_at = ? WHERE kind = 'fallback'`, time.Now().Add(-time.Second).UTC())
		testkit.Eventually(t, time.Minute, func() bool { return e.jobs(notify.JobFallback) == 1 }, "what wants no other channel any more waits for it")
		if n := len(phone.all()) + len(pager.all()); n != 2 {
			t.Errorf("%d messages", n)
		}
	})
}

// TestFallbackChangesPages: more waits than a page has, and other channels' deliveries are left alone.
func TestFallbackChangesPages(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		s := channels(t, db)
		phone, ops, others := stored(t, s, "phone", "", 0), stored(t, s, "ops", "", 0), stored(t, s, "others", "", 0)
		const many = 1100
		made := time.Now().Add(-time.Minute).UTC()
		for i := range many {
			o := ops
			if i%2 == 1 {
				o = others
			}
			d := id.New()
			run(t, db, `INSERT INTO deliveries (id, tenant_id, idem_key, event_seq, step, channel_id, kind, severity, state, reason, trace_id, created_at, expires_at)
				VALUES (?, ?, ?, 1, 0, ?, 'firing', 'critical', 'pending', '', '', ?, ?)`, d, tenant, d.String(), o.live.ID, made, made.Add(time.Hour))
			run(t, db, `INSERT INTO jobs (kind, ref, node, tenant_id, queue, due_at, created_at) VALUES ('deliver', ?, '', ?, 'notify', ?, ?)`, d, tenant, made.Add(time.Hour), made)
		}
		impatient(t, s, "ops", "phone", 2*time.Hour)
		e := clocked(t, db, nil, ops, others, phone)
		testkit.Eventually(t, 30*time.Second, func() bool { return e.jobs("after") == 0 }, "it does not end")
		if n := e.jobs(notify.JobFallback); n != many/2 {
			t.Errorf("%d wait for the phone, want %d", n, many/2)
		}
	})
}
