package storage_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

var (
	insertEvent = storage.Insert("incident_events", append(append([]storage.Column{storage.Col("incident_id", storage.UUID), storage.Col("seq", storage.Int)},
		storage.Cols(storage.Text, "tenant_id", "kind", "actor")...), storage.Col("details", storage.Document), storage.Col("created_at", storage.Time)),
		"RETURNING incident_id, seq")
	findEvent = storage.Lookup([]storage.Column{storage.Col("incident_id", storage.UUID)},
		"SELECT t.kind, t.details, t.created_at, t.seq FROM incident_events t WHERE t.incident_id = v.incident_id AND t.created_at <= {now} ORDER BY t.seq LIMIT 1 {lock}")
	renameEvent = storage.Update("incident_events", []storage.Column{storage.Col("incident_id", storage.UUID), storage.Col("kind", storage.Text)},
		"kind = v.kind", "t.incident_id = v.incident_id", "RETURNING t.kind")
	insertJob = storage.Insert("jobs", []storage.Column{
		storage.Col("kind", storage.Text), storage.Col("ref", storage.UUID), storage.Col("tenant_id", storage.Text),
		storage.Col("queue", storage.Text), storage.Col("due_at", storage.After), storage.Col("created_at", storage.Time),
	}, "")
)

type member struct {
	id   id.ID
	kind string
}

func TestQueueRoundTrip(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		at := db.Now()
		type seen struct {
			Kind, Details string
			At            time.Time
		}
		got := map[id.ID]seen{}
		q := storage.NewQueue(db, storage.QueueOptions{Name: "test", Max: 100, Workers: 2}, func(tx *storage.Tx, items []member) error {
			rows := insertEvent.Rows()
			for _, m := range items {
				rows.Add(m.id, 1, "default", m.kind, "", json.RawMessage(`{"a": 1}`), at)
			}
			tx.Query(insertEvent, rows, func(r storage.Row) error {
				var i id.ID
				var n int
				if err := r.Scan(&i, &n); err != nil {
					return err
				}
				if n != 1 || i.IsZero() {
					return fmt.Errorf("returned %s %d", i, n)
				}
				return nil
			})
			if err := tx.Flush(); err != nil {
				return err
			}
			up := renameEvent.Rows()
			find := findEvent.Rows()
			for _, m := range items {
				up.Add(m.id, m.kind+"!")
				find.Add(m.id)
			}
			tx.Exec(renameEvent, up)
			return tx.Flush()
		})
		defer q.Stop()
		first := member{id.New(), "opened"}
		if err := q.Do(t.Context(), first); err != nil {
			t.Fatal(err)
		}
		look := storage.NewQueue(db, storage.QueueOptions{Name: "look", Max: 10}, func(tx *storage.Tx, items []member) error {
			rows := findEvent.Rows()
			for _, m := range items {
				rows.Add(m.id)
			}
			tx.Query(findEvent, rows, func(r storage.Row) error {
				var s seen
				var seq int
				if err := r.Scan(&s.Kind, &s.Details, &s.At, &seq); err != nil {
					return err
				}
				got[items[0].id] = s
				return nil
			})
			return nil
		})
		defer look.Stop()
		if err := look.Do(t.Context(), first); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[id.ID]seen{first.id: {"opened!", `{"a": 1}`, at}}, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestQueueBadRowCostsOnlyItself(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		q := storage.NewQueue(db, storage.QueueOptions{Name: "test", Max: 100, Workers: 1, Linger: 50 * time.Millisecond}, func(tx *storage.Tx, items []member) error {
			rows := insertEvent.Rows()
			for _, m := range items {
				if m.kind == "panic" {
					panic("poison")
				}
				rows.Add(m.id, 1, "default", m.kind, "", "{}", tx.Now())
			}
			tx.Exec(insertEvent, rows)
			return nil
		})
		defer q.Stop()
		same := id.New()
		kinds := []string{"a", "panic", "b", "twin", "twin", "c"}
		errs := make([]error, len(kinds))
		var wg sync.WaitGroup
		for i, k := range kinds {
			m := member{id.New(), k}
			if k == "twin" {
				m.id = same
			}
			wg.Add(1)
			q.Submit(m, func(err error) { errs[i] = err; wg.Done() })
		}
		wg.Wait()
		failed := 0
		for i, err := range errs {
			if (kinds[i] == "a" || kinds[i] == "b" || kinds[i] == "c") && err != nil {
				t.Errorf("%s: %v", kinds[i], err)
			}
			if err != nil {
				failed++
				if errors.Is(err, storage.ErrUnavailable) {
					t.Errorf("%s is marked as unavailable: %v", kinds[i], err)
				}
			}
		}
		var n int64
		if err := db.Read(t.Context()).Raw("SELECT count(*) FROM incident_events").Scan(&n).Error; err != nil {
			t.Fatal(err)
		}
		if failed != 2 || n != 4 {
			t.Errorf("failed %d, stored %d; want 2 and 4", failed, n)
		}
	})
}

