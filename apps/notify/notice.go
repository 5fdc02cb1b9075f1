// Package notify tells people, once, and keeps proof of it: channels, what is told, deliveries with every attempt, and the inbox.
package notify

import (
	"maps"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/redact"
)

// NoticeInput is what is known when something must be told. The zero value of a field means that it is not known.
type NoticeInput struct {
	Kind    channel.Kind
	Event   string // the incident event that is told: opened, alert_added, severity_raised, retold, resolved …
	At      time.Time
	TraceID string
	RunID   string
	Channel string // the channel's name; see ForChannel
	IdemKey string
	// Source is the entry or driver behind it; without one the alerts' sources are named.
	Source      string
	Environment string
	// Incident is nil when only a run is behind it. Of a message that a caller wrote (KindSent) it holds the title, the text and the
	// severity, and no id.
	Incident *IncidentFacts
	Alerts   []channel.Alert // what changed, or all of the incident; most severe first
	// Outputs are the results of earlier nodes under the names ingest, check and intelligence, in the shapes that the node kinds
	// give. They go into Notice.Context as they are, but for what was found on a machine that the alerts are not about.
	Outputs map[string]any
	Tags    map[string]string // besides trace_id, run_id, idempotency_key and fingerprint
	URL     string            // of the incident's page
	By      string            // who did what is told
	Lead    string            // stands in front of the text: why it is told here
}

// IncidentFacts is an incident at the moment of telling.
type IncidentFacts struct {
	ID          string
	Title       string
	Description string
	Severity    event.Severity
	Status      string // open, acknowledged, resolved, closed
	Summary     string // what a person wrote about its end
	StartedAt   time.Time
	ResolvedAt  time.Time // zero while it lasts
}

// severitySuccess is what a resolve is told as.
const severitySuccess = "success"

// Notices builds what is told. It holds the parsed texts and is safe for concurrent use.
type Notices struct {
	texts     map[string]*text
	redact    *redact.Redactor
	addresses []net.IP // of this machine
}

// Build makes a notice. It reads nothing but its input, takes any content, and never fails: should a text not render, the plain
// facts are told instead.
func (b *Notices) Build(in NoticeInput) channel.Notice {
	if in.Kind == "" {
		in.Kind = channel.KindFiring
	}
	keepWritable(&in)
	b.keepPlace(&in)
	b.keepSecret(&in)
	facts := gather(&in)
	n := channel.Notice{
		Kind: in.Kind, Event: in.Event, Severity: facts.Severity, Channel: in.Channel, Source: facts.source, IdemKey: in.IdemKey,
		TraceID: in.TraceID, RunID: in.RunID, By: facts.By, At: in.At, URL: facts.url, Links: facts.links, Alerts: in.Alerts,
		Labels: facts.common, Tags: tagsOf(in), Context: in.Outputs, StartedAt: facts.started,
	}
	if i := in.Incident; i != nil {
		n.IncidentID, n.Status, n.EndedAt = i.ID, i.Status, i.ResolvedAt
		n.Incident = &channel.Incident{
			Title: line(i.Title, maxTitle), Description: i.Description, Severity: string(i.Severity), Environment: in.Environment,
		}
	}
	t, ok := b.texts[facts.text]
	if !ok { // a kind of a later release, in a row that an older process reads
		t = b.texts[string(channel.KindFiring)]
	}
	n.Title, n.Text = t.render(facts)
	n.LeftOut = facts.leftOut()
	if in.Lead != "" {
		n.Text = strings.TrimSpace(line(in.Lead, maxDescription) + "\n\n" + n.Text)
	}
	if in.Kind == channel.KindResolved {
		n.Severity = severitySuccess
	}
	return n
}

// keepWritable drops times that JSON cannot express (years from 10000 on, RFC 3339): senders do write them, and a notice that cannot
// be encoded would tell nobody. The alerts are copied before they are changed.
func keepWritable(in *NoticeInput) {
	bad := func(t time.Time) bool { return t.Year() < 0 || t.Year() > 9999 }
	if bad(in.At) {
		in.At = time.Time{}
	}
	if i := in.Incident; i != nil && (bad(i.StartedAt) || bad(i.ResolvedAt)) {
		clean := *i
		clean.StartedAt, clean.ResolvedAt = time.Time{}, time.Time{}
		in.Incident = &clean
	}
	copied := false
	for i := range in.Alerts {
		a := &in.Alerts[i]
		start, end := bad(a.StartedAt), a.EndedAt != nil && bad(*a.EndedAt)
		if !start && !end {
			continue
		}
		if !copied {
			in.Alerts, copied = slices.Clone(in.Alerts), true
			a = &in.Alerts[i]
		}
		if start {
			a.StartedAt = time.Time{}
		}
		if end {
			a.EndedAt = nil
		}
	}
}

// ForChannel is a notice for one channel: the same but for the channel's name and the idempotency key.
func ForChannel(n channel.Notice, name, idemKey string) channel.Notice {
	n.Channel, n.IdemKey = name, idemKey
	n.Tags = maps.Clone(n.Tags)
	if idemKey != "" {
		if n.Tags == nil {
			n.Tags = make(map[string]string, 1)
		}
		n.Tags[tagIdemKey] = idemKey
	}
	return n
}

// The tags that every notice carries.
const (
	tagTrace       = "trace_id"
	tagRun         = "run_id"
	tagIdemKey     = "idempotency_key"
	tagFingerprint = "fingerprint"
)

func tagsOf(in NoticeInput) map[string]string {
	tags := make(map[string]string, len(in.Tags)+4)
	maps.Copy(tags, in.Tags)
	set := func(key, value string) {
		if value != "" {
			tags[key] = value
		}
	}
	set(tagTrace, in.TraceID)
	set(tagRun, in.RunID)
	set(tagIdemKey, in.IdemKey)
	if len(in.Alerts) > 0 {
		set(tagFingerprint, in.Alerts[0].Fingerprint)
	}
	return tags
}
