//go:build unix

// Package dbtest gives tests the hub's database, migrated and empty, on both engines, and looks at the plans of their queries.
package dbtest

import (
	"context"
	"errors"
	"path/filepath"
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
	c := storage.Config{Log: testkit.Logger(t), Unsafe: true}
	if engine == storage.Postgres {
		c.URL = Postgres(t)
	} else {
		c.URL = filepath.Join(t.TempDir(), "hub.db")
	}
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
	if engine == storage.SQLite { // the clone of a template is migrated
		if err := db.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

// Postgres is the URL of what Open opens, for tests that connect by themselves.
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
