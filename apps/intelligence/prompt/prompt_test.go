package prompt

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/redact"
	"github.com/incidenthub/incidenthub/providers"
)

const testMarker = "data-0123456789abcdef"

func marked() string { return testMarker }

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// parts takes a prompt apart, strictly: anything that is not in its place is an error.
func parts(t *testing.T, p *providers.Prompt, marker string) (before string, doc document, raw string) {
	t.Helper()
	if p.System != System || p.Version != Version || string(p.Schema) != schema {
		t.Fatal("the system text, the version or the schema is not the fixed one")
	}
	head, rest, ok := strings.Cut(p.User, marker+"\n")
	raw, end, closed := strings.Cut(rest, "\n"+marker)
	if !ok || !closed || end != after {
		t.Fatalf("the document is not between two lines %s:\n%s", marker, p.User)
	}
	if head != "" && !strings.HasSuffix(head, "\n") || strings.Count(p.User, strings.TrimPrefix(marker, "data-")) != 2 {
		t.Fatalf("the marker is not on lines of its own, or occurs elsewhere:\n%s", p.User)
	}
	if strings.Contains(raw, "\n") {
		t.Fatalf("the document has more than a line:\n%s", raw)
	}
	d := json.NewDecoder(strings.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&doc); err != nil {
		t.Fatalf("the document: %v\n%s", err, raw)
	}
	if d.More() {
		t.Fatalf("there is more than one document:\n%s", raw)
	}
	return head, doc, raw
}

// full is a request with as much of everything as prompts take, and more.
func full(text string, n int) *providers.Request {
	in := &providers.Incident{
		ID: "0199a000-0000-7000-8000-000000000001", Title: "title " + text, Description: strings.Repeat("description "+text+"\n", n), Severity: "critical",
		Status: "firing", Labels: map[string]string{"instance": "web-3", "job": text}, StartedAt: noon, Metadata: map[string]any{"path": text, text: 1},
	}
	var ev providers.Evidence
	for i := range 14 {
		labels := map[string]string{"instance": "web-3", "nr": strconv.Itoa(i), text: text}
		for j := range n % 30 {
			labels[fmt.Sprint("label_", j)] = text
		}
		ev.Alerts = append(ev.Alerts, providers.Alert{
			Name: fmt.Sprint("Alert", i, text), Description: strings.Repeat("alert "+text+" ", n), Severity: "warning", Status: "firing", Labels: labels,
			StartedAt: noon.Add(-time.Minute), Count: 3,
		})
		status := "ok"
		if i%3 == 0 {
			status = "critical"
		}
		ev.Checks = append(ev.Checks, providers.Check{
			Name: fmt.Sprint("check", i), Status: status, Message: strings.Repeat("message "+text, n), Host: "web-3",
			Metrics: map[string]any{"usage_percent": 97.5, text: []any{strings.Repeat(text, n)}},
		})
		ev.History = append(ev.History, providers.Past{
			IncidentID: "0199a000-0000-7000-8000-000000000002", Title: "past " + text, Summary: strings.Repeat("helped "+text, n), ResolvedAt: noon.AddDate(0, 0, -1),
			Similarity: 0.875,
		})
		ev.Changes = append(ev.Changes, providers.Change{
			Title: "change " + text, Kind: "deploy", Service: text, Labels: map[string]string{"by": text}, At: noon.Add(-time.Hour), URL: "https://ci.example.com/1",
			Author: text,
		})
		ev.Runbook = append(ev.Runbook, "https://wiki.example.com/"+text)
	}
	return &providers.Request{Incident: in, Evidence: ev}
}

// prepared is what analyses do before they ask.
func prepared(r *redact.Redactor, req *providers.Request, budget int) Input {
	out := *req
	in := Input{Request: &out, Budget: budget, Redactor: r}
	out.Incident, out.Evidence, in.Kept = Prepare(r, req.Incident, req.Evidence)
	return in
}
