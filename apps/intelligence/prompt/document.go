package prompt

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/providers"
)

// document is what a model is given. All that comes from outside is in values that are strings: names of labels and keys of metrics too.
type document struct {
	Incident *incident `json:"incident"`
	Counts   *counts   `json:"counts,omitempty"`
	Alerts   []alert   `json:"alerts"`
	Checks   []check   `json:"checks"`
	History  []past    `json:"earlier_incidents"`
	Changes  []change  `json:"recent_changes"`
	Runbooks []string  `json:"runbooks"`
}

type incident struct {
	Title       string   `json:"title"`
	Severity    string   `json:"severity"`
	Status      string   `json:"status"`
	StartedAt   string   `json:"started_at,omitempty"`
	Description string   `json:"description"`
	Labels      []string `json:"labels,omitempty"` // name=value, sorted
	Metadata    string   `json:"metadata,omitempty"`
}

type counts struct {
	Alerts       int `json:"alerts_in_all"`
	AlertsShown  int `json:"alerts_shown"`
	Checks       int `json:"checks_in_all"`
	ChecksFailed int `json:"checks_failed"`
	ChecksShown  int `json:"checks_shown"`
}

type alert struct {
	ID          string   `json:"id,omitempty"`
	Name        string   `json:"name"`
	Severity    string   `json:"severity"`
	Status      string   `json:"status"`
	StartedAt   string   `json:"started_at,omitempty"`
	Count       int      `json:"count,omitempty"`
	Labels      []string `json:"labels,omitempty"` // those that the incident does not have
	Description string   `json:"description"`
}

type check struct {
	ID      string `json:"id,omitempty"`
	Checker string `json:"checker"`
	Status  string `json:"status"`
	Host    string `json:"host,omitempty"`
	Message string `json:"message"`
	Metrics string `json:"metrics,omitempty"` // JSON
	failed  bool
}

type past struct {
	ID         string  `json:"id,omitempty"`
	Title      string  `json:"title"`
	ResolvedAt string  `json:"resolved_at,omitempty"`
	Similarity float64 `json:"similarity,omitempty"`
	Summary    string  `json:"cause_and_what_helped"`
}

type change struct {
	ID      string   `json:"id,omitempty"`
	Title   string   `json:"title"`
	At      string   `json:"at,omitempty"`
	Kind    string   `json:"kind,omitempty"`
	Service string   `json:"service,omitempty"`
	Author  string   `json:"author,omitempty"`
	URL     string   `json:"url,omitempty"`
	Labels  []string `json:"labels,omitempty"`
}

// write makes a document of evidence that is prepared.
func write(in *providers.Incident, ev *providers.Evidence) *document {
	d := &document{Alerts: []alert{}, Checks: []check{}, History: []past{}, Changes: []change{}, Runbooks: slices.Clone(ev.Runbook)}
	if d.Runbooks == nil {
		d.Runbooks = []string{}
	}
	var shared map[string]string
	if in != nil {
		shared = in.Labels
		d.Incident = &incident{
			Title: in.Title, Severity: in.Severity, Status: in.Status, StartedAt: moment(in.StartedAt), Description: in.Description,
			Labels: labels(in.Labels, nil), Metadata: object(in.Metadata),
		}
	}
	for _, a := range ev.Alerts {
		d.Alerts = append(d.Alerts, alert{
			ID: a.ID, Name: a.Name, Severity: a.Severity, Status: a.Status, StartedAt: moment(a.StartedAt), Count: a.Count, Labels: labels(a.Labels, shared),
			Description: a.Description,
		})
	}
	for _, c := range ev.Checks {
		d.Checks = append(d.Checks, check{
			ID: c.ID, Checker: c.Name, Status: c.Status, Host: c.Host, Message: c.Message, Metrics: object(c.Metrics), failed: healthy(c) == 0,
		})
	}
	for _, h := range ev.History {
		d.History = append(d.History, past{ID: h.ID, Title: h.Title, ResolvedAt: moment(h.ResolvedAt), Similarity: known(h.Similarity), Summary: h.Summary})
	}
	for _, c := range ev.Changes {
		d.Changes = append(d.Changes, change{
			ID: c.ID, Title: c.Title, At: moment(c.At), Kind: c.Kind, Service: c.Service, Author: c.Author, URL: c.URL, Labels: labels(c.Labels, nil),
		})
	}
	return d
}

// labels are name=value, without those that are said elsewhere.
func labels(m, said map[string]string) []string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if v, ok := said[k]; !ok || v != m[k] {
			out = append(out, k+"="+m[k])
		}
	}
	return out
}

// object is the JSON of an object, for a string.
func object(m map[string]any) string {
	if len(m) == 0 {
		return ""
	}
	raw, err := encode(m)
	if err != nil { // numbers that JSON does not have; not after preparing
		return ""
	}
	return string(raw)
}

func moment(t time.Time) string {
	if y := t.Year(); t.IsZero() || y < 0 || y > 9999 {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// known is a similarity that JSON can say.
func known(v float64) float64 {
	if v >= 0 && v <= 1 {
		return float64(int(v*100+0.5)) / 100
	}
	return 0
}

// encode writes JSON as it is read best: < > and & stay, which is no risk beside no markup.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encode what goes into the prompt: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// texts are all texts of unknown length, for whoever shortens or changes them.
func (d *document) texts() []*string {
	var out []*string
	add := func(list ...*string) { out = append(out, list...) }
	each := func(list []string) {
		for i := range list {
			add(&list[i])
		}
	}
	if in := d.Incident; in != nil {
		add(&in.Title, &in.Severity, &in.Status, &in.Description, &in.Metadata)
		each(in.Labels)
	}
	for i := range d.Alerts {
		a := &d.Alerts[i]
		add(&a.Name, &a.Severity, &a.Status, &a.Description)
		each(a.Labels)
	}
	for i := range d.Checks {
		c := &d.Checks[i]
		add(&c.Checker, &c.Status, &c.Host, &c.Message, &c.Metrics)
	}
	for i := range d.History {
		add(&d.History[i].Title, &d.History[i].Summary)
	}
	for i := range d.Changes {
		c := &d.Changes[i]
		add(&c.Title, &c.Kind, &c.Service, &c.Author, &c.URL)
		each(c.Labels)
	}
	each(d.Runbooks)
	return out
}

// trusted is what operators add, in the text before the document.
type trusted struct{ hint, context string }

func (t *trusted) String() string {
	var b strings.Builder
	if t.hint != "" {
		b.WriteString("From the operators of this hub:\n" + t.hint + "\n\n")
	}
	if t.context != "" {
		b.WriteString("What they know of this place:\n" + t.context + "\n\n")
	}
	return b.String()
}
