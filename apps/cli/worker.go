package cli

import (
	"context"
	"maps"
)

type workerCmd struct {
	where
	Queues      []string `placeholder:"NAME,…" help:"Queues to take jobs from: ingest, notify, context, intelligence, maintenance. Default: all."`
	Concurrency int      `placeholder:"N" help:"Slow pieces of work (sends, checks, analyses) under way at once. Default: 96."`
	LogFormat   string   `placeholder:"text|json" help:"Form of log lines (HUB_LOG_FORMAT)."`
	LogLevel    string   `placeholder:"LEVEL" help:"debug, info, warn or error (HUB_LOG_LEVEL)."`
}

// Help implements kong.HelpProvider.
func (workerCmd) Help() string {
	return `A worker shares the Postgres database (HUB_DATABASE_URL) with the servers and is woken through Redis (HUB_REDIS_URL). It listens on no
address. Any number of servers and workers may run; losing one loses no work.

Examples:

    incidenthub worker
    incidenthub worker --queues context,intelligence --concurrency 8`
}

// Run implements the command.
func (c workerCmd) Run(ctx context.Context, p *Program) error {
	over := c.overrides()
	maps.Copy(over, map[string]string{"HUB_LOG_FORMAT": c.LogFormat, "HUB_LOG_LEVEL": c.LogLevel})
	cfg, err := p.settings(over)
	if err != nil {
		return err
	}
	return p.Work(ctx, cfg, c.Queues, c.Concurrency, p.Out, p.logger(cfg.Log))
}
