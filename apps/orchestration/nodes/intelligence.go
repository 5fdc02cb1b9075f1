package nodes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/intelligence"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/apps/orchestration/graph"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/providers"
)

// Analyst makes analyses; *intelligence.Service fits.
type Analyst interface {
	Resolve(tenant, name string) (intelligence.Configured, error)
	Analyze(ctx context.Context, r *intelligence.Request) (*intelligence.Analysis, error)
}

// Intelligence is the handler of intelligence nodes. FactsOnly: nobody is asked and nothing is looked at, for rehearsals.
func Intelligence(a Analyst, factsOnly bool) orchestration.Handler {
	return analyse{of: a, factsOnly: factsOnly}
}

// analyse has the run's incident analysed, with what context nodes found as evidence. It runs outside of every transaction.
type analyse struct {
	of        Analyst
	factsOnly bool
}

// Notifications wait for a provider for 20 s from about when their run begins. Who asks waits a little less, so that what the local analyzer
// says goes out with them; what the provider says later is stored.
const (
	mostPatience  = 18 * time.Second
	leastPatience = 4 * time.Second
)

// patience is how long a node waits for a provider in a run that began at a time.
func patience(began time.Time) time.Duration {
	left := mostPatience - clock.System().Now().Sub(began)
	if left < leastPatience || left > mostPatience { // nobody waits any more, or clocks differ
		return mostPatience
	}
	return left
}

// Run implements orchestration.Handler.
func (h analyse) Run(c *orchestration.NodeContext) orchestration.Result {
	cfg, ok := c.Node.Config.(*graph.IntelligenceConfig)
	if !ok {
		return failed("config", fmt.Errorf("unexpected config %T", c.Node.Config))
	}
	r := &intelligence.Request{
		Tenant: c.Run.Tenant, TraceID: c.Run.TraceID, RunID: c.Run.ID, Provider: cfg.Provider, Patience: patience(c.Run.ID.Time()),
		NoFallback: cfg.Fallback != nil && !*cfg.Fallback, FactsOnly: h.factsOnly || origin(c) == orchestration.OriginShadow,
	}
	who, err := h.of.Resolve(c.Run.Tenant, cfg.Provider)
	if err != nil {
		return failed("unknown_provider", err)
	}
	settings, err := intelligence.ReadSettings(cfg.ProviderConfig, false)
	if err != nil {
		return failed("config", fmt.Errorf("provider_config: %w", err))
	}
	warnings := settings.Apply(r, who.Kind)
	if cfg.Timeout != nil {
		r.Timeout = time.Duration(*cfg.Timeout * float64(time.Second))
	}
	about(c, r)
	input := map[string]any{"provider": who.Kind, "checks": len(r.Evidence.Checks), "history": len(r.Evidence.History), "changes": len(r.Evidence.Changes)}
	if r.Incident != nil {
		input["title"] = r.Incident.Title
	}
	got, err := h.of.Analyze(c.Ctx, r)
	if err != nil {
		res := failed("analysis", err)
		if own, ok := errors.AsType[*providers.Error](err); ok {
			res.Type = own.Class
		}
		res.Input = input
		return res
	}
	return orchestration.Result{Output: analysisOutput(got, warnings), Input: input}
}

// origin is what began the run.
func origin(c *orchestration.NodeContext) string { return runVar(c, "origin") }

// definition is the name of the pipeline.
func definition(c *orchestration.NodeContext) string { return runVar(c, "definition") }

func runVar(c *orchestration.NodeContext, key string) string {
	run, _ := c.Vars()["run"].(map[string]any)
	s, _ := run[key].(string)
	return s
}

// TellAnalysis are the outputs that messages know of an analysis which came after its pipeline had told without it: what an intelligence
// node gives out, and the checks that it stands on as a context node does.
func TellAnalysis(a *intelligence.Analysis) map[string]any {
	out := map[string]any{"intelligence": analysisOutput(a, nil)}
	results, passed, host := map[string]any{}, 0, ""
	for _, c := range a.Evidence.Checks {
		results[c.Name] = map[string]any{"status": c.Status, "message": c.Message}
		if host = c.Host; c.Status == "ok" {
			passed++
		}
	}
	if len(results) > 0 {
		out["check"] = map[string]any{
			"checks_run": len(results), "checks_passed": passed, "checks_failed": len(results) - passed, "hostname": host, "results": results,
		}
	}
	return out
}

