package storage

import (
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/pressly/goose/v3"
)

// TestMigrateOlder: what the connections knew of an older schema is forgotten with it, or the first query over a table with new columns fails.
func TestMigrateOlder(t *testing.T) {
	t.Parallel()
	cfg := Config{URL: "sqlite:" + filepath.Join(t.TempDir(), "hub.db"), Unsafe: true, Log: slog.New(slog.DiscardHandler)}
	open := func() *DB {
		db, err := Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	old := open()
	if err := old.withMigrator(t.Context(), func(p *goose.Provider) error {
		_, err := p.UpTo(t.Context(), 20261123000002)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	now := old.Now()
	if err := old.From(t.Context()).Exec(`INSERT INTO channels (id, tenant_id, name, driver, config, is_active, version, created_at, updated_at)
		VALUES (x'01', 'default', 'ops', 'generic', '{}', 1, 1, ?, ?)`, now, now).Error; err != nil {
		t.Fatal(err)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	db := open()
	defer func() { _ = db.Close() }()
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, from := range map[string]func() ([]map[string]any, error){
		"readers": func() (rows []map[string]any, err error) {
			return rows, db.Read(t.Context()).Raw(`SELECT * FROM channels`).Scan(&rows).Error
		},
		"the writer": func() (rows []map[string]any, err error) {
			return rows, db.From(t.Context()).Raw(`SELECT * FROM channels`).Scan(&rows).Error
		},
	} {
		if rows, err := from(); err != nil || len(rows) != 1 || rows[0]["name"] != "ops" {
			t.Errorf("%v, %v", rows, err)
		}
	}
}
