package server

import (
	"context"
	"errors"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/config"
	"github.com/incidenthub/incidenthub/internal/platform/queue"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/worker"
)

// doorbell wakes pollers: of this process, and with Redis of others.
type doorbell interface {
	queue.Bell
	Start() error
	Stop(ctx context.Context)
	Collectors() []prometheus.Collector
}

// localBell is the doorbell of a hub that is one process.
type localBell struct{ *queue.Local }

func (localBell) Start() error { return nil }

func (localBell) Stop(context.Context) {}

func (localBell) Collectors() []prometheus.Collector { return nil }

// newBell chooses the doorbell. With Redis the work itself stays in the database, which other processes must reach.
func newBell(cfg config.Config, db *storage.DB, queues []string, log *slog.Logger, c clock.Clock) (doorbell, error) {
	if cfg.Storage.RedisURL.IsZero() {
		return localBell{queue.NewLocal()}, nil
	}
	if db.Engine() != storage.Postgres {
		return nil, errors.New("HUB_REDIS_URL is for a hub of several processes, which share a Postgres database: set HUB_DATABASE_URL as well, or unset it")
	}
	worker.LogRedis(log)
	return worker.NewBell(worker.Config{URL: cfg.Storage.RedisURL, Queues: queues, Log: log, Clock: c})
}
