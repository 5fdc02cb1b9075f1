package pagerduty

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

// event is what the API takes, but for the routing key.
type event struct {
	Action    string   `json:"event_action"`
	DedupKey  string   `json:"dedup_key"`
	Payload   *payload `json:"payload,omitempty"`
	Client    string   `json:"client,omitempty"`
	ClientURL string   `json:"client_url,omitempty"`
	Links     []link   `json:"links,omitempty"`
}

type payload struct {
	Summary   string    `json:"summary"`
	Source    string    `json:"source"`
	Severity  string    `json:"severity"`
	Timestamp time.Time `json:"timestamp,omitzero"`
	Component string    `json:"component,omitempty"`
	Group     string    `json:"group,omitempty"`
	Class     string    `json:"class,omitempty"`
	Details   any       `json:"custom_details,omitempty"`
}

type link struct {
	Href string `json:"href"`
	Text string `json:"text"`
}

// Limits of the API (developer.pagerduty.com, "Send an Alert Event", 2026): 1024 characters of summary, 512 KB of event.
const (
	maxSummary = 1024
	maxEvent   = 512_000 - 1_000 // the routing key comes on top
	maxField   = 255
	maxLink    = 2048 // bytes; ours
	product    = "IncidentHub"
)

// Render implements channel.Channel.
func (c *Channel) Render(n channel.Notice) (channel.Rendered, error) {
	e := event{Action: c.action(n.Kind), DedupKey: c.dedupKey(&n)}
	if e.Action != actionTrigger { // the API takes no more than the key with these
		return channel.Document(e)
	}
	e.Client, e.ClientURL = channel.VisibleLine(c.settings.Client), c.settings.ClientURL
	if e.ClientURL == "" {
		e.ClientURL, _ = channel.WebLink(n.URL, maxLink)
	}
	m := c.message(&n)
	if m.own != nil {
		if out, ok := c.try(e, &n, &m, levels[0]); ok {
			return out, nil
		}
		m.remarks = append(m.remarks, "payload_template made more than the 512 KB that PagerDuty takes: the built-in form was sent instead")
		m.own = nil
	}
	for _, l := range levels {
		if l.hopeless(&n) {
			continue
		}
		if out, ok := c.try(e, &n, &m, l); ok {
			return out, nil
		}
	}
	e.Payload = &payload{Summary: c.summary(&n), Source: product, Severity: severity(n.Severity)}
	return channel.Document(e)
}

// try renders at a level. It does not do when the event is too long.
func (c *Channel) try(e event, n *channel.Notice, m *message, l level) (channel.Rendered, bool) {
	e.Payload, e.Links = c.payload(n, m, l), links(n, l)
	out, err := channel.Document(e)
	out.Remark, out.Missing = channel.Remark(m.remarks...), m.missing
	return out, err == nil && len(out.Body) <= maxEvent
}

// action is what a message does to the alert. What begins or changes an incident triggers, also when it is open in PagerDuty: the alert
// takes the new details, and nobody is notified again.
func (c *Channel) action(k channel.Kind) string {
	switch k {
	case channel.KindAcknowledged:
		return actionAcknowledge
	case channel.KindResolved:
		return actionResolve
	default:
		return c.settings.EventAction
	}
}

// dedupKey is the same for all that is told of an incident. Without an incident it is the fingerprint that the caller gave, or else the
// message's own: a test opens an alert of its own.
func (c *Channel) dedupKey(n *channel.Notice) string {
	switch {
	case c.settings.DedupKey != "":
		return c.settings.DedupKey
	case n.Kind == channel.KindSent && n.Tags["fingerprint"] != "": // contract 8.2, whatever incident the caller names beside it
		return bounded(n.Tags["fingerprint"])
	case n.IncidentID != "":
		return bounded("incidenthub:" + n.IncidentID)
	case n.Tags["fingerprint"] != "" && n.Kind != channel.KindTest:
		return bounded(n.Tags["fingerprint"])
	default:
		return bounded("incidenthub:" + n.IdemKey)
	}
}

