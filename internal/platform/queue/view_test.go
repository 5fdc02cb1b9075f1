package queue_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/queue"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

func TestMain(m *testing.M) { testkit.Main(m) }

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// add puts n rows into a queue.
func add(t *testing.T, db *storage.DB, n int, tenant, name string, due time.Time, held bool, rescues int) {
	t.Helper()
	for range n {
		token := id.ID{}
		if held {
			token = id.New()
		}
		err := db.From(t.Context()).Exec("INSERT INTO jobs (kind, ref, node, tenant_id, queue, due_at, lease_token, rescues, created_at) VALUES ('node', ?, 'a', ?, ?, ?, ?, ?, ?)",
			id.New(), tenant, name, due, token, rescues, noon).Error
		if err != nil {
			t.Fatal(err)
		}
	}
}

// viewer looks at db at noon, or when c says.
func viewer(db *storage.DB, c clock.Clock) *queue.Viewer {
	return &queue.Viewer{
		DB: db, Clock: c, Names: []string{"ingest", "notify"}, Away: func() string { return "Redis is away" },
		Doorbell: func(context.Context) queue.Doorbell {
			return queue.Doorbell{Kind: "redis", Queues: map[string]queue.Rings{"notify": {Pending: 3}}}
		},
	}
}

func TestView(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		c := clock.At(noon)
		v := viewer(db, c)
		if got, err := v.Trouble(t.Context()); err != nil || got.Late != "" || got.Away != "Redis is away" {
			t.Errorf("an empty table: %+v, %v", got, err)
		}
		c.Advance(time.Minute)
		now := c.Now()
		add(t, db, 2, "default", "notify", now.Add(-30*time.Second), false, 0)
		add(t, db, 1, "other", "notify", now, false, 1)
		add(t, db, 3, "default", "notify", now.Add(time.Hour), false, 0)
		add(t, db, 4, "default", "notify", now.Add(time.Minute), true, 2)
		add(t, db, 1, "default", "notify", now.Add(-90*time.Second), true, 0)
		add(t, db, 5, "default", "elsewhere", now, false, 0)
		got, err := v.View(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		old := now.Add(-90 * time.Second)
		want := []queue.Depth{
			{Name: "ingest"},
			{
				Name: "notify", Due: 3, Later: 3, Held: 4, Expired: 1, Rescued: 5, OldestDue: &old, OldestAge: 90, Late: true,
				Rings: &queue.Rings{Pending: 3},
			},
		}
		if diff := cmp.Diff(want, got.Queues); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		add(t, db, 1, "default", "ingest", now.Add(-time.Hour), false, 0)
		if again, err := v.View(t.Context()); err != nil || again.Queues[0].Due != 0 {
			t.Errorf("within a second the table was read again: %+v, %v", again.Queues[0], err)
		}
		c.Advance(time.Second)
		if again, err := v.View(t.Context()); err != nil || again.Queues[0].Due != 1 {
			t.Errorf("a second later: %+v, %v", again.Queues[0], err)
		}
		if got, err := v.Trouble(t.Context()); err != nil || got.Late != "ingest" || !got.Since.Equal(now.Add(-time.Hour)) {
			t.Errorf("trouble %+v, %v", got, err)
		}
	})
}

// TestTroubleWaitsForNobody: every page asks, also while the doorbell keeps the page of queues waiting.
func TestTroubleWaitsForNobody(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, storage.SQLite)
	v := viewer(db, clock.At(noon))
	asked, answer := make(chan struct{}), make(chan struct{})
	v.Doorbell = func(context.Context) queue.Doorbell {
		close(asked)
		<-answer
		return queue.Doorbell{Kind: "redis"}
	}
	viewed := make(chan error)
	go func() {
		_, err := v.View(t.Context())
		viewed <- err
	}()
	<-asked
	if got, err := v.Trouble(t.Context()); err != nil || got.Away == "" {
		t.Errorf("%+v, %v", got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := v.View(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a second view, given up: %v", err)
	}
	close(answer)
	if err := <-viewed; err != nil {
		t.Error(err)
	}
}

func TestViewStopsCounting(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		fill(t, db, 10_050)
		got, err := viewer(db, clock.At(noon)).View(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if d := got.Queues[1]; d.Due != 10_001 || !d.DueMore || d.LaterMore || d.Later != 0 {
			t.Errorf("%+v", d)
		}
	})
}

