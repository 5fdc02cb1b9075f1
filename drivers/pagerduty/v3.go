package pagerduty

import (
	"strings"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/drivers"
	"github.com/incidenthub/incidenthub/drivers/shape"
	"github.com/incidenthub/incidenthub/internal/platform/doc"
)

// parseEvent reads a V3 event. Its data is the incident itself, or something that belongs to one and refers to it: a note, a
// status update, a responder, a conference bridge, a workflow. Events about services and pings hold no alert.
func (d Driver) parseEvent(e doc.Object) (event.Parsed, error) {
	p := event.Parsed{Version: "3", DeliveryKey: e.First("id")}
	kind := e.First("event_type")
	data, ok := e.Obj("data")
	if resource := e.First("resource_type"); resource != "incident" && !strings.HasPrefix(kind, "incident.") {
		p.Ignored = "PagerDuty event " + kind + " is not about an incident"
		return p, nil
	}
	if !ok {
		return event.Parsed{}, drivers.Malformed(d.Name(), "event.data is "+shape.NoObject(e.Get("data")))
	}
	what, refers := data.Obj("incident")
	if !refers {
		if t := data.Str("type"); t != "" && !strings.HasPrefix(t, "incident_reference") && t != "incident" {
			p.Ignored = "PagerDuty event " + kind + " names no incident"
			return p, nil
		}
		what = data
	}
	if !what.HasAny("id", "incident_key", "title", "summary") {
		return event.Parsed{}, drivers.Malformed(d.Name(), "event.data has no id, title or summary of an incident")
	}
	obs := incident(what, action(kind))
	if refers {
		obs.Passive = true
		shape.Set(obs.Annotations, "note", strings.TrimSpace(firstOf(data.Str("content"), data.Str("message"))))
	}
	obs.StartedAt = what.Time("created_at")
	if obs.StartedAt.IsZero() && action(kind) == "triggered" {
		obs.StartedAt = e.Time("occurred_at")
	}
	if obs.Status == event.StatusResolved {
		obs.EndedAt = e.Time("occurred_at")
		if action(kind) != "resolved" {
			obs.EndedAt = what.Time("resolved_at", "last_status_change_at")
		}
	}
	shape.Set(obs.Annotations, "event_type", kind)
	if agent, ok := e.Obj("agent"); ok {
		shape.Set(obs.Annotations, "agent", agent.First("summary"))
	}
	shape.Add(&p, obs)
	return p, nil
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}
