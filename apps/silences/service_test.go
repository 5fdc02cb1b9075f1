package silences_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/silences"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

func TestStoredSilences(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		s := w.make(t, silences.Input{Duration: time.Hour, Comment: " why\x00\x1b ", Name: "weekly"})
		if s.Status != silences.Active || s.CreatedBy != "ada" || s.Comment != "why" || s.Version != 1 || s.EndsAt.Sub(s.StartsAt) != time.Hour || s.Kind != "silence" {
			t.Errorf("made %+v", s)
		}
		if w.silenced() == "" || w.moved != 1 {
			t.Errorf("silenced %q after %d changes", w.silenced(), w.moved)
		}
		if got := w.live.Silenced("other", alert("Disk"), db.Now()); !got.By.IsZero() {
			t.Error("another tenant's silence counts")
		}
		if _, err := w.Create(ctx, tenant, silences.Input{Matchers: []string{"a=b"}, Duration: time.Hour, Name: "weekly"}, "bob"); !errors.Is(err, silences.ErrExists) {
			t.Errorf("the same name: %v", err)
		}
		in := silences.InputOf(s)
		in.Matchers = []string{"alertname=Memory"}
		next, err := w.Update(ctx, tenant, s.ID, s.Version, in, "bob")
		if err != nil || next.Version != 2 || next.CreatedBy != "ada" || w.silenced() != "" {
			t.Errorf("changed: %+v, %v, %q", next, err, w.silenced())
		}
		if _, err := w.Update(ctx, tenant, s.ID, 1, in, "bob"); !errors.Is(err, silences.ErrConflict) {
			t.Errorf("an old version: %v", err)
		}
		if _, err := w.Get(ctx, "other", s.ID); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("another tenant's: %v", err)
		}
		over, err := w.Expire(ctx, tenant, s.ID, "eve")
		if err != nil || over.Status != silences.Expired || over.ExpiredBy != "eve" || over.ExpiredAt.IsZero() {
			t.Errorf("ended: %+v, %v", over, err)
		}
		if again, err := w.Expire(ctx, tenant, s.ID, "bob"); err != nil || again.ExpiredBy != "eve" {
			t.Errorf("ended again: %+v, %v", again, err)
		}
		if _, err := w.Update(ctx, tenant, s.ID, 0, in, "bob"); !errors.Is(err, event.ErrRefused) {
			t.Errorf("changed after its end: %v", err)
		}
		w.make(t, silences.Input{Duration: time.Hour, Name: "weekly"})
		w.make(t, silences.Input{StartsAt: db.Now().Add(time.Hour), Duration: time.Hour, Kind: silences.KindMaintenance, Comment: "new disks", Matchers: []string{`path=~"/<a>\d+"`}})
		for name, tt := range map[string]struct {
			f    silences.Filter
			want []silences.Status
		}{
			"all":     {silences.Filter{}, []silences.Status{"pending", "active", "expired"}},
			"live":    {silences.Filter{Statuses: []silences.Status{"pending", "active"}}, []silences.Status{"pending", "active"}},
			"expired": {silences.Filter{Statuses: []silences.Status{"expired"}}, []silences.Status{"expired"}},
			"kind":    {silences.Filter{Kind: "maintenance"}, []silences.Status{"pending"}},
			"text":    {silences.Filter{Text: "NEW disks"}, []silences.Status{"pending"}},
			"matcher": {silences.Filter{Text: `path=~"/<a>\d`}, []silences.Status{"pending"}},
			"by whom": {silences.Filter{Text: "ada"}, []silences.Status{"pending", "active", "expired"}},
		} {
			var got []silences.Status
			p := storage.Paging{Limit: 1}
			for {
				page, err := w.List(ctx, tenant, tt.f, p)
				if err != nil {
					t.Fatal(err)
				}
				for _, s := range page.Items {
					got = append(got, s.Status)
				}
				if page.NextCursor == "" {
					break
				}
				p.Before, _ = storage.ParseCursor(page.NextCursor)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
	})
}

