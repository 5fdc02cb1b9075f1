// Package datadog parses the webhooks of Datadog monitors, whose body is a template that each user may rewrite.
package datadog

import (
	"strings"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/drivers"
	"github.com/incidenthub/incidenthub/drivers/shape"
	"github.com/incidenthub/incidenthub/internal/platform/doc"
)

// Driver parses bodies of Datadog's webhooks integration. One monitor and group is one alert.
type Driver struct{}

var (
	_ drivers.Driver    = Driver{}
	_ drivers.Describer = Driver{}
)

// New returns the driver.
func New() Driver { return Driver{} }

// Name is "datadog".
func (Driver) Name() string { return "datadog" }

// ownKeys are the names that Datadog's documentation gives to its variables. Others use some of them too, so that one is not
// enough.
var ownKeys = [...]string{
	"alert_id", "alert_status", "alert_transition", "alert_metric", "alert_query", "alert_scope", "alert_cycle_key", "alert_title",
	"aggreg_key", "org_name",
}

// Detect takes two of Datadog's variables, or the organisation and the event type of its default body.
func (d Driver) Detect(o doc.Object) bool { return d.Missing(o) == "" }

// Missing says what Detect did not find.
func (Driver) Missing(o doc.Object) string {
	n := o.Count(ownKeys[:]...)
	if isAlertType(o.Str("alert_type")) {
		n++
	}
	if o.IsObject("org") {
		if o.Has("event_type") {
			return ""
		}
		n++
	}
	if n < 2 {
		return "fewer than two of alert_id, alert_type, alert_status, alert_transition, …, and no object org with event_type"
	}
	return ""
}

// isAlertType knows the values of $ALERT_TYPE; Coralogix and Gatus have other things under that name.
func isAlertType(s string) bool {
	switch strings.ToLower(s) {
	case "error", "warning", "success", "info":
		return true
	default:
		return false
	}
}

// Parse reads whatever a template may hold: something must name the alert or its monitor.
func (d Driver) Parse(o doc.Object) (event.Parsed, error) {
	f := shape.NewFields(unexpanded, o)
	if f.Str("alerttitle", "title", "alertname", "name", "eventtitle", "alertid", "monitorid", "aggregkey", "aggregate", "alertmetric",
		"eventmsg", "body", "message", "alerttransition") == "" {
		return event.Parsed{}, drivers.Malformed(d.Name(), "no title, alert_title, alert_id, monitor_id, body or alert_transition")
	}
	m := readMonitor(f)
	obs := event.Observation{
		Name:        m.name,
		Status:      m.status,
		Description: f.Str("eventmsg", "body", "textonlymsg", "message", "alertstatus"),
		Labels:      labels(f, m),
		Annotations: annotations(f, m),
	}
	obs.Severity = m.severity(f)
	obs.Fingerprint = shape.Fingerprint(m.identity(f), obs.Name, identityLabels(obs.Labels))
	switch at := f.Time("lastupdated", "date", "timestamp"); {
	case obs.Status == event.StatusResolved:
		obs.EndedAt = at
	case !m.repeated(): // the time is that of this event, which for a reminder is not the start
		obs.StartedAt = at
	}
	p := event.Parsed{ExternalURL: f.Link("url", "link", "eventurl", "alerturl")}
	shape.Add(&p, obs)
	return p, nil
}

// unexpanded reports whether a value is a variable that Datadog left as it was, such as $HOSTNAME.
func unexpanded(s string) bool {
	return len(s) > 1 && s[0] == '$' && strings.Trim(s[1:], "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789") == ""
}
