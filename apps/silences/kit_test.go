package silences_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/silences"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

func TestMain(m *testing.M) { testkit.Main(m) }

const tenant = "default"

// world is a service over what fires and what was sent.
type world struct {
	*silences.Service

	db     *storage.DB
	live   *silences.Live
	firing []*event.Alert
	sent   []silences.Message
	moved  int
}

func newWorld(t *testing.T, db *storage.DB) *world {
	t.Helper()
	w := &world{db: db, live: silences.NewLive(db, slog.New(slog.DiscardHandler))}
	var err error
	w.Service, err = silences.New(silences.Config{
		DB: db, Log: slog.New(slog.DiscardHandler), Past: w,
		Firing: func(_ context.Context, _ string, fn func(*event.Alert) bool) error {
			for _, a := range w.firing {
				if !fn(a) {
					break
				}
			}
			return nil
		},
		Changed: func() {
			if err := w.live.Reload(context.Background()); err != nil {
				t.Error(err)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.live.OnChange(func() { w.moved++ })
	return w
}

// Messages implements silences.Past.
func (w *world) Messages(_ context.Context, _ string, since time.Time, fn func(silences.Message) bool) error {
	for _, m := range w.sent {
		if m.At.Before(since) || !fn(m) {
			break
		}
	}
	return nil
}

func alert(name string, labels ...string) *event.Alert {
	a := &event.Alert{ID: id.New(), IncidentID: id.New(), Name: name, Status: event.StatusFiring, Severity: event.SeverityWarning, Source: "test", Labels: map[string]string{}}
	for i := 0; i < len(labels); i += 2 {
		a.Labels[labels[i]] = labels[i+1]
	}
	return a
}

func (w *world) make(t *testing.T, in silences.Input) silences.Silence {
	t.Helper()
	if in.Matchers == nil {
		in.Matchers = []string{"alertname=Disk"}
	}
	s, err := w.Create(t.Context(), tenant, in, "ada")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (w *world) status(t *testing.T, s silences.Silence) silences.Status {
	t.Helper()
	got, err := w.Get(t.Context(), tenant, s.ID)
	if err != nil {
		t.Fatal(err)
	}
	return got.Status
}

// sweep looks for what has ended, a while later.
func (w *world) sweep(t *testing.T, c *clock.Manual, after time.Duration, want int) {
	t.Helper()
	c.Advance(after)
	if n, err := w.Sweep(t.Context()); n != want || err != nil {
		t.Errorf("ended %d, %v, want %d", n, err, want)
	}
}

func (w *world) silenced() string {
	return w.live.Silenced(tenant, alert("Disk"), w.db.Now()).Detail
}

// manual is a SQLite database whose time is the test's.
func manual(t *testing.T) (*world, *clock.Manual) {
	t.Helper()
	c := clock.At(time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC))
	db := dbtest.Open(t, storage.SQLite, func(s *storage.Config) { s.Clock = c })
	return newWorld(t, db), c
}
