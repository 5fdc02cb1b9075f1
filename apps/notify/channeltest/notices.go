package channeltest

import (
	"fmt"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

// Notices returns one notice of each kind that a driver must render, by name.
func Notices() map[string]channel.Notice {
	reminder := Notice()
	reminder.Kind, reminder.Title = channel.KindReminder, "Still firing: [CRITICAL] DiskFull on db-1:9100"
	return map[string]channel.Notice{
		"firing": Notice(), "updated": Updated(), "reminder": reminder, "acknowledged": Acknowledged(), "resolved": Resolved(),
		"enriched": Enriched(), "hostile": HostileNotice(), "crowded": CrowdedNotice(40),
		"test": {Kind: channel.KindTest, Title: "Test", Text: "Test.", Severity: "info", IdemKey: "t:1:0:c", At: Notice().At},
		"sent": {Kind: channel.KindSent, Title: "Sent", Text: "By hand.", Severity: "warning", IdemKey: "s:1:0:c", At: Notice().At},
		"bare": {Kind: channel.KindTest, Title: "Test", Text: "Test."},
		"none": {},
	}
}

// Notice is an ordinary page.
func Notice() channel.Notice {
	started := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	labels := map[string]string{"alertname": "DiskFull", "instance": "db-1:9100", "team": "storage"}
	return channel.Notice{
		Kind: channel.KindFiring, Title: "[CRITICAL] DiskFull on db-1:9100", Text: "Disk / on db-1 is 97% full\n\nSeverity: critical\nWhere: db-1:9100",
		Severity: "critical", Channel: "ops", Source: "alertmanager", IdemKey: "01990000-0000-7000-8000-000000000001:1:0:01990000-0000-7000-8000-000000000002",
		TraceID: "4bf92f3577b34da6a3ce929d0e0e4736", RunID: "01990000-0000-7000-8000-000000000003", IncidentID: "01990000-0000-7000-8000-000000000001",
		Incident: &channel.Incident{
			Title: "DiskFull on db-1:9100", Description: "Disk / on db-1 is 97% full", Severity: "critical", Environment: "production",
		},
		Status: "open", StartedAt: started, At: started.Add(time.Minute), URL: "https://hub.example/incidents/01990000-0000-7000-8000-000000000001",
		Links: []channel.Link{
			{Name: "incident", URL: "https://hub.example/incidents/01990000-0000-7000-8000-000000000001"},
			{Name: "runbook", URL: "https://runbooks.example/disk?a=1&b=2"},
		},
		Alerts: []channel.Alert{{
			Name: "DiskFull", Status: event.StatusFiring, Severity: event.SeverityCritical, Description: "Disk / on db-1 is 97% full",
			Source: "alertmanager", Fingerprint: "00ff00ff00ff00ff", Labels: labels,
			Annotations: map[string]string{"runbook_url": "https://runbooks.example/disk?a=1&b=2"}, StartedAt: started,
		}},
		Labels: labels,
		Tags: map[string]string{
			"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "run_id": "01990000-0000-7000-8000-000000000003", "fingerprint": "00ff00ff00ff00ff",
			"idempotency_key": "01990000-0000-7000-8000-000000000001:1:0:01990000-0000-7000-8000-000000000002",
		},
		Context: map[string]any{"ingest": map[string]any{"alerts_created": 1, "incidents_created": 1, "source": "alertmanager"}},
	}
}

// Resolved is the end of Notice.
func Resolved() channel.Notice {
	n := Notice()
	n.Kind, n.Title, n.Severity, n.Status = channel.KindResolved, "Resolved: DiskFull on db-1:9100", "success", "resolved"
	n.Text = "Resolved after 2 h, at 2026-03-01 12:00:00 UTC.\n\nWhere: db-1:9100"
	n.EndedAt = n.StartedAt.Add(2 * time.Hour)
	n.At = n.EndedAt
	n.Alerts[0].Status, n.Alerts[0].EndedAt = event.StatusResolved, &n.EndedAt
	return n
}

// Updated is a change of Notice: one more alert, and worse.
func Updated() channel.Notice {
	n := Notice()
	n.Kind, n.Title = channel.KindUpdated, "Updated: [CRITICAL] DiskFull on db-1:9100"
	n.IdemKey = strings.Replace(n.IdemKey, ":1:0:", ":2:0:", 1)
	second := n.Alerts[0]
	second.Name, second.Fingerprint = "InodesLow", "11ff11ff11ff11ff"
	n.Alerts = append(n.Alerts, second)
	return n
}

// Acknowledged says that somebody takes care of Notice.
func Acknowledged() channel.Notice {
	n := Notice()
	n.Kind, n.Title, n.Status = channel.KindAcknowledged, "Acknowledged: DiskFull on db-1:9100", "acknowledged"
	n.IdemKey = strings.Replace(n.IdemKey, ":1:0:", ":3:0:", 1)
	n.Text = "Acknowledged by alice, at 2026-03-01 10:05:00 UTC.\n\nWhere: db-1:9100"
	return n
}

// Enriched is Notice with an analysis.
func Enriched() channel.Notice {
	n := Notice()
	n.Context["intelligence"] = map[string]any{
		"provider": "local", "summary": "The journal fills the disk.", "probable_cause": "journald keeps 40 GiB of logs.", "confidence": 0.8,
		"recommendations": []any{
			map[string]any{"title": "Vacuum the journal", "priority": "high", "description": "journalctl --vacuum-size=1G frees 39 GiB."},
			map[string]any{"title": "Bound the journal", "priority": "medium", "description": "Set SystemMaxUse in journald.conf."},
		},
	}
	return n
}

// line is one of Lines; a prefix of none of the others.
const line = "line %06d of a log that is far too long;"

// Lines returns n numbered lines of 40 characters.
func Lines(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, line+"\n", i+1)
	}
	return b.String()
}

// LongNotice is Notice with so many lines of text.
func LongNotice(lines int) channel.Notice {
	n := Notice()
	n.Text = Lines(lines)
	return n
}

// CrowdedNotice is a page of so many alerts, each with long labels and annotations, and a long analysis.
func CrowdedNotice(alerts int) channel.Notice {
	n := Enriched()
	n.Text = Lines(200)
	n.Labels = map[string]string{}
	for i := range 40 {
		n.Labels[fmt.Sprintf("label_%02d", i)] = strings.Repeat("value ", 50)
	}
	n.Alerts = nil
	for i := range alerts {
		n.Alerts = append(n.Alerts, channel.Alert{
			Name: fmt.Sprintf("Alert%04d", i), Status: event.StatusFiring, Severity: event.SeverityWarning, Description: strings.Repeat("long ", 400),
			Source: "alertmanager", Fingerprint: fmt.Sprintf("%016x", i), Labels: n.Labels, StartedAt: n.StartedAt.Add(time.Duration(i) * time.Second),
			Annotations: map[string]string{"summary": strings.Repeat("summary ", 100)},
		})
	}
	for i := range 30 {
		n.Links = append(n.Links, channel.Link{Name: fmt.Sprintf("dashboard_%d", i), URL: "https://grafana.example/d/" + strings.Repeat("x", 200)})
	}
	var recommendations []any
	for i := range 30 {
		recommendations = append(recommendations, map[string]any{"title": fmt.Sprintf("Step %d", i+1), "description": strings.Repeat("do it ", 300)})
	}
	n.Context["intelligence"] = map[string]any{
		"summary": strings.Repeat("summary ", 1000), "probable_cause": strings.Repeat("cause ", 1000), "recommendations": recommendations,
	}
	return n
}
