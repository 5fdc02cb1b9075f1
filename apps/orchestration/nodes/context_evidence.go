package nodes

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/incidenthub/incidenthub/apps/changes"
	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/history"
	"github.com/incidenthub/incidenthub/internal/platform/redact"
	"github.com/incidenthub/incidenthub/providers"
)

// Most of a node's evidence: items, and bytes where it is text. Those of metrics are of JSON.
const (
	maxAlerts     = 10
	maxLabels     = 20
	maxLabel      = 200
	maxTitle      = 200
	maxAlertText  = 800
	maxChecks     = 10
	maxCheckText  = 500
	maxMetrics    = 1500
	maxPast       = 300
	maxChanges    = 10
	maxChangeText = 200
	maxRunbooks   = 5
	maxLink       = 500
	maxWarning    = 400
)

// evidence makes what was found short, and takes secrets out of it.
type evidence struct{ redact *redact.Redactor }

// plainly returns an evidence whose texts hide nothing and look like nothing that steers whoever reads them.
func plainly(r *redact.Redactor) evidence { return evidence{r.WithPlain()} }

// text is one text without secrets, cut with a mark.
func (e evidence) text(s string, limit int) string {
	s = e.redact.Text(s)
	if len(s) <= limit {
		return s
	}
	const mark = 28 // bytes of the mark, at most
	at := limit - mark
	for at > 0 && !utf8.RuneStart(s[at]) {
		at--
	}
	return fmt.Sprintf("%s… [cut %d bytes]", s[:at], len(s)-at)
}

// labels are at most maxLabels of them, without what their names or values tell to be secrets.
func (e evidence) labels(m map[string]string) map[string]string {
	if len(m) == 0 {
		return nil
	}
	var clean map[string]string
	if json.Unmarshal(e.redact.Value(m, 0), &clean) != nil {
		return nil
	}
	out := map[string]string{}
	for _, k := range slices.Sorted(maps.Keys(clean))[:min(len(clean), maxLabels)] {
		out[e.text(k, maxLabel)] = e.text(clean[k], maxLabel)
	}
	return out
}

// alerts are the newest of each name, worst first.
func (e evidence) alerts(list []*event.Alert) []providers.Alert {
	counts := map[string]int{}
	newest := map[string]*event.Alert{}
	for _, a := range list {
		counts[a.Name]++
		if old := newest[a.Name]; old == nil || a.StartedAt.After(old.StartedAt) {
			newest[a.Name] = a
		}
	}
	order := slices.SortedFunc(maps.Values(newest), func(a, b *event.Alert) int {
		return cmp.Or(cmp.Compare(b.Severity.Rank(), a.Severity.Rank()), b.StartedAt.Compare(a.StartedAt), cmp.Compare(a.Name, b.Name))
	})
	out := make([]providers.Alert, 0, min(len(order), maxAlerts))
	for i, a := range order[:min(len(order), maxAlerts)] {
		out = append(out, providers.Alert{
			ID: number("A", i), Name: e.text(a.Name, maxTitle), Description: e.text(a.Description, maxAlertText), Severity: string(a.Severity),
			Status: string(a.Status), Labels: e.labels(a.Labels), StartedAt: a.StartedAt.UTC(), Count: counts[a.Name],
		})
	}
	return out
}

// results are all checks by their names.
func (e evidence) results(list []checkers.Result) map[string]CheckResult {
	out := make(map[string]CheckResult, len(list))
	for _, r := range list {
		out[r.CheckerName] = CheckResult{Status: string(r.Status), Message: e.text(said(r), maxCheckText), Metrics: e.metrics(r.Metrics)}
	}
	return out
}

func (e evidence) metrics(m map[string]any) json.RawMessage {
	if m == nil {
		m = map[string]any{}
	}
	return e.redact.Value(m, maxMetrics)
}

// said is a check's message, with the error where that says more.
func said(r checkers.Result) string {
	if r.Error != "" && !strings.Contains(r.Message, r.Error) {
		return r.Message + ": " + r.Error
	}
	return r.Message
}

