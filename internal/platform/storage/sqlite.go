package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"
	"github.com/ncruces/go-sqlite3/gormlite"
	"gorm.io/gorm"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
)

// readers is the number of SQLite connections that answer queries beside the one writer.
const readers = 4

// busyTimeout is how long a connection waits for another process' lock.
const busyTimeout = 5 * time.Second

// dsn builds the address of a SQLite file. plain leaves out what goose cannot read (_timefmt).
func dsn(path string, plain, readOnly, unsafe bool) string {
	q := url.Values{}
	// page_size must come before anything that writes the file's first page.
	q.Add("_pragma", "page_size(8192)")
	q.Add("_pragma", fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()))
	q.Add("_pragma", "journal_mode(WAL)")
	q.Add("_pragma", "foreign_keys(1)")
	if unsafe {
		q.Add("_pragma", "synchronous(OFF)")
	} else {
		q.Add("_pragma", "synchronous(FULL)")
	}
	if readOnly {
		q.Add("_pragma", "query_only(1)")
		q.Add("_pragma", "cache_size(-2000)")
		q.Set("_txlock", "deferred")
	} else {
		q.Add("_pragma", "cache_size(-16000)")
		q.Add("_pragma", "wal_autocheckpoint(8000)")
		q.Set("_txlock", "immediate")
	}
	if !plain {
		q.Set("_timefmt", "unixepoch_micro")
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

func (d *DB) openSQLite(ctx context.Context, path string, unsafe bool) error {
	if path == "" {
		return errors.New("a SQLite database needs a file path")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("find the database file: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	d.url = path
	// It holds what alerts say, and hashes of keys. The log beside it is protected by the mode of the data folder.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	w, err := driver.Open(dsn(path, false, false, unsafe))
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	w.SetMaxOpenConns(1)
	w.SetMaxIdleConns(1)
	d.pools = append(d.pools, w)
	if err := knock(ctx, w); err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	r, err := driver.Open(dsn(path, false, true, unsafe))
	if err != nil {
		return fmt.Errorf("open %s for reading: %w", path, err)
	}
	r.SetMaxOpenConns(readers)
	r.SetMaxIdleConns(readers)
	r.SetConnMaxIdleTime(idle)
	d.pools = append(d.pools, r)

	if d.write, err = gorm.Open(gormlite.OpenDB(w), gormConfig(d)); err != nil {
		return fmt.Errorf("start gorm: %w", err)
	}
	if d.read, err = gorm.Open(gormlite.OpenDB(r), gormConfig(d)); err != nil {
		return fmt.Errorf("start gorm: %w", err)
	}
	d.lite = newLiteLoop(d, w) //nolint:contextcheck // the loop outlives ctx
	return nil
}

// knock opens the first connection. Of several processes that make a new file at once, one is told that it is locked, whatever its timeout.
func knock(ctx context.Context, pool *sql.DB) error {
	for watch := clock.Start(); ; {
		err := pool.PingContext(ctx)
		if err == nil || !errors.Is(err, sqlite3.BUSY) || watch.Elapsed() > busyTimeout {
			return err
		}
		if err := clock.Sleep(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
}

// rawConn hands out the driver connection's native one.
func rawConn(c *sql.Conn, fn func(*sqlite3.Conn) error) error {
	return c.Raw(func(dc any) error {
		raw, ok := dc.(driver.Conn)
		if !ok {
			return fmt.Errorf("unexpected SQLite connection %T", dc)
		}
		return fn(raw.Raw())
	})
}
