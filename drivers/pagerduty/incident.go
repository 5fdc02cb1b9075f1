package pagerduty

import (
	"strings"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/drivers/shape"
	"github.com/incidenthub/incidenthub/internal/platform/doc"
)

// action returns what happened, the last part of a type such as incident.acknowledged or incident.responder.added.
func action(kind string) string {
	return strings.ToLower(kind[strings.LastIndexByte(kind, '.')+1:])
}

// stirring are the actions that show that an incident is on: V3 speaks in the past tense, V1 and V2 in the present. Any other (an
// acknowledgement, a note, a new priority, an answer of a responder) tells nothing new about that.
var stirring = map[string]bool{
	"triggered": true, "reopened": true, "unacknowledged": true, "escalated": true, "delegated": true, "reassigned": true, "resolved": true,
	"trigger": true, "unacknowledge": true, "escalate": true, "delegate": true, "assign": true, "resolve": true,
}

// incident reads what all versions have in common. The words for one thing differ, and none of them is certain to be there.
func incident(o doc.Object, act string) event.Observation {
	obs := event.Observation{
		Name:        name(o),
		Status:      event.StatusFiring,
		Severity:    severity(o),
		Description: o.First("description"),
		Passive:     !stirring[act],
		Labels:      map[string]string{},
		Annotations: map[string]string{},
	}
	if act == "resolved" || act == "resolve" || strings.EqualFold(o.Str("status"), "resolved") && act != "reopened" {
		obs.Status = event.StatusResolved
	}
	labels(obs.Labels, o)
	shape.Set(obs.Labels, "alertname", obs.Name)
	obs.Fingerprint = shape.Fingerprint(o.First("id", "incident_key"), obs.Name, obs.Labels)
	shape.Set(obs.Annotations, "html_url", shape.Link(o.Str("html_url")))
	shape.Set(obs.Annotations, "incident_status", o.First("status"))
	shape.Set(obs.Annotations, "incident_key", o.First("incident_key"))
	return obs
}

func name(o doc.Object) string {
	trigger, _ := o.Obj("trigger_summary_data")
	if n := firstOf(trigger.First("subject"), o.First("title"), trigger.First("description")); n != "" {
		return n
	}
	// A summary of V2 begins with the number: "[#33] My new incident".
	s := o.First("summary")
	if number, rest, ok := strings.Cut(s, "] "); ok && strings.HasPrefix(number, "[#") {
		s = strings.TrimSpace(rest)
	}
	return firstOf(s, shape.FirstLine(o.Str("description")))
}

func labels(m map[string]string, o doc.Object) {
	shape.Set(m, "incident_id", o.First("id"))
	shape.Set(m, "incident_number", o.First("incident_number", "number"))
	shape.Set(m, "urgency", o.First("urgency"))
	if s, ok := o.Obj("service"); ok {
		shape.Set(m, "service_id", s.First("id"))
		shape.Set(m, "service_name", s.First("summary", "name"))
	}
	if p := priority(o); p != "" {
		m["priority"] = p
	}
}

// priority is a reference in V3 and V2; some exporters flatten it.
func priority(o doc.Object) string {
	if p, ok := o.Obj("priority"); ok {
		return p.First("summary", "name")
	}
	return o.First("priority")
}

// severity lets the priority, which a person or a rule has chosen, go before the urgency. An account may call its priorities
// anything; a name that tells no level leaves it to the urgency.
func severity(o doc.Object) event.Severity {
	if s, ok := shape.Level(priority(o)); ok {
		return s
	}
	switch strings.ToLower(o.First("urgency")) {
	case "high":
		return event.SeverityCritical
	case "low":
		return event.SeverityWarning
	default:
		return ""
	}
}
