package cli

import (
	"context"
	"strconv"
	"time"
)

type runCmd struct {
	List   runListCmd   `cmd:"" help:"List runs of pipelines, newest first."`
	Show   runShowCmd   `cmd:"" help:"Show one run node by node."`
	Cancel runCancelCmd `cmd:"" help:"End a run: nothing more is done, and what nobody has begun to send is not sent."`
	Replay runReplayCmd `cmd:"" help:"Do again what an ended run did, as a rehearsal: nothing is sent, unless asked for."`
	Resume runResumeCmd `cmd:"" help:"Take a failed or canceled run up again from where it ended."`
}

// wireRun is what the commands show of the API's run.
type wireRun struct {
	ID         string     `json:"run_id"`
	TraceID    string     `json:"trace_id"`
	Definition string     `json:"definition_name"`
	Version    int64      `json:"definition_version"`
	State      string     `json:"state"`
	Status     string     `json:"status"`
	Source     string     `json:"source"`
	IncidentID string     `json:"incident_id"`
	ReceiptID  string     `json:"receipt_id"`
	CreatedAt  *time.Time `json:"created_at"`
	StartedAt  *time.Time `json:"started_at"`
	DurationMS *float64   `json:"total_duration_ms"`
	LastError  *struct {
		Type    string `json:"type"`
		Message string `json:"message"`
	} `json:"last_error"`
	Nodes []wireNode `json:"nodes"`
	Graph struct {
		Nodes []wireGraphNode `json:"nodes"`
	} `json:"graph"`
}

// wireGraphNode is where a node stands in the picture.
type wireGraphNode struct {
	ID    string `json:"id"`
	Type  string `json:"type"`
	Layer int    `json:"layer"`
	Row   int    `json:"row"`
}

// wireNode is one node of a run.
type wireNode struct {
	ID         string     `json:"node_id"`
	Type       string     `json:"node_type"`
	State      string     `json:"state"`
	Attempt    int64      `json:"attempt"`
	Reason     string     `json:"reason"`
	Choice     string     `json:"choice"`
	StartedAt  *time.Time `json:"started_at"`
	DurationMS *float64   `json:"duration_ms"`
	Attempts   []struct {
		Attempt    int64      `json:"attempt"`
		State      string     `json:"state"`
		Error      string     `json:"error_message"`
		StartedAt  *time.Time `json:"started_at"`
		DurationMS *float64   `json:"duration_ms"`
	} `json:"attempts"`
}

type runListCmd struct {
	remote
	page
	State      string `placeholder:"WORD" help:"Only pending, running, retrying, succeeded, failed or canceled ones."`
	Definition string `placeholder:"NAME" help:"Only runs of this pipeline."`
	Incident   string `placeholder:"ID" help:"Only runs of this incident."`
}

// Help implements kong.HelpProvider.
func (runListCmd) Help() string {
	return `Example:

    incidenthub run list --state failed --limit 10`
}

// Run implements the command.
func (c runListCmd) Run(ctx context.Context, p *Program) error {
	q := c.query()
	for name, value := range map[string]string{"state": c.State, "definition": c.Definition, "incident": c.Incident} {
		if value != "" {
			q.Set(name, value)
		}
	}
	var found list[wireRun]
	return get(ctx, p, c.remote, "/api/v1/runs", q, &found, func() error {
		rows := make([][]string, len(found.Items))
		for i, r := range found.Items {
			rows[i] = []string{r.ID, r.State, r.Status, r.Definition + " v" + strconv.FormatInt(r.Version, 10), r.Source, at(r.CreatedAt), took(r.DurationMS)}
		}
		if err := p.table([]string{"ID", "STATE", "STATUS", "PIPELINE", "SOURCE", "STARTED", "TOOK"}, rows); err != nil {
			return err
		}
		p.more(found.NextCursor)
		return nil
	})
}
