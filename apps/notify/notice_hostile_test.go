package notify_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

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

// TestLeftOut: what a text has no room for is counted where people read it, and remarked; what fits is not.
func TestLeftOut(t *testing.T) {
	t.Parallel()
	in := firing()
	if n := notices(t).Build(in); n.LeftOut != "" {
		t.Errorf("%q of a message that has everything", n.LeftOut)
	}
	in.Incident.Description = strings.Repeat("é", 175_000)
	n := notices(t).Build(in)
	if !strings.Contains(n.Text, "… 173000 characters are left out. All of it: "+in.URL) || !strings.Contains(n.LeftOut, "173000 characters") {
		t.Errorf("%q and %q", n.LeftOut, n.Text[len(n.Text)-900:])
	}
	in.URL, in.Incident.Description = "", strings.Repeat("x\n", 30)
	if n = notices(t).Build(in); !strings.Contains(n.Text, "… 19 characters are left out. All of it: incident 0199 in the hub\n") || n.LeftOut == "" {
		t.Errorf("%q of %s", n.LeftOut, n.Text)
	}
	in.Alerts, in.Incident.Description = many(2), ""
	in.Alerts[1].Description = strings.Repeat("y", 1000)
	if n = notices(t).Build(in); !strings.Contains(n.LeftOut, "characters were left out") {
		t.Errorf("a shortened alert is not remarked: %s", n.Text)
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
