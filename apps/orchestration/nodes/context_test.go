package nodes_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/changes"
	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/history"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/apps/orchestration/graph"
	"github.com/incidenthub/incidenthub/apps/orchestration/nodes"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/redact"
)

const canary = "canary-secret-4711"

var began = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// world is what a context node looks at; it notes what it was asked.
type world struct {
	report  checkers.Report
	found   history.Found
	recent  []changes.Recent
	errs    [3]error
	asked   checkers.Request
	limit   int
	about   changes.About
	lookups int
	vouched bool
	away    error // who wrote a definition cannot be read
}

// written is the definition that runs.
var written = id.New()

func (w *world) gatherer() nodes.Gatherer {
	return nodes.Gatherer{Checks: w, History: past{w}, Changes: changed{w}, Redact: redact.New(canary), Log: slog.New(slog.DiscardHandler)}
}

func (w *world) Run(_ context.Context, r checkers.Request) (checkers.Report, error) {
	w.asked = r
	w.lookups++
	return w.report, w.errs[0]
}

type past struct{ w *world }

func (p past) Find(_ context.Context, _ string, q history.Question) (history.Found, error) {
	p.w.limit = q.Limit
	return p.w.found, p.w.errs[1]
}

type changed struct{ w *world }

func (c changed) Before(_ context.Context, _ string, a changes.About) ([]changes.Recent, error) {
	c.w.about = a
	return c.w.recent, c.w.errs[2]
}

// run executes a context node and returns its output as later nodes see it.
func (w *world) run(t *testing.T, cfg graph.ContextConfig, origin string, rehearsing bool, alerts ...*event.Alert) (nodes.ContextOutput, orchestration.Result) {
	t.Helper()
	h := nodes.Context(nodes.ContextConfig{
		Gatherer: w.gatherer(), Rehearsing: rehearsing,
		Vouched: func(_ context.Context, tenant string, definition id.ID, version int64) (bool, error) {
			if tenant != "default" || definition != written || version != 7 {
				t.Errorf("asked who wrote %s %s %d", tenant, definition, version)
			}
			return w.vouched, w.away
		},
	})
	res := h.Run(&orchestration.NodeContext{
		Ctx: t.Context(), Node: &graph.Node{ID: "check", Config: &cfg},
		Vars: func() graph.Vars { return graph.Vars{"run": map[string]any{"origin": origin}} },
		Run: orchestration.RunFacts{
			ID: id.New(), DefinitionID: written, Version: 7, Tenant: "default", TraceID: "t", Incident: &event.Incident{ID: id.New(), Title: "Disk", CreatedAt: began}, Alerts: alerts,
		},
	})
	raw, err := json.Marshal(res.Output)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(raw), canary) {
		t.Errorf("a secret is in the output: %s", raw)
	}
	var out nodes.ContextOutput
	if err := json.Unmarshal(raw, &out); err != nil && res.Output != nil {
		t.Fatal(err)
	}
	return out, res
}

