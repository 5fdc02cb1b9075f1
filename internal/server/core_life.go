package server

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/orchestration"
)

// start begins to work on what is due.
func (c *core) start() error {
	if err := c.bell.Start(); err != nil {
		return err
	}
	c.signals.Start()
	c.reload.start()
	ctx, cancel := context.WithCancel(context.Background())
	c.endUsage = cancel
	c.usage.Go(func() { c.auth.Run(ctx) })
	if c.pages {
		c.usage.Go(func() { c.reread(ctx) })
	}
	queues := c.work.queues()
	if slices.Contains(queues, maintenance) {
		c.retention.Start()
		if c.rehearsing == nil {
			c.history.Start()
		}
	}
	if c.rehearsing == nil {
		c.analysts.Start()
	}
	if slices.Contains(queues, notify.QueueNotify) {
		c.notify.Start()
	}
	if slices.Contains(queues, notify.QueueTimers) && c.rehearsing == nil { // a rehearsal reminds nobody
		c.notify.Timers.Start()
	}
	c.engine.Start(queues)
	if slices.Contains(queues, orchestration.QueueMaintenance) && c.rehearsing == nil {
		c.scheduler.Start()
		c.keeper.Start()
		c.retells.Start()
	}
	c.usage.Go(func() { c.followClock(ctx) })
	return nil
}

// foldTime is how long stopping waits for what was accepted to be folded, when the database takes nothing.
const foldTime = 8 * time.Second

// stop finishes or leaves to the queue what is under way, within ctx.
func (c *core) stop(ctx context.Context) error {
	if c.desk != nil {
		c.desk.Close()
	}
	c.reload.stop()
	c.retention.Stop()
	if c.history != nil {
		c.history.Stop()
	}
	if c.endUsage != nil {
		c.endUsage()
		c.usage.Wait()
	}
	if c.scheduler != nil {
		c.scheduler.Stop()
	}
	if c.keeper != nil {
		c.keeper.Stop()
	}
	if c.retells != nil {
		c.retells.Stop() //nolint:contextcheck // as below
	}
	c.checks.Stop()
	c.starts.Stop()  //nolint:contextcheck // as below
	c.runActs.Stop() //nolint:contextcheck // as below
	c.acts.Stop()    //nolint:contextcheck // queues drain whatever ctx says: what is committed is what was accepted
	folds, cancel := context.WithTimeout(ctx, foldTime)
	c.engine.Stop(folds)
	cancel()
	c.analysts.Stop() //nolint:contextcheck // as above
	err := c.notify.Stop(ctx)
	c.claims.Stop()
	c.bell.Stop(ctx)
	if c.signals != nil {
		c.signals.Stop(ctx)
	}
	c.events.Close()
	return err
}

func (c *core) close() error {
	if c.http != nil {
		c.http.Close()
	}
	if c.models != nil {
		c.models.Close()
	}
	if c.db == nil {
		return nil
	}
	if err := c.db.Close(); err != nil {
		return fmt.Errorf("close the database: %w", err)
	}
	return nil
}
