package cli

import (
	"context"
	"net/http"
)

type runCancelCmd struct {
	remote
	ID string `arg:"" help:"Id of the run."`
}

// Run implements the command.
func (c runCancelCmd) Run(ctx context.Context, p *Program) error {
	return actOnRun(ctx, p, c.remote, c.ID, "cancel")
}

type runResumeCmd struct {
	remote
	ID string `arg:"" help:"Id of the run."`
}

// Help implements kong.HelpProvider.
func (runResumeCmd) Help() string {
	return `What succeeded is not done again and nobody is told twice; the tries of a node go on counting.

Example:

    incidenthub run list --state failed
    incidenthub run resume 019a…`
}

// Run implements the command.
func (c runResumeCmd) Run(ctx context.Context, p *Program) error {
	return actOnRun(ctx, p, c.remote, c.ID, "resume")
}

// actOnRun posts an action and says where the run stands then.
func actOnRun(ctx context.Context, p *Program, r remote, run, action string) error {
	c, err := p.client(r)
	if err != nil {
		return err
	}
	var now wireRun
	raw, err := c.call(ctx, http.MethodPost, "/api/v1/runs/"+segment(run)+"/"+action, nil, nil, &now)
	if err != nil {
		return err
	}
	if r.JSON {
		return p.printJSON(raw)
	}
	p.say("%s is %s: %s", clean(now.ID), clean(now.State), clean(now.Definition))
	return nil
}
