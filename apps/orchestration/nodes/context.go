package nodes

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/incidenthub/incidenthub/apps/changes"
	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/history"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/apps/orchestration/graph"
	"github.com/incidenthub/incidenthub/internal/platform/redact"
	"github.com/incidenthub/incidenthub/providers"
)

// Checks runs checks; *checkers.Service fits.
type Checks interface {
	Run(ctx context.Context, r checkers.Request) (checkers.Report, error)
}

// History finds earlier incidents; *history.Service fits.
type History interface {
	Find(ctx context.Context, tenant string, q history.Question) (history.Found, error)
}

// Changes finds what was changed before an incident; *changes.Service fits.
type Changes interface {
	Before(ctx context.Context, tenant string, a changes.About) ([]changes.Recent, error)
}

// ContextConfig holds what context nodes need. All but Rehearsing is required.
type ContextConfig struct {
	Checks  Checks
	History History
	Changes Changes
	Redact  *redact.Redactor
	Log     *slog.Logger
	// Rehearsing: nothing is looked at, and the output is empty and says so.
	Rehearsing bool
}

// Context is the handler of context nodes. It runs outside of every transaction.
func Context(c ContextConfig) orchestration.Handler { return gather{c} }

// gather collects evidence: checks of this host, earlier incidents, recent changes, runbooks.
type gather struct{ ContextConfig }

// ContextOutput is what a context node gives out.
type ContextOutput struct {
	Run      int                    `json:"checks_run"`
	Passed   int                    `json:"checks_passed"`
	Failed   int                    `json:"checks_failed"`
	Results  map[string]CheckResult `json:"results"`
	Hostname string                 `json:"hostname,omitempty"`
	Evidence providers.Evidence     `json:"evidence"`
	Earlier  *Earlier               `json:"earlier,omitempty"`
	Alerts   *checkers.Alerted      `json:"alerts,omitempty"`
	Warnings []string               `json:"warnings,omitempty"`
	Note     string                 `json:"note,omitempty"`
}

// CheckResult is what one check found.
type CheckResult struct {
	Status  string          `json:"status"`
	Message string          `json:"message"`
	Metrics json.RawMessage `json:"metrics"`
}

// Earlier counts the same trouble before.
type Earlier struct {
	Week       int        `json:"last_7_days"`
	Month      int        `json:"last_30_days"`
	LastAt     *time.Time `json:"last_at"`
	AlsoFiring []Firing   `json:"also_firing"`
}

// Firing is an incident like this one that is open.
type Firing struct {
	IncidentID string  `json:"incident_id"`
	Title      string  `json:"title"`
	Similarity float64 `json:"similarity"`
}

const rehearsed = "a rehearsal looks at no host and reads no history"

// Run implements orchestration.Handler. Only unknown checks are an error: what cannot be found out is a warning.
func (h gather) Run(c *orchestration.NodeContext) orchestration.Result {
	cfg, ok := c.Node.Config.(*graph.ContextConfig)
	if !ok {
		return failed("config", fmt.Errorf("unexpected config %T", c.Node.Config))
	}
	req, err := h.request(c, cfg)
	if err != nil {
		return failed("config", err)
	}
	input := map[string]any{"checker_names": cfg.CheckerNames, "similar_incidents": cfg.Similar(), "recent_changes_minutes": cfg.ChangeMinutes()}
	out := ContextOutput{Results: map[string]CheckResult{}}
	if h.Rehearsing {
		out.Note = rehearsed
		return orchestration.Result{Output: out, Input: input}
	}
	var (
		all    sync.WaitGroup
		report checkers.Report
		found  history.Found
		recent []changes.Recent
		errs   [3]error
	)
	all.Go(func() { report, errs[0] = h.Checks.Run(c.Ctx, req) })
	if i := c.Run.Incident; i != nil {
		all.Go(func() {
			found, errs[1] = h.History.Find(c.Ctx, c.Run.Tenant, history.Question{Incident: i, Alerts: c.Run.Alerts, Limit: cfg.Similar()})
			about := changes.About{Began: start(i, c.Run.Alerts, found.Began), Window: time.Duration(cfg.ChangeMinutes()) * time.Minute, Limit: maxChanges}
			for _, a := range c.Run.Alerts {
				about.Labels = append(about.Labels, a.Labels)
			}
			recent, errs[2] = h.Changes.Before(c.Ctx, c.Run.Tenant, about)
		})
	}
	all.Wait()
	if errs[0] != nil {
		res := failed("unknown_checker", errs[0])
		res.Input = input
		return res
	}
	e := evidence{h.Redact}
	out.Run, out.Passed, out.Failed, out.Hostname, out.Alerts = report.Run, report.Passed, report.Failed, report.Hostname, report.Alerts
	for _, w := range report.Errors {
		out.Warnings = append(out.Warnings, e.text(w, maxWarning))
	}
	for i, what := range map[int]string{1: "earlier incidents could not be read", 2: "recent changes could not be read"} {
		if errs[i] != nil {
			h.Log.WarnContext(c.Ctx, "gather evidence", "run_id", c.Run.ID, "what", what, "error", errs[i])
			out.Warnings = append(out.Warnings, what)
		}
	}
	if found.Skipped != "" {
		out.Warnings = append(out.Warnings, found.Skipped)
	}
	out.Results = e.results(report.Results)
	out.Evidence = providers.Evidence{
		Alerts: e.alerts(c.Run.Alerts), Checks: e.checks(report), History: e.history(found.Before), Changes: e.changes(recent), Runbook: e.runbooks(c.Run.Alerts),
	}
	if c.Run.Incident != nil && cfg.Similar() > 0 && errs[1] == nil {
		out.Earlier = e.earlier(found)
	}
	return orchestration.Result{Output: out, Input: input}
}

// request is what the node asks of the checks.
func (h gather) request(c *orchestration.NodeContext, cfg *graph.ContextConfig) (checkers.Request, error) {
	req := checkers.Request{
		Tenant: c.Run.Tenant, Names: cfg.CheckerNames, Configs: map[string]json.RawMessage{}, Hostname: cfg.Hostname, Origin: checkers.OriginPipeline,
		TraceID: c.Run.TraceID, RunID: c.Run.ID, Shared: true, Guarded: true,
	}
	for name, settings := range cfg.CheckerConfigs {
		raw, err := json.Marshal(settings)
		if err != nil {
			return req, fmt.Errorf("checker_configs of %.80q: %w", name, err)
		}
		req.Configs[name] = raw
	}
	if cfg.Timeout != nil {
		req.Timeout = time.Duration(*cfg.Timeout * float64(time.Second))
	}
	switch origin(c) {
	case orchestration.OriginCheck, orchestration.OriginShadow, orchestration.OriginReplay: // it would begin itself again, or do what it must not
	default:
		req.CreateAlerts = cfg.CreateAlerts
	}
	return req, nil
}

// start is when the trouble began: with the alerts that fire now, where an incident was opened again. opened is when that was, or zero.
func start(i *event.Incident, alerts []*event.Alert, opened time.Time) time.Time {
	if !opened.IsZero() {
		return opened
	}
	first := time.Time{}
	for _, a := range alerts {
		if a.Status == event.StatusFiring && (first.IsZero() || a.StartedAt.Before(first)) {
			first = a.StartedAt
		}
	}
	if first.After(i.CreatedAt) {
		return first
	}
	return i.CreatedAt
}
