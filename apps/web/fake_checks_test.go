package web_test

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/apps/intelligence"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/providers"
)

// checkPart is the checks of an in-memory hub, newest run first.
type checkPart struct{ h *hub }

func (c checkPart) Latest(context.Context, string) ([]checkers.CheckRun, error) {
	seen := map[checkers.Key]bool{}
	var out []checkers.CheckRun
	for _, r := range c.h.checks {
		if k := (checkers.Key{Checker: r.CheckerName, Hostname: r.Hostname}); !seen[k] {
			seen[k], out = true, append(out, r)
		}
	}
	return out, nil
}

func (c checkPart) Recent(_ context.Context, _ string, n int) (map[checkers.Key][]checkers.Moment, error) {
	out := map[checkers.Key][]checkers.Moment{}
	for _, r := range slices.Backward(c.h.checks) {
		k := checkers.Key{Checker: r.CheckerName, Hostname: r.Hostname}
		out[k] = append(out[k], checkers.Moment{CheckerName: r.CheckerName, Hostname: r.Hostname, ID: r.ID, Status: r.Status, ExecutedAt: r.ExecutedAt})
		out[k] = out[k][max(0, len(out[k])-n):]
	}
	return out, nil
}

func (c checkPart) List(_ context.Context, _ string, f checkers.Filter, p storage.Paging) (storage.Page[checkers.CheckRun], error) {
	rows := slices.DeleteFunc(slices.Clone(c.h.checks), func(r checkers.CheckRun) bool {
		return r.CheckerName != f.Checker || f.Hostname != "" && r.Hostname != f.Hostname
	})
	return pageOf(rows, p, func(r *checkers.CheckRun) id.ID { return r.ID }), nil
}

// History has a point for each run.
func (c checkPart) History(_ context.Context, _ string, spec checkers.Spec, q checkers.HistoryQuery) (checkers.History, error) {
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
	var rows []intelligence.AnalysisRun
	for _, d := range a.h.analyses {
		if f.IncidentID.IsZero() || d.IncidentID != nil && *d.IncidentID == f.IncidentID {
			rows = append(rows, d.AnalysisRun)
		}
	}
	return pageOf(rows, p, func(r *intelligence.AnalysisRun) id.ID { return r.ID }), nil
}

func (a analysisPart) Run(_ context.Context, _ string, analysis id.ID) (intelligence.AnalysisDetail, error) {
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
	return &intelligence.Analysis{}, nil
}

// explained gives the first incident an analysis that fell back, with all kinds of evidence and a command that was taken out.
func (h *hub) explained() {
	incident, sure, took := h.incidents[0].ID, 0.85, int64(2609)
	past := h.ago(9 * 24 * time.Hour)
	h.analyses = []intelligence.AnalysisDetail{{
		AnalysisRun: intelligence.AnalysisRun{
			ID: id.New(), IncidentID: &incident, Provider: "openai", Status: "succeeded", Rung: "local", FallbackUsed: true, ErrorClass: "timeout", Grounded: true,
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
}
