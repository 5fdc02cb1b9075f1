package local

import (
	"fmt"
	"slices"
	"strings"

	"github.com/incidenthub/incidenthub/providers"
)

// result is the answer about this host.
func result(l *look, found []ranked) *providers.Result {
	hub := clean(l.b.Hostname, 120)
	if len(found) == 0 {
		return healthy(l, hub)
	}
	out := &providers.Result{}
	for _, f := range found {
		out.Recommendations = append(out.Recommendations, recommendation(l.req, &f.finding))
	}
	first := &found[0]
	confidence := first.sure
	var also []string
	for _, f := range found[1:] {
		if f.score >= hurting || f.score >= abnormal && f.value > first.value-15 {
			also = append(also, lower(f.title))
			if f.value > first.value-6 {
				confidence *= .9
			}
		}
	}
	if first.score < 40 { // the most of its kind, and no more than that
		confidence = min(confidence, .4)
		out.Summary = fmt.Sprintf("Nothing on %s is clearly wrong (%s). The first suspect: %s.", hub, figures(l), lower(first.title))
		out.ProbableCause = "Not clear. " + first.description
	} else {
		out.Summary = fmt.Sprintf("On %s: %s.", hub, lower(first.title))
		if len(also) > 0 {
			out.Summary = fmt.Sprintf("On %s: %s. Also: %s.", hub, lower(first.title), list(also, 2))
		}
		out.ProbableCause = first.description
	}
	out.Summary = clean(out.Summary+blind(l), 900)
	out.ProbableCause = clean(out.ProbableCause, 1500)
	confidence = float64(int(100*min(.97, max(.05, confidence)))) / 100
	out.Confidence = &confidence
	return out
}

// healthy is the answer when nothing was found.
func healthy(l *look, hub string) *providers.Result {
	confidence := .3
	text := fmt.Sprintf("Looked at processes, memory, disks and sockets of %s and found nothing out of the ordinary: %s.", hub, figures(l))
	rec := providers.Recommendation{
		Type: providers.General, Priority: providers.Low, Title: "Nothing out of the ordinary on " + hub,
		Description: clean(text+" What the alert is about is over, or lies where this host cannot see it.", 1500),
		Actions:     []string{"uptime; free -m; df -h; ps aux --sort=-%cpu | head -15", "ss -s; journalctl -p warning --since -30min --no-pager | tail -50"},
		Evidence:    ids(l.req), Details: map[string]any{"fault": "none"}, IncidentID: l.req.Incident.ID,
	}
	return &providers.Result{
		Summary: clean(text+blind(l), 900), ProbableCause: "Unknown: nothing on " + hub + " explains it.", Confidence: &confidence,
		Recommendations: []providers.Recommendation{rec},
	}
}

// abroad is the answer when the incident is about another machine: what is wrong here is not its cause.
func abroad(l *look, where string, found []ranked) *providers.Result {
	hub := clean(l.b.Hostname, 120)
	confidence := .1
	text := fmt.Sprintf("Looked at %s, the alert is about %s: what is seen here does not explain it.", hub, where)
	rec := providers.Recommendation{
		Type: providers.General, Priority: providers.Low, Title: fmt.Sprintf("Looked at %s, the alert is about %s", hub, where),
		Description: clean(text+" These are the looks to take there.", 1500),
		Actions: []string{
			"On " + where + ": uptime; free -m; df -h; df -i; ps aux --sort=-%cpu | head -15",
			"On " + where + ": ss -ltnp; journalctl -p warning --since -30min --no-pager | tail -50",
		},
		Evidence: ids(l.req), Details: map[string]any{"fault": "elsewhere", "looked_at": hub, "about": where}, IncidentID: l.req.Incident.ID,
	}
	out := &providers.Result{
		Summary: clean(text+blind(l), 900), ProbableCause: fmt.Sprintf("Unknown: %s was not looked at.", where), Confidence: &confidence,
		Recommendations: []providers.Recommendation{rec},
	}
	for _, f := range found {
		if f.score < hurting || len(out.Recommendations) == 3 {
			continue
		}
		r := recommendation(l.req, &f.finding)
		r.Priority, r.Evidence = providers.Low, []string{}
		r.Title = clean("Seen on "+hub+", not the cause: "+lower(r.Title), 200)
		out.Recommendations = append(out.Recommendations, r)
	}
	return out
}

// figures are the host in one line.
func figures(l *look) string {
	s := []string{"CPU " + percent(l.busy(), 1) + " busy"}
	if m := l.b.Memory; m.Total > 0 {
		s = append(s, percent(float64(m.Available), float64(m.Total))+" of memory available")
	}
	if m := stores(l.b); len(m) > 0 {
		s = append(s, fmt.Sprintf("fullest file system %s at %s", clean(m[0].Path, 100), percent(fullness(m[0]), 1)))
	}
	return strings.Join(s, ", ")
}

// blind says what could not be read, or nothing.
func blind(l *look) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.unread) == 0 {
		return ""
	}
	var s []string
	for _, u := range l.unread {
		s = append(s, clean(u, 160))
	}
	return " Could not read: " + list(s, 3) + "."
}

// ids are the alerts of the request and its failed checks, a few.
func ids(r *providers.Request) []string {
	out := []string{}
	for _, a := range r.Evidence.Alerts {
		out = append(out, a.ID)
	}
	for _, c := range r.Evidence.Checks {
		if c.Status != "ok" {
			out = append(out, c.ID)
		}
	}
	out = slices.DeleteFunc(out, func(s string) bool { return s == "" })
	return out[:min(4, len(out))]
}

// lower makes a title part of a sentence; names and acronyms stay as they are.
func lower(s string) string {
	if len(s) > 1 && s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'a' && s[1] <= 'z' {
		return strings.ToLower(s[:1]) + s[1:]
	}
	return s
}

// busy is the share of all processors that worked between the samples, 0..1. Waiting for disks is not work.
func (v *view) busy() float64 {
	a, b := v.a.CPU.Total, v.b.CPU.Total
	work := b.User + b.Nice + b.System + b.IRQ + b.Steal - a.User - a.Nice - a.System - a.IRQ - a.Steal
	all := work + b.Idle + b.IOWait - a.Idle - a.IOWait
	if all <= 0 {
		return 0
	}
	return min(1, max(0, work/all))
}
