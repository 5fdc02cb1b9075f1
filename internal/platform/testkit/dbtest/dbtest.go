//go:build unix

// Package dbtest gives tests the hub's database, migrated and empty, on both engines, and looks at the plans of their queries.
package dbtest

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/migrations"
)

// Each runs fn on a database of each engine, both at the same time, as subtests named after the engine.
func Each(t *testing.T, fn func(t *testing.T, db *storage.DB), with ...func(*storage.Config)) {
	t.Helper()
	for _, engine := range []storage.Engine{storage.SQLite, storage.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			fn(t, Open(t, engine, with...))
		})
	}
}

// Open returns a database that is migrated, empty and this test's own, without fsync; it is closed with the test. with changes
// how it is opened, for a clock.
func Open(t testing.TB, engine storage.Engine, with ...func(*storage.Config)) *storage.DB {
	t.Helper()
	c := storage.Config{URL: URL(t, engine), Log: testkit.Logger(t), Unsafe: true}
	for _, change := range with {
		change(&c)
	}
	db, err := storage.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// URL is that of what Open opens, for tests that connect by themselves.
func URL(t testing.TB, engine storage.Engine) string {
	t.Helper()
	if engine == storage.Postgres {
		return Postgres(t)
	}
	return SQLite(t)
}

// SQLite is the path of a new database that is migrated and empty.
func SQLite(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hub.db")
	MakeSQLite(t, path)
	return path
}

// MakeSQLite makes the file path such a database, a copy of one that this process migrates once.
func MakeSQLite(t testing.TB, path string) {
	t.Helper()
	raw, err := migrated()
	if err != nil {
		t.Fatalf("make the template of SQLite: %v", err)
	}
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

var migrated = sync.OnceValues(func() (raw []byte, err error) {
	folder, err := os.MkdirTemp("", "hubtest-sqlite-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	path := filepath.Join(folder, "hub.db")
	db, err := storage.Open(context.Background(), storage.Config{URL: path, Log: slog.New(slog.DiscardHandler), Unsafe: true})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(db.Migrate(context.Background()), db.Close()); err != nil {
		return nil, err
	}
	if log, err := os.Stat(path + "-wal"); err == nil && log.Size() > 0 {
		return nil, errors.New("rows are left in the log beside the file")
	}
	return os.ReadFile(path)
})

// Postgres is the URL of a new database that is migrated and empty.
func Postgres(t testing.TB) string {
	t.Helper()
	return testkit.PostgresFrom(t, "hub "+testkit.HashFS(t, migrations.FS), func(url string) error {
		db, err := storage.Open(t.Context(), storage.Config{URL: url, Log: testkit.Logger(t)})
		if err != nil {
			return err
		}
		return errors.Join(db.Migrate(context.WithoutCancel(t.Context())), db.Close())
	})
}
