package storage

import (
	"context"
	"database/sql/driver"
	"fmt"
	"hash/fnv"
	"time"
)

// Alone runs fn unless another process runs something of that name on the same database; ran says whether it did. A process that dies,
// or loses its connection, is in nobody's way. SQLite's one process is alone anyway.
func (d *DB) Alone(ctx context.Context, name string, fn func() error) (ran bool, err error) {
	if d.engine != Postgres {
		return true, fn()
	}
	pool, err := d.write.DB()
	if err != nil {
		return false, fmt.Errorf("connect: %w", err)
	}
	conn, err := pool.Conn(ctx)
	if err != nil {
		return false, Classify(fmt.Errorf("connect: %w", err))
	}
	defer conn.Close()
	hash := fnv.New64a()
	_, _ = hash.Write([]byte("incidenthub " + name)) // it never fails
	key := int64(hash.Sum64())
	if err := conn.QueryRowContext(ctx, "SELECT pg_try_advisory_lock($1)", key).Scan(&ran); err != nil || !ran {
		return false, Classify(err)
	}
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if _, err := conn.ExecContext(end, "SELECT pg_advisory_unlock($1)", key); err != nil {
			_ = conn.Raw(func(any) error { return driver.ErrBadConn }) // not back to the pool: the lock is its connection's
		}
	}()
	return true, fn()
}
