package apply_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/migrations"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// engines runs fn on an empty, migrated database of each engine.
func engines(t *testing.T, fn func(t *testing.T, db *storage.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		db := connect(t, filepath.Join(t.TempDir(), "hub.db"))
		if err := db.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		fn(t, db)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		fn(t, connect(t, testkit.PostgresFrom(t, "hub "+testkit.HashFS(t, migrations.FS), func(url string) error {
			db, err := storage.Open(t.Context(), storage.Config{URL: url, Log: testkit.Logger(t)})
			if err != nil {
				return err
			}
			return errors.Join(db.Migrate(context.WithoutCancel(t.Context())), db.Close())
		})))
	})
}

func connect(t *testing.T, url string) *storage.DB {
	t.Helper()
	db, err := storage.Open(t.Context(), storage.Config{URL: url, Log: testkit.Logger(t), Unsafe: true})
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
