package email_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/channeltest"
)

// pages is a folder that the built-in mails are written to, to be looked at; docs/notifications.md shows some.
var pages = flag.String("pages", "", "write the HTML of the built-in mails into this folder")

// scenes are mails as people get them.
func scenes() map[string]channel.Notice {
	full := scene()
	reminder, acknowledged, resolved, updated := scene(), scene(), scene(), scene()
	reminder.Kind, reminder.Title = channel.KindReminder, "[CRITICAL] Reminder: "+full.Incident.Title
	reminder.Text = "Reminder: nobody has taken care of this yet, and it still fires.\n\n" + full.Text
	reminder.At = full.StartedAt.Add(65 * time.Minute)
	acknowledged.Kind, acknowledged.Title, acknowledged.Status = channel.KindAcknowledged, "Acknowledged: "+full.Incident.Title, "acknowledged"
	acknowledged.At = full.StartedAt.Add(9*time.Minute + 12*time.Second)
	acknowledged.Text = "Acknowledged by maria, at 2026-03-01 10:09:12 UTC.\n\n" + full.Text
	resolved.Kind, resolved.Title, resolved.Severity, resolved.Status = channel.KindResolved, "Resolved: "+full.Incident.Title, "success", "resolved"
	resolved.Text = "Resolved after 1 h 12 m, at 2026-03-01 11:12:00 UTC.\n\n" + full.Text
	resolved.EndedAt = full.StartedAt.Add(72 * time.Minute)
	resolved.At = resolved.EndedAt
	for i := range resolved.Alerts {
		resolved.Alerts[i].Status = event.StatusResolved
	}
	updated.Kind, updated.Severity, updated.Incident.Severity = channel.KindUpdated, "warning", "warning"
	updated.Title = "[WARNING] " + full.Incident.Title
	updated.Text = "Update: more alerts joined this incident.\n\n" + full.Text
	updated.Context = nil
	updated.Alerts = append(updated.Alerts[8:10:10], updated.Alerts[11])
	updated.Alerts[2].Status = event.StatusResolved
	one := channeltest.Notice()
	one.Text = "Disk / on db-1 is 97% full\n\nSeverity: critical"
	fallback := scene()
	fallback.Text = "Sent here because the channel pager could not be told: http_404\n\nUpdate: the severity was raised to critical.\n\n" + full.Text
	fallback.Kind = channel.KindUpdated
	return map[string]channel.Notice{
		"fallback": fallback,
		"firing":   full, "updated": updated, "reminder": reminder, "acknowledged": acknowledged, "resolved": resolved, "one": one,
		"test": {
			Kind: channel.KindTest, Title: "Test message from Incident Hub", Severity: "info", Channel: "ops-mail", At: full.At, IdemKey: "t",
			Text: "This is a test of the channel ops-mail. Nothing is wrong and nothing needs to be done.\n\nSent: 2026-03-01 10:04:00 UTC",
		},
		"sent": {
			Kind: channel.KindSent, Title: "Maintenance of db-3 starts at 22:00", Severity: "warning", Channel: "ops-mail", At: full.At, IdemKey: "s",
			Text: "Checkout will be read-only for about ten minutes.\n\nQuestions: #dba",
		},
	}
}

