package nodes

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/apps/orchestration/graph"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/providers"
)

// ContextConfig holds what context nodes need. All of its own but Rehearsing is required.
type ContextConfig struct {
	Gatherer
	// Vouched reports whether the operator of this hub wrote a version of a definition, with the database at hand: its targets are not
	// guarded then. *orchestration.DefinitionService fits.
	Vouched func(ctx context.Context, tenant string, definition id.ID, version int64) (bool, error)
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
	got, err := h.Gather(c.Ctx, Ask{
		Tenant: c.Run.Tenant, Incident: c.Run.Incident, Alerts: c.Run.Alerts, Checks: req, Similar: cfg.Similar(),
		Window: time.Duration(cfg.ChangeMinutes()) * time.Minute,
	})
	if err != nil {
		res := failed("unknown_checker", err)
		res.Input = input
		return res
	}
	report, e := got.Report, plainly(h.Redact)
	out.Run, out.Passed, out.Failed, out.Hostname, out.Alerts = report.Run, report.Passed, report.Failed, report.Hostname, report.Alerts
	out.Results, out.Evidence, out.Warnings = e.results(report.Results), got.Evidence, got.Warnings
	if got.Earlier != nil && cfg.Similar() > 0 {
		out.Earlier = e.earlier(*got.Earlier)
	}
	return orchestration.Result{Output: out, Input: input}
}

// request is what the node asks of the checks.
func (h gather) request(c *orchestration.NodeContext, cfg *graph.ContextConfig) (checkers.Request, error) {
	req := checkers.Request{
		Tenant: c.Run.Tenant, Names: cfg.CheckerNames, Configs: map[string]json.RawMessage{}, Hostname: cfg.Hostname, Origin: checkers.OriginPipeline,
		TraceID: c.Run.TraceID, RunID: c.Run.ID, Shared: true, Guarded: true,
	}
	if len(cfg.CheckerConfigs) > 0 { // targets stand nowhere else
		vouched, err := h.Vouched(c.Ctx, c.Run.Tenant, c.Run.DefinitionID, c.Run.Version)
		if err != nil {
			h.Log.WarnContext(c.Ctx, "who wrote a pipeline is not known: its targets are guarded", "run_id", c.Run.ID, "error", err)
		}
		req.Guarded = err != nil || !vouched
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
		req.Pipeline = definition(c)
	}
	return req, nil
}
