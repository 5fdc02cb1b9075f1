package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"

	_ "github.com/jackc/pgx/v5/stdlib" // registers "pgx" for goose, which needs database/sql
	"github.com/ncruces/go-sqlite3/driver"
	"github.com/pressly/goose/v3"

	"github.com/incidenthub/incidenthub/migrations"
)

// ErrNewerSchema is returned when the database was migrated by a newer release: an old process must not write to it.
var ErrNewerSchema = errors.New("the database schema is newer than this program; start the newer release instead")

// Migrate brings the schema up to this release, once, however many processes start together.
func (d *DB) Migrate(ctx context.Context) error {
	return d.withMigrator(ctx, func(p *goose.Provider) error {
		current, target, err := p.GetVersions(ctx)
		if err != nil {
			return fmt.Errorf("read the schema version: %w", err)
		}
		if current > target {
			return fmt.Errorf("%w (database %d, program %d)", ErrNewerSchema, current, target)
		}
		if current == target {
			return nil
		}
		if _, err := p.Up(ctx); err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
		d.forget()
		return nil
	})
}

// forget closes connections of SQLite that nobody uses: they have read the old schema, and the first query of each over a table with new
// columns would fail with SQLITE_MISUSE, since the driver counts the columns before SQLite notices and prepares it again.
func (d *DB) forget() {
	if d.engine != SQLite {
		return
	}
	for _, p := range d.pools {
		p.SetMaxIdleConns(0)
		p.SetMaxIdleConns(p.Stats().MaxOpenConnections)
	}
}

// Versions returns the schema's version and the one that this program wants.
func (d *DB) Versions(ctx context.Context) (current, wanted int64, err error) {
	err = d.withMigrator(ctx, func(p *goose.Provider) error {
		current, wanted, err = p.GetVersions(ctx)
		return err
	})
	if err != nil {
		err = fmt.Errorf("read the schema version: %w", err)
	}
	return current, wanted, err
}

// MigrateDown undoes every migration. All rows are lost; tests use it.
func (d *DB) MigrateDown(ctx context.Context) error {
	return d.withMigrator(ctx, func(p *goose.Provider) error {
		_, err := p.DownTo(ctx, 0)
		return err
	})
}

func (d *DB) withMigrator(ctx context.Context, fn func(*goose.Provider) error) (err error) {
	files, err := fs.Sub(migrations.FS, string(d.engine))
	if err != nil {
		return fmt.Errorf("open the migrations: %w", err)
	}
	var pool *sql.DB
	dialect := goose.DialectSQLite3
	opts := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	if d.engine == Postgres {
		dialect = goose.DialectPostgres
		opts = append(opts, goose.WithSessionLocker(sessionLock{}))
		pool, err = sql.Open("pgx", d.url)
	} else {
		unlock, lerr := lockFile(ctx, d.url+".migrate.lock")
		if lerr != nil {
			return lerr
		}
		defer unlock()
		pool, err = driver.Open(dsn(d.url, true, false, false))
	}
	if err != nil {
		return fmt.Errorf("connect for migrations: %w", err)
	}
	defer func() { err = errors.Join(err, pool.Close()) }()
	p, err := goose.NewProvider(dialect, pool, files, opts...)
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	return fn(p)
}