func TestContext(t *testing.T) {
	t.Parallel()
	w := &world{
		report: checkers.Report{
			Hostname: "web-1", Run: 3, Passed: 1, Failed: 2, Errors: []string{"unknown check \"gpu\""},
			Results: []checkers.Result{
				{CheckerName: "cpu", Status: checkers.OK, Message: "12 %"},
				{CheckerName: "disk", Status: checkers.Critical, Message: "/ is 97 % full; password=" + canary, Metrics: map[string]any{"worst_percent": 97.1, "api_key": canary}},
				{CheckerName: "memory", Status: checkers.Unknown, Message: "Check failed", Error: strings.Repeat("x", 2000)},
			},
		},
		found: history.Found{
			Week: 1, Month: 3, LastAt: began.Add(-time.Hour),
			Before: []history.Past{
				{IncidentID: id.New(), Title: "Disk", BeganAt: began.Add(-time.Hour), EndedAt: began.Add(-50 * time.Minute), ResolvedBy: "ada", AcknowledgedBy: "bob", Summary: "removed old logs.", Cause: "debug logging", Notes: []history.Note{{Author: "x", Text: canary}}, Similarity: 1, Same: true},
				{IncidentID: id.New(), Title: "Disk", BeganAt: began.Add(-time.Hour), EndedAt: began.Add(-59 * time.Minute), Similarity: 0.61234, Analysis: "full"},
			},
			Firing: []history.Past{{IncidentID: id.New(), Title: "Disk of web-2", Similarity: 0.9}},
		},
		recent: []changes.Recent{{Change: changes.Change{Title: "api 2.4.1 " + canary, Kind: "deploy", Service: "api", At: began.Add(-time.Minute)}}},
	}
	alerts := []*event.Alert{
		{Name: "B", Severity: event.SeverityWarning, StartedAt: began},
		{Name: "A", Severity: event.SeverityCritical, StartedAt: began, Labels: map[string]string{"service": "api", "password": "hunter2", "runbook": "https://wiki/b"}, Annotations: map[string]string{"runbook_url": "https://wiki/a", "playbook": "javascript:x"}},
		{Name: "A", Severity: event.SeverityWarning, StartedAt: began.Add(-time.Hour), Description: "older", Annotations: map[string]string{"runbook_url": "https://wiki/a"}},
	}
	five := 5.0
	out, res := w.run(t, graph.ContextConfig{
		CheckerNames: []string{"cpu", "disk", "memory", "gpu"}, CheckerConfigs: map[string]map[string]any{"__all__": {"timeout": 2}, "disk": {"paths": []string{"/"}}},
		CreateAlerts: true, Hostname: "web-1", Timeout: &five,
	}, orchestration.OriginWebhook, false, alerts...)
	if res.Err != nil {
		t.Fatal(res.Err)
	}
	if out.Run != 3 || out.Passed != 1 || out.Failed != 2 || len(out.Results) != 3 || out.Results["disk"].Status != "critical" ||
		out.Results["disk"].Message != "/ is 97 % full; password=[redacted:secret]" || !strings.Contains(string(out.Results["disk"].Metrics), "97.1") {
		t.Errorf("checks: %+v", out.Results)
	}
	if m := out.Results["memory"].Message; len(m) > 500 || !strings.Contains(m, "… [cut 1542 bytes]") {
		t.Errorf("a long message: %d bytes, %q", len(m), m[max(0, len(m)-40):])
	}
	e := out.Evidence
	ids := []string{}
	for _, a := range e.Alerts {
		ids = append(ids, a.ID+" "+a.Name)
	}
	for _, c := range e.Checks {
		ids = append(ids, c.ID+" "+c.Name)
	}
	for _, h := range e.History {
		ids = append(ids, h.ID+" "+h.Summary)
	}
	for _, c := range e.Changes {
		ids = append(ids, c.ID+" "+c.Title)
	}
	want := []string{
		"A1 A", "A2 B", "C1 disk", "C2 memory", "C3 cpu",
		"H1 Resolved by ada after 10m0s, bob was on it. removed old logs. Probable cause: debug logging. Note: [redacted:secret].",
		"H2 Ended by itself after 1m0s. Analysis: full.", "R1 api 2.4.1 [redacted:secret]",
	}
	if diff := cmp.Diff(want, ids); diff != "" {
		t.Errorf("evidence (-want +got):\n%s", diff)
	}
	if e.Alerts[0].Count != 2 || e.Alerts[0].Labels["password"] == "hunter2" || e.History[1].Similarity != 0.612 || e.Checks[0].Host != "web-1" {
		t.Errorf("evidence: %+v", e)
	}
	if diff := cmp.Diff([]string{"https://wiki/a", "https://wiki/b"}, e.Runbook); diff != "" {
		t.Errorf("runbooks (-want +got):\n%s", diff)
	}
	if out.Earlier == nil || out.Earlier.Week != 1 || out.Earlier.Month != 3 || len(out.Earlier.AlsoFiring) != 1 || len(out.Warnings) != 1 {
		t.Errorf("earlier %+v, warnings %q", out.Earlier, out.Warnings)
	}
	r := w.asked
	if !r.CreateAlerts || !r.Shared || !r.Guarded || r.Timeout != 5*time.Second || r.Hostname != "web-1" || string(r.Configs["disk"]) != `{"paths":["/"]}` ||
		string(r.Configs[checkers.All]) != `{"timeout":2}` || len(r.Names) != 4 || r.Origin != checkers.OriginPipeline {
		t.Errorf("asked %+v", r)
	}
	if w.limit != 5 || w.about.Window != 2*time.Hour || !w.about.Began.Equal(began) || len(w.about.Labels) != 3 {
		t.Errorf("asked for %d, %+v", w.limit, w.about)
	}
}

// TestContextGoesOn: what cannot be read is a warning; only checks that do not exist are an error; a check's own run makes no alerts.
func TestContextGoesOn(t *testing.T) {
	t.Parallel()
	w := &world{errs: [3]error{nil, errors.New("away"), errors.New("away")}}
	out, res := w.run(t, graph.ContextConfig{CreateAlerts: true}, orchestration.OriginCheck, false)
	if res.Err != nil || len(out.Warnings) != 2 || out.Earlier != nil || w.asked.CreateAlerts {
		t.Errorf("%+v %v, asked %+v", out, res.Err, w.asked)
	}
	for _, origin := range []string{orchestration.OriginShadow, orchestration.OriginReplay} {
		if w.run(t, graph.ContextConfig{CreateAlerts: true}, origin, false); w.asked.CreateAlerts {
			t.Errorf("a run of origin %s makes alerts", origin)
		}
	}
	none, hour := 0, 60
	w = &world{found: history.Found{Skipped: "too many"}}
	out, _ = w.run(t, graph.ContextConfig{SimilarIncidents: &none, RecentChanges: &hour}, "", false)
	if w.limit != 0 || w.about.Window != time.Hour || out.Earlier != nil || !slices.Equal(out.Warnings, []string{"too many"}) {
		t.Errorf("limit %d, %+v, %+v", w.limit, w.about, out)
	}
	w = &world{errs: [3]error{checkers.ErrUnknown}}
	if _, res = w.run(t, graph.ContextConfig{CheckerNames: []string{"gpu"}}, "", false); !errors.Is(res.Err, checkers.ErrUnknown) || res.Type != "unknown_checker" || res.Retry {
		t.Errorf("unknown checks: %+v", res)
	}
}

