package local

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/incidenthub/incidenthub/providers"
)

// most recommendations in an answer. A list of ten suspects blames none.
const most = 6

// ranked is a finding with its place.
type ranked struct {
	finding
	value float64
}

// rank orders findings: by how bad they are, then by the incident's words, then by share. Words are worth at most 30 points, so that they
// lift a suspect among suspects and never over something that is failing. Of two findings about one thing the higher stays.
func rank(l *look, found []finding) []ranked {
	out := make([]ranked, 0, len(found))
	for _, f := range found {
		out = append(out, ranked{f, f.score + fit(l, &f) + 3*min(1, max(0, f.share))})
	}
	slices.SortStableFunc(out, func(x, y ranked) int {
		return cmp.Or(cmp.Compare(y.value, x.value), cmp.Compare(y.score, x.score), cmp.Compare(x.class, y.class), cmp.Compare(x.title, y.title))
	})
	kept := out[:0]
	for _, r := range out {
		if r.value < 40 || len(kept) == most || slices.ContainsFunc(kept, func(k ranked) bool { return same(&k.finding, &r.finding) }) {
			continue
		}
		kept = append(kept, r)
	}
	return kept
}

// fit is what the incident's words and labels add.
func fit(l *look, f *finding) float64 {
	v := 14 * l.words.topic(f.kind)
	if l.words.about(f.about) {
		v += 10
	}
	if named(l, f) {
		v += 12
	}
	return min(30, v)
}

// named reports whether the incident names the culprit: its process, its path or something above it, its port.
func named(l *look, f *finding) bool {
	c := &f.culprit
	if c.PID > 0 && slices.Contains(l.targets.pids, c.PID) || c.Name != "" && l.words.names(c.Name) {
		return true
	}
	if p := l.byPID[c.PID]; p != nil {
		if _, script, ok := strings.Cut(p.called(), " "); ok && l.words.names(script) {
			return true
		}
	}
	if c.Path != "" && c.Kind != "process" {
		for _, p := range l.targets.paths {
			if p != "/" && (p == c.Path || strings.HasPrefix(c.Path, p+"/")) {
				return true
			}
		}
	}
	if i := strings.LastIndexByte(c.Address, ':'); i >= 0 {
		port := portOf(c.Address[i+1:])
		return port > 0 && slices.ContainsFunc(l.targets.endpoints, func(t target) bool { return t.port == port })
	}
	return false
}

// same reports whether two findings are about one thing: a fault of one kind with one culprit.
func same(x, y *finding) bool {
	if x.kind != y.kind {
		return false
	}
	a, b := &x.culprit, &y.culprit
	switch {
	case a.PID > 0 || b.PID > 0:
		return a.PID == b.PID
	case a.Path != "" || b.Path != "":
		return a.Path == b.Path
	case a.Address != "" || b.Address != "":
		return a.Address == b.Address
	}
	return a.Name == b.Name && x.class == y.class
}

// evidence are the ids, given with the request, that speak of what was found: at most two of alerts, checks, history and changes each.
func evidence(r *providers.Request, f *finding) []string {
	out := []string{}
	e := &r.Evidence
	add := func(n *int, id string) {
		if id != "" && *n < 2 {
			out = append(out, id)
			*n++
		}
	}
	speaks := func(s string) bool {
		text := plain(s)
		for word, weight := range topicWords[f.kind] {
			if weight >= .7 && has(text, word) {
				return true
			}
		}
		return slices.ContainsFunc(f.about, func(s string) bool { return has(text, s) }) || len(f.culprit.Name) > 2 && has(text, strings.ToLower(f.culprit.Name))
	}
	var n int
	for _, a := range e.Alerts {
		if len(e.Alerts) == 1 || speaks(a.Name+" "+a.Description) {
			add(&n, a.ID)
		}
	}
	n = 0
	for _, c := range e.Checks {
		if c.Status != "ok" && c.Status != "unknown" && kindOfCheck(c.Name) == f.kind {
			add(&n, c.ID)
		}
	}
	n = 0
	for _, h := range e.History {
		if speaks(h.Title + " " + h.Summary) {
			add(&n, h.ID)
		}
	}
	n = 0
	for _, c := range e.Changes {
		if name := strings.ToLower(f.culprit.Name); len(name) > 2 && (strings.EqualFold(c.Service, name) || has(plain(c.Title), name)) {
			add(&n, c.ID)
		}
	}
	return out
}

// recommendation is a finding as it is given out.
func recommendation(r *providers.Request, f *finding) providers.Recommendation {
	details := map[string]any{"fault": f.class, "score": strconv.FormatFloat(f.score, 'f', 0, 64)}
	maps.Copy(details, f.details)
	if f.culprit.Kind != "" {
		details["culprit"] = f.culprit
	}
	rec := providers.Recommendation{
		Type: f.kind, Priority: f.priority(), Title: clean(f.title, 200), Description: clean(f.description, 1500),
		Actions: f.actions, Evidence: evidence(r, f), Details: details,
	}
	if r.Incident != nil {
		rec.IncidentID = r.Incident.ID
	}
	return rec
}
