package server

import (
	"time"

	"github.com/incidenthub/incidenthub/apps/retention"
	"github.com/incidenthub/incidenthub/internal/platform/config"
)

// maintenance is the queue whose processes tidy up. It holds no jobs: the loop has a lock of its own.
const maintenance = "maintenance"

func (c *core) openRetention() (err error) {
	c.retention, err = retention.New(retention.Config{DB: c.db, Log: c.log, Books: c.checker, Tenant: tenant, Keep: keep(c.cfg.Keep)})
	return err
}

func keep(k config.Keep) retention.Keep {
	days := func(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }
	return retention.Keep{All: days(k.Days), Dead: days(k.DeadDays), Bodies: days(k.BodyDays), Snapshots: days(k.SnapshotDays)}
}
