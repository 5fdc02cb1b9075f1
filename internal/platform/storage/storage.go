// Package storage opens the hub's database, SQLite or Postgres behind one API: gorm for whatever an operator does by hand
// (Read, InTx, From), and set-based batches for the hot path (Queue, Tx, Statement). It knows no domain words.
package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"gorm.io/gorm"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
)

// Engine names a database product.
type Engine string

// The engines.
const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
)

// idle is how long a connection is kept that nobody needs: a burst opens many, and a server of databases has them for all its clients.
const idle = 30 * time.Second

// Errors of the package.
var (
	// ErrUnavailable marks failures that end by themselves or by an operator's hand: no connection, disk full, shutting down.
	ErrUnavailable = errors.New("the database is not available")
	// ErrNotFound is what stores return for a missing row.
	ErrNotFound = errors.New("not found")
)

// Config says which database to open.
type Config struct {
	// URL is postgres://…, sqlite:/path/to/file.db, or a bare file path.
	URL string
	Log *slog.Logger
	// Clock gives SQLite its now(); nil means the system's.
	Clock clock.Clock
	// Unsafe turns fsync off on SQLite and leaves a Postgres server as it is set, for unit tests only.
	Unsafe bool
}

// DB is an open database. It is safe for concurrent use.
type DB struct {
	engine Engine
	log    *slog.Logger
	clock  clock.Clock
	url    string

	write *gorm.DB // SQLite: the one writer connection
	read  *gorm.DB // SQLite: the readers, query_only
	pools []*sql.DB

	failing atomic.Bool // the last transaction of the hot path found no place or no database

	lite *liteLoop     // SQLite: the hot path's writer
	hot  *pgxpool.Pool // Postgres: the hot path's connections
}

// Open connects to the database. It does not migrate; call Migrate.
func Open(ctx context.Context, c Config) (*DB, error) {
	if c.Log == nil {
		return nil, errors.New("storage: Log is required")
	}
	if c.Clock == nil {
		c.Clock = clock.System()
	}
	db := &DB{log: c.Log.With("part", "storage"), clock: c.Clock, url: c.URL}
	var err error
	if strings.HasPrefix(c.URL, "postgres://") || strings.HasPrefix(c.URL, "postgresql://") {
		db.engine = Postgres
		err = db.openPostgres(ctx, c.Unsafe)
	} else {
		db.engine = SQLite
		err = db.openSQLite(ctx, strings.TrimPrefix(strings.TrimPrefix(c.URL, "sqlite://"), "sqlite:"), c.Unsafe)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open database: %w", err), db.Close())
	}
	return db, nil
}

// Engine tells which product is behind.
func (d *DB) Engine() Engine { return d.engine }

// Now is the current time as rows carry it: UTC, microseconds.
func (d *DB) Now() time.Time { return d.clock.Now() }

// Time is the database's own time, which all processes agree on whatever their clocks say. SQLite has the time of its one process.
func (d *DB) Time(ctx context.Context) (time.Time, error) {
	if d.engine == SQLite {
		return d.Now(), nil
	}
	var now time.Time
	if err := d.Read(ctx).Raw("SELECT clock_timestamp()").Scan(&now).Error; err != nil {
		return now, fmt.Errorf("ask the database for the time: %w", Classify(err))
	}
	return clock.Cut(now), nil
}

// Ping reports whether the database answers.
func (d *DB) Ping(ctx context.Context) error {
	for _, p := range d.pools {
		if err := p.PingContext(ctx); err != nil {
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
	}
	return nil
}

// Writable reports whether rows can be stored. It costs nothing while the hot path works; after a failure there (disk full,
// database away) it tries a write that changes nothing.
func (d *DB) Writable(ctx context.Context) error {
	if !d.failing.Load() {
		return nil
	}
	if err := d.From(ctx).Exec("UPDATE config_generation SET generation = generation WHERE id = 1").Error; err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	d.failing.Store(false)
	return nil
}

// Close ends the hot path first, then the pools. Queues must have been stopped before.
func (d *DB) Close() error {
	var errs []error
	if d.lite != nil {
		d.lite.close()
	}
	for _, p := range d.pools {
		errs = append(errs, p.Close())
	}
	if d.hot != nil {
		d.hot.Close()
	}
	return errors.Join(errs...)
}
