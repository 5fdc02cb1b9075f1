package cli

import "context"

type runCancelCmd struct {
	remote
	ID string `arg:"" help:"Id of the run."`
}

// Run implements the command.
func (c runCancelCmd) Run(ctx context.Context, p *Program) error {
	return actOnRun(ctx, p, c.remote, c.ID, "cancel", nil)
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
	return actOnRun(ctx, p, c.remote, c.ID, "resume", nil)
}

type runReplayCmd struct {
	remote
	ID      string `arg:"" help:"Id of the run."`
	From    string `placeholder:"NODE" help:"Node to begin with; what comes before is taken over as recorded. Default: all but the first node."`
	Version string `enum:"same,newest" default:"same" help:"Version of the pipeline: the run's own (same) or the newest."`
	Send    bool   `help:"Tell for real: whoever was told hears it again. Refused for an incident that has ended."`
}

// Help implements kong.HelpProvider.
func (runReplayCmd) Help() string {
	return `What would be told is recorded with its text, as suppressed (dry_run); incident and ledger stay as they are. With --send it is told,
as an event of its own.

Example:

    incidenthub run replay 019a… --from tell --version newest`
}

// Run implements the command.
func (c runReplayCmd) Run(ctx context.Context, p *Program) error {
	return actOnRun(ctx, p, c.remote, c.ID, "replay", map[string]any{"from": c.From, "version": c.Version, "send": c.Send})
}

// actOnRun posts an action and says where the run stands then.
func actOnRun(ctx context.Context, p *Program, r remote, run, action string, body any) error {
	return post(ctx, p, r, "/api/v1/runs/"+segment(run)+"/"+action, body, func(now *wireRun) {
		p.say("%s is %s: %s", clean(now.ID), clean(now.State), clean(now.Definition))
	})
}
