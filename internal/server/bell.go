package server

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/config"
	"github.com/incidenthub/incidenthub/internal/platform/pubsub"
	"github.com/incidenthub/incidenthub/internal/platform/queue"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/worker"
)

// doorbell wakes pollers, and tells what changes: in this process, and with Redis in others.
type doorbell interface {
	queue.Bell
	Start() error
	Stop(ctx context.Context)
	Collectors() []prometheus.Collector
	// Tell lets other processes know that something changed; it never waits.
	Tell(tenant string, e pubsub.Event)
	// Deaf reports whether changes in other processes may go unheard here now.
	Deaf() bool
	// Away says why Redis is away, "" when it is not or there is none.
	Away() string
	// Doorbell is what there is to see of it; it waits at most 2 s.
	Doorbell(ctx context.Context) queue.Doorbell
}

// localBell is the doorbell of one process.
type localBell struct {
	*queue.Local
	alone bool // no other process can have the database
}

func (localBell) Start() error { return nil }

func (localBell) Stop(context.Context) {}

func (localBell) Collectors() []prometheus.Collector { return nil }

func (localBell) Tell(string, pubsub.Event) {}

func (b localBell) Deaf() bool { return !b.alone }

func (localBell) Away() string { return "" }

func (localBell) Doorbell(context.Context) queue.Doorbell {
	return queue.Doorbell{Kind: "local", Processes: []queue.Process{}}
}

// redisBell is the doorbell of several processes.
type redisBell struct{ *worker.Bell }

func (b redisBell) Doorbell(ctx context.Context) queue.Doorbell {
	v := b.View(ctx)
	out := queue.Doorbell{
		Kind: "redis", Away: v.Away, Processes: make([]queue.Process, len(v.Servers)), Queues: make(map[string]queue.Rings, len(v.Queues)), Sent: queue.Sent(v.Rings),
	}
	for i, s := range v.Servers {
		out.Processes[i] = queue.Process(s)
	}
	for _, q := range v.Queues {
		out.Queues[q.Name] = queue.Rings{
			Pending: q.Pending, Active: q.Active, Processed: q.Processed, Failed: q.Failed, ProcessedTotal: q.ProcessedTotal,
			LatencySeconds: q.LatencySeconds, Paused: q.Paused, Weight: q.Weight,
		}
	}
	return out
}

// newBell chooses the doorbell. With Redis the work itself stays in the database, which other processes must reach. ears hear what
// changes in other processes; nil for a process that serves no pages.
func newBell(cfg config.Config, db *storage.DB, queues []string, ears worker.Ears, log *slog.Logger, c clock.Clock) (doorbell, error) {
	if cfg.Storage.RedisURL.IsZero() {
		return localBell{queue.NewLocal(), db.Engine() == storage.SQLite || ears == nil}, nil
	}
	if db.Engine() != storage.Postgres {
		return nil, errors.New("HUB_REDIS_URL is for a hub of several processes, which share a Postgres database: set HUB_DATABASE_URL as well, or unset it")
	}
	worker.LogRedis(log)
	b, err := worker.NewBell(worker.Config{URL: cfg.Storage.RedisURL, Queues: queues, Ears: ears, Log: log, Clock: c})
	if err != nil {
		return nil, err
	}
	return redisBell{b}, nil
}

// rereadEvery is how often open pages read everything again while this process is deaf.
const rereadEvery = 10 * time.Second

// reread keeps open pages in step with other processes as well as it goes without being told: with Postgres and no Redis, or
// while Redis is away.
func (c *core) reread(ctx context.Context) {
	t := time.NewTicker(rereadEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			if c.bell.Deaf() {
				c.events.Reload()
			}
		}
	}
}
