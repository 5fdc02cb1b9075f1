package cli

import (
	"context"
	"net/url"
	"strconv"
)

type monitorPipelineCmd struct {
	remote
	Limit  int    `default:"10" help:"Runs, at most 200."`
	Status string `placeholder:"WORD" help:"Only runs that have come so far: pending, ingested, checked, analyzed, notified, failed, retrying, skipped."`
	RunID  string `placeholder:"ID" help:"This run, node by node."`
}

// Help implements kong.HelpProvider.
func (monitorPipelineCmd) Help() string {
	return `Examples:

    incidenthub monitor-pipeline --status failed
    incidenthub monitor-pipeline --run-id 019a…`
}

// Run implements the command.
func (c monitorPipelineCmd) Run(ctx context.Context, p *Program) error {
	if c.RunID != "" {
		return runShowCmd{remote: c.remote, ID: c.RunID}.Run(ctx, p)
	}
	q := url.Values{"limit": {strconv.Itoa(c.Limit)}}
	if c.Status != "" {
		q.Set("status", c.Status)
	}
	var found list[wireRun]
	return get(ctx, p, c.remote, "/api/v1/runs", q, &found, func() error {
		rows := make([][]string, len(found.Items))
		for i, r := range found.Items {
			why := ""
			if r.LastError != nil {
				why = r.LastError.Message
			}
			rows[i] = []string{r.ID, r.Status, r.Definition, r.Source, at(r.CreatedAt), took(r.DurationMS), why}
		}
		return p.table([]string{"RUN", "STATUS", "PIPELINE", "SOURCE", "STARTED", "TOOK", "ERROR"}, rows)
	})
}
