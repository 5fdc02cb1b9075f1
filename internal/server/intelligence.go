package server

import (
	"context"
	"encoding/json"
	"log/slog"

	"github.com/incidenthub/incidenthub/apps/alerts"
	"github.com/incidenthub/incidenthub/apps/intelligence"
	"github.com/incidenthub/incidenthub/apps/orchestration/nodes"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/config"
	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/providers"
	"github.com/incidenthub/incidenthub/providers/llm"
	"github.com/incidenthub/incidenthub/providers/registry"
)

// Analyzer analyses without a hub, for one command: it looks at the machine by itself, and calls what the settings allow.
func Analyzer(cfg config.Config, log *slog.Logger) (*intelligence.Analyzer, error) {
	return analyzerOn(host.New(host.Config{}), cfg, log)
}

// analyzerOn is Analyzer on a machine that probe shows.
func analyzerOn(probe host.Probe, cfg config.Config, log *slog.Logger) (*intelligence.Analyzer, error) {
	client, err := llm.NewHTTP(cfg.Egress.All(), clock.System())
	if err != nil {
		return nil, err
	}
	kinds, err := registry.New(registry.Builtin(registry.Deps{Probe: probe, LLM: llm.Deps{HTTP: client, Getenv: cfg.Models.Env}})...)
	if err != nil {
		return nil, err
	}
	return intelligence.NewAnalyzer(intelligence.AnalyzerConfig{Providers: kinds, Log: log, Links: cfg.Egress.Links, Own: cfg.Server.PublicURL})
}

// openIntelligence makes what analyses, and gives it to the nodes. In a rehearsal nobody is asked and nothing is looked at.
func (c *core) openIntelligence() error {
	one, err := intelligence.NewAnalyzer(intelligence.AnalyzerConfig{
		Providers: c.minds, Directory: directory{c.directory}, Log: c.log, Clock: c.clock, Redact: c.redact,
		// More than nodes have, or a burst would find all places taken; people and the API ask beside them.
		Slots: 2 * c.work.Concurrency,
		Links: c.cfg.Egress.Links, Own: c.cfg.Server.PublicURL,
	})
	if err != nil {
		return err
	}
	if c.analyses, err = intelligence.NewReader(c.db); err != nil {
		return err
	}
	if c.analysts, err = intelligence.New(intelligence.Config{
		DB: c.db, Analyzer: one, Incidents: toAnalyse{c.alerts}, Gather: c.byHand, Log: c.log, Clock: c.clock, Changed: c.changed, Note: c.noteAnalyses, Notice: c.tellBudget,
	}); err != nil {
		return err
	}
	if c.handlers["intelligence"] == nil {
		c.handlers["intelligence"] = nodes.Intelligence(c.analysts, c.rehearsing != nil)
	}
	return nil
}

// toAnalyse fits apps/alerts to intelligence.
type toAnalyse struct{ of *alerts.Reader }

// Load implements intelligence.Incidents.
func (t toAnalyse) Load(ctx context.Context, tenant string, incident id.ID) (*providers.Incident, []providers.Alert, error) {
	a, err := t.of.About(ctx, tenant, incident)
	if err != nil {
		return nil, nil, err
	}
	in := &providers.Incident{
		ID: a.ID.String(), Title: a.Title, Description: a.Description, Severity: string(a.Severity), Status: string(a.Status), StartedAt: a.CreatedAt.UTC(),
	}
	_ = json.Unmarshal(a.Metadata, &in.Metadata) // written by the hub
	list := make([]providers.Alert, 0, len(a.Alerts))
	for i, one := range a.Alerts {
		list = append(list, providers.Alert{
			Name: one.Name, Description: one.Description, Severity: string(one.Severity), Status: string(one.Status), Labels: one.Labels,
			StartedAt: one.StartedAt.UTC(), Count: one.Count,
		})
		in.Labels = common(in.Labels, one.Labels, i == 0)
	}
	return in, list, nil
}

// common are the labels that all alerts share.
func common(have, more map[string]string, first bool) map[string]string {
	out := map[string]string{}
	for k, v := range more {
		if was, ok := have[k]; first || ok && was == v {
			out[k] = v
		}
	}
	return out
}
