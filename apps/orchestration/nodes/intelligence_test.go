package nodes_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/intelligence"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/apps/orchestration/graph"
	"github.com/incidenthub/incidenthub/apps/orchestration/nodes"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/providers"
)

// oracle plays the service of analyses; it notes what it was asked.
type oracle struct {
	asked  intelligence.Request
	answer intelligence.Analysis
	err    error
}

func (o *oracle) Resolve(_, name string) (intelligence.Configured, error) {
	switch name {
	case "active", "local":
		return intelligence.Configured{Name: "local", Kind: "local"}, nil
	case "openai":
		return intelligence.Configured{Name: name, Kind: name}, nil
	}
	return intelligence.Configured{}, intelligence.ErrUnknownProvider
}

func (o *oracle) Analyze(_ context.Context, r *intelligence.Request) (*intelligence.Analysis, error) {
	o.asked = *r
	return &o.answer, o.err
}

// analyse executes an intelligence node behind a context node.
func analyse(t *testing.T, o *oracle, cfg graph.IntelligenceConfig, context, origin string, about *event.Incident, rehearsing bool) (map[string]any, orchestration.Result) {
	t.Helper()
	look := &graph.Node{ID: "look", Spec: &graph.NodeSpec{Type: "context"}}
	think := &graph.Node{ID: "think", Spec: &graph.NodeSpec{Type: "intelligence"}, Config: &cfg}
	res := nodes.Intelligence(o, rehearsing).Run(&orchestration.NodeContext{
		Ctx: t.Context(), Node: think, Graph: &graph.Graph{Nodes: []*graph.Node{look, think}}, Outputs: map[string]json.RawMessage{"look": json.RawMessage(context)},
		Vars: func() graph.Vars { return graph.Vars{"run": map[string]any{"origin": origin}} },
		Run: orchestration.RunFacts{
			ID: id.New(), Tenant: "default", TraceID: "t", Incident: about,
			Alerts: []*event.Alert{{Name: "Disk", Severity: "critical", Labels: map[string]string{"instance": "web-1"}}},
		},
	})
	raw, err := json.Marshal(res.Output)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out, res
}

const looked = `{"checks_run":2,"hostname":"web-1","results":{"cpu":{"status":"ok","message":"3 %"},"disk":{"status":"critical","message":"/ is full","metrics":{"p":97}}},
	"evidence":{"history":[{"id":"H1","title":"then"}],"changes":[{"id":"R1","title":"api 2","at":"2026-01-01T00:00:00Z"}],"runbooks":["https://wiki/x"]}}`

func TestIntelligence(t *testing.T) {
	t.Parallel()
	sure := 0.8
	o := &oracle{answer: intelligence.Analysis{ID: id.New(), Provider: "local", Rung: "local", Grounded: true, Model: "local", Result: providers.Result{
		Summary: "On web-1: full.", ProbableCause: "Logs.", Confidence: &sure, Recommendations: []providers.Recommendation{
			{Type: "disk", Priority: "high", Title: "Free /", Description: "It is full.", Actions: []string{"df -h"}, Evidence: []string{"C1"}}, {Title: "More", Description: "d"},
		},
	}}}
	incident := &event.Incident{ID: id.New(), Title: "Disk", Severity: "critical", Status: "open", CreatedAt: began}
	out, res := analyse(t, o, graph.IntelligenceConfig{
		Provider: "active", Timeout: new(2.5), ProviderConfig: map[string]any{"top_n_processes": 4.0, "host": "http://x", "system_prompt_hint": "hint", "colour": "red"},
	}, looked, "incoming_webhook", incident, false)
	if res.Err != nil {
		t.Fatal(res.Err)
	}
	a := o.asked
	if a.IncidentID != incident.ID || a.Incident.Title != "Disk" || a.Timeout != 2500*time.Millisecond || a.NoFallback || a.FactsOnly || a.Provider != "active" || a.Options.TopProcesses != 4 ||
		a.Hint != "hint" || a.Config != nil || a.TraceID != "t" || a.RunID.IsZero() || a.CheckRef != "checker:t:"+a.RunID.String()+":check" {
		t.Errorf("asked %+v", a)
	}
	ev := a.Evidence
	if len(ev.Alerts) != 1 || len(ev.Checks) != 2 || ev.Checks[1].Name != "disk" || ev.Checks[1].Host != "web-1" || ev.Checks[1].Metrics["p"] != 97.0 || ev.History[0].Title != "then" ||
		ev.Changes[0].Title != "api 2" || ev.Runbook[0] != "https://wiki/x" {
		t.Errorf("evidence %+v", ev)
	}
	for key, want := range map[string]any{
		"provider": "local", "count": 2.0, "summary": "Free /", "description": "It is full.", "overview": "On web-1: full.", "probable_cause": "Logs.", "fallback_used": false,
		"rung": "local", "grounded": true, "truncated": false, "confidence": 0.8, "error_class": "", "why": "", "analysis_id": o.answer.ID.String(), "actions": []any{"df -h"},
		"cached": false, "model_info": map[string]any{"provider": "local", "model": "local"},
	} {
		if diff := cmp.Diff(want, out[key]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", key, diff)
		}
	}
	if list := out["recommendations"].([]any); len(list) != 2 || list[0].(map[string]any)["title"] != "Free /" {
		t.Errorf("recommendations %v", list)
	}
	warnings, _ := json.Marshal(out["warnings"])
	if !strings.Contains(string(warnings), "host") || !strings.Contains(string(warnings), "colour") {
		t.Errorf("warnings %s", warnings)
	}
}

