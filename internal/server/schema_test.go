package server

import (
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm/schema"

	"github.com/incidenthub/incidenthub/apps/analysts"
	"github.com/incidenthub/incidenthub/apps/auth"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/apps/sources"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// TestModelsAreTheTables compares the gorm structs that own a whole table with the migrated schema of both engines.
func TestModelsAreTheTables(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{"sqlite": filepath.Join(t.TempDir(), "hub.db"), "postgres": testkit.Postgres(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, err := storage.Open(t.Context(), storage.Config{URL: url, Log: slog.New(slog.DiscardHandler), Unsafe: true})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close() //nolint:errcheck // of a test
			if err := db.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, model := range []any{
				&analysts.Record{}, &auth.Key{}, &notify.Channel{}, &orchestration.Definition{}, &orchestration.DefinitionVersion{}, &sources.Source{},
			} {
				s, err := schema.Parse(model, &sync.Map{}, schema.NamingStrategy{})
				if err != nil {
					t.Fatal(err)
				}
				types, err := db.Read(t.Context()).Migrator().ColumnTypes(s.Table)
				if err != nil {
					t.Fatal(err)
				}
				var stored []string
				for _, c := range types {
					stored = append(stored, c.Name())
				}
				known := slices.Clone(s.DBNames)
				slices.Sort(stored)
				slices.Sort(known)
				if diff := cmp.Diff(known, stored); diff != "" {
					t.Errorf("%T and table %s differ (-struct +table):\n%s", model, s.Table, diff)
				}
			}
		})
	}
}