// TestContextRehearsed: a rehearsal looks at nothing and says so.
func TestContextRehearsed(t *testing.T) {
	t.Parallel()
	w := &world{}
	out, res := w.run(t, graph.ContextConfig{CreateAlerts: true}, "", true)
	if res.Err != nil || w.lookups != 0 || w.limit != 0 || out.Note == "" || out.Run != 0 {
		t.Errorf("%d looks, %+v, %v", w.lookups, out, res.Err)
	}
}

// TestContextGuards: only what the operator wrote goes unguarded, and only where there are settings at all.
func TestContextGuards(t *testing.T) {
	t.Parallel()
	settings := graph.ContextConfig{CheckerConfigs: map[string]map[string]any{"tcp": {"targets": []string{"127.0.0.1:5432"}}}}
	for name, tt := range map[string]struct {
		w       world
		cfg     graph.ContextConfig
		guarded bool
	}{
		"the operator's":        {world{vouched: true}, settings, false},
		"over the API":          {world{}, settings, true},
		"nobody knows":          {world{vouched: true, away: errors.New("away")}, settings, true},
		"nothing to connect to": {world{vouched: true}, graph.ContextConfig{}, true},
	} {
		if _, res := tt.w.run(t, tt.cfg, "", false); res.Err != nil || tt.w.asked.Guarded != tt.guarded {
			t.Errorf("%s: guarded %v, %v", name, tt.w.asked.Guarded, res.Err)
		}
	}
}

// shelf has one incident.
type shelf struct{ err error }

func (s shelf) Facts(_ context.Context, _ string, incident id.ID) (*event.Incident, []*event.Alert, error) {
	alerts := []*event.Alert{{Name: "Disk", Status: event.StatusFiring, StartedAt: began, Labels: map[string]string{"runbook": "https://wiki/disk"}}}
	return &event.Incident{ID: incident, Title: "Disk", CreatedAt: began}, alerts, s.err
}

// TestByHand: an analysis by hand has the evidence of a context node with its defaults, from a look that is shared.
func TestByHand(t *testing.T) {
	t.Parallel()
	w := &world{
		report: checkers.Report{Hostname: "web-1", Results: []checkers.Result{{CheckerName: "cpu", Status: checkers.OK, Message: "fine"}, {CheckerName: "disk", Status: checkers.Unknown, Error: canary}}},
		found:  history.Found{Before: []history.Past{{IncidentID: id.New(), Title: "Disk before"}}},
		recent: []changes.Recent{{Change: changes.Change{Title: "deploy"}}},
	}
	b := nodes.ByHand{Gatherer: w.gatherer(), Incidents: shelf{}}
	ev, err := b.GatherFor(t.Context(), "default", "trace", id.New())
	if err != nil {
		t.Fatal(err)
	}
	if len(ev.Checks) != 2 || ev.Checks[0].Name != "disk" || strings.Contains(ev.Checks[0].Message, canary) || len(ev.History) != 1 || len(ev.Changes) != 1 || len(ev.Runbook) != 1 {
		t.Errorf("evidence %+v", ev)
	}
	r := w.asked
	if !slices.Equal(r.Names, []string{"cpu", "memory", "disk"}) || !r.Shared || !r.Guarded || r.CreateAlerts || r.Timeout <= 0 || r.Timeout >= 5*time.Second || r.TraceID != "trace" ||
		w.limit != 5 || w.about.Window != 2*time.Hour || !w.about.Began.Equal(began) {
		t.Errorf("asked %+v, %d, %+v", r, w.limit, w.about)
	}
	w.errs = [3]error{nil, errors.New("away"), errors.New("away")}
	if ev, err = b.GatherFor(t.Context(), "default", "trace", id.New()); err != nil || len(ev.Checks) != 2 {
		t.Errorf("without history: %+v %v", ev, err)
	}
	b.Incidents = shelf{errors.New("away")}
	if _, err = b.GatherFor(t.Context(), "default", "trace", id.New()); err == nil {
		t.Error("an incident that cannot be read has evidence")
	}
}
