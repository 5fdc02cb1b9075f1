// Package zabbix parses the webhooks of Zabbix, whose body each media type or user lays out in its own way.
package zabbix

import (
	"strings"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/drivers"
	"github.com/incidenthub/incidenthub/drivers/shape"
	"github.com/incidenthub/incidenthub/internal/platform/doc"
)

// Driver parses bodies built from Zabbix macros. One trigger on one host is one alert.
type Driver struct{}

var (
	_ drivers.Driver    = Driver{}
	_ drivers.Describer = Driver{}
)

// New returns the driver.
func New() Driver { return Driver{} }

// Name is "zabbix".
func (Driver) Name() string { return "zabbix" }

// Detect takes two of the names under which templates send triggers and events, or the pair that each official media type has.
func (d Driver) Detect(o doc.Object) bool { return d.Missing(o) == "" }

// Missing says what Detect did not find.
func (Driver) Missing(o doc.Object) string {
	if o.Count("event_id", "trigger_id", "trigger_name", "trigger_severity", "host_name") >= 2 || o.Count("event_source", "event_value") == 2 {
		return ""
	}
	return "fewer than two of event_id, trigger_id, trigger_name, trigger_severity, host_name, and no event_source with event_value"
}

// Parse reads whatever a template may hold: something must name the problem or its trigger.
func (d Driver) Parse(o doc.Object) (event.Parsed, error) {
	f := shape.NewFields(unexpanded, o)
	ids := readIDs(f)
	obs := event.Observation{
		Name:        name(f),
		Description: description(f),
		Labels:      labels(f, ids),
		Annotations: annotations(f),
	}
	if obs.Name == "" && ids.trigger == "" && ids.event == "" && ids.problem == "" {
		return event.Parsed{}, drivers.Malformed(d.Name(), "no trigger_name, event_name, alert_subject, trigger_id or event_id")
	}
	obs.Status = status(f)
	obs.Severity = severity(f)
	obs.Passive = obs.Status == event.StatusFiring && isUpdate(f)
	setTimes(&obs, f)
	shape.Set(obs.Labels, "alertname", obs.Name)
	obs.Fingerprint = shape.Fingerprint(ids.identity(), obs.Name, map[string]string{"host_name": ids.host})
	p := event.Parsed{ExternalURL: f.Link("zabbixurl")}
	shape.Add(&p, obs)
	return p, nil
}

// unexpanded reports whether a value is a macro that Zabbix left as it was: {EVENT.RECOVERY.DATE}, {$ZABBIX.URL}, {#FSNAME}, or its word
// for a macro it cannot resolve.
func unexpanded(s string) bool {
	if s == "*UNKNOWN*" || s == "*UNDEFINED*" {
		return true
	}
	if len(s) < 3 || s[0] != '{' || s[len(s)-1] != '}' {
		return false
	}
	inner := strings.TrimLeft(s[1:len(s)-1], "$#?")
	return inner != "" && strings.Trim(inner, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._") == ""
}
