package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"github.com/incidenthub/incidenthub/internal/platform/config"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/worker"
)

// Work is what a process works on.
type Work struct {
	// Queues to take jobs from; none: all.
	Queues []string
	// Concurrency is how many slow pieces of work (sends, checks, analyses) are under way at once; 0: the default.
	Concurrency int
}

func workOf(cfg config.Config) Work {
	w := Work{Concurrency: cfg.Jobs.Concurrency}
	for _, q := range cfg.Jobs.Queues {
		w.Queues = append(w.Queues, strings.TrimSpace(q))
	}
	return w
}

func (w Work) check() error {
	for _, q := range w.Queues {
		if !slices.Contains(worker.Queues(), q) {
			return fmt.Errorf("HUB_QUEUES (--queues): there is no queue %q; there are %s", q, strings.Join(worker.Queues(), ", "))
		}
	}
	return nil
}

func (w Work) queues() []string {
	if len(w.Queues) == 0 {
		return worker.Queues()
	}
	return w.Queues
}

// RunWorker is the command worker: it works on what servers took in until ctx ends, and listens nowhere.
func RunWorker(ctx context.Context, cfg config.Config, stdout io.Writer, log *slog.Logger) error {
	CollectLess()
	return RunWorkerWith(ctx, cfg, Options{Work: workOf(cfg)}, stdout, log)
}

// RunWorkerWith is RunWorker with options; those of the listener say nothing to a worker.
func RunWorkerWith(ctx context.Context, cfg config.Config, opt Options, stdout io.Writer, log *slog.Logger) error {
	if err := opt.Work.check(); err != nil {
		return err
	}
	for _, warning := range cfg.Warnings() {
		log.WarnContext(ctx, "settings", "warning", warning)
	}
	c, err := openWorker(ctx, cfg, opt, stdout, log)
	if err != nil {
		return err
	}
	err = c.start() //nolint:contextcheck // its work ends with stop, in order, not with ctx
	if err == nil {
		_, err = fmt.Fprintf(stdout, "incidenthub worker takes jobs from %s\n", strings.Join(opt.Work.queues(), ", "))
		<-ctx.Done()
		log.InfoContext(ctx, "stopping")
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	return errors.Join(err, c.stop(end), c.close())
}

func openWorker(ctx context.Context, cfg config.Config, opt Options, stdout io.Writer, log *slog.Logger) (*core, error) {
	c, err := openCore(ctx, cfg, log, stdout, opt.core())
	switch {
	case err != nil:
		return nil, err
	case c.db.Engine() != storage.Postgres:
		err = errors.New("a worker shares its database with servers: set HUB_DATABASE_URL to the same Postgres (one process with SQLite needs no worker)")
	default:
		if cfg.Storage.RedisURL.IsZero() {
			log.WarnContext(ctx, "HUB_REDIS_URL is not set: nobody wakes this worker, it looks for work every second")
		}
		err = c.reload.now(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, c.stop(ctx), c.close())
	}
	return c, nil
}
