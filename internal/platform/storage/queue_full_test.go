package storage_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

// insertPlain has no RETURNING: SQLite then keeps no journal of the statement and gives the whole transaction up.
var insertPlain = storage.Insert("incident_events", append(append([]storage.Column{storage.Col("incident_id", storage.UUID), storage.Col("seq", storage.Int)},
	storage.Cols(storage.Text, "tenant_id", "kind", "actor")...), storage.Col("details", storage.Document), storage.Col("created_at", storage.Time)), "")

// TestQueueFullDisk lets one class of a shared transaction run out of space: SQLite rolls all of it back, so nobody's work may
// be stored, and nobody may hear that it was.
func TestQueueFullDisk(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, storage.SQLite)
	write := func(size int) func(tx *storage.Tx, items []member) error {
		return func(tx *storage.Tx, items []member) error {
			rows := insertPlain.Rows()
			for _, m := range items {
				rows.Add(m.id, 1, "default", m.kind, strings.Repeat("x", size), `{}`, db.Now())
			}
			tx.Exec(insertPlain, rows)
			return tx.Flush()
		}
	}
	// One turn for both classes: the writer is kept busy until both have submitted.
	busy, ready := make(chan struct{}), make(chan struct{})
	hold := storage.NewQueue(db, storage.QueueOptions{Name: "hold", Max: 1}, func(*storage.Tx, []member) error {
		close(ready)
		<-busy
		return nil
	})
	large := storage.NewQueue(db, storage.QueueOptions{Name: "large", Max: 10}, write(4<<20))
	small := storage.NewQueue(db, storage.QueueOptions{Name: "small", Max: 10}, write(1))
	if err := db.From(t.Context()).Exec("PRAGMA max_page_count = 400").Error; err != nil { // 3.2 MB
		t.Fatal(err)
	}
	held, one, two := make(chan error, 1), make(chan error, 1), make(chan error, 1)
	hold.Submit(member{}, func(err error) { held <- err })
	<-ready
	large.Submit(member{id.New(), "large"}, func(err error) { one <- err })
	small.Submit(member{id.New(), "small"}, func(err error) { two <- err })
	close(busy)
	if err := <-held; err != nil {
		t.Fatal(err)
	}
	errLarge, errSmall := <-one, <-two
	if !errors.Is(errLarge, storage.ErrUnavailable) {
		t.Errorf("out of space: %v", errLarge)
	}
	var kinds []string
	if err := db.Read(t.Context()).Raw("SELECT kind FROM incident_events").Scan(&kinds).Error; err != nil {
		t.Fatal(err)
	}
	want := []string{"small"}
	if errSmall != nil {
		want = nil
		if !errors.Is(errSmall, storage.ErrUnavailable) {
			t.Errorf("its neighbour: %v", errSmall)
		}
	}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("stored, after the neighbour heard %v: %s", errSmall, diff)
	}
	// With space again it goes on.
	if err := db.From(t.Context()).Exec("PRAGMA max_page_count = 100000").Error; err != nil {
		t.Fatal(err)
	}
	if err := large.Do(t.Context(), member{id.New(), "large"}); err != nil {
		t.Error(err)
	}
}
