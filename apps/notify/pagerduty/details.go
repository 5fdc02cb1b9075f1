package pagerduty

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

// details are the custom_details (contract 8.2), in the order that a reader wants.
type details struct {
	Title           string            `json:"title,omitempty"` // only when the summary could not hold it
	Message         string            `json:"message"`
	Shortened       string            `json:"shortened,omitempty"` // what was left out
	Event           channel.Kind      `json:"event,omitempty"`
	Status          string            `json:"status,omitempty"`
	Severity        string            `json:"severity"`
	IncidentID      string            `json:"incident_id,omitempty"`
	Environment     string            `json:"environment,omitempty"`
	GeneratedAt     time.Time         `json:"generated_at,omitzero"`
	StartedAt       time.Time         `json:"started_at,omitzero"`
	Analysis        *analysis         `json:"analysis,omitempty"`
	Recommendations []recommendation  `json:"recommendations,omitempty"`
	AlertCount      int               `json:"alert_count,omitempty"`
	Alerts          []channel.Alert   `json:"alerts,omitempty"`
	Labels          map[string]string `json:"labels,omitempty"`
	Host            map[string]any    `json:"host,omitempty"`
	Tags            map[string]string `json:"tags,omitempty"`
	Context         map[string]any    `json:"context,omitempty"`
}

type analysis struct {
	Summary       string `json:"summary,omitempty"`
	ProbableCause string `json:"probable_cause,omitempty"`
	By            string `json:"by,omitempty"` // the provider
	Rung          string `json:"rung,omitempty"`
	Grounded      *bool  `json:"grounded,omitempty"`
	Confidence    any    `json:"confidence,omitempty"` // a word, or a number from 0 to 1
}

type recommendation struct {
	Title       string `json:"title"`
	Description string `json:"description,omitempty"`
}

const (
	maxRecommendations = 10  // the contract's cap
	maxPairs           = 100 // of labels and the like, where texts are shortened
)

// message is what the channel's templates made of a notice.
type message struct {
	text    string
	own     map[string]json.RawMessage // of payload_template; nil when there is none
	remarks []string
	missing []string
}

func (c *Channel) message(n *channel.Notice) message {
	var m message
	explicit := !c.settings.PayloadTemplate.IsZero()
	if doc, made, ok := c.texts.Payload(*n); ok && made.Own {
		m.missing = made.Missing
		if json.Unmarshal(doc, &m.own) != nil || m.own == nil {
			m.own = nil
			if explicit {
				m.remarks = append(m.remarks, "payload_template made no JSON object: the built-in form was sent")
			}
		}
	} else if explicit {
		m.remarks = append(m.remarks, made.Remark)
	}
	if m.own != nil && !explicit { // the text template was the payload's
		m.text = n.Text
		return m
	}
	made := c.texts.Text(*n)
	m.remarks = append(m.remarks, made.Remark)
	m.text, m.missing = made.Text, append(m.missing, made.Missing...)
	slices.Sort(m.missing)
	m.missing = slices.Compact(m.missing)
	return m
}

// override puts a template's object over the hub's payload: what the API knows replaces it, the rest becomes custom_details.
func (m *message) override(p *payload) {
	rest := map[string]any{}
	for key, raw := range m.own {
		var s string
		isText := json.Unmarshal(raw, &s) == nil
		s = channel.VisibleLine(s)
		switch {
		case key == "summary" && isText && s != "":
			p.Summary = channel.Shorten(s, maxSummary)
		case key == "severity" && isText:
			if p.Severity = severity(strings.ToLower(s)); strings.EqualFold(s, "error") {
				p.Severity = "error" // a word of PagerDuty's that the hub has not
			}
		case key == "source" && isText && s != "":
			p.Source = channel.Limit(s, maxField)
		case key == "component" && isText:
			p.Component = channel.Limit(s, maxField)
		case key == "group" && isText:
			p.Group = channel.Limit(s, maxField)
		case key == "class" && isText:
			p.Class = channel.Limit(s, maxField)
		case key == "timestamp" && isText:
			if at, err := time.Parse(time.RFC3339, s); err == nil {
				p.Timestamp = at
			}
		case key == "custom_details":
			p.Details = raw
		default:
			rest[key] = raw
		}
	}
	given, isObject := p.Details.(json.RawMessage)
	switch {
	case len(rest) == 0 && isObject:
	case isObject:
		var inner map[string]any
		if json.Unmarshal(given, &inner) != nil {
			rest["custom_details"] = given
		}
		maps.Copy(rest, inner)
		p.Details = rest
	case len(rest) > 0:
		p.Details = rest
	default:
		p.Details = details{Message: channel.Visible(m.text), Severity: p.Severity}
	}
}

