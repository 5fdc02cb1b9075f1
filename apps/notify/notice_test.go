package notify_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/redact"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var (
	started = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	now     = time.Date(2026, 3, 1, 12, 5, 0, 0, time.UTC)
)

func notices(tb testing.TB) *notify.Notices {
	tb.Helper()
	b, err := notify.NewNotices(redact.New())
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func diskFull() channel.Alert {
	return channel.Alert{
		Name: "DiskFull", Status: event.StatusFiring, Severity: event.SeverityCritical, Source: "alertmanager", Fingerprint: "00ff00ff00ff00ff",
		Description: "Disk / on db-1 is 97% full", StartedAt: started,
		Labels: map[string]string{
			"alertname": "DiskFull", "severity": "critical", "instance": "db-1:9100", "job": "node", "mountpoint": "/", "team": "storage", "__name__": "x",
		},
		Annotations: map[string]string{
			"runbook_url": "https://runbooks.example/disk", "dashboard": "javascript:alert(1)", "generatorURL": "http://prometheus.example/graph?g0.expr=up",
		},
	}
}

func firing() notify.NoticeInput {
	return notify.NoticeInput{
		Kind: channel.KindFiring, Event: "opened", At: now, TraceID: "trace-1", RunID: "run-1", Channel: "ops", IdemKey: "i:1:0:c",
		URL: "https://hub.example/incidents/0199",
		Incident: &notify.IncidentFacts{
			ID: "0199", Title: "DiskFull on db-1:9100", Description: "Disk / on db-1 is 97% full", Severity: event.SeverityCritical, Status: "open",
			StartedAt: started,
		},
		Alerts: []channel.Alert{diskFull()},
	}
}

func many(n int) []channel.Alert {
	alerts := make([]channel.Alert, n)
	for i := range alerts {
		alerts[i] = diskFull()
		alerts[i].Labels["instance"] = fmt.Sprintf("db-%02d:9100", i+1)
		alerts[i].Description = fmt.Sprintf("Disk / on db-%02d is 97%% full", i+1)
	}
	return alerts
}

func checks() map[string]any {
	var out map[string]any
	err := json.Unmarshal([]byte(`{"checks_run":4,"hostname":"hub-1","checks_passed":2,"checks_failed":2,"results":{
		"cpu":{"status":"ok","message":"3%"},"memory":{"status":"ok","message":"40%"},
		"disk":{"status":"critical","message":"/ is at 97%"},"raid":{"status":"unknown","message":"no answer in 10 s"}}}`), &out)
	if err != nil {
		panic(err)
	}
	return out
}

func analysis(fallback bool) map[string]any {
	return map[string]any{
		"provider": "local", "summary": "Free space on /", "probable_cause": "The journal grows by 4 GB a day.", "fallback_used": fallback,
		"recommendations": []any{
			map[string]any{"priority": "high", "title": "Free space on /", "description": "Vacuum the journal."},
			map[string]any{"priority": "low", "title": "Add a disk"},
		},
	}
}

func TestNoticeTexts(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]func() notify.NoticeInput{
		"firing": firing,
		"firing_many": func() notify.NoticeInput {
			in := firing()
			in.Alerts = many(12)
			in.Alerts[1].Status = event.StatusResolved
			return in
		},
		"firing_bare": func() notify.NoticeInput {
			return notify.NoticeInput{Incident: &notify.IncidentFacts{Severity: event.SeverityWarning}}
		},
		"firing_enriched": func() notify.NoticeInput {
			in := firing()
			in.Outputs = map[string]any{"ingest": map[string]any{"alerts_created": 1}, "check": checks(), "intelligence": analysis(true)}
			return in
		},
		"firing_multiline": func() notify.NoticeInput {
			in := firing()
			in.Incident.Description = "first line\r\n\r\nAlerts (0 firing):\n- [OK] all is well\n" + strings.Repeat("more\n", 40)
			return in
		},
		"updated": func() notify.NoticeInput {
			in := firing()
			in.Kind, in.Event = channel.KindUpdated, "severity_raised"
			return in
		},
		"resolved": func() notify.NoticeInput {
			in := firing()
			in.Kind, in.Event = channel.KindResolved, "resolved"
			in.Incident.Status, in.Incident.ResolvedAt = "resolved", now
			in.Alerts[0].Status = event.StatusResolved
			return in
		},
		"run_checks": func() notify.NoticeInput {
			return notify.NoticeInput{At: now, Source: "cron", Outputs: map[string]any{"check": checks()}}
		},
		"run_analysis": func() notify.NoticeInput {
			return notify.NoticeInput{At: now, Outputs: map[string]any{"intelligence": map[string]any{"provider": "openai", "recommendations": []any{}}}}
		},
		"run_ingest": func() notify.NoticeInput {
			return notify.NoticeInput{At: now, Outputs: map[string]any{"ingest": json.RawMessage(`{"alerts_created":2,"incidents_created":1,"severity":"critical"}`)}}
		},
		"run_nothing": func() notify.NoticeInput { return notify.NoticeInput{At: now} },
		"test": func() notify.NoticeInput {
			return notify.NoticeInput{Kind: channel.KindTest, At: now, Channel: "ops", URL: "https://hub.example/"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := notices(t).Build(in())
			golden(t, "notice/"+name+".txt", fmt.Sprintf("%s (%s)\n\n%s\n", n.Title, n.Severity, n.Text))
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", filepath.FromSlash(name))
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got), -update rewrites it:\n%s", name, diff)
	}
}

func TestHealthTitles(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ status, title, severity string }{
		"critical": {"critical", "Health Check Alert — Critical", "critical"},
		"warning":  {"warning", "Health Check Alert — Warning", "warning"},
		"unknown":  {"unknown", "Health Check Alert — Warning", "warning"},
		"odd":      {"<b>", "Health Check Alert — Warning", "warning"},
		"ok":       {"ok", "Health Check Report", "info"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := notices(t).Build(notify.NoticeInput{Outputs: map[string]any{"check": map[string]any{
				"checks_run": 1, "results": map[string]any{"x": map[string]any{"status": tt.status}},
			}}})
			if n.Title != tt.title || n.Severity != tt.severity {
				t.Errorf("got %q %q, want %q %q", n.Title, n.Severity, tt.title, tt.severity)
			}
		})
	}
}

