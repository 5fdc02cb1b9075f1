package pagerduty

import (
	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/drivers/shape"
	"github.com/incidenthub/incidenthub/internal/platform/doc"
)

// parseMessages reads a V1 or V2 body. V2 says event and has the incident in the message; V1 says type and has it in data.
func parseMessages(o doc.Object) event.Parsed {
	p := event.Parsed{Version: "1"}
	messages, _ := o.List("messages")
	for i, v := range messages {
		m, ok := v.Obj()
		if !ok {
			shape.Reject(&p, i, shape.NoObject(v))
			continue
		}
		inc, ok := messageIncident(m)
		if !ok {
			shape.Reject(&p, i, "has no incident")
			continue
		}
		if m.Has("event") || m.Has("incident") {
			p.Version = "2"
		}
		if len(messages) == 1 {
			p.DeliveryKey = m.First("id")
		}
		kind := messageType(m)
		obs := incident(inc, action(kind))
		obs.Index = i
		obs.StartedAt = inc.Time("created_at", "created_on")
		if obs.Status == event.StatusResolved {
			obs.EndedAt = inc.Time("resolved_at", "last_status_change_at", "last_status_change_on")
			if obs.EndedAt.IsZero() {
				obs.EndedAt = m.Time("created_on")
			}
		}
		shape.Set(obs.Annotations, "event_type", kind)
		shape.Add(&p, obs)
	}
	return p
}

func messageType(m doc.Object) string { return m.First("event", "type") }

func hasIncident(m doc.Object) bool {
	_, ok := messageIncident(m)
	return ok
}

func messageIncident(m doc.Object) (doc.Object, bool) {
	if inc, ok := m.Obj("incident"); ok {
		return inc, true
	}
	data, _ := m.Obj("data")
	return data.Obj("incident")
}
