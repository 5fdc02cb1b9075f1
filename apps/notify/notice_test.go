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
		"firing_long": func() notify.NoticeInput {
			in := firing()
			in.Incident.Title, in.Incident.Description = strings.Repeat("t", 250), "first\n"+strings.Repeat("é", 175_000)+"\nlast"
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
		"resolved_by": func() notify.NoticeInput {
			in := firing()
			in.Kind, in.Event, in.By = channel.KindResolved, "resolved", "ada"
			in.Incident.Status, in.Incident.ResolvedAt, in.Incident.Summary = "resolved", now, "done\nAlerts (0 firing):"
			return in
		},
		"closed_by": func() notify.NoticeInput {
			in := firing()
			in.Kind, in.Event, in.By = channel.KindResolved, "resolved", "ada"
			in.Incident.Status, in.Incident.ResolvedAt, in.Alerts = "closed", now, many(3)
			in.Alerts[2].Status = event.StatusResolved
			return in
		},
		"reminder": func() notify.NoticeInput {
			in := firing()
			in.Kind, in.Event = channel.KindReminder, "reminder"
			return in
		},
		"reminder_analysis": func() notify.NoticeInput {
			in := firing()
			said := analysis(false)
			said["made_at"] = "2026-03-01T11:30:00Z"
			in.Kind, in.Event, in.Outputs = channel.KindReminder, "reminder", map[string]any{"intelligence": said}
			return in
		},
		"acknowledged": func() notify.NoticeInput {
			in := firing()
			in.Kind, in.Event, in.By, in.Incident.Status = channel.KindAcknowledged, "acknowledged", "ada\r\nBcc: x", "acknowledged"
			return in
		},
		"analysis": func() notify.NoticeInput {
			in := firing()
			in.Kind, in.Event, in.Outputs = channel.KindUpdated, "analysis", map[string]any{"intelligence": analysis(false)}
			return in
		},
		"led": func() notify.NoticeInput {
			in := firing()
			in.Lead = "Sent here because channel pager\ncould not be told: it answered 404 (not found)."
			return in
		},
		"sent": func() notify.NoticeInput {
			return notify.NoticeInput{Kind: channel.KindSent, At: now, Incident: &notify.IncidentFacts{
				Title: "Deploy\r\ndone", Description: "first\r\n\tsecond \x1b[31m\n" + strings.Repeat("line\n", 25) + "last", Severity: "warning",
			}}
		},
		"sent_bare": func() notify.NoticeInput { return notify.NoticeInput{Kind: channel.KindSent, At: now} },
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
		Kind: channel.KindFiring, Event: "opened", Severity: "critical", Channel: "ops", Source: "alertmanager", IdemKey: "i:1:0:c", TraceID: "trace-1", RunID: "run-1",
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
