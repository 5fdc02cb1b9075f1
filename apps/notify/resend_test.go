package notify_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

// TestResendDead: the same row, the same key and the same bytes go out again, with new time and new tries.
func TestResendDead(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		o := timed(t, db, "ops", 0, 0, nil)
		o.say = gone
		e := clocked(t, db, nil, o)
		told := e.tell(e.fires("*"))
		if r := e.rests(o); r[0].State != event.StateDead {
			t.Fatalf("%+v", r)
		}
		run(t, db, `UPDATE deliveries SET attempts = 20, expires_at = ? WHERE id = ?`, started, told[0].DeliveryID)
		o.mu.Lock()
		o.say = func(n int, _ channel.Outgoing) channel.Result {
			if n == 2 { // it has tries again
				return busy()
			}
			return channel.Result{Verdict: channel.Done}
		}
		o.mu.Unlock()
		sent, err := e.service.Resend(t.Context(), tenant, told[0].DeliveryID, "", "ann")
		if err != nil || sent != told[0].DeliveryID {
			t.Fatalf("%s, %v", sent, err)
		}
		r := e.rests(o)
		if len(r) != 1 || r[0].State != event.StateDelivered || r[0].Reason != "" || r[0].Attempts != 22 {
			t.Errorf("%+v", r)
		}
		all := o.all()
		if len(all) != 3 || all[1].IdemKey != all[0].IdemKey || string(all[1].Body) != string(all[0].Body) || all[1].Unknown {
			t.Errorf("sent %+v", all)
		}
	})
}

// TestResendDelivered: it is a new event, for its channel alone, or for another one.
func TestResendDelivered(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		ops, dev, late := timed(t, db, "ops", 0, 0, nil), timed(t, db, "dev", 0, 0, nil), timed(t, db, "late", 0, 0, nil)
		late.live.MinSeverity = event.SeverityCritical
		quiet := &switchHush{}
		e := clocked(t, db, quiet, ops, dev, late)
		x := e.fires("ops", "dev")
		told := e.tell(x)
		e.rests(ops)
		e.rests(dev)
		quiet.on.Store(true) // whoever sends again by hand means it
		for n, to := range []string{"", "late", late.live.ID.String()} {
			sent, err := e.service.Resend(t.Context(), tenant, told[1].DeliveryID, to, "ann")
			if err != nil || sent == told[1].DeliveryID {
				t.Fatalf("to %q: %s, %v", to, sent, err)
			}
			if got := e.kindsOf(x.Incident.ID)["retold"]; got != n+1 {
				t.Errorf("%d events after %d", got, n+1)
			}
		}
		of := map[string]*outlet{"ops": ops, "dev": dev, "late": late}
		want := map[string]int{"ops": 1, "dev": 1, "late": 2}
		want[told[1].Channel]++
		for name, o := range of {
			for _, r := range e.rests(o)[1:] {
				if r.Cause != "resend" || r.State != event.StateDelivered {
					t.Errorf("%s: %+v", name, r)
				}
			}
			if got := len(o.all()); got != want[name] {
				t.Errorf("%s got %d messages, want %d", name, got, want[name])
			}
		}
	})
}

// TestResendElsewhere: what is dead is told to another channel under the same event, once.
func TestResendElsewhere(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		ops, dev := timed(t, db, "ops", 0, 0, nil), timed(t, db, "dev", 0, 0, nil)
		ops.say = gone
		e := clocked(t, db, nil, ops, dev)
		x := e.fires("ops")
		told := e.tell(x)
		e.rests(ops)
		sent, err := e.service.Resend(t.Context(), tenant, told[0].DeliveryID, "dev", "ann")
		if err != nil || e.instead(told[0].DeliveryID) != sent {
			t.Fatalf("%s, %v", sent, err)
		}
		if r := e.rests(dev); len(r) != 1 || r[0].State != event.StateDelivered || r[0].Cause != "resend" {
			t.Errorf("%+v", r)
		}
		if m := dev.all()[0]; m.IdemKey != x.Incident.ID.String()+":1:0:"+dev.live.ID.String() || !strings.Contains(string(m.Body), "Sent by ann.") {
			t.Errorf("sent %+v: %s", m, m.Body)
		}
		_, err = e.service.Resend(t.Context(), tenant, told[0].DeliveryID, "dev", "ann")
		if !errors.Is(err, event.ErrRefused) || !strings.Contains(err.Error(), "send that one again") {
			t.Errorf("once more: %v", err)
		}
		if n := e.kindsOf(x.Incident.ID)["retold"]; n != 0 || len(dev.all()) != 1 {
			t.Errorf("%d events, %d messages", n, len(dev.all()))
		}
	})
}

