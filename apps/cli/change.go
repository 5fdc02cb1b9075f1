package cli

import (
	"context"
	"errors"
	"time"
)

type changeCmd struct {
	remote
	Title   string            `arg:"" help:"What was changed, such as \"api 2.4.1\"."`
	Kind    string            `placeholder:"KIND" help:"deploy, config, feature_flag, scale, other, or a word of your own."`
	Service string            `placeholder:"NAME" help:"What it was changed of."`
	Label   map[string]string `placeholder:"K=V" mapsep:"none" help:"Like the labels of alerts; repeat for several."`
	At      string            `placeholder:"TIME" help:"When, such as 2026-11-21T10:00:00Z. Default: now."`
	URL     string            `name:"url" placeholder:"URL" help:"Where to read more."`
	Author  string            `placeholder:"NAME" help:"Who did it. Default: the name of the API key."`
}

// Help implements kong.HelpProvider.
func (changeCmd) Help() string {
	return `Incidents that begin in the two hours after a change show it, those of the same service or with the same labels first.
It needs a key of the scope respond.

Examples:

    incidenthub change "api 2.4.1" --kind deploy --service api --label env=prod
    incidenthub change "pool size 20 to 40" --kind config --at 2026-11-21T10:00:00Z --url https://git.example.com/c/4711`
}

// Run implements the command.
func (c changeCmd) Run(ctx context.Context, p *Program) error {
	body := map[string]any{"title": c.Title, "kind": c.Kind, "service": c.Service, "url": c.URL, "author": c.Author}
	if len(c.Label) > 0 {
		body["labels"] = c.Label
	}
	if c.At != "" {
		at, err := time.Parse(time.RFC3339, c.At)
		if err != nil {
			return errors.New("--at must look like 2026-11-21T10:00:00Z")
		}
		body["at"] = at
	}
	return post(ctx, p, c.remote, "/api/v1/changes", body, func(made *wireChange) {
		p.say("%s, changed at %s: %s", clean(made.ID), made.At.UTC().Format(time.DateTime)+"Z", clean(made.Title))
	})
}

type wireChange struct {
	ID    string    `json:"id"`
	Title string    `json:"title"`
	At    time.Time `json:"at"`
}
