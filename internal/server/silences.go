package server

import (
	"context"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/apps/silences"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// skewEvery is how often a process compares its clock with the database's, by which silences begin and end.
const skewEvery = 10 * time.Second

// openSilences makes what keeps people from being told.
func (c *core) openSilences() (err error) {
	if c.silences, err = silences.New(silences.Config{
		DB: c.db, Log: c.log, Firing: c.alerts.Firing, Past: past{c.db}, Changed: c.reload.poke,
	}); err != nil {
		return err
	}
	c.silent = silences.NewLive(c.db, c.log)
	c.keeper = silences.NewKeeper(c.silences)
	if c.rehearsing == nil { // a rehearsal knows what the hub silences
		c.hush = silent{c.silent}
	}
	return nil
}

// openRetells makes what tells the rest once a silence is over.
func (c *core) openRetells() (err error) {
	c.retells, err = orchestration.NewRetells(orchestration.RetellConfig{
		DB: c.db, Log: c.log, Runner: c.engine.Runner, Do: act, End: c.silent.End, Default: c.cfg.Pipeline.Default,
		Silenced: func(tenant string, a *event.Alert, at time.Time) id.ID { return c.silent.Silenced(tenant, a, at).By },
		Entry: func(i id.ID) string {
			s, _ := c.entries.ByID(i)
			return s.Name
		},
	})
	c.silent.OnChange(func() {
		if c.retells != nil {
			c.retells.Kick()
		}
	})
	return err
}

// followClock keeps the silences on the database's time.
func (c *core) followClock(ctx context.Context) {
	for clock.Sleep(ctx, skewEvery) == nil {
		if err := c.silent.Sync(ctx); err != nil && ctx.Err() == nil {
			c.log.DebugContext(ctx, "compare clocks", "error", err)
		}
	}
}

// silent fits apps/silences to apps/notify.
type silent struct{ live *silences.Live }

// Silenced implements notify.Hush.
func (h silent) Silenced(tenant string, a *event.Alert, at time.Time) notify.Silenced {
	held := h.live.Silenced(tenant, a, at)
	if held.By.IsZero() {
		return notify.Silenced{}
	}
	out := notify.Silenced{By: held.By, Reason: event.ReasonSilenced, Detail: held.Detail}
	if held.Maintenance {
		out.Reason = event.ReasonMaintenance
	}
	return out
}
