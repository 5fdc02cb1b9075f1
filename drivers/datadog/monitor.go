package datadog

import (
	"maps"
	"net/url"
	"regexp"
	"strings"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/drivers/shape"
)

// monitor is what a body tells about the monitor behind it.
type monitor struct {
	id, scope, name string
	transition      string // lower case: triggered, warn, no data, recovered, re-triggered …
	status          event.Status
}

// maxFoot is how many bytes at the end of a message may be its foot.
const maxFoot = 16 << 10

// The places where Datadog itself writes a monitor's number: a link to it, and the foot of each message. The default body has it
// nowhere else.
var (
	monitorLink = regexp.MustCompile(`/monitors[/#](\d+)`)
	messageFoot = regexp.MustCompile(`\[Monitor Status\]\(https?://[^)\s]*/monitors[/#](\d+)(?:\?(?:[^)\s]*&)?group=([^)&\s]*))?`)
)

func readMonitor(f shape.Fields) monitor {
	name, state, detail := shape.Title(f.Str("alerttitle", "title", "alertname", "name", "eventtitle"))
	m := monitor{
		id:    f.Str("alertid", "monitorid"),
		scope: f.Str("alertscope", "scopes", "scope"),
		name:  name,
	}
	if m.name == "" {
		m.name = shape.FirstLine(f.Str("alertmetric"))
	}
	if m.id == "" {
		m.readLinks(f)
	}
	if m.scope == "" {
		m.scope = detail
	}
	m.transition = strings.ToLower(f.Str("alerttransition", "transition"))
	m.status = event.StatusFiring
	for _, word := range append(f.Each("alerttransition", "transition", "alertstatus", "alertstate", "state", "status"), state) {
		if m.transition == "" && word == state {
			m.transition = strings.ToLower(state)
		}
		if s, known := shape.State(strings.TrimPrefix(strings.ToLower(word), "re-")); known {
			m.status = s
			return m
		}
	}
	if strings.EqualFold(f.Str("alerttype"), "success") && m.transition == "" {
		m.status = event.StatusResolved
	}
	return m
}

// readLinks finds the monitor's number, and the group that the message is about.
func (m *monitor) readLinks(f shape.Fields) {
	for _, l := range f.Each("url", "link", "eventurl", "alerturl", "monitorurl") {
		if found := monitorLink.FindStringSubmatch(l); found != nil {
			m.id = found[1]
			return
		}
	}
	body := f.Str("body", "eventmsg", "message")
	if found := messageFoot.FindStringSubmatch(body[max(0, len(body)-maxFoot):]); found != nil {
		m.id = found[1]
		if group, err := url.QueryUnescape(found[2]); err == nil && m.scope == "" {
			// What was escaped in the address may be no text at all: NUL and broken UTF-8 cannot be stored.
			m.scope = strings.ToValidUTF8(strings.ReplaceAll(group, "\x00", ""), "\uFFFD")
		}
	}
}

// identity returns what a trigger and its recovery have in common. The event's own id, the title and the body change with each.
func (m monitor) identity(f shape.Fields) string {
	aggregate := f.Str("aggregkey", "aggregate", "aggregationkey")
	scope := m.scope
	switch {
	case m.id != "" && scope == "" && aggregate == "":
		scope = f.Str("hostname", "host")
	case m.id == "" || scope == "":
		if aggregate != "" {
			return aggregate
		}
		if m.id == "" {
			return f.Str("alertcyclekey")
		}
	}
	if scope == "" {
		return m.id
	}
	return m.id + ":" + scope
}

// identityLabels are the labels without the tags that come and go.
func identityLabels(labels map[string]string) map[string]string {
	m := maps.Clone(labels)
	maps.DeleteFunc(m, func(_, v string) bool { return v == "true" })
	return m
}

// repeated reports whether the event only tells again what is known.
func (m monitor) repeated() bool {
	return strings.HasPrefix(m.transition, "re-") || m.transition == "renotify"
}

// severity follows the transition, then the alert type, then the priority: a warning of a P2 monitor is a warning. $PRIORITY
// is "normal" or "low" and tells nothing unless low.
func (m monitor) severity(f shape.Fields) event.Severity {
	transition := strings.TrimPrefix(m.transition, "re-")
	alertType := strings.ToLower(f.Str("alerttype"))
	priority := m.priority(f)
	switch {
	case m.status == event.StatusResolved:
		return priority
	case strings.HasPrefix(transition, "warn") || transition == "no data" || alertType == "warning":
		return event.SeverityWarning
	case alertType == "error" || priority == event.SeverityCritical:
		return event.SeverityCritical
	case alertType == "info":
		return event.SeverityInfo
	default:
		return priority
	}
}

func (m monitor) priority(f shape.Fields) event.Severity {
	for _, word := range f.Each("alertpriority", "severity", "priority", "alertseverity") {
		if s, known := shape.Level(word); known {
			return s
		}
	}
	title := f.Str("alerttitle", "title")
	if len(title) > 4 && title[0] == '[' && title[3] == ']' {
		if s, known := event.LookupSeverity(title[1:3]); known {
			return s
		}
	}
	return ""
}

func labels(f shape.Fields, m monitor) map[string]string {
	l := map[string]string{}
	shape.SetTags(l, shape.Tags(f.Get("tags")), "")
	shape.Set(l, "alertname", m.name)
	shape.Set(l, "hostname", f.Str("hostname", "host"))
	shape.Set(l, "metric", f.Str("alertmetric", "metric"))
	shape.Set(l, "alert_id", m.id)
	return l
}

func annotations(f shape.Fields, m monitor) map[string]string {
	a := map[string]string{}
	shape.Set(a, "url", f.Link("url", "link", "eventurl", "alerturl"))
	shape.Set(a, "snapshot", f.Link("snapshot"))
	shape.Set(a, "alert_query", f.Str("alertquery"))
	shape.Set(a, "alert_status", f.Str("alertstatus"))
	shape.Set(a, "alert_scope", m.scope)
	shape.Set(a, "alert_transition", f.Str("alerttransition", "transition"))
	shape.Set(a, "organisation", f.Str("orgname"))
	return a
}