// checks are the results as evidence: failed ones first.
func (e evidence) checks(report checkers.Report) []providers.Check {
	list := slices.SortedStableFunc(slices.Values(report.Results), func(a, b checkers.Result) int {
		return cmp.Or(cmp.Compare(healthy(a), healthy(b)), cmp.Compare(a.CheckerName, b.CheckerName))
	})
	out := make([]providers.Check, 0, min(len(list), maxChecks))
	for i, r := range list[:min(len(list), maxChecks)] {
		var metrics map[string]any
		_ = json.Unmarshal(e.metrics(r.Metrics), &metrics) // an object
		out = append(out, providers.Check{
			ID: number("C", i), Name: r.CheckerName, Status: string(r.Status), Message: e.text(said(r), maxCheckText), Metrics: metrics,
			Host: e.text(report.Hostname, maxLabel),
		})
	}
	return out
}

func healthy(r checkers.Result) int {
	if r.Status == checkers.OK {
		return 1
	}
	return 0
}

// history are earlier incidents with what resolved them.
func (e evidence) history(list []history.Past) []providers.Past {
	out := make([]providers.Past, 0, len(list))
	for i, p := range list {
		out = append(out, providers.Past{
			ID: number("H", i), IncidentID: p.IncidentID.String(), Title: e.text(p.Title, maxTitle), Summary: e.text(helped(p), maxPast),
			ResolvedAt: p.EndedAt, Similarity: round(p.Similarity),
		})
	}
	return out
}

// helped says in one line how an incident ended: what people wrote first, then what an analysis said.
func helped(p history.Past) string {
	var parts []string
	how := "Ended by itself"
	if p.ResolvedBy != "" {
		how = "Resolved by " + p.ResolvedBy
	}
	if took := p.EndedAt.Sub(p.BeganAt); !p.EndedAt.IsZero() && took >= 0 {
		how += " after " + took.Round(time.Second).String()
	}
	if p.AcknowledgedBy != "" && p.AcknowledgedBy != p.ResolvedBy {
		how += ", " + p.AcknowledgedBy + " was on it"
	}
	parts = append(parts, how)
	if p.Summary != "" {
		parts = append(parts, p.Summary)
	}
	if p.Cause != "" {
		parts = append(parts, "Probable cause: "+p.Cause)
	} else if p.Analysis != "" {
		parts = append(parts, "Analysis: "+p.Analysis)
	}
	for _, n := range slices.Backward(p.Notes) { // the newest first: the rest may be cut
		parts = append(parts, "Note: "+n.Text)
	}
	for i, s := range parts {
		parts[i] = strings.TrimRight(strings.Join(strings.Fields(s), " "), ".")
	}
	return strings.Join(parts, ". ") + "."
}

func (e evidence) earlier(f history.Found) *Earlier {
	out := &Earlier{Week: f.Week, Month: f.Month, AlsoFiring: []Firing{}}
	if !f.LastAt.IsZero() {
		out.LastAt = &f.LastAt
	}
	for _, p := range f.Firing {
		out.AlsoFiring = append(out.AlsoFiring, Firing{p.IncidentID.String(), e.text(p.Title, maxTitle), round(p.Similarity)})
	}
	return out
}

func (e evidence) changes(list []changes.Recent) []providers.Change {
	out := make([]providers.Change, 0, len(list))
	for i, c := range list {
		out = append(out, providers.Change{
			ID: number("R", i), Title: e.text(c.Title, maxChangeText), Kind: c.Kind, Service: e.text(c.Service, maxLabel), Labels: e.labels(c.Labels),
			At: c.At, URL: e.text(c.URL, maxLink), Author: e.text(c.Author, maxLabel),
		})
	}
	return out
}

// runbookKeys are the labels and annotations that lead to a runbook.
var runbookKeys = []string{"runbook_url", "runbook", "playbook"}

// runbooks are the links of alerts to their runbooks, each once.
func (e evidence) runbooks(list []*event.Alert) []string {
	var out []string
	for _, a := range list {
		for _, key := range runbookKeys {
			for _, values := range []map[string]string{a.Annotations, a.Labels} {
				link := strings.TrimSpace(values[key])
				u, err := url.Parse(link)
				if err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" || len(link) > maxLink {
					continue
				}
				if link = e.text(link, maxLink); len(out) < maxRunbooks && !slices.Contains(out, link) {
					out = append(out, link)
				}
			}
		}
	}
	return out
}

func number(kind string, i int) string { return kind + strconv.Itoa(i+1) }

func round(x float64) float64 { return float64(int(x*1000+0.5)) / 1000 }
