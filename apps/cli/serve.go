package cli

import (
	"context"
	"maps"

	"github.com/incidenthub/incidenthub/internal/platform/config"
)

type serveCmd struct {
	where
	work
	Listen    string `placeholder:"HOST:PORT" help:"Address of UI, API and webhooks (HUB_LISTEN)."`
	PublicURL string `placeholder:"URL" help:"Base of links in notifications (HUB_PUBLIC_URL)."`
	Apply     string `placeholder:"FILE" help:"Configuration to apply at start (HUB_APPLY)."`
	LogFormat string `placeholder:"text|json" help:"Form of log lines (HUB_LOG_FORMAT)."`
	LogLevel  string `placeholder:"LEVEL" help:"debug, info, warn or error (HUB_LOG_LEVEL)."`
}

// Help implements kong.HelpProvider.
func (serveCmd) Help() string {
	return `Without any setting the hub listens on 127.0.0.1:8080 and keeps a SQLite file in your data folder. The first start prints an
admin token, once, and a curl command for a first alert.

Examples:

    incidenthub serve
    HUB_DATABASE_URL=postgres://hub@db/hub incidenthub serve --listen :8080 --log-format json

With Postgres and Redis a server may leave work to workers: this one takes alerts in and shows pages.

    incidenthub serve --queues maintenance`
}

// Run implements the command.
func (c serveCmd) Run(ctx context.Context, p *Program) error {
	over := c.where.overrides()
	maps.Copy(over, c.work.overrides())
	maps.Copy(over, map[string]string{
		"HUB_LISTEN": c.Listen, "HUB_PUBLIC_URL": c.PublicURL, "HUB_APPLY": c.Apply,
		"HUB_LOG_FORMAT": c.LogFormat, "HUB_LOG_LEVEL": c.LogLevel,
	})
	cfg, err := p.settings(over)
	if err != nil {
		return err
	}
	log := p.logger(cfg.Log)
	if p.Environ != nil {
		for _, name := range config.Unknown(p.Environ()) {
			log.WarnContext(ctx, "this variable is no setting of the hub and has no effect; docs/settings.md lists them", "variable", name)
		}
	}
	return p.Serve(ctx, cfg, p.Getenv, p.Out, log)
}
