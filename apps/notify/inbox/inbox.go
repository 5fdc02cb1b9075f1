// Package inbox is the built-in channel: the stored message is the delivery, and the hub's own pages show it.
package inbox

import (
	"cmp"
	"context"
	"encoding/json"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

// Name is the driver's name, and that of the built-in channel.
const Name = "inbox"

// maxAlerts bounds the alerts that a message lists; the incident's page has all.
const maxAlerts = 50

// Driver makes inbox channels.
type Driver struct{}

var (
	_ channel.Driver  = Driver{}
	_ channel.Channel = Channel{}
	_ channel.Shower  = Channel{}
)

// New returns the driver.
func New() Driver { return Driver{} }

// Spec implements channel.Driver.
func (Driver) Spec() channel.Spec {
	return channel.Spec{Name: Name, Description: "Messages inside the hub; built in, nothing to set up.", Local: true, Repeatable: true}
}

// New implements channel.Driver. There are no settings.
func (Driver) New(config json.RawMessage) (channel.Channel, error) {
	if err := channel.Decode(config, &struct{}{}); err != nil {
		return nil, err
	}
	return Channel{}, nil
}

// Channel renders messages for the inbox.
type Channel struct{}

// Message is the stored body of an inbox message.
type Message struct {
	Event      channel.Kind      `json:"event"`
	Title      string            `json:"title"`
	Text       string            `json:"text"`
	Severity   string            `json:"severity"`
	Status     string            `json:"status,omitempty"`
	Source     string            `json:"source,omitempty"`
	IncidentID string            `json:"incident_id,omitempty"`
	RunID      string            `json:"run_id,omitempty"`
	StartedAt  time.Time         `json:"started_at,omitzero"`
	EndedAt    time.Time         `json:"ended_at,omitzero"`
	At         time.Time         `json:"at"`
	Labels     map[string]string `json:"labels,omitempty"`
	Links      []Link            `json:"links,omitempty"`
	Alerts     []Alert           `json:"alerts"`
	AlertCount int               `json:"alert_count"`
}

// Link is an address that helps.
type Link struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}

// Alert is an alert in short.
type Alert struct {
	Name     string         `json:"name"`
	Instance string         `json:"instance,omitempty"`
	Status   event.Status   `json:"status"`
	Severity event.Severity `json:"severity"`
}

// Render implements channel.Channel.
func (Channel) Render(n channel.Notice) (channel.Rendered, error) {
	m := Message{
		Event: n.Kind, Title: n.Title, Text: n.Text, Severity: n.Severity, Status: n.Status, Source: n.Source, IncidentID: n.IncidentID,
		RunID: n.RunID, StartedAt: n.StartedAt, EndedAt: n.EndedAt, At: n.At, Labels: n.Labels, AlertCount: len(n.Alerts),
		Alerts: make([]Alert, min(len(n.Alerts), maxAlerts)),
	}
	for i := range m.Alerts {
		a := &n.Alerts[i]
		m.Alerts[i] = Alert{Name: a.Name, Instance: event.Instance(a.Labels), Status: a.Status, Severity: a.Severity}
	}
	for _, l := range n.Links {
		m.Links = append(m.Links, Link(l))
	}
	return channel.Document(m)
}

// Send implements channel.Channel. Nobody needs to call it (Spec.Local): what is stored has arrived.
func (Channel) Send(context.Context, channel.Outgoing) channel.Result {
	return channel.Result{Verdict: channel.Done}
}

// Show implements channel.Shower: what the inbox's page shows, and the whole document.
func (Channel) Show(body []byte) []channel.Shown {
	var m Message
	if json.Unmarshal(body, &m) != nil {
		return nil
	}
	out := []channel.Shown{{Name: "title", Media: "text/plain", Text: cmp.Or(m.Title, "(none)")}}
	if m.Text != "" {
		out = append(out, channel.Shown{Name: "text", Media: "text/plain", Text: m.Text})
	}
	return append(out, channel.Shown{Name: "json", Media: "application/json", Text: channel.PrettyJSON(body)})
}