// TestResendRefused: each refusal says what to do.
func TestResendRefused(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, storage.SQLite)
	ops, off := timed(t, db, "ops", 0, 0, nil), timed(t, db, "off", 0, 0, nil)
	run(t, db, `UPDATE channels SET is_active = false WHERE name = 'off'`)
	e := clocked(t, db, nil, ops)
	x := e.fires("ops")
	told := e.tell(x)
	e.rests(ops)
	own := told[0].DeliveryID
	set := func(sql string, args ...any) func() { return func() { run(t, db, sql, args...) } }
	for _, tt := range []struct {
		name, channel string
		delivery      id.ID
		before        func()
		is            error
		says          string
	}{
		{"no such delivery", "", id.New(), nil, storage.ErrNotFound, ""},
		{"no such channel", "nowhere", own, nil, storage.ErrNotFound, ""},
		{"a channel that is off", "off", own, nil, event.ErrRefused, "activate it first"},
		{"on its way", "", own, set(`UPDATE deliveries SET state = 'pending' WHERE id = ?`, own), event.ErrRefused, "wait until"},
		{"silenced", "", own, set(`UPDATE deliveries SET state = 'suppressed', reason = 'silenced' WHERE id = ?`, own), event.ErrRefused, "end the silence"},
		{"held back", "", own, set(`UPDATE deliveries SET state = 'suppressed', reason = 'when' WHERE id = ?`, own), event.ErrRefused, "replay its run"},
		{"of a run alone", "", own, set(`UPDATE deliveries SET state = 'delivered', incident_id = NULL WHERE id = ?`, own), event.ErrRefused, "replay its run"},
		{"by hand", "", own, set(`UPDATE deliveries SET kind = 'test' WHERE id = ?`, own), event.ErrRefused, "by hand once more"},
		{"it is over", "", own, func() {
			run(t, db, `UPDATE deliveries SET kind = 'firing', state = 'dead', incident_id = ? WHERE id = ?`, x.Incident.ID, own)
			run(t, db, `UPDATE incidents SET status = 'resolved'`)
		}, event.ErrRefused, "reopen it"},
		{"it is over and was told", "", own, set(`UPDATE deliveries SET state = 'delivered' WHERE id = ?`, own), event.ErrRefused, "over"},
		{"its channel is off", "", own, func() {
			run(t, db, `UPDATE incidents SET status = 'open'`)
			run(t, db, `UPDATE deliveries SET state = 'dead', channel_id = ? WHERE id = ?`, off.live.ID, own)
		}, event.ErrRefused, "activate it, or name another channel"},
	} {
		if tt.before != nil {
			tt.before()
		}
		sent, err := e.service.Resend(t.Context(), tenant, tt.delivery, tt.channel, "ann")
		if !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.says) || !sent.IsZero() {
			t.Errorf("%s: %s, %v", tt.name, sent, err)
		}
	}
	if _, err := e.service.Resend(t.Context(), "other", own, "", "eve"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("of another tenant: %v", err)
	}
	if n := len(ops.all()); n != 1 || e.kindsOf(x.Incident.ID)["retold"] != 0 {
		t.Errorf("%d messages", n)
	}
}

// TestResendAtOnce: several people press at the same time, and it is sent once.
func TestResendAtOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		o := timed(t, db, "ops", 0, 0, nil)
		o.say = gone
		e, other := clocked(t, db, nil, o), clocked(t, db, nil, o)
		told := e.tell(e.fires("*"))
		e.rests(o)
		o.mu.Lock()
		answered := make(chan struct{}) // it is on the wire until everybody has an answer
		o.say = func(int, channel.Outgoing) channel.Result {
			<-answered
			return channel.Result{Verdict: channel.Done}
		}
		o.mu.Unlock()
		errs := make(chan error, 6)
		for n := range cap(errs) {
			by := []*engine{e, other}[n%2]
			go func() {
				_, err := by.service.Resend(t.Context(), tenant, told[0].DeliveryID, "", "ann")
				errs <- err
			}()
		}
		done := 0
		for range cap(errs) {
			if err := <-errs; err == nil {
				done++
			} else if !errors.Is(err, event.ErrRefused) {
				t.Error(err)
			}
		}
		close(answered)
		e.rests(o)
		if diff := cmp.Diff([]int{1, 2}, []int{done, len(o.all())}); diff != "" {
			t.Errorf("accepted and sent (-want +got):\n%s", diff)
		}
		testkit.Eventually(t, time.Minute, func() bool { return e.rows(o)[0].State == event.StateDelivered }, "it is not over")
	})
}