// analysisOutput is what an intelligence node gives out.
func analysisOutput(a *intelligence.Analysis, warnings []string) map[string]any {
	p := a.Print()
	out := map[string]any{
		"provider": p.Provider, "recommendations": p.Recommendations, "count": len(p.Recommendations), "summary": p.Summary, "overview": p.Summary,
		"description": "", "fallback_used": p.FallbackUsed, "rung": p.Rung, "grounded": p.Grounded, "truncated": p.Truncated, "confidence": p.Confidence,
		"error_class": p.ErrorClass, "why": intelligence.Why(p.ErrorClass), "cached": a.Cached, "analysis_id": a.ID.String(), "actions": []string{},
		"model_info": map[string]any{"provider": p.Provider, "model": a.Model},
	}
	if p.ProbableCause != "" {
		out["probable_cause"] = p.ProbableCause
	}
	if len(p.Recommendations) > 0 {
		first := p.Recommendations[0]
		out["summary"], out["description"], out["actions"] = first.Title, first.Description, first.Actions
	}
	if len(warnings) > 0 {
		out["warnings"] = warnings
	}
	return out
}

// about fills in what the analysis is about: the run's incident, else the checks that failed.
func about(c *orchestration.NodeContext, r *intelligence.Request) {
	for _, n := range c.Graph.Nodes {
		if n.Spec.Type == "context" && len(c.Outputs[n.ID]) > 0 {
			found(c.Outputs[n.ID], &r.Evidence)
			r.CheckRef = "checker:" + c.Run.TraceID + ":" + c.Run.ID.String() + ":check"
		}
	}
	if i := c.Run.Incident; i != nil {
		r.IncidentID = i.ID
		r.Incident = &providers.Incident{
			ID: i.ID.String(), Title: i.Title, Description: i.Description, Severity: string(i.Severity), Status: string(i.Status), StartedAt: i.CreatedAt,
		}
		for _, a := range c.Run.Alerts {
			r.Evidence.Alerts = append(r.Evidence.Alerts, providers.Alert{
				Name: a.Name, Description: a.Description, Severity: string(a.Severity), Status: string(a.Status), Labels: a.Labels, StartedAt: a.StartedAt, Count: 1,
			})
		}
		return
	}
	r.Incident = ofChecks(r.Evidence.Checks)
}

// ofChecks is an incident made of failed checks, nil when none failed.
func ofChecks(list []providers.Check) *providers.Incident {
	in := &providers.Incident{Severity: string(event.SeverityWarning), Status: string(event.StatusFiring)}
	var names, said []string
	for _, c := range list {
		if c.Status == "ok" {
			continue
		}
		names = append(names, c.Name)
		said = append(said, c.Name+": "+c.Message)
		if c.Status == "critical" {
			in.Severity = string(event.SeverityCritical)
		}
	}
	if len(names) == 0 {
		return nil
	}
	in.Title, in.Description = "Checks failed: "+strings.Join(names, ", "), strings.Join(said, "\n")
	return in
}

// found adds what a context node gave out to the evidence.
func found(output json.RawMessage, ev *providers.Evidence) {
	var o struct {
		Results map[string]struct {
			Status  string         `json:"status"`
			Message string         `json:"message"`
			Metrics map[string]any `json:"metrics"`
		} `json:"results"`
		Hostname string             `json:"hostname"`
		Evidence providers.Evidence `json:"evidence"`
	}
	if json.Unmarshal(output, &o) != nil {
		return // of another kind: there is no evidence in it
	}
	checks := o.Evidence.Checks
	if len(checks) == 0 { // not of this release's own
		for _, name := range slices.Sorted(maps.Keys(o.Results)) {
			r := o.Results[name]
			checks = append(checks, providers.Check{Name: name, Status: r.Status, Message: r.Message, Metrics: r.Metrics, Host: o.Hostname})
		}
	}
	ev.Checks = append(ev.Checks, checks...)
	ev.History = append(ev.History, o.Evidence.History...)
	ev.Changes = append(ev.Changes, o.Evidence.Changes...)
	ev.Runbook = append(ev.Runbook, o.Evidence.Runbook...)
}
