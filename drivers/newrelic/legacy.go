package newrelic

import (
	"strconv"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/drivers/shape"
	"github.com/incidenthub/incidenthub/internal/platform/doc"
)

// maxTargets is how many targets of a legacy incident become labels.
const maxTargets = 3

// legacy reads the body of a legacy notification channel. Its timestamp is that of the change it tells, which is the start only when
// the incident opens. An id of 0 is an id.
func legacy(o doc.Object) event.Observation {
	state := o.First("current_state", "state")
	obs := event.Observation{
		Name:        o.First("condition_name", "policy_name", "title"),
		Status:      status(state),
		Severity:    event.ParseSeverity(o.First("severity", "priority")),
		Description: o.First("details", "description", "condition_description"),
		Passive:     shape.Acknowledges(state),
		Labels:      map[string]string{},
		Annotations: map[string]string{},
	}
	if state == "" && o.First("event_type") == "INCIDENT_RESOLVED" {
		obs.Status = event.StatusResolved
	}
	switch at := o.Time("timestamp"); {
	case obs.Status == event.StatusResolved:
		obs.EndedAt = at
	case !obs.Passive:
		obs.StartedAt = at
	}
	for _, k := range [...]string{"account_id", "account_name", "condition_id", "condition_name", "policy_name", "incident_id"} {
		shape.Set(obs.Labels, k, o.First(k))
	}
	shape.Set(obs.Labels, "alertname", obs.Name)
	obs.Fingerprint = shape.Fingerprint(o.First("incident_id"), obs.Name, obs.Labels)
	targets(obs.Labels, o)
	for _, k := range [...]string{"incident_url", "runbook_url", "violation_chart_url", "violation_callback_url", "incident_acknowledge_url"} {
		shape.Set(obs.Annotations, k, shape.Link(o.Str(k)))
	}
	return obs
}

func targets(labels map[string]string, o doc.Object) {
	list, _ := o.List("targets")
	for i, v := range list[:min(len(list), maxTargets)] {
		if t, ok := v.Obj(); ok {
			prefix := "target_" + strconv.Itoa(i) + "_"
			shape.Set(labels, prefix+"name", t.First("name"))
			shape.Set(labels, prefix+"type", t.First("type"))
		}
	}
}
