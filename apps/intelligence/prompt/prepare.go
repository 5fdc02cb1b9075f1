package prompt

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"github.com/incidenthub/incidenthub/internal/platform/redact"
	"github.com/incidenthub/incidenthub/providers"
)

// What of an incident and its evidence goes in, in bytes where it is text.
const (
	maxTitle       = 200
	maxDescription = 1500
	maxAlerts      = 10
	maxLabels      = 20
	maxLabel       = 200
	maxAlertText   = 800
	maxChecks      = 10
	maxCheckText   = 500
	maxMetrics     = 1500
	maxHistory     = 5
	maxPast        = 300
	maxChanges     = 10
	maxChange      = 200
	maxRunbooks    = 5
	maxMetadata    = 4000

	// MaxHint is the most of a node's hint, and of its context.
	MaxHint = 2000
)

// Counts are of what goes in.
type Counts struct {
	Alerts      int  `json:"alerts"`
	AlertsAll   int  `json:"alerts_in_all"`
	Checks      int  `json:"checks"`
	ChecksAll   int  `json:"checks_in_all"`
	ChecksBad   int  `json:"checks_failed"`
	History     int  `json:"history"`
	Changes     int  `json:"changes"`
	Runbooks    int  `json:"runbooks"`
	HasIncident bool `json:"incident"`
	Cut         bool `json:"cut"` // something had to be left out or shortened
}

// preparing makes foreign text harmless and short, and counts what it does.
type preparing struct {
	redact *redact.Redactor
	keep   bool // ids stay as they are
	sum    Counts
}

// Prepare normalises, redacts and caps what goes in, and gives the evidence its ids: alerts and checks in the order they come, failed
// checks first. What it is given stays as it is.
func Prepare(r *redact.Redactor, in *providers.Incident, ev providers.Evidence) (*providers.Incident, providers.Evidence, Counts) {
	p := &preparing{redact: r.WithPlain()}
	incident, out := p.all(in, &ev)
	return incident, out, p.sum
}

func (p *preparing) all(in *providers.Incident, ev *providers.Evidence) (*providers.Incident, providers.Evidence) {
	out := providers.Evidence{
		Alerts: p.alerts(ev.Alerts), Checks: p.checks(ev.Checks), History: p.history(ev.History), Changes: p.changes(ev.Changes),
	}
	for _, link := range ev.Runbook[:min(len(ev.Runbook), maxRunbooks)] {
		out.Runbook = append(out.Runbook, p.text(link, maxAlertText))
	}
	p.sum.Runbooks = len(out.Runbook)
	p.sum.Cut = p.sum.Cut || len(ev.Runbook) > maxRunbooks
	if in == nil {
		return nil, out
	}
	one := *in
	one.Title, one.Description = p.text(one.Title, maxTitle), p.text(one.Description, maxDescription)
	one.Severity, one.Status = p.text(one.Severity, maxLabel), p.text(one.Status, maxLabel)
	one.Labels = p.labels(one.Labels)
	one.Metadata = p.object(one.Metadata, maxMetadata)
	p.sum.HasIncident = true
	return &one, out
}

// id is what a piece of evidence is cited by.
func (p *preparing) id(letter string, i int, had string) string {
	if p.keep && had != "" {
		return p.text(had, maxLabel)
	}
	return letter + strconv.Itoa(i+1)
}

func (p *preparing) text(s string, limit int) string {
	if s == "" {
		return ""
	}
	s = p.redact.Text(s)
	short := Cut(s, limit)
	p.sum.Cut = p.sum.Cut || short != s
	return short
}

func (p *preparing) labels(m map[string]string) map[string]string {
	if len(m) == 0 {
		return nil
	}
	var full map[string]string
	if raw := p.redact.Value(m, 0); json.Unmarshal(raw, &full) != nil { // by name as well
		return nil
	}
	out := make(map[string]string, min(len(m), maxLabels))
	for _, k := range slices.Sorted(maps.Keys(full)) {
		if len(out) == maxLabels {
			p.sum.Cut = true
			break
		}
		out[p.text(k, maxLabel)] = p.text(full[k], maxLabel)
	}
	return out
}

func (p *preparing) object(m map[string]any, limit int) map[string]any {
	if len(m) == 0 {
		return nil
	}
	var out map[string]any
	raw := p.redact.Value(m, limit)
	if json.Unmarshal(raw, &out) != nil {
		return nil
	}
	_, was := m["truncated"]
	_, is := out["truncated"]
	p.sum.Cut = p.sum.Cut || is && !was
	return out
}

func (p *preparing) alerts(list []providers.Alert) []providers.Alert {
	for i := range list {
		p.sum.AlertsAll += max(1, list[i].Count) // one stands for all of its name
	}
	p.sum.Cut = p.sum.Cut || len(list) > maxAlerts
	out := make([]providers.Alert, 0, min(len(list), maxAlerts))
	for i, a := range list[:min(len(list), maxAlerts)] {
		a.ID = p.id("A", i, a.ID)
		a.Name, a.Description = p.text(a.Name, maxTitle), p.text(a.Description, maxAlertText)
		a.Severity, a.Status = p.text(a.Severity, maxLabel), p.text(a.Status, maxLabel)
		a.Labels = p.labels(a.Labels)
		out = append(out, a)
	}
	p.sum.Alerts = len(out)
	return out
}

func (p *preparing) checks(list []providers.Check) []providers.Check {
	p.sum.ChecksAll = len(list)
	p.sum.Cut = p.sum.Cut || len(list) > maxChecks
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b providers.Check) int { return cmp.Compare(healthy(a), healthy(b)) })
	out := make([]providers.Check, 0, min(len(list), maxChecks))
	for i, c := range list {
		p.sum.ChecksBad += 1 - healthy(c)
		if i >= maxChecks {
			continue
		}
		c.ID = p.id("C", i, c.ID)
		c.Name, c.Status, c.Message = p.text(c.Name, maxLabel), p.text(c.Status, maxLabel), p.text(c.Message, maxCheckText)
		c.Host, c.Metrics = p.text(c.Host, maxLabel), p.object(c.Metrics, maxMetrics)
		out = append(out, c)
	}
	p.sum.Checks = len(out)
	return out
}

func healthy(c providers.Check) int {
	if c.Status == "ok" {
		return 1
	}
	return 0
}

func (p *preparing) history(list []providers.Past) []providers.Past {
	p.sum.Cut = p.sum.Cut || len(list) > maxHistory
	out := make([]providers.Past, 0, min(len(list), maxHistory))
	for i, h := range list[:min(len(list), maxHistory)] {
		h.ID = p.id("H", i, h.ID)
		h.Title, h.Summary = p.text(h.Title, maxTitle), p.text(h.Summary, maxPast)
		out = append(out, h)
	}
	p.sum.History = len(out)
	return out
}

func (p *preparing) changes(list []providers.Change) []providers.Change {
	p.sum.Cut = p.sum.Cut || len(list) > maxChanges
	out := make([]providers.Change, 0, min(len(list), maxChanges))
	for i, c := range list[:min(len(list), maxChanges)] {
		c.ID = p.id("R", i, c.ID)
		c.Title, c.Kind, c.Service = p.text(c.Title, maxChange), p.text(c.Kind, maxLabel), p.text(c.Service, maxLabel)
		c.Labels, c.URL, c.Author = p.labels(c.Labels), p.text(c.URL, maxAlertText), p.text(c.Author, maxLabel)
		out = append(out, c)
	}
	p.sum.Changes = len(out)
	return out
}