// level is how much of a message goes out. The first one that fits is taken.
type level struct {
	context     bool
	tags        bool
	labels      bool
	annotations bool
	alerts      int
	links       int
	message     int // characters
	text        int // characters of any other text
}

const noLimit = math.MaxInt32

var levels = [...]level{
	{true, true, true, true, noLimit, 50, noLimit, noLimit},
	{false, true, true, true, noLimit, 50, noLimit, noLimit},
	{false, false, true, true, noLimit, 50, noLimit, noLimit},
	{false, false, true, true, 100, 20, 64 << 10, 4096},
	{false, false, true, false, 50, 20, 32 << 10, 1024},
	{false, false, false, false, 20, 10, 8 << 10, 256},
}

// hopeless reports, without making anything, that the alerts alone are too long: a storm has megabytes of them, to be tried level by level.
func (l level) hopeless(n *channel.Notice) bool {
	size := 0
	add := func(s string) { size += min(len(s), l.text) }
	for i := range n.Alerts[:min(len(n.Alerts), l.alerts)] {
		a := &n.Alerts[i]
		add(a.Name)
		add(a.Description)
		if l.labels && len(a.Labels) <= maxPairs { // more are cut
			for k, v := range a.Labels {
				add(k)
				add(v)
			}
		}
		if size > maxEvent {
			return true
		}
	}
	return false
}

// details makes the custom_details, and says in them what a level left out.
func (c *Channel) details(n *channel.Notice, m *message, l level) details {
	var left []string
	lost := func(what string) { left = append(left, what) }
	d := details{
		Message: channel.Visible(m.text), Event: n.Kind, Status: text(n.Status, l), Severity: text(n.Severity, l), IncidentID: text(n.IncidentID, l), GeneratedAt: n.At,
		StartedAt: n.StartedAt, AlertCount: len(n.Alerts), Host: host(n),
	}
	if n.Incident != nil {
		d.Environment = text(n.Incident.Environment, l)
	}
	if title := channel.VisibleLine(n.Title); utf8.RuneCountInString(title) > maxSummary {
		d.Title = channel.Shorten(title, min(l.message, 8<<10))
	}
	if all := utf8.RuneCountInString(d.Message); all > l.message {
		d.Message = channel.Shorten(d.Message, l.message)
		lost(fmt.Sprintf("all but %d of %d characters of the message", l.message, all))
	}
	found := channel.Object(n.Context["intelligence"])
	d.Analysis = analysisOf(found, l)
	d.Recommendations = recommendations(found, n.Context["recommendations"], l)
	d.Alerts = n.Alerts
	if len(n.Alerts) > l.alerts {
		d.Alerts = n.Alerts[:l.alerts]
		lost(fmt.Sprintf("%d of %d alerts", len(n.Alerts)-l.alerts, len(n.Alerts)))
	}
	d.Alerts = slices.Clone(d.Alerts)
	for i := range d.Alerts {
		d.Alerts[i] = alert(d.Alerts[i], l)
	}
	if l.text != noLimit {
		lost(fmt.Sprintf("texts over %d characters", l.text))
	}
	if len(n.Links) > l.links {
		lost(fmt.Sprintf("%d of %d links", len(n.Links)-l.links, len(n.Links)))
	}
	keep := func(m map[string]string, on bool, what string) map[string]string {
		if on || len(m) == 0 {
			out := pairs(m, l)
			if len(out) < len(m) {
				lost(fmt.Sprintf("%d of %d %s", len(m)-len(out), len(m), what))
			}
			return out
		}
		lost(what)
		return nil
	}
	d.Labels, d.Tags = keep(n.Labels, l.labels, "labels"), keep(n.Tags, l.tags, "tags")
	if !l.annotations {
		lost("annotations")
	}
	if len(n.Context) > 0 && !l.context {
		lost("the outputs of the pipeline")
	} else {
		var odd []string
		if d.Context, odd = outputs(n.Context); len(odd) > 0 {
			lost("what cannot be written as JSON: " + strings.Join(odd, ", "))
		}
	}
	if len(left) > 0 {
		d.Shortened = "shortened, since PagerDuty takes 512 KB; left out: " + strings.Join(left, ", ")
	}
	return d
}

