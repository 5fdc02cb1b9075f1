// Package opsgenie parses the outgoing webhooks of Opsgenie and of Jira Service Management's alerts, which kept its format.
package opsgenie

import (
	"strings"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/drivers"
	"github.com/incidenthub/incidenthub/drivers/shape"
	"github.com/incidenthub/incidenthub/internal/platform/doc"
)

// Driver parses bodies of Opsgenie's webhook integration: an action on one alert.
type Driver struct{}

var (
	_ drivers.Driver    = Driver{}
	_ drivers.Describer = Driver{}
)

// New returns the driver.
func New() Driver { return Driver{} }

// Name is "opsgenie".
func (Driver) Name() string { return "opsgenie" }

// Detect takes an action on an alert that has one of Opsgenie's ids, or the name and id of the sending integration.
func (d Driver) Detect(o doc.Object) bool { return d.Missing(o) == "" }

// Missing says what Detect did not find.
func (Driver) Missing(o doc.Object) string {
	if o.IsStr("integrationId") && o.IsStr("integrationName") {
		return ""
	}
	alert, ok := o.Obj("alert")
	switch {
	case !ok:
		return "no object alert, and no integrationId with integrationName"
	case !o.IsStr("action"):
		return "no text action beside alert"
	case !alert.HasAny("alertId", "tinyId"):
		return "alert has no alertId or tinyId"
	default:
		return ""
	}
}

// Parse reads the alert, or the incident of an incident webhook, which has the same members.
func (d Driver) Parse(o doc.Object) (event.Parsed, error) {
	alert, ok := o.Obj("alert")
	if !ok {
		alert, ok = o.Obj("incident")
	}
	if !ok {
		return event.Parsed{}, drivers.Malformed(d.Name(), "alert is "+shape.NoObject(o.Get("alert")))
	}
	if !alert.HasAny("alertId", "incidentId", "id", "tinyId", "alias", "message") {
		return event.Parsed{}, drivers.Malformed(d.Name(), "alert has no alertId, tinyId, alias or message")
	}
	var p event.Parsed
	shape.Add(&p, observation(alert, o))
	return p, nil
}

func observation(alert, o doc.Object) event.Observation {
	act := strings.ToLower(o.First("action"))
	obs := event.Observation{
		Name:        alert.First("message"),
		Status:      event.StatusFiring,
		Severity:    event.ParseSeverity(priority(alert)),
		Description: alert.First("description"),
		StartedAt:   alert.Time("createdAt", "insertedAt"),
		Labels:      labels(alert),
		Annotations: annotations(alert, o, act),
	}
	switch act {
	case "close", "delete", "resolve":
		obs.Status = event.StatusResolved
	case "create", "unacknowledge", "escalate", "escalatenext", "snoozeended":
	default: // a note, a tag, an owner, a custom action: nothing new about whether it is on
		obs.Passive = true
		if s := strings.ToLower(alert.First("status")); s == "closed" || s == "resolved" {
			obs.Status = event.StatusResolved
		}
	}
	if obs.Status == event.StatusResolved {
		obs.EndedAt = alert.Time("closedAt", "updatedAt")
	}
	shape.Set(obs.Labels, "alertname", obs.Name)
	obs.Fingerprint = shape.Fingerprint(alert.First("alertId", "incidentId", "id", "alias", "tinyId"), obs.Name, obs.Labels)
	return obs
}

// priority is P1 to P5; older integrations send the bare number.
func priority(alert doc.Object) string {
	p := strings.ToUpper(alert.First("priority"))
	if len(p) == 1 && p[0] >= '1' && p[0] <= '5' {
		return "P" + p
	}
	return p
}

// labels take the tags first, so that none of them replaces what the alert itself says.
func labels(alert doc.Object) map[string]string {
	m := map[string]string{}
	shape.SetTags(m, shape.Tags(alert.Get("tags")), "tag_")
	shape.Set(m, "alert_id", alert.First("alertId", "incidentId", "id"))
	shape.Set(m, "tiny_id", alert.First("tinyId"))
	shape.Set(m, "priority", priority(alert))
	for _, k := range [...]string{"entity", "alias", "source"} {
		shape.Set(m, k, alert.First(k))
	}
	team := alert.First("team")
	if team == "" {
		team = joined(alert.Get("teams"))
	}
	shape.Set(m, "team", team)
	return m
}

func joined(v doc.Value) string {
	items, _ := v.List()
	var names []string
	for _, item := range items {
		name := strings.TrimSpace(item.Str())
		if team, ok := item.Obj(); ok {
			name = team.First("name", "id")
		}
		if name != "" {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// annotations keep the details that a person or an integration put on the alert, and what was done by whom.
func annotations(alert, o doc.Object, act string) map[string]string {
	a := shape.Labels(alert.Get("details"))
	shape.Set(a, "action", act)
	shape.Set(a, "username", alert.First("username"))
	shape.Set(a, "note", alert.First("note"))
	shape.Set(a, "owner", alert.First("owner"))
	shape.Set(a, "integration", o.First("integrationName"))
	return a
}
