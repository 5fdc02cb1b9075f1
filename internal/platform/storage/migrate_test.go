package storage_test

import (
	"errors"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

// column is a column as both engines should have it.
type column struct {
	Type    string
	NotNull bool
}

// names of one type in each engine.
var sameType = map[string]string{
	"uuid": "blob", "bytea": "blob", "timestamp with time zone": "timestamp", "jsonb": "text", "bigint": "integer", "boolean": "boolean", "text": "text",
}

func schema(t *testing.T, db *storage.DB) map[string]map[string]column {
	t.Helper()
	out := map[string]map[string]column{}
	var rows []struct {
		T, C, Type string
		NotNull    bool
	}
	q := `SELECT m.name AS t, p.name AS c, p.type AS type, p."notnull" OR p.pk > 0 AS not_null FROM sqlite_master m JOIN pragma_table_info(m.name) p
		WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name <> 'goose_db_version'`
	if db.Engine() == storage.Postgres {
		q = `SELECT table_name AS t, column_name AS c, data_type AS type, is_nullable = 'NO' AS not_null FROM information_schema.columns
			WHERE table_schema = 'public' AND table_name <> 'goose_db_version'`
	}
	if err := db.Read(t.Context()).Raw(q).Scan(&rows).Error; err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if out[r.T] == nil {
			out[r.T] = map[string]column{}
		}
		kind := strings.ToLower(r.Type)
		if same := sameType[kind]; same != "" {
			kind = same
		}
		out[r.T][r.C] = column{kind, r.NotNull}
	}
	return out
}

func indexes(t *testing.T, db *storage.DB) []string {
	t.Helper()
	var names []string
	q := `SELECT name FROM sqlite_master WHERE type = 'index' AND name NOT LIKE 'sqlite_%' ORDER BY name`
	if db.Engine() == storage.Postgres {
		q = `SELECT indexname FROM pg_indexes WHERE schemaname = 'public' AND indexname NOT LIKE '%_pkey' ORDER BY indexname`
	}
	if err := db.Read(t.Context()).Raw(q).Scan(&names).Error; err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

func TestSchemasAreTheSame(t *testing.T) {
	t.Parallel()
	lite, pg := dbtest.Open(t, storage.SQLite), dbtest.Open(t, storage.Postgres)
	a, b := schema(t, lite), schema(t, pg)
	if len(a) < 20 {
		t.Fatalf("only %d tables: %v", len(a), slices.Sorted(maps.Keys(a)))
	}
	// SQLite's rowid is the sequence number there; Postgres has an identity for it.
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("sqlite and postgres differ (-sqlite +postgres):\n%s", diff)
	}
	if diff := cmp.Diff(indexes(t, lite), indexes(t, pg)); diff != "" {
		t.Errorf("indexes differ (-sqlite +postgres):\n%s", diff)
	}
	for table, columns := range a {
		if _, ok := columns["tenant_id"]; !ok && table != "config_generation" {
			t.Errorf("table %s has no tenant", table)
		}
	}
}

func TestMigrateUpDownUp(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		before := schema(t, db)
		if err := db.MigrateDown(t.Context()); err != nil {
			t.Fatal(err)
		}
		if left := schema(t, db); len(left) != 0 {
			t.Errorf("down leaves %v", slices.Sorted(maps.Keys(left)))
		}
		if err := db.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, schema(t, db)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestMigrateTogetherOnce(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{"sqlite": filepath.Join(t.TempDir(), "hub.db"), "postgres": testkit.Postgres(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var wg sync.WaitGroup
			for range 3 {
				wg.Go(func() {
					db, err := storage.Open(t.Context(), storage.Config{URL: url, Log: slog.New(slog.DiscardHandler), Unsafe: true})
					if err != nil {
						t.Error(err)
						return
					}
					defer db.Close() //nolint:errcheck // of a test
					if err := db.Migrate(t.Context()); err != nil {
						t.Error(err)
					}
					if g, err := db.Generation(t.Context()); err != nil || g != 1 {
						t.Errorf("generation %d, %v", g, err)
					}
				})
			}
			wg.Wait()
		})
	}
}

func TestOldProgramRefusesNewerSchema(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		if err := db.From(t.Context()).Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (29990101000000, true)`).Error; err != nil {
			t.Fatal(err)
		}
		if err := db.Migrate(t.Context()); !errors.Is(err, storage.ErrNewerSchema) {
			t.Errorf("migrate: %v", err)
		}
	})
}
