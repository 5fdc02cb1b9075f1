package cli

import (
	"context"
	"maps"
	"strings"
)

type workerCmd struct {
	where
	work
	LogFormat string `placeholder:"text|json" help:"Form of log lines (HUB_LOG_FORMAT)."`
	LogLevel  string `placeholder:"LEVEL" help:"debug, info, warn or error (HUB_LOG_LEVEL)."`
}

// Help implements kong.HelpProvider.
func (workerCmd) Help() string {
	return `A worker shares the Postgres database (HUB_DATABASE_URL) with the servers and is woken through Redis (HUB_REDIS_URL). It listens on no
address. Any number of servers and workers may run; losing one loses no work.

Examples:

    incidenthub worker
    incidenthub worker --queues context,intelligence --concurrency 8`
}

// work says what a process works on.
type work struct {
	Queues      []string `placeholder:"NAME,…" help:"Queues to take jobs from: ingest, notify, timers, context, intelligence, maintenance (HUB_QUEUES). Default: all."`
	Concurrency string   `placeholder:"N" help:"Slow pieces of work (sends, checks, analyses) under way at once (HUB_CONCURRENCY)."`
}

func (w work) overrides() map[string]string {
	return map[string]string{"HUB_QUEUES": strings.Join(w.Queues, ","), "HUB_CONCURRENCY": w.Concurrency}
}

// Run implements the command.
func (c workerCmd) Run(ctx context.Context, p *Program) error {
	over := c.where.overrides()
	maps.Copy(over, c.work.overrides())
	maps.Copy(over, map[string]string{"HUB_LOG_FORMAT": c.LogFormat, "HUB_LOG_LEVEL": c.LogLevel})
	cfg, err := p.settings(over)
	if err != nil {
		return err
	}
	return p.Work(ctx, cfg, p.Out, p.logger(cfg.Log))
}