// TestIntelligenceAsks: who is asked, about what, and whether anybody is.
func TestIntelligenceAsks(t *testing.T) {
	t.Parallel()
	incident := &event.Incident{ID: id.New(), Title: "Disk"}
	for name, tt := range map[string]struct {
		context, origin string
		about           *event.Incident
		rehearsing      bool
		title           string // of what is asked about, "" for the host as it is
		facts           bool
	}{
		"an incident":          {looked, "incoming_webhook", incident, false, "Disk", false},
		"a rehearsal":          {looked, "incoming_webhook", incident, true, "Disk", true},
		"a shadow":             {looked, orchestration.OriginShadow, incident, false, "Disk", true},
		"failed checks":        {looked, "schedule", nil, false, "Checks failed: disk", false},
		"checks that are fine": {`{"results":{"cpu":{"status":"ok"}}}`, "schedule", nil, false, "", false},
		"no checks":            {``, "schedule", nil, false, "", false},
		"another output":       {`[1]`, "schedule", nil, false, "", false},
	} {
		o := &oracle{}
		if _, res := analyse(t, o, graph.IntelligenceConfig{Provider: "local"}, tt.context, tt.origin, tt.about, tt.rehearsing); res.Err != nil {
			t.Errorf("%s: %v", name, res.Err)
		}
		title := ""
		if o.asked.Incident != nil {
			title = o.asked.Incident.Title
		}
		if title != tt.title || o.asked.FactsOnly != tt.facts || o.asked.Timeout != 0 || o.asked.Patience < 17*time.Second || o.asked.Patience > 18*time.Second {
			t.Errorf("%s: asked about %q, facts only %t, %s and %s", name, title, o.asked.FactsOnly, o.asked.Timeout, o.asked.Patience)
		}
	}
}

func TestIntelligenceErrors(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		cfg  graph.IntelligenceConfig
		err  error
		want string
	}{
		"unknown provider": {graph.IntelligenceConfig{Provider: "psychic"}, nil, "unknown_provider"},
		"bad settings":     {graph.IntelligenceConfig{Provider: "local", ProviderConfig: map[string]any{"timeout_s": "soon"}}, nil, "config"},
		"no fallback":      {graph.IntelligenceConfig{Provider: "local", Fallback: new(false)}, &providers.Error{Class: providers.ErrQuota, Err: errors.New("x")}, "quota"},
		"no database":      {graph.IntelligenceConfig{Provider: "local"}, errors.New("away"), "analysis"},
	} {
		o := &oracle{err: tt.err}
		if _, res := analyse(t, o, tt.cfg, "", "", nil, false); res.Err == nil || res.Type != tt.want || res.Retry {
			t.Errorf("%s: %+v", name, res)
		}
		if tt.cfg.Fallback != nil && !o.asked.NoFallback {
			t.Errorf("%s: fallback is not off", name)
		}
	}
}
