package notify_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

// TestChannelOff: what a channel swallows by its own settings is held back in the books, nobody counts as told by it, and whoever is told
// beside it is told.
func TestChannelOff(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		off, on := place("off", channel.Spec{Repeatable: true}), place("on", channel.Spec{Repeatable: true})
		off.live.Off = "its settings say disabled"
		e := startEngine(t, db, nil, off, on)
		told := e.about()
		e.tell(told)
		held := row{Kind: "firing", State: event.StateSuppressed, Reason: event.ReasonChannelOff, Detail: "its settings say disabled"}
		if diff := cmp.Diff([]row{held}, e.rests(off)); diff != "" {
			t.Errorf("off (-want +got):\n%s", diff)
		}
		if got := e.rests(on); len(got) != 1 || got[0].State != event.StateDelivered {
			t.Errorf("on: %+v", got)
		}
		// Its end goes to whom the beginning went.
		end := next(told, 2, event.EventResolved)
		end.Incident.Status = event.IncidentResolved
		e.in(func(tx *storage.Tx, b *notify.Batch) error {
			b.WantIncidents([]id.ID{end.Incident.ID}, []id.ID{end.Incident.ID})
			if err := tx.Flush(); err != nil {
				return err
			}
			if n := b.Resolve(end, nil); n != 1 {
				t.Errorf("%d channels are told the end", n)
			}
			return nil
		})
		if got := e.rests(off); len(got) != 1 || len(off.all()) != 0 {
			t.Errorf("off was told something: %+v, %v", got, off.all())
		}
		if got := e.rests(on); len(got) != 2 || got[1].Kind != "resolved" || got[1].State != event.StateDelivered {
			t.Errorf("on: %+v", got)
		}
		// A channel that was told before it was switched off is not told the end, and the books say why.
		later := e.about()
		off.live.Off = ""
		e.tell(later)
		e.rests(off)
		off.live.Off = "it has no settings"
		end = next(later, 2, event.EventResolved)
		end.Incident.Status = event.IncidentResolved
		e.in(func(tx *storage.Tx, b *notify.Batch) error {
			b.WantIncidents([]id.ID{end.Incident.ID}, []id.ID{end.Incident.ID})
			if err := tx.Flush(); err != nil {
				return err
			}
			b.Resolve(end, nil)
			return nil
		})
		got := e.rests(off)
		if last := got[len(got)-1]; last.Kind != "resolved" || last.State != event.StateSuppressed || last.Reason != event.ReasonChannelOff {
			t.Errorf("the end after it was switched off: %+v", last)
		}
		if n := len(off.all()); n != 1 {
			t.Errorf("%d messages", n)
		}
	})
}

// TestChannelOffWhileItWaits: what waits for a channel that is switched off meanwhile is held back, and does not die.
func TestChannelOffWhileItWaits(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		o := place("ops", channel.Spec{Repeatable: true})
		o.say = func(int, channel.Outgoing) channel.Result {
			r := unsure()
			o.live.Off = "its settings say disabled"
			return r
		}
		e := startEngine(t, db, nil, o)
		e.tell(e.about())
		got := e.rests(o)
		if len(got) != 1 || got[0].State != event.StateSuppressed || got[0].Reason != event.ReasonChannelOff || len(o.all()) != 1 {
			t.Errorf("%+v after %d messages", got, len(o.all()))
		}
	})
}

// TestHandOff: by hand, too, nothing is sent and nothing is said to have been.
func TestHandOff(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		s, admin, reload := byHand(t, db)
		box := newMailbox(t)
		create(t, admin, generic("empty", `{}`))
		create(t, admin, generic("muted", `{"endpoint":"`+box.URL+`","disabled":true}`))
		reload()
		for name, words := range map[string]string{"empty": "no settings", "muted": "say disabled"} {
			tested, err := s.Hand.Test(t.Context(), tenant, name)
			if err != nil {
				t.Fatal(err)
			}
			sent, err := s.Hand.Send(t.Context(), tenant, notify.SendInput{Title: "a", Message: "b", Target: name})
			if err != nil {
				t.Fatal(err)
			}
			for what, got := range map[string]notify.SendResult{"test": tested, "send": sent} {
				if got.Success || !strings.Contains(got.Off, words) || got.Error != "nothing is sent: "+got.Off || notify.Advice(got.Result) == "" {
					t.Errorf("%s of %s: %+v", what, name, got)
				}
				d := recorded(t, db, got.DeliveryID)
				if d.State != event.StateSuppressed || d.Reason != event.ReasonChannelOff || d.Detail != got.Off || d.AttemptCount != 0 || len(d.Attempts) != 0 || d.FinishedAt == nil {
					t.Errorf("%s of %s: %+v", what, name, d.DeliveryView)
				}
			}
		}
		byDriver, err := s.Hand.Send(t.Context(), tenant, notify.SendInput{Title: "a", Message: "b", Target: "generic"})
		if err != nil || byDriver.Success || byDriver.Off == "" {
			t.Errorf("a driver without settings: %+v, %v", byDriver, err)
		}
		if n := len(box.all()); n != 0 {
			t.Errorf("%d calls", n)
		}
		if n := count(t, db, "SELECT count(*) FROM jobs"); n != 0 {
			t.Errorf("%d jobs are left", n)
		}
		// Nobody falls back on it, and nothing is sent again by it.
		in := generic("ops", `{"endpoint":"`+box.URL+`"}`)
		in.Fallback = "muted"
		if _, err := admin.Create(t.Context(), tenant, in); len(fieldsOf(err)) != 1 || !strings.Contains(err.Error(), "sends nothing") {
			t.Errorf("as a fallback: %v", err)
		}
		if _, err := s.Resend(t.Context(), tenant, id.New(), "muted", "ann"); !errors.Is(err, event.ErrRefused) || !strings.Contains(err.Error(), "sends nothing") {
			t.Errorf("to send again: %v", err)
		}
	})
}