// fill puts n rows into notify, two of each second before noon.
func fill(t *testing.T, db *storage.DB, n int) {
	t.Helper()
	sql := `INSERT INTO jobs (kind, ref, node, tenant_id, queue, due_at, created_at)
		SELECT 'deliver', gen_random_uuid(), '', 'default', 'notify', ?::timestamptz - (g / 2) * interval '1 second', ? FROM generate_series(1, ?) g`
	args := []any{noon, noon, n}
	if db.Engine() == storage.SQLite {
		sql = `WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < ?) INSERT INTO jobs (kind, ref, node, tenant_id, queue, due_at, created_at)
			SELECT 'deliver', randomblob(16), '', 'default', 'notify', ? - (n / 2) * 1000000, ? FROM g`
		args = []any{n, noon.UnixMicro(), noon}
	}
	if err := db.From(t.Context()).Exec(sql, args...).Error; err != nil {
		t.Fatal(err)
	}
}

func TestJobsByPages(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		fill(t, db, 130) // rows share their time
		add(t, db, 7, "other", "notify", noon, false, 0)
		v := viewer(db, clock.At(noon))
		for _, newest := range []bool{false, true} {
			seen, pages, last := map[id.ID]bool{}, 0, time.Time{}
			for cursor := ""; ; pages++ {
				page, err := v.Jobs(t.Context(), "default", "notify", queue.Filter{Newest: newest, Cursor: cursor})
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range page.Items {
					if seen[r.Ref] {
						t.Fatalf("newest %t: %s is there twice", newest, r.Ref)
					}
					seen[r.Ref] = true
					if !last.IsZero() && (newest && r.DueAt.After(last) || !newest && r.DueAt.Before(last)) {
						t.Fatalf("newest %t: %s after %s", newest, r.DueAt, last)
					}
					last = r.DueAt
				}
				if cursor = page.NextCursor; cursor == "" {
					break
				}
			}
			if len(seen) != 130 || pages != 2 {
				t.Errorf("newest %t: %d rows on %d pages", newest, len(seen), pages+1)
			}
		}
	})
}

func TestJobsByState(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		add(t, db, 1, "default", "notify", noon, false, 0)
		add(t, db, 2, "default", "notify", noon.Add(time.Second), false, 0)
		add(t, db, 3, "default", "notify", noon.Add(time.Minute), true, 0)
		add(t, db, 4, "default", "notify", noon.Add(-time.Minute), true, 2)
		v := viewer(db, clock.At(noon))
		for state, want := range map[string]int{queue.StateDue: 1, queue.StateLater: 2, queue.StateHeld: 3, queue.StateExpired: 4, "": 10} {
			page, err := v.Jobs(t.Context(), "default", "notify", queue.Filter{State: state, Limit: 100})
			if err != nil {
				t.Fatal(err)
			}
			if len(page.Items) != want {
				t.Errorf("%q: %d rows, want %d", state, len(page.Items), want)
			}
			for _, r := range page.Items {
				if state != "" && r.State != state || r.Held != (r.State == queue.StateHeld) || r.Kind != "node" || r.Node != "a" || !r.CreatedAt.Equal(noon) {
					t.Errorf("%q: %+v", state, r)
				}
			}
		}
		if _, err := v.Jobs(t.Context(), "default", "elsewhere", queue.Filter{}); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("a queue that there is not: %v", err)
		}
		for _, cursor := range []string{"x", "e30", "bnVsbA", strings.Repeat("A", 10_000)} {
			if _, err := v.Jobs(t.Context(), "default", "notify", queue.Filter{Cursor: cursor}); !errors.Is(err, storage.ErrCursor) {
				t.Errorf("cursor %q: %v", cursor, err)
			}
		}
	})
}

// TestQueriesUseTheIndex: none of them may read the table, however full it is.
func TestQueriesUseTheIndex(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, storage.Postgres)
	fill(t, db, 50_000)
	if err := db.From(t.Context()).Exec("ANALYZE jobs").Error; err != nil {
		t.Fatal(err)
	}
	v := viewer(db, clock.At(noon))
	first, err := v.Jobs(t.Context(), "default", "notify", queue.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	calls := map[string]func() error{
		"view":    func() error { _, err := v.View(t.Context()); return err },
		"trouble": func() error { _, err := v.Trouble(t.Context()); return err },
	}
	for _, f := range []queue.Filter{
		{},
		{Newest: true},
		{State: queue.StateDue},
		{State: queue.StateHeld},
		{State: queue.StateLater, Newest: true},
		{Cursor: first.NextCursor},
		{Cursor: first.NextCursor, Newest: true, State: queue.StateExpired},
	} {
		calls[fmt.Sprintf("jobs %+v", f)] = func() error { _, err := v.Jobs(t.Context(), "default", "notify", f); return err }
	}
	dbtest.NoScans(t, db, calls)
}