func TestInputs(t *testing.T) {
	t.Parallel()
	w, c := manual(t)
	now := c.Now()
	for name, tt := range map[string]struct {
		in   silences.Input
		want string // field and the beginning of what is wrong, by the first
	}{
		"no end":                {silences.Input{}, "ends_at: say when it ends"},
		"no matcher":            {silences.Input{Matchers: []string{}, Duration: 1}, "matchers: give at least one"},
		"a bad one":             {silences.Input{Matchers: []string{"a=b", "c"}, Duration: 1}, "matchers.1: one of"},
		"two ends":              {silences.Input{Duration: time.Hour, EndsAt: now.Add(time.Hour)}, "duration: is given beside"},
		"over":                  {silences.Input{EndsAt: now.Add(-time.Hour), StartsAt: now.Add(-2 * time.Hour)}, "ends_at: lies in the past"},
		"backwards":             {silences.Input{EndsAt: now.Add(time.Hour), StartsAt: now.Add(2 * time.Hour)}, "ends_at: must be after"},
		"negative":              {silences.Input{Duration: -1}, "duration: must be a time like 2h or 3d, of at most five years (1830d)"},
		"for ever":              {silences.Input{Duration: 10 * 366 * 24 * time.Hour}, "duration: lies more than five"},
		"far ahead":             {silences.Input{StartsAt: now.AddDate(6, 0, 0), Duration: time.Hour}, "starts_at: lies more"},
		"unused for a moment":   {silences.Input{UnusedFor: time.Second}, "unused_for: must be from 1m"},
		"kind":                  {silences.Input{Kind: "x", Duration: time.Hour}, "kind: must be"},
		"a long comment":        {silences.Input{Comment: strings.Repeat("x", 1001), Duration: time.Hour}, "comment: has 1001"},
		"a name that ends":      {silences.Input{Name: "x", UntilResolved: true}, "name: is for"},
		"recurs and resolves":   {silences.Input{UntilResolved: true, Recurrence: &silences.Recurrence{RRule: "FREQ=DAILY", Duration: "1h"}}, "recurrence: goes with"},
		"recurs and lasts":      {silences.Input{Duration: time.Hour, Recurrence: &silences.Recurrence{RRule: "FREQ=DAILY", Duration: "1h"}}, "duration: says nothing"},
		"no window length":      {silences.Input{Recurrence: &silences.Recurrence{RRule: "FREQ=DAILY"}}, "recurrence.duration: must be from"},
		"a bad zone":            {silences.Input{Recurrence: &silences.Recurrence{RRule: "FREQ=DAILY", Duration: "1h", Timezone: "Mars"}}, "recurrence.timezone: is not known"},
		"a bad rule":            {silences.Input{Recurrence: &silences.Recurrence{RRule: "DAILY", Duration: "1h"}}, "recurrence.rrule: \"DAILY\""},
		"windows without a gap": {silences.Input{Recurrence: &silences.Recurrence{RRule: "FREQ=DAILY", Duration: "24h"}}, "recurrence.duration: is as long as"},
		"windows that are over": {
			silences.Input{StartsAt: now.AddDate(0, 0, -5), Recurrence: &silences.Recurrence{RRule: "FREQ=DAILY;COUNT=2", Duration: "1h"}}, "recurrence.rrule: has no window",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.in.Matchers == nil {
				tt.in.Matchers = []string{"a=b"}
			}
			_, err := w.Create(t.Context(), tenant, tt.in, "ada")
			bad := (*silences.Invalid)(nil)
			if !errors.As(err, &bad) {
				t.Fatalf("got %v", err)
			}
			if got := bad.Problems[0].Field + ": " + bad.Problems[0].Message; !strings.HasPrefix(got, tt.want) {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestPreview(t *testing.T) {
	t.Parallel()
	w, c := manual(t) // a Saturday, noon
	disk, memory := alert("Disk", "instance", "web-1"), alert("Memory", "instance", "web-1")
	w.firing = []*event.Alert{disk, memory, alert("Disk", "instance", "web-2")}
	say := func(ago time.Duration, channel string, alerts ...*event.Alert) {
		w.sent = append(w.sent, silences.Message{Incident: alerts[0].IncidentID, Title: alerts[0].Name, Channel: channel, At: c.Now().Add(-ago), Alerts: alerts})
	}
	say(time.Hour, "ops", disk)
	say(time.Hour, "inbox", disk)
	say(10*time.Hour, "ops", disk, memory) // at two o'clock
	say(11*time.Hour, "ops", memory)
	say(34*time.Hour, "ops", disk) // at two the day before
	say(8*24*time.Hour, "ops", disk)
	got, err := w.Preview(t.Context(), tenant, silences.Input{Matchers: []string{`alertname="Disk"`}}, id.ID{})
	if err != nil {
		t.Fatal(err)
	}
	if got.Now.Alerts != 2 || got.Now.Incidents != 2 || len(got.Now.List) != 2 || got.Now.Bounded || got.Past.Messages != 3 || got.Past.Incidents != 1 || got.Past.Looked != 5 || got.Past.Bounded {
		t.Errorf("%+v", got)
	}
	if diff := cmp.Diff([]silences.PreviewChannel{{Channel: "ops", Messages: 2}, {Channel: "inbox", Messages: 1}}, got.Past.Channels); diff != "" {
		t.Error(diff)
	}
	idle := silences.Input{Matchers: []string{`alertname=Disk`, `instance=web-9`, `job!="x"`}}
	if got, err = w.Preview(t.Context(), tenant, idle, id.ID{}); err != nil || got.Now.Alerts != 0 || !slices.Equal(got.Now.Idle, []string{`instance="web-9"`}) {
		t.Errorf("of what matches nothing: %+v, %v", got.Now, err)
	}
	in := silences.Input{Matchers: []string{`instance="web-1"`}, StartsAt: c.Now().Add(time.Hour), Recurrence: &silences.Recurrence{RRule: "FREQ=DAILY;BYHOUR=2;BYMINUTE=0", Duration: "1h"}}
	if got, err = w.Preview(t.Context(), tenant, in, id.ID{}); err != nil || got.Past.Messages != 2 || len(got.Windows) != 5 {
		t.Errorf("of windows: %+v, %v", got, err)
	}
	s := w.make(t, silences.Input{Duration: time.Hour})
	change := silences.InputOf(s)
	change.Matchers = []string{"alertname=Memory"}
	if got, err = w.Preview(t.Context(), tenant, change, s.ID); err != nil || got.Past.Messages != 1 || got.Before == nil || got.Before.PastMessages != 3 || got.Before.Alerts != 2 {
		t.Errorf("of a change: %+v, %v", got, err)
	}
	w.sent = slices.Repeat(w.sent[:1], 20_001)
	if got, err = w.Preview(t.Context(), tenant, silences.Input{Matchers: []string{"alertname=Disk"}}, id.ID{}); err != nil || !got.Past.Bounded || got.Past.Looked != 20_000 {
		t.Errorf("of too much: bounded %v, looked at %d, %v", got.Past.Bounded, got.Past.Looked, err)
	}
}
