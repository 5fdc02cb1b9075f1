package notify_test

import (
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

// trouble waits for what is known of a channel, or with wanted false for nothing.
func (e *engine) trouble(ch id.ID, wanted bool, is func(notify.Trouble) bool) (out notify.Trouble) {
	e.t.Helper()
	testkit.Eventually(e.t, time.Minute, func() bool {
		var rows []notify.Trouble
		if err := e.db.Read(e.t.Context()).Where("channel_id = ?", ch).Find(&rows).Error; err != nil {
			e.t.Fatal(err)
		}
		if len(rows) == 1 {
			out = rows[0]
		}
		return (len(rows) == 1) == wanted && (!wanted || is(out))
	}, "the channel's trouble is not as wanted")
	return out
}

// TestHealth: a channel that gives up a message is known to fail, by any process, until it takes one.
func TestHealth(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		bad, good := place("bad", channel.Spec{Repeatable: true}), place("good", channel.Spec{Repeatable: true})
		bad.say = func(n int, _ channel.Outgoing) channel.Result {
			if n <= 2 {
				return channel.Result{Verdict: channel.Permanent, Status: 404, Class: "http_404", Error: "receiver answered 404 Not Found"}
			}
			return channel.Result{Verdict: channel.Done, Status: 200}
		}
		e := startEngine(t, db, nil, bad, good)
		for range 2 {
			e.tell(e.about())
			e.rests(bad)
			e.rests(good)
		}
		got := e.trouble(bad.live.ID, true, func(r notify.Trouble) bool { return r.Dead == 2 })
		if got.Tries != 2 || got.TenantID != tenant || got.Error != "receiver answered 404 Not Found" || got.Until != nil || got.LastAt.Before(got.Since) {
			t.Errorf("%+v", got)
		}
		if words := got.Words(db.Now()); !strings.Contains(words, "2 tries failed since") || !strings.Contains(words, "2 messages given up") || !strings.Contains(words, "404") {
			t.Error(words)
		}
		e.trouble(good.live.ID, false, nil)
		figures := map[string]notify.ChannelFigures{}
		testkit.Eventually(t, time.Minute, func() bool {
			for _, f := range e.service.Figures() {
				figures[f.Name] = f
			}
			return figures["bad"].Failing
		}, "the figures do not say that it fails")
		if f := figures["bad"]; f.Dead != 2 || f.Attempts[channel.Permanent] != 2 || f.Attempts[channel.Done] != 0 || f.Open {
			t.Errorf("bad: %+v", f)
		}
		if f := figures["good"]; f.Dead != 0 || f.Attempts[channel.Done] != 2 || f.Failing || f.Open {
			t.Errorf("good: %+v", f)
		}
		e.tell(e.about())
		e.rests(bad)
		e.trouble(bad.live.ID, false, nil)
	})
}

// TestHealthOfOthers: what another process found ends with the first message that goes through here.
func TestHealthOfOthers(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		o := place("ops", channel.Spec{Repeatable: true})
		row := notify.Trouble{ChannelID: o.live.ID, TenantID: tenant, Since: db.Now(), LastAt: db.Now(), Tries: 5, Error: "refused"}
		if err := db.From(t.Context()).Create(&row).Error; err != nil {
			t.Fatal(err)
		}
		e := startEngine(t, db, nil, o)
		testkit.Eventually(t, time.Minute, func() bool { return e.service.Figures()[0].Failing }, "it does not hear of the others")
		e.tell(e.about())
		e.rests(o)
		e.trouble(o.live.ID, false, nil)
	})
}

// TestLeftAlone: what waits for a channel that is left alone says until when, and why.
func TestLeftAlone(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		o := place("ops", channel.Spec{Repeatable: true})
		o.say = func(int, channel.Outgoing) channel.Result {
			return channel.Result{Verdict: channel.Retry, Status: 503, Class: "http_503", Error: "receiver answered 503", RetryAfter: time.Hour / 4}
		}
		e := startEngine(t, db, nil, o)
		for range 5 {
			e.tell(e.about())
		}
		got := e.trouble(o.live.ID, true, func(r notify.Trouble) bool { return r.Until != nil && r.Tries >= 5 })
		if got.Dead != 0 || !got.LeftAlone(db.Now()) {
			t.Errorf("%+v", got)
		}
		told := e.tell(e.about())
		d, err := reader(t, db).Delivery(t.Context(), tenant, told[0].DeliveryID)
		if err != nil || d.State != event.StatePending || d.AttemptCount != 0 || !strings.Contains(d.Waits, "left alone until") || !strings.Contains(d.Waits, "503") {
			t.Errorf("%q of %+v, %v", d.Waits, d.DeliveryView, err)
		}
		list, err := reader(t, db).Deliveries(t.Context(), tenant, notify.DeliveryFilter{States: []string{event.StatePending}}, storage.Paging{})
		if err != nil || len(list.Items) != 6 || list.Items[0].Waits == "" {
			t.Errorf("%+v, %v", list, err)
		}
		if f := e.service.Figures(); len(f) != 1 || !f[0].Open || f[0].Attempts[channel.Retry] < 5 {
			t.Errorf("%+v", f)
		}
	})
}

