package cli

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"
)

type incidentCmd struct {
	List    incidentListCmd    `cmd:"" help:"List incidents, newest first."`
	Show    incidentShowCmd    `cmd:"" help:"Show one incident with its alerts and what happened."`
	Ack     incidentAckCmd     `cmd:"" help:"Say that somebody is on it."`
	Resolve incidentResolveCmd `cmd:"" help:"End it; whoever was told of it is told that it is over."`
	Close   incidentCloseCmd   `cmd:"" help:"File it away."`
	Reopen  incidentReopenCmd  `cmd:"" help:"Take it up again."`
	Note    incidentNoteCmd    `cmd:"" help:"Write something down."`
}

// wireIncident is what the commands show of the API's incident.
type wireIncident struct {
	ID          string      `json:"id"`
	Title       string      `json:"title"`
	Description string      `json:"description"`
	Summary     string      `json:"summary"`
	Status      string      `json:"status"`
	Severity    string      `json:"severity"`
	AlertCount  int         `json:"alert_count"`
	Firing      int         `json:"firing_alert_count"`
	TraceID     string      `json:"trace_id"`
	CreatedAt   *time.Time  `json:"created_at"`
	UpdatedAt   *time.Time  `json:"updated_at"`
	Instance    string      `json:"instance"`
	Sources     []string    `json:"sources"`
	Alerts      []wireAlert `json:"alerts"`
}

// wireAlert is one alert of an incident.
type wireAlert struct {
	Name        string            `json:"name"`
	Status      string            `json:"status"`
	Severity    string            `json:"severity"`
	Source      string            `json:"source"`
	Labels      map[string]string `json:"labels"`
	Occurrences int64             `json:"occurrences"`
	StartedAt   *time.Time        `json:"started_at"`
	EndedAt     *time.Time        `json:"ended_at"`
}

type incidentListCmd struct {
	remote
	page
	Status   []string `enum:"open,acknowledged,resolved,closed,active" help:"Only these; active is open and acknowledged."`
	Severity string   `placeholder:"WORD" help:"Only critical, warning or info."`
	Search   string   `placeholder:"TEXT" help:"Part of the title."`
}

// Help implements kong.HelpProvider.
func (incidentListCmd) Help() string {
	return `Examples:

    incidenthub incident list --status active
    incidenthub incident list --severity critical --json | jq -r '.items[].id'`
}

// Run implements the command.
func (c incidentListCmd) Run(ctx context.Context, p *Program) error {
	q := c.query()
	if len(c.Status) > 0 {
		q.Set("status", strings.Join(c.Status, ","))
	}
	if c.Severity != "" {
		q.Set("severity", c.Severity)
	}
	if c.Search != "" {
		q.Set("q", c.Search)
	}
	var found list[wireIncident]
	return get(ctx, p, c.remote, "/api/v1/incidents", q, &found, func() error {
		rows := make([][]string, len(found.Items))
		for i, in := range found.Items {
			rows[i] = []string{in.ID, in.Status, in.Severity, strconv.Itoa(in.Firing) + "/" + strconv.Itoa(in.AlertCount), at(in.CreatedAt), in.Title}
		}
		if err := p.table([]string{"ID", "STATUS", "SEVERITY", "FIRING", "OPENED", "TITLE"}, rows); err != nil {
			return err
		}
		p.more(found.NextCursor)
		return nil
	})
}

// segment makes an id safe inside a path; the hub says if it is none.
func segment(id string) string {
	return strings.NewReplacer("/", "%2F", "?", "%3F", "#", "%23", "%", "%25").Replace(id)
}

// act posts an action and says where the incident stands then.
func act(ctx context.Context, p *Program, r remote, incident, action string, body any) error {
	return post(ctx, p, r, "/api/v1/incidents/"+segment(incident)+"/"+action, body, func(in *wireIncident) {
		p.say("%s is %s: %s", clean(in.ID), clean(in.Status), clean(in.Title))
	})
}

// post asks the hub to do something and says what came of it.
func post[T any](ctx context.Context, p *Program, r remote, path string, body any, say func(*T)) error {
	return send(ctx, p, r, http.MethodPost, path, body, say)
}

func send[T any](ctx context.Context, p *Program, r remote, method, path string, body any, say func(*T)) error {
	c, err := p.client(r)
	if err != nil {
		return err
	}
	var now T
	raw, err := c.call(ctx, method, path, nil, body, &now)
	if err != nil {
		return err
	}
	if r.JSON {
		return p.printJSON(raw)
	}
	say(&now)
	return nil
}

type incidentAckCmd struct {
	remote
	ID string `arg:"" help:"Id of the incident."`
}

// Run implements the command.
func (c incidentAckCmd) Run(ctx context.Context, p *Program) error {
	return act(ctx, p, c.remote, c.ID, "acknowledge", nil)
}

type incidentResolveCmd struct {
	remote
	ID      string `arg:"" help:"Id of the incident."`
	Summary string `placeholder:"TEXT" help:"What it was and what was done."`
}

// Help implements kong.HelpProvider.
func (incidentResolveCmd) Help() string {
	return `Example:

    incidenthub incident resolve 019a… --summary "disk grown to 200 GB"`
}

// Run implements the command.
func (c incidentResolveCmd) Run(ctx context.Context, p *Program) error {
	return act(ctx, p, c.remote, c.ID, "resolve", map[string]string{"summary": c.Summary})
}

type incidentCloseCmd struct {
	remote
	ID string `arg:"" help:"Id of the incident."`
}

// Run implements the command.
func (c incidentCloseCmd) Run(ctx context.Context, p *Program) error {
	return act(ctx, p, c.remote, c.ID, "close", nil)
}

type incidentReopenCmd struct {
	remote
	ID string `arg:"" help:"Id of the incident."`
}

// Run implements the command.
func (c incidentReopenCmd) Run(ctx context.Context, p *Program) error {
	return act(ctx, p, c.remote, c.ID, "reopen", nil)
}

type incidentNoteCmd struct {
	remote
	ID   string `arg:"" help:"Id of the incident."`
	Text string `arg:"" help:"Plain text."`
}

// Run implements the command.
func (c incidentNoteCmd) Run(ctx context.Context, p *Program) error {
	return act(ctx, p, c.remote, c.ID, "notes", map[string]string{"text": c.Text})
}
