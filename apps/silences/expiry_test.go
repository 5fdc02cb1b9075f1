package silences_test

import (
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/silences"
)

func TestTimeDecides(t *testing.T) {
	t.Parallel()
	w, c := manual(t)
	s := w.make(t, silences.Input{StartsAt: c.Now().Add(time.Minute), Duration: time.Hour, Comment: "new disks"})
	step := func(d time.Duration, want silences.Status, detail string) {
		t.Helper()
		c.Advance(d)
		if got := w.status(t, s); got != want {
			t.Errorf("it is %s, want %s", got, want)
		}
		if got := w.silenced(); got != detail {
			t.Errorf("silenced: %q, want %q", got, detail)
		}
	}
	step(0, "pending", "")
	step(59*time.Second, "pending", "")
	words := "silenced by ada until 2026-11-21 13:01:00Z: new disks"
	step(time.Second, "active", words)
	if end := w.live.End(c.Now()); !end.Equal(s.EndsAt) {
		t.Errorf("the next end is at %s", end)
	}
	step(time.Hour-time.Microsecond, "active", words)
	step(time.Microsecond, "expired", "")
	w.sweep(t, c, 0, 1)
	if got, _ := w.Get(t.Context(), tenant, s.ID); !got.ExpiredAt.Equal(s.EndsAt) || got.ExpiredBy != "" {
		t.Errorf("ended %+v", got)
	}

	c.Set(time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC))
	s = w.make(t, silences.Input{Kind: silences.KindMaintenance, EndsAt: c.Now().AddDate(0, 0, 20), Recurrence: &silences.Recurrence{RRule: "FREQ=WEEKLY;BYHOUR=2;BYMINUTE=0", Duration: "1h"}})
	step(0, "pending", "")
	step(2*time.Hour, "active", "in a maintenance window by ada until 2026-11-22 03:00:00Z")
	step(time.Hour, "pending", "")
	step(7*24*time.Hour-time.Hour, "active", "in a maintenance window by ada until 2026-11-29 03:00:00Z")
	w.sweep(t, c, 0, 0)
	step(14*24*time.Hour, "expired", "")
}

// TestStartOfRules: an hour that is named begins in full, unless a start says otherwise.
func TestStartOfRules(t *testing.T) {
	t.Parallel()
	w, c := manual(t)
	c.Advance(34*time.Minute + 56*time.Second + 789*time.Millisecond)
	for name, tt := range map[string]struct {
		rule, zone string
		starts     time.Duration // before now
		want       string        // of the next window
	}{
		"an hour":            {"FREQ=DAILY;BYHOUR=2", "", 0, "2026-11-22T02:00:00Z"},
		"of another zone":    {"FREQ=DAILY;BYHOUR=2", "Asia/Kathmandu", 0, "2026-11-21T20:15:00Z"},
		"with a start":       {"FREQ=DAILY;BYHOUR=2", "", time.Hour, "2026-11-22T02:34:56Z"},
		"an hour and minute": {"FREQ=DAILY;BYHOUR=2;BYMINUTE=5", "", time.Hour, "2026-11-22T02:05:00Z"},
		"from now on":        {"FREQ=DAILY", "", 0, ""},
	} {
		in := silences.Input{Recurrence: &silences.Recurrence{RRule: tt.rule, Duration: "30m", Timezone: tt.zone}}
		if tt.starts != 0 {
			in.StartsAt = c.Now().Add(-tt.starts)
		}
		s := w.make(t, in)
		got := ""
		if !s.Next.IsZero() {
			got = s.Next.UTC().Format(time.RFC3339)
		}
		if got != tt.want {
			t.Errorf("%s: begins %q, want %q", name, got, tt.want)
		}
	}
}

func TestUntilResolved(t *testing.T) {
	t.Parallel()
	w, c := manual(t)
	s := w.make(t, silences.Input{UntilResolved: true})
	w.sweep(t, c, time.Second, 0) // nothing has fired yet
	w.firing = []*event.Alert{alert("Memory"), alert("Disk")}
	w.sweep(t, c, time.Second, 0)
	w.sweep(t, c, time.Second, 0)
	w.firing = w.firing[:1]
	moved := w.moved
	w.sweep(t, c, time.Second, 1)
	if w.status(t, s) != silences.Expired || w.silenced() != "" || w.moved == moved {
		t.Errorf("it is %s, silenced %q", w.status(t, s), w.silenced())
	}
	// What fires when it is made counts, though it ends before anybody looks.
	w.firing = []*event.Alert{alert("Disk")}
	s = w.make(t, silences.Input{UntilResolved: true, Duration: time.Hour})
	w.firing = nil
	w.sweep(t, c, time.Second, 1)
	if w.status(t, s) != silences.Expired {
		t.Error("it goes on")
	}
}

// TestChangedEnds: what a silence matched before it was changed does not end it.
func TestChangedEnds(t *testing.T) {
	t.Parallel()
	w, c := manual(t)
	change := func(s silences.Silence, how func(*silences.Input)) silences.Silence {
		t.Helper()
		in := silences.InputOf(s)
		how(&in)
		next, err := w.Update(t.Context(), tenant, s.ID, 0, in, "ada")
		if err != nil {
			t.Fatal(err)
		}
		return next
	}
	w.firing = []*event.Alert{alert("Disk")}
	s := w.make(t, silences.Input{UntilResolved: true})
	s = change(s, func(in *silences.Input) { in.Matchers = []string{"alertname=Memory"} })
	w.sweep(t, c, time.Second, 0) // no memory has fired yet
	s = change(s, func(in *silences.Input) { in.UnusedFor = time.Hour })
	w.firing = nil
	w.sweep(t, c, 59*time.Minute, 0)
	s = change(s, func(in *silences.Input) { in.Comment = "a moment more" })
	w.sweep(t, c, 59*time.Minute, 0)
	w.sweep(t, c, time.Minute, 1)
	if w.status(t, s) != silences.Expired {
		t.Error("it goes on")
	}
}

func TestUnusedFor(t *testing.T) {
	t.Parallel()
	w, c := manual(t)
	s := w.make(t, silences.Input{UnusedFor: time.Hour})
	w.sweep(t, c, 59*time.Minute, 0)
	w.firing = []*event.Alert{alert("Disk")}
	w.sweep(t, c, 30*time.Second, 0)
	w.sweep(t, c, 2*time.Hour, 0)
	w.firing = nil
	w.sweep(t, c, 59*time.Minute, 0)
	w.sweep(t, c, time.Minute, 1)
	if w.status(t, s) != silences.Expired || w.silenced() != "" {
		t.Error("it goes on")
	}
}