// scene is a page with all that there can be: twelve alerts, checks, an analysis, links.
func scene() channel.Notice {
	n := channeltest.Notice()
	n.Title, n.Channel, n.Source = "[CRITICAL] Checkout latency above 2 s in eu-west-1", "ops-mail", "alertmanager"
	n.Incident = &channel.Incident{
		Title: "Checkout latency above 2 s in eu-west-1", Severity: "critical", Environment: "production",
		Description: "p99 of POST /checkout has been above 2 s for 5 minutes. Orders still go through, about one in fifteen times out.",
	}
	n.Text = n.Incident.Description + "\n\nSeverity: critical"
	n.At = n.StartedAt.Add(4 * time.Minute)
	n.Links = append(n.Links, channel.Link{Name: "dashboard", URL: "https://grafana.example/d/checkout"}, channel.Link{Name: "generator", URL: "https://prometheus.example/graph?g0.expr=histogram_quantile"})
	n.Labels = map[string]string{"cluster": "eu-west-1", "service": "checkout", "team": "payments", "tier": "1", "severity": "critical"}
	n.Alerts = nil
	for i := range 12 {
		a := channel.Alert{
			Name: "HighLatency", Status: event.StatusFiring, Severity: event.SeverityCritical, Source: "alertmanager", StartedAt: n.StartedAt, Fingerprint: strconv.Itoa(i),
			Description: fmt.Sprintf("p99 is %.1f s, the limit is 2 s", 2.1+float64(i)/7), Labels: map[string]string{"instance": fmt.Sprintf("checkout-%d.eu-west-1:8443", i+1)},
		}
		switch {
		case i == 11:
			a.Name, a.Severity, a.Description = "ReplicationLag", event.SeverityInfo, "db-3 is 41 s behind"
			a.Labels = map[string]string{"instance": "db-3.eu-west-1:5432"}
		case i > 7:
			a.Severity = event.SeverityWarning
		}
		n.Alerts = append(n.Alerts, a)
	}
	n.Context = map[string]any{
		"check": map[string]any{"checks_run": 4, "checks_passed": 2, "hostname": "db-3", "results": map[string]any{
			"disk": map[string]any{"status": "critical", "message": "/var/lib/postgresql is at 97 %, 11 GB left"}, "cpu": map[string]any{"status": "ok", "message": "31 %"},
			"memory": map[string]any{"status": "ok", "message": "62 % used"}, "raid": map[string]any{"status": "unknown", "message": "no answer in 10 s"},
		}},
		"intelligence": map[string]any{
			"provider": "openai", "rung": "provider", "grounded": true, "confidence": 0.82, "summary": "All slow requests wait for one query on db-3, whose disk is nearly full.",
			"probable_cause": "An analytics export that began at 09:52 writes temporary files to db-3 and competes with checkout for disk.",
			"recommendations": []any{
				map[string]any{"title": "Stop the export on db-3", "priority": "high", "description": "SELECT pg_cancel_backend(48213); it can run again at night."},
				map[string]any{"title": "Free space on /var/lib/postgresql", "priority": "high", "description": "base/pgsql_tmp holds 64 GB of files that nobody uses once the export has ended."},
				map[string]any{"title": "Send reads to db-2 until the lag is gone", "priority": "medium"},
			},
		},
	}
	return n
}

var tagged = regexp.MustCompile(`<(/?)(table|tr|td|div|p|a|span|h1|ol|li|b)\b[^>]*>`)

// TestPages: each built-in mail says what it must, in HTML that closes what it opens and stays under what Gmail shows at once.
func TestPages(t *testing.T) {
	t.Parallel()
	c := channeltest.Open(t, driver(nil), whole)
	for name, n := range scenes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := c.Render(n)
			if err != nil || r.Remark != "" {
				t.Fatalf("%v %q", err, r.Remark)
			}
			var d struct{ HTML string }
			if err := json.Unmarshal(r.Body, &d); err != nil {
				t.Fatal(err)
			}
			if *pages != "" {
				if err := os.WriteFile(filepath.Join(*pages, name+".html"), []byte(d.HTML), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want := []string{"Incident Hub", "#"}
			lead, rest, _ := strings.Cut(n.Text, "\n\n")
			next, _, _ := strings.Cut(rest, "\n\n")
			want = append(want, lead)
			if !strings.HasPrefix(next, "Severity:") {
				want = append(want, next)
			}
			if i := n.Incident; i != nil {
				if n := strings.Count(unescape(d.HTML), i.Description); n != 1 && n != 2 { // once in what mail programs show beside the subject
					t.Errorf("the description is there %d times", n)
				}
				want = append(want, i.Title, i.Description, n.IncidentID, `href="`+n.URL+`"`)
			}
			for _, w := range want {
				if !strings.Contains(unescape(d.HTML), w) {
					t.Errorf("%q is missing", w)
				}
			}
			if len(d.HTML) > 60<<10 {
				t.Errorf("%d bytes", len(d.HTML))
			}
			var open []string
			for _, m := range tagged.FindAllStringSubmatch(regexp.MustCompile(`(?s)<!--.*?-->`).ReplaceAllString(d.HTML, ""), -1) {
				switch {
				case m[1] == "":
					open = append(open, m[2])
				case len(open) == 0 || open[len(open)-1] != m[2]:
					t.Fatalf("</%s> closes %v", m[2], open)
				default:
					open = open[:len(open)-1]
				}
			}
			if len(open) != 0 {
				t.Errorf("%v stay open", open)
			}
		})
	}
}