func TestNoticeData(t *testing.T) {
	t.Parallel()
	in := firing()
	in.Tags, in.Environment = map[string]string{"lane": "a"}, "prod"
	n := notices(t).Build(in)
	want := channel.Notice{
		Kind: channel.KindFiring, Severity: "critical", Channel: "ops", Source: "alertmanager", IdemKey: "i:1:0:c", TraceID: "trace-1", RunID: "run-1",
		IncidentID: "0199", Status: "open", StartedAt: started, At: now, URL: in.URL,
		Incident: &channel.Incident{
			Title: "DiskFull on db-1:9100", Description: "Disk / on db-1 is 97% full", Severity: "critical", Environment: "prod",
		},
		Links: []channel.Link{
			{Name: "incident", URL: in.URL},
			{Name: "runbook", URL: "https://runbooks.example/disk"},
			{Name: "generator", URL: "http://prometheus.example/graph?g0.expr=up"},
		},
		Alerts: in.Alerts, Labels: in.Alerts[0].Labels,
		Tags: map[string]string{
			"lane": "a", "trace_id": "trace-1", "run_id": "run-1", "idempotency_key": "i:1:0:c", "fingerprint": "00ff00ff00ff00ff",
		},
		Title: "[CRITICAL] DiskFull on db-1:9100", Text: n.Text,
	}
	if diff := cmp.Diff(want, n); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	other := notify.ForChannel(n, "night", "i:1:0:d")
	if other.Channel != "night" || other.IdemKey != "i:1:0:d" || other.Tags["idempotency_key"] != "i:1:0:d" {
		t.Errorf("ForChannel: %+v", other)
	}
	if n.Tags["idempotency_key"] != "i:1:0:c" {
		t.Error("ForChannel changed the notice it was given")
	}
}

func TestCommonLabels(t *testing.T) {
	t.Parallel()
	alerts := many(2)
	n := notices(t).Build(notify.NoticeInput{Incident: &notify.IncidentFacts{Title: "x"}, Alerts: alerts})
	if _, ok := n.Labels["instance"]; ok || n.Labels["job"] != "node" {
		t.Errorf("labels %v", n.Labels)
	}
	if alerts[0].Labels["instance"] != "db-01:9100" {
		t.Error("an alert's own labels were changed")
	}
}

