package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// migrationLock names the lock of a Postgres database's migrations: "incident" in ASCII.
const migrationLock = int64(0x696e636964656e74)

// lockRetry is how often it is asked for: a process that was killed while it migrated holds it until its server process notices.
const lockRetry = 50 * time.Millisecond

// sessionLock is goose's lock.SessionLocker. Goose's own waits five seconds before it asks again. It asks instead of waiting in the
// server, since a waiting statement would hold up CREATE INDEX CONCURRENTLY in a migration.
type sessionLock struct{}

// SessionLock implements lock.SessionLocker; it waits until ctx ends.
func (sessionLock) SessionLock(ctx context.Context, conn *sql.Conn) error {
	for {
		var got bool
		if err := conn.QueryRowContext(ctx, "SELECT pg_try_advisory_lock($1)", migrationLock).Scan(&got); err != nil {
			return fmt.Errorf("lock the schema: %w", err)
		}
		if got {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for another process that migrates: %w", ctx.Err())
		case <-time.After(lockRetry):
		}
	}
}

// SessionUnlock implements lock.SessionLocker.
func (sessionLock) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	var had bool
	if err := conn.QueryRowContext(ctx, "SELECT pg_advisory_unlock($1)", migrationLock).Scan(&had); err != nil {
		return fmt.Errorf("unlock the schema: %w", err)
	}
	if !had {
		return errors.New("unlock the schema: the lock was not ours")
	}
	return nil
}