// TestStanding: how channels stand is on each of them, who falls back on whom too, and a change of settings begins anew.
func TestStanding(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		s := channels(t, db)
		phone := create(t, s, generic("phone", `{"endpoint":"https://phone.example/x"}`))
		for _, name := range []string{"ops", "dev"} {
			in := generic(name, `{"endpoint":"https://ops.example/x"}`)
			in.Fallback = "phone"
			create(t, s, in)
		}
		if muted := create(t, s, generic("muted", `{}`)); muted.State != notify.ChannelOff || !strings.Contains(muted.Why, "nothing is sent") {
			t.Errorf("%+v", muted.Standing)
		}
		row := notify.Trouble{ChannelID: phone.ID, TenantID: tenant, Since: db.Now(), LastAt: db.Now(), Tries: 7, Dead: 1, Error: "refused"}
		if err := db.From(t.Context()).Create(&row).Error; err != nil {
			t.Fatal(err)
		}
		failing, err := s.Failing(t.Context(), tenant)
		if err != nil || len(failing) != 1 || failing[0].Name != "phone" || !strings.Contains(failing[0].Why, "refused") {
			t.Errorf("%+v, %v", failing, err)
		}
		if others, err := s.Failing(t.Context(), "other"); err != nil || len(others) != 0 {
			t.Errorf("another tenant's: %+v, %v", others, err)
		}
		list, err := s.List(t.Context(), tenant)
		if err != nil {
			t.Fatal(err)
		}
		states := map[string]string{}
		for _, c := range list {
			states[c.Name] = c.State
		}
		if states["phone"] != notify.ChannelFailing || states["ops"] != notify.ChannelActive || states["muted"] != notify.ChannelOff {
			t.Errorf("%v", states)
		}
		in := notify.InputOf(phone)
		in.Description = "on call"
		if c, err := s.Update(t.Context(), tenant, "phone", 0, in); err != nil || c.State != notify.ChannelFailing || len(c.Warnings()) != 0 {
			t.Errorf("a new description: %+v, %v", c.Standing, err)
		}
		in.IsActive = false
		off, err := s.Update(t.Context(), tenant, "phone", 0, in)
		if err != nil || off.State != notify.ChannelInactive || len(off.Warnings()) != 1 || !strings.Contains(off.Warnings()[0], `"dev" and "ops" fall back on it`) {
			t.Errorf("switched off: %v %+v, %v", off.Warnings(), off.Standing, err)
		}
		in.IsActive, in.Config = true, []byte(`{"endpoint":"https://phone.example/y"}`)
		if c, err := s.Update(t.Context(), tenant, "phone", 0, in); err != nil || c.State != notify.ChannelActive || c.Trouble != nil {
			t.Errorf("new settings: %+v, %v", c.Standing, err)
		}
	})
}

// TestDeletedChannel: the log keeps the name.
func TestDeletedChannel(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		s, admin, reload := byHand(t, db)
		box := newMailbox(t)
		create(t, admin, generic("ops", `{"endpoint":"`+box.URL+`"}`))
		reload()
		got, err := s.Hand.Test(t.Context(), tenant, "ops")
		if err != nil {
			t.Fatal(err)
		}
		if d := recorded(t, db, got.DeliveryID); d.ChannelName != "ops" || d.ChannelGone || d.To() != "ops" {
			t.Errorf("%+v", d.DeliveryView)
		}
		for range 2 { // made again under the name, and deleted again
			if err := admin.Delete(t.Context(), tenant, "ops"); err != nil {
				t.Fatal(err)
			}
			if d := recorded(t, db, got.DeliveryID); d.ChannelName != "ops" || !d.ChannelGone || d.To() != "ops (deleted)" || d.Driver != "generic" {
				t.Errorf("%+v", d.DeliveryView)
			}
			create(t, admin, generic("ops", `{"endpoint":"`+box.URL+`"}`))
		}
		sent, err := s.Hand.Send(t.Context(), tenant, notify.SendInput{Title: "a", Message: "b", Target: "generic", Config: []byte(`{"endpoint":"` + box.URL + `"}`)})
		if err != nil {
			t.Fatal(err)
		}
		if d := recorded(t, db, sent.DeliveryID); d.To() != "by hand: generic" || d.ChannelGone {
			t.Errorf("%+v", d.DeliveryView)
		}
	})
}