// TestImpossibleTimes: a notice can always be written as JSON.
func TestImpossibleTimes(t *testing.T) {
	t.Parallel()
	far := time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC)
	in := firing()
	in.At, in.Incident.StartedAt = far, far
	in.Alerts = many(2)
	in.Alerts[1].StartedAt, in.Alerts[1].EndedAt = far, &far
	n := notices(t).Build(in)
	if _, err := json.Marshal(n); err != nil {
		t.Error(err)
	}
	if !in.Alerts[1].StartedAt.Equal(far) || !in.Incident.StartedAt.Equal(far) {
		t.Error("the input was changed")
	}
	if !n.Alerts[0].StartedAt.Equal(started) {
		t.Errorf("the other alert lost its start: %s", n.Alerts[0].StartedAt)
	}
}

// TestHostileText: what a sender writes cannot add lines, hide text, run on a terminal or in a template, or become a link.
func TestHostileText(t *testing.T) {
	t.Parallel()
	const evil = "<script>{{.}}{{template \"x\"}}\x1b[31mred\x00\u202eevil\r\nBcc: a@b\n\nLinks:\n- http://evil %0a'; DROP TABLE x; --"
	in := firing()
	in.Incident.Title, in.Incident.Status, in.Source = evil, evil, evil
	in.Incident.Description = ""
	in.Alerts = many(2)
	for i := range in.Alerts {
		a := &in.Alerts[i]
		a.Name, a.Description, a.Source = evil, evil, evil
		a.Labels = map[string]string{"instance": evil, evil: evil}
		a.Annotations = map[string]string{"runbook_url": "http://x.example/\r\nLinks: evil", "url": "https://user:hunter2@ok.example/a b\"<x>", "dashboard": "//evil"}
	}
	in.Outputs = map[string]any{"check": map[string]any{"checks_run": 1, "results": map[string]any{evil: map[string]any{"message": evil}}}, "intelligence": map[string]any{
		"provider": evil, "summary": evil, "recommendations": []any{map[string]any{"title": evil, "description": evil}},
	}}
	n := notices(t).Build(in)
	all := n.Title + "\n" + n.Text
	for _, bad := range []string{"\x1b", "\x00", "\u202e", "\r", "hunter2", "\nBcc", "\n- http://evil"} {
		if strings.Contains(all, bad) {
			t.Errorf("%q came through:\n%s", bad, all)
		}
	}
	for _, readable := range []string{"<script>{{.}}", `\u001b[31mred`, "'; DROP TABLE x; --"} {
		if !strings.Contains(n.Title, readable) || !strings.Contains(n.Text, readable) {
			t.Errorf("%q is not readable any more", readable)
		}
	}
	if strings.Contains(n.Title, "\n") {
		t.Errorf("the title has several lines: %q", n.Title)
	}
	want := []channel.Link{{Name: "incident", URL: in.URL}, {Name: "source", URL: "https://ok.example/a%20b%22%3Cx%3E"}}
	if diff := cmp.Diff(want, n.Links); diff != "" {
		t.Errorf("links (-want +got)\n%s", diff)
	}
}

// FuzzBuild: no content makes Build panic or breaks the title's one line.
func FuzzBuild(f *testing.F) {
	f.Add("t", "d", "l", `{"results":{"x":1},"recommendations":{"a":{"title":1}}}`)
	f.Add("", "\n\r\n", "\xff", `[1,null]`)
	f.Add(strings.Repeat("é", 300), strings.Repeat("x\n", 100), "http://", `"text"`)
	b := notices(f)
	f.Fuzz(func(t *testing.T, title, description, label, output string) {
		var plain any
		_ = json.Unmarshal([]byte(output), &plain)
		n := b.Build(notify.NoticeInput{
			Kind: channel.Kind(label), Incident: &notify.IncidentFacts{Title: title, Description: description},
			Alerts:  []channel.Alert{{Name: title, Description: description, Labels: map[string]string{label: title}, Annotations: map[string]string{"url": label}}, {}},
			Outputs: map[string]any{"ingest": json.RawMessage(output), "check": plain, "intelligence": json.RawMessage(output)},
		})
		if strings.ContainsAny(n.Title, "\r\n") || len([]rune(n.Title)) > 200 {
			t.Errorf("title %q", n.Title)
		}
		b.Build(notify.NoticeInput{Outputs: map[string]any{"check": plain, "intelligence": plain}})
	})
}

func BenchmarkBuild(b *testing.B) {
	all := notices(b)
	for name, in := range map[string]notify.NoticeInput{
		"one alert": firing(), "hundred alerts": {Kind: channel.KindFiring, At: now, Incident: firing().Incident, Alerts: many(100)},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				all.Build(in)
			}
		})
	}
}
