package storage_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

var showCommit = storage.Lookup([]storage.Column{storage.Col("name", storage.Text)}, "SELECT current_setting(v.name)")

// TestSynchronousCommit opens databases that are set to forget the last moments of a crash: an answered alert must not be in them.
func TestSynchronousCommit(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"off": "on", "on": "on", "local": "local", "remote_apply": "remote_apply"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var url string
			before := dbtest.Open(t, storage.Postgres, func(c *storage.Config) { url = c.URL })
			if err := before.From(t.Context()).Exec(`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = ` + name + `',
				current_database()); END $$`).Error; err != nil {
				t.Fatal(err)
			}
			var log strings.Builder
			db, err := storage.Open(context.Background(), storage.Config{URL: url, Log: slog.New(slog.NewTextHandler(&log, nil))})
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := db.Close(); err != nil {
					t.Error(err)
				}
			}()
			var hot string
			q := storage.NewQueue(db, storage.QueueOptions{Name: "show", Max: 1}, func(tx *storage.Tx, _ []int) error {
				rows := showCommit.Rows()
				rows.Add("synchronous_commit")
				tx.Query(showCommit, rows, func(r storage.Row) error { return r.Scan(&hot) })
				return tx.Flush()
			})
			defer q.Stop()
			if err := q.Do(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
			var app string
			if err := db.Read(t.Context()).Raw("SHOW synchronous_commit").Scan(&app).Error; err != nil {
				t.Fatal(err)
			}
			if hot != want || app != want {
				t.Errorf("set to %s: %q on the hot path, %q elsewhere, want %q", name, hot, app, want)
			}
			// The servers of unit tests have fsync off.
			if got := log.String(); !strings.Contains(got, "fsync=off") {
				t.Errorf("no word of fsync: %q", got)
			}
		})
	}
}

// TestFileMode: the database is for its owner alone. The log beside it is protected by the data folder's mode.
func TestFileMode(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "hub.db")
	db, err := storage.Open(t.Context(), storage.Config{URL: path, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // of a test
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if i, err := os.Stat(path); err != nil || i.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", i, err)
	}
}