// text is a line, as long as a level lets it be.
func text(s string, l level) string { return channel.Shorten(channel.VisibleLine(s), l.text) }

// pairs are labels and the like, made safe to show.
func pairs(m map[string]string, l level) map[string]string {
	most := len(m)
	if l.text != noLimit {
		most = min(most, maxPairs)
	}
	out := make(map[string]string, most)
	for _, k := range slices.Sorted(maps.Keys(m))[:most] {
		out[text(k, l)] = channel.Shorten(channel.Visible(m[k]), l.text)
	}
	return out
}

func alert(a channel.Alert, l level) channel.Alert {
	a.Name, a.Description, a.Source, a.Fingerprint = text(a.Name, l), channel.Shorten(channel.Visible(a.Description), l.text), text(a.Source, l), text(a.Fingerprint, l)
	a.Labels, a.Annotations = pairs(a.Labels, l), pairs(a.Annotations, l)
	if !l.labels {
		a.Labels = nil
	}
	if !l.annotations {
		a.Annotations = nil
	}
	return a
}

func analysisOf(o map[string]any, l level) *analysis {
	word := func(key string) string {
		s, _ := o[key].(string)
		return channel.Shorten(channel.Visible(s), l.text)
	}
	a := analysis{Summary: word("summary"), ProbableCause: word("probable_cause"), By: word("provider"), Rung: word("rung")}
	if grounded, ok := o["grounded"].(bool); ok {
		a.Grounded = &grounded
	}
	switch c := o["confidence"].(type) {
	case string:
		a.Confidence = text(c, l)
	case float64:
		if !math.IsNaN(c) && !math.IsInf(c, 0) {
			a.Confidence = c
		}
	}
	if a.Summary == "" && a.ProbableCause == "" {
		return nil
	}
	return &a
}

// recommendations are at most ten (contract 8.4), those of the caller before those of the analysis.
func recommendations(analysis map[string]any, given any, l level) []recommendation {
	items := channel.Recommendations(given)
	if len(items) == 0 {
		items = channel.Recommendations(analysis["recommendations"])
	}
	var out []recommendation
	for _, item := range items[:min(len(items), maxRecommendations)] {
		r := recommendation{}
		if s, ok := item.(string); ok {
			r.Title = text(s, l)
		}
		o := channel.Object(item)
		if s, ok := o["title"].(string); ok {
			r.Title = text(s, l)
		}
		if s, ok := o["description"].(string); ok {
			r.Description = channel.Shorten(channel.Visible(s), l.text)
		}
		if r != (recommendation{}) {
			out = append(out, r)
		}
	}
	return out
}

// hostFacts are those of contract 8.4. The driver says what it is told: the hub's own machine is not the one that is in trouble.
var hostFacts = [...]string{"cpu_count", "ram_total_bytes", "ram_total_human", "disk_total_bytes", "disk_total_human"}

func host(n *channel.Notice) map[string]any {
	out := map[string]any{}
	for _, key := range hostFacts {
		switch v := n.Context[key].(type) {
		case string:
			out[key] = channel.Shorten(channel.VisibleLine(v), maxField)
		case int, int64, json.Number:
			out[key] = v
		case float64:
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				out[key] = v
			}
		}
	}
	return out
}
