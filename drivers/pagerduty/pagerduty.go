// Package pagerduty parses PagerDuty's webhooks: V3 subscriptions, and the older V2 and V1 message lists.
package pagerduty

import (
	"strings"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/drivers"
	"github.com/incidenthub/incidenthub/internal/platform/doc"
)

// Driver parses bodies of PagerDuty's outgoing webhooks. One PagerDuty incident is one alert.
type Driver struct{}

var (
	_ drivers.Driver    = Driver{}
	_ drivers.Describer = Driver{}
)

// New returns the driver.
func New() Driver { return Driver{} }

// Name is "pagerduty".
func (Driver) Name() string { return "pagerduty" }

// Detect takes an event object with its two types, or a list of messages about incidents.
func (d Driver) Detect(o doc.Object) bool { return d.Missing(o) == "" }

// Missing says what Detect did not find.
func (Driver) Missing(o doc.Object) string {
	if e, ok := o.Obj("event"); ok {
		if e.IsStr("event_type") && e.IsStr("resource_type") {
			return ""
		}
		return "event has no event_type and resource_type"
	}
	messages, ok := o.List("messages")
	if !ok {
		return "neither an object event nor a list messages"
	}
	for _, m := range messages {
		if m, ok := m.Obj(); ok && (hasIncident(m) || strings.HasPrefix(messageType(m), "incident.")) {
			return ""
		}
	}
	return "no message with an incident"
}

// Parse reads one V3 event, or each message of a V1 or V2 list in order.
func (d Driver) Parse(o doc.Object) (event.Parsed, error) {
	if why := d.Missing(o); why != "" {
		return event.Parsed{}, drivers.Malformed(d.Name(), why)
	}
	if e, ok := o.Obj("event"); ok {
		return d.parseEvent(e)
	}
	return parseMessages(o), nil
}
