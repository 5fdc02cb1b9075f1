package texts_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/channeltest"
	"github.com/incidenthub/incidenthub/apps/notify/texts"
	"github.com/incidenthub/incidenthub/internal/platform/jinja"
)

const manual = "../../../docs/templates.md"

// diskNotice is what the examples of the manual are about.
func diskNotice() channel.Notice {
	n := channeltest.Notice()
	n.Title, n.Incident.Title = "[CRITICAL] Disk almost full", "Disk almost full"
	n.At = n.StartedAt.Add(2*time.Hour + 5*time.Minute)
	n.Links[1].URL = "https://runbooks.example/disk"
	n.Labels = map[string]string{"instance": "db-1:9100", "job": "node", "team": "storage"}
	n.Alerts[0].Description = "/var is 97 % full & growing <2 GiB an hour>"
	second := n.Alerts[0]
	second.Name, second.Severity = "DiskSlow", event.SeverityWarning
	n.Alerts = append(n.Alerts, second)
	n.Context["intelligence"] = map[string]any{
		"overview": "The journal fills /var.", "probable_cause": "journald keeps 40 GiB of logs.", "rung": "local", "grounded": true, "confidence": 0.8,
		"recommendations": []any{map[string]any{"title": "Shrink the journal", "description": "Keep the last 2 GiB."}, map[string]any{"title": "Set a limit"}},
	}
	return n
}

var example = regexp.MustCompile("(?s)```jinja ?(\\w*)\n(.*?)\n```\n\n```\\w+\n(.*?)\n```")

// TestManual runs the examples of docs/templates.md.
func TestManual(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	found := example.FindAllStringSubmatch(string(text), -1)
	if len(found) < 6 || len(found) != strings.Count(string(text), "```jinja") {
		t.Fatalf("%d examples with what they make", len(found))
	}
	for _, e := range found {
		source, want := e[2], e[3]
		var got texts.Made
		switch e[1] {
		case "payload":
			_, got, _ = set(t, texts.Options{Payload: inline(source)}).Payload(diskNotice())
		case "html":
			got, _ = set(t, texts.Options{HTML: inline(source)}).HTML(diskNotice())
		default:
			got = set(t, texts.Options{Text: inline(source)}).Text(diskNotice())
		}
		if diff := cmp.Diff(want, got.Text); diff != "" || got.Remark != "" || len(got.Missing) > 0 {
			t.Errorf("%s\n(-want +got)\n%s%s %v", source, diff, got.Remark, got.Missing)
		}
	}
}

// TestManualIsWhole: every variable, filter and test is in the manual, and every variable that it names is there.
func TestManualIsWhole(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	names := append(texts.Names(), texts.IncidentNames()...)
	for _, name := range append(append(names, jinja.Filters()...), jinja.Tests()...) {
		if !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("the manual does not have %s", name)
		}
	}
	for _, name := range texts.Names() {
		made := set(t, texts.Options{Text: inline("x{{ " + name + " is defined }}")}).Text(diskNotice())
		if made.Text != "xTrue" {
			t.Errorf("%s: %+v", name, made)
		}
	}
	for _, name := range texts.IncidentNames() {
		made := set(t, texts.Options{Text: inline("x{{ incident." + name + " is defined }}")}).Text(diskNotice())
		if made.Text != "xTrue" {
			t.Errorf("incident.%s: %+v", name, made)
		}
	}
}
