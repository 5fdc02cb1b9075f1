package storage_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// engines runs a test on a fresh, migrated database of each engine.
func engines(t *testing.T, fn func(t *testing.T, db *storage.DB)) {
	t.Helper()
	for name, url := range map[storage.Engine]func(*testing.T) string{
		storage.SQLite:   func(t *testing.T) string { t.Helper(); return filepath.Join(t.TempDir(), "hub.db") },
		storage.Postgres: func(t *testing.T) string { t.Helper(); return testkit.Postgres(t) },
	} {
		t.Run(string(name), func(t *testing.T) {
			t.Parallel()
			fn(t, open(t, url(t)))
		})
	}
}

func open(t *testing.T, url string) *storage.DB {
	t.Helper()
	db, err := storage.Open(context.Background(), storage.Config{URL: url, Log: slog.New(slog.DiscardHandler), Unsafe: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}
