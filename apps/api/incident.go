package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/incidenthub/incidenthub/apps/alerts"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

type incidentQuery struct {
	PageQuery
	Status   []string `query:"status" doc:"Any of these; active is open and acknowledged." enum:"open,acknowledged,resolved,closed,active"`
	Severity string   `query:"severity" enum:"critical,warning,info"`
	Text     string   `query:"q" doc:"Part of the title, upper and lower case alike." maxLength:"200"`
}

func (a *API) incidentRoutes(h huma.API) {
	get(a, h, "/api/v1/incidents", "list-incidents", "Incidents, newest first",
		func(ctx context.Context, tenant string, in *incidentQuery) (storage.Page[alerts.Incident], error) {
			page, err := in.page()
			if err != nil {
				return storage.Page[alerts.Incident]{}, err
			}
			return a.Alerts.Incidents(ctx, tenant, alerts.IncidentFilter{Statuses: in.Status, Severity: in.Severity, Text: in.Text}, page)
		})
	get(a, h, "/api/v1/incidents/counts", "count-incidents", "How many incidents there are in each status",
		func(ctx context.Context, tenant string, _ *struct{}) (alerts.IncidentCounts, error) {
			return a.Alerts.Counts(ctx, tenant)
		})
	get(a, h, "/api/v1/incidents/{id}", "get-incident", "One incident with its alerts",
		func(ctx context.Context, tenant string, in *ByID) (alerts.IncidentDetail, error) {
			incident, err := in.key("incident")
			if err != nil {
				return alerts.IncidentDetail{}, err
			}
			return a.Alerts.Incident(ctx, tenant, incident)
		})
	get(a, h, "/api/v1/incidents/{id}/timeline", "get-incident-timeline", "What happened to an incident and its alerts, newest first",
		func(ctx context.Context, tenant string, in *ByID) (storage.Page[alerts.TimelineEntry], error) {
			incident, err := in.key("incident")
			if err != nil {
				return storage.Page[alerts.TimelineEntry]{}, err
			}
			entries, err := a.Alerts.Timeline(ctx, tenant, incident)
			return all(entries).Body, err
		})
}

type resolveInput struct {
	ByID
	Body *struct {
		Summary string `json:"summary,omitempty" doc:"What it was and what was done." maxLength:"10000"`
	}
}

type noteInput struct {
	ByID
	Body struct {
		Text string `json:"text" doc:"Plain text." minLength:"1" maxLength:"10000"`
	}
}

// actRoutes are what people do to incidents. Each answers with the incident as it is then.
func (a *API) actRoutes(h huma.API) {
	path := "/api/v1/incidents/{id}/"
	act(a, h, path+"acknowledge", "acknowledge-incident", "Say that somebody is on it",
		func(ctx context.Context, c caller, i id.ID, _ *ByID) error {
			return a.Acts.Acknowledge(ctx, c.tenant, i, c.name)
		})
	act(a, h, path+"resolve", "resolve-incident", "End it; whoever was told of it is told that it is over",
		func(ctx context.Context, c caller, i id.ID, in *resolveInput) error {
			summary := ""
			if in.Body != nil {
				summary = strings.TrimSpace(in.Body.Summary)
			}
			return a.Acts.Resolve(ctx, c.tenant, i, c.name, summary)
		})
	act(a, h, path+"close", "close-incident", "File it away",
		func(ctx context.Context, c caller, i id.ID, _ *ByID) error {
			return a.Acts.Close(ctx, c.tenant, i, c.name)
		})
	act(a, h, path+"reopen", "reopen-incident", "Take it up again",
		func(ctx context.Context, c caller, i id.ID, _ *ByID) error {
			return a.Acts.Reopen(ctx, c.tenant, i, c.name)
		})
	act(a, h, path+"notes", "add-incident-note", "Write something down",
		func(ctx context.Context, c caller, i id.ID, in *noteInput) error {
			text := strings.TrimSpace(in.Body.Text)
			if text == "" {
				return unusable("/text", "write something")
			}
			return a.Acts.Note(ctx, c.tenant, i, c.name, text)
		})
}

// keyed is an input whose path holds an id.
type keyed interface {
	key(what string) (id.ID, error)
}

func act[I any](a *API, h huma.API, path, name, summary string, do func(ctx context.Context, c caller, incident id.ID, in *I) error) {
	change(a, h, op(http.MethodPost, path, name, summary), func(ctx context.Context, c caller, in *I) (*answer[alerts.IncidentDetail], error) {
		incident, err := any(in).(keyed).key("incident")
		if err != nil {
			return nil, err
		}
		if err := do(ctx, c, incident, in); err != nil {
			return nil, err
		}
		detail, err := a.Alerts.Incident(ctx, c.tenant, incident)
		return &answer[alerts.IncidentDetail]{Body: detail}, err
	})
}
