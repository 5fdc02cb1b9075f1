//go:build unix

package storage

import (
	"context"
	"os"
	"syscall"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
)

// crowdedRetry is how long a checkpoint that failed is left alone while nothing else can be written either.
const crowdedRetry = 250 * time.Millisecond

// crowdedWait is how long a checkpoint waits for readers that still look at the log. New ones do not: once everything has been moved
// they read the database file alone. Without the wait readers that overlap would keep the log growing.
const crowdedWait = 500 * time.Millisecond

// roomKeeper keeps SQLite's write-ahead log smaller than half the space that is left beside it. What is in the log can then always be
// moved into the database file. A log that had eaten a small disk up could neither grow nor be emptied, even once somebody had
// made room for as much again.
type roomKeeper struct {
	path   string // of the database file
	failed clock.Stopwatch
}

// crowded reports whether the log should be emptied now; committed says that the last turn could write.
func (k *roomKeeper) crowded(committed bool) bool {
	if e := k.failed.Elapsed(); !committed && e > 0 && e < crowdedRetry {
		return false
	}
	log, err := os.Stat(k.path + "-wal")
	if err != nil || log.Size() == 0 {
		return false
	}
	var fs syscall.Statfs_t
	if syscall.Statfs(k.path, &fs) != nil {
		return false
	}
	left := int64(fs.Bavail) * int64(fs.Bsize) //nolint:unconvert // the types differ between systems
	return log.Size() > left/2
}

// makeRoom moves the log into the database file and cuts it off. When that fails the next turn tries again.
func (l *liteLoop) makeRoom() {
	l.room.failed = clock.Stopwatch{}
	err := l.do(context.Background(), func(c *sqlite3.Conn) error {
		if err := c.BusyTimeout(crowdedWait); err != nil {
			return err
		}
		_, _, err := c.WALCheckpoint("main", sqlite3.CHECKPOINT_TRUNCATE)
		if berr := c.BusyTimeout(busyTimeout); err == nil {
			err = berr
		}
		return err
	})
	if err != nil {
		l.room.failed = clock.Start()
		l.db.log.Debug("empty the write-ahead log", "error", err)
	}
}