// bounded keeps keys that are too long apart.
func bounded(key string) string {
	key = channel.VisibleLine(key)
	if utf8.RuneCountInString(key) <= maxKey {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// summary is "[SEV] title" (contract 8.2), with the incident's own title where there is one.
func (c *Channel) summary(n *channel.Notice) string {
	title, word := n.Title, "["+strings.ToUpper(severity(n.Severity))+"] "
	if n.Incident != nil && n.Incident.Title != "" {
		title = n.Incident.Title
	}
	if title = channel.VisibleLine(title); !strings.HasPrefix(title, word) {
		title = word + title
	}
	return channel.Shorten(title, maxSummary)
}

// severity is one that the API takes: success and whatever is none is info.
func severity(s string) string {
	switch s {
	case "critical", "warning":
		return s
	default:
		return "info"
	}
}

// payload is the event's, with as much as a level lets through.
func (c *Channel) payload(n *channel.Notice, m *message, l level) *payload {
	p := &payload{
		Summary: c.summary(n), Severity: severity(n.Severity), Timestamp: n.At,
		Source:    field(n.Source, n.Tags["source"], product),
		Component: field(n.Tags["component"], n.Labels["component"], n.Labels["service"], n.Channel),
		Group:     field(n.Tags["group"], n.Labels["group"], n.Labels["cluster"], "default"),
		Class:     field(n.Tags["class"], n.Labels["class"], n.Severity, "info"),
	}
	if m.own != nil {
		m.override(p)
		return p
	}
	p.Details = c.details(n, m, l)
	return p
}

// field is the first value that is there.
func field(values ...string) string {
	for _, v := range values {
		if v = strings.TrimSpace(channel.VisibleLine(v)); v != "" {
			return channel.Limit(v, maxField)
		}
	}
	return ""
}

func links(n *channel.Notice, l level) []link {
	var out []link
	for _, at := range n.Links[:min(len(n.Links), l.links)] {
		if to, ok := channel.WebLink(at.URL, maxLink); ok {
			out = append(out, link{Href: to, Text: linkText(at.Name)})
		}
	}
	given, _ := n.Context["url"].(string)
	if to, ok := channel.WebLink(given, maxLink); ok && !slices.ContainsFunc(out, func(l link) bool { return l.Href == to }) {
		out = append(out, link{Href: to, Text: "Link"})
	}
	return out
}

// linkText makes "Runbook" of runbook.
func linkText(name string) string {
	name = strings.ReplaceAll(field(name, "Link"), "_", " ")
	if name == "incident" {
		return "Incident in the hub"
	}
	return channel.LinkLabel(name)
}

// isEvent reports whether a stored body is one that Render made.
func isEvent(body []byte) bool {
	var e struct {
		Action   string          `json:"event_action"`
		DedupKey string          `json:"dedup_key"`
		Payload  json.RawMessage `json:"payload"`
	}
	return len(body) > 2 && body[0] == '{' && json.Unmarshal(body, &e) == nil && slices.Contains(actions[:], e.Action) && e.DedupKey != "" &&
		(e.Action != actionTrigger || bytes.HasPrefix(bytes.TrimSpace(e.Payload), []byte("{")))
}

// foreign is the event of a message that could not be rendered, or that another driver rendered: nobody stays untold for that.
func (c *Channel) foreign(o channel.Outgoing) []byte {
	var plain struct {
		Message string `json:"message"`
	}
	_ = json.Unmarshal(o.Body, &plain) // what cannot be read has no message
	n := channel.Notice{Kind: o.Kind, Title: o.Title, Severity: o.Severity, IncidentID: o.IncidentID, IdemKey: o.IdemKey}
	e := event{Action: c.action(o.Kind), DedupKey: c.dedupKey(&n)}
	if e.Action == actionTrigger {
		e.Payload = &payload{Summary: c.summary(&n), Source: product, Severity: severity(o.Severity)}
		if plain.Message != "" {
			e.Payload.Details = details{Message: channel.Shorten(channel.Visible(plain.Message), 64<<10), Severity: e.Payload.Severity}
		}
	}
	body, err := channel.Encode(e)
	if err != nil { // strings only: they cannot fail
		return []byte(`{}`)
	}
	return body
}