func TestQueueSharesTheWriterWithGorm(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		q := storage.NewQueue(db, storage.QueueOptions{Name: "test", Max: 50, Workers: 2}, func(tx *storage.Tx, items []member) error {
			rows, jobs := insertEvent.Rows(), insertJob.Rows()
			for _, m := range items {
				rows.Add(m.id, 1, "default", m.kind, "", "{}", tx.Now())
				jobs.Add("fold", m.id, "default", "ingest", 30*time.Second, tx.Now())
			}
			tx.Exec(insertEvent, rows)
			tx.Exec(insertJob, jobs)
			return nil
		})
		began := db.Now()
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 20 {
					if err := q.Do(t.Context(), member{id.New(), "x"}); err != nil {
						t.Error(err)
					}
					if err := db.BumpGeneration(t.Context()); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		q.Stop()
		g, err := db.Generation(t.Context())
		var jobs, due int64
		db.Read(t.Context()).Raw("SELECT count(*) FROM jobs").Scan(&jobs)
		db.Read(t.Context()).Raw("SELECT count(*) FROM jobs WHERE due_at > ? AND due_at < ?", began.Add(29*time.Second), db.Now().Add(31*time.Second)).Scan(&due)
		if err != nil || g != 161 || jobs != 160 || due != 160 {
			t.Errorf("generation %d (%v), %d jobs, %d of them due in time", g, err, jobs, due)
		}
		if err := q.Do(t.Context(), member{id.New(), "late"}); !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("a stopped queue answers %v", err)
		}
	})
}

// TestQueueDoThen: what follows a commit is done, also when nobody waits for it any more.
func TestQueueDoThen(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		enter, leave := make(chan struct{}), make(chan struct{})
		q := storage.NewQueue(db, storage.QueueOptions{Name: "test", Max: 1, Workers: 1}, func(_ *storage.Tx, items []member) error {
			if items[0].kind == "bad" {
				return errors.New("refused")
			}
			close(enter)
			<-leave
			return nil
		})
		defer q.Stop()
		ctx, cancel := context.WithCancel(t.Context())
		came := make(chan error, 2)
		go func() {
			<-enter
			cancel()
		}()
		if err := q.DoThen(ctx, member{id.New(), "good"}, func(err error) { came <- err }); !errors.Is(err, context.Canceled) {
			t.Errorf("the caller is told %v", err)
		}
		if len(came) != 0 {
			t.Error("it followed before the commit")
		}
		close(leave)
		if err := <-came; err != nil {
			t.Errorf("the commit is told as %v", err)
		}
		if err := q.DoThen(t.Context(), member{id.New(), "bad"}, func(err error) { came <- err }); err == nil || <-came == nil {
			t.Errorf("a failure is told as %v", err)
		}
	})
}
