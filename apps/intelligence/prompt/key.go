package prompt

import (
	"regexp"
	"slices"
)

// moving is what differs in texts from call to call though nothing happened: ids and times.
var moving = regexp.MustCompile(`(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b` +
	`|\b\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?)?( ?(Z|UTC|[+-]\d{2}:?\d{2})\b)?` +
	`|\b\d{2}:\d{2}:\d{2}([.,]\d+)?\b` +
	`|\b1[5-9]\d{8}(\d{3}|\d{6}|\d{9})?\b` + // seconds since 1970, and parts of them
	`|\b[0-9a-f]{16,}\b`)

// still is what a prompt asks, without what moves. The order of the evidence stays: answers cite it by place.
func still(d *document, t *trusted) any {
	out := document{
		Incident: d.Incident, Counts: d.Counts, Alerts: slices.Clone(d.Alerts), Checks: slices.Clone(d.Checks), History: slices.Clone(d.History),
		Changes: slices.Clone(d.Changes), Runbooks: slices.Clone(d.Runbooks),
	}
	if d.Incident != nil {
		in := *d.Incident
		in.StartedAt, in.Labels = "", slices.Clone(in.Labels)
		out.Incident = &in
	}
	if d.Counts != nil {
		n := *d.Counts
		n.Alerts = magnitude(n.Alerts)
		out.Counts = &n
	}
	for i := range out.Alerts {
		a := &out.Alerts[i]
		a.ID, a.StartedAt, a.Count, a.Labels = "", "", magnitude(a.Count), slices.Clone(a.Labels)
	}
	for i := range out.Checks {
		out.Checks[i].ID = ""
	}
	for i := range out.History {
		h := &out.History[i]
		h.ID, h.ResolvedAt, h.Similarity = "", "", 0
	}
	for i := range out.Changes {
		c := &out.Changes[i]
		c.ID, c.At, c.Labels = "", "", slices.Clone(c.Labels)
	}
	for _, text := range out.texts() {
		*text = moving.ReplaceAllString(*text, "#")
	}
	return struct {
		Hint     string   `json:"hint"`
		Context  string   `json:"context"`
		Document document `json:"document"`
	}{t.hint, t.context, out}
}

// magnitude is a count as far as it matters: 1, then 2, 10, 100 and more.
func magnitude(n int) int {
	if n < 2 {
		return n
	}
	at := 2
	for next := 10; n >= next && next < 1_000_000_000; next *= 10 {
		at = next
	}
	return at
}
