package newrelic

import (
	"strings"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/drivers/shape"
	"github.com/incidenthub/incidenthub/internal/platform/doc"
)

// issue reads the body of a workflow: the default template, or one that a user made out of it.
func issue(o doc.Object) event.Observation {
	accumulated, _ := o.Obj("accumulations")
	conditions := texts(o.Get("alertConditionNames"), accumulated.Get("conditionName"), o.Get("condition_name"))
	obs := event.Observation{
		Name:        first(texts(o.Get("title")), conditions),
		Severity:    event.ParseSeverity(o.First("priority", "severity")),
		Description: first(texts(o.Get("description"), o.Get("details"), accumulated.Get("conditionDescription"))),
		StartedAt:   o.Time("createdAt", "activatedAt"),
		Labels:      issueLabels(o, accumulated, conditions),
		Annotations: map[string]string{},
	}
	state := o.First("state", "current_state")
	obs.Status = status(state)
	if state == "" && o.Has("closedAt") {
		obs.Status = event.StatusResolved
	}
	if obs.Status == event.StatusResolved {
		obs.EndedAt = o.Time("closedAt", "updatedAt")
	}
	trigger := o.First("trigger", "triggerEvent")
	obs.Passive = shape.Acknowledges(state) || strings.Contains(strings.ToUpper(trigger), "ACKNOWLEDGE")
	id := o.First("issueId", "id", "issue_id")
	shape.Set(obs.Labels, "issue_id", id)
	shape.Set(obs.Labels, "alertname", obs.Name)
	obs.Fingerprint = shape.Fingerprint(id, obs.Name, obs.Labels)
	shape.Set(obs.Annotations, "issue_url", shape.Link(o.First("issueUrl", "issuePageUrl")))
	shape.Set(obs.Annotations, "trigger", trigger)
	shape.Set(obs.Annotations, "workflow", o.First("workflowName"))
	shape.Set(obs.Annotations, "impacted_entities", strings.Join(texts(o.Get("impactedEntities")), ", "))
	shape.Set(obs.Annotations, "runbook_url", shape.Link(first(texts(o.Get("runbook_url"), accumulated.Get("runbookUrl")))))
	return obs
}

// issueLabels name the one entity an issue is about; of several none is the one.
func issueLabels(o, accumulated doc.Object, conditions []string) map[string]string {
	m := map[string]string{}
	shape.Set(m, "account_id", o.First("nrAccountId", "account_id", "accountId"))
	shape.Set(m, "condition_name", first(conditions))
	shape.Set(m, "policy_name", first(texts(o.Get("alertPolicyNames"), accumulated.Get("policyName"), o.Get("policy_name"))))
	if e := texts(o.Get("impactedEntities")); len(e) == 1 {
		m["entity"] = e[0]
	}
	return m
}

// status takes everything but a closed issue for one that is on: an acknowledged one is being worked on.
func status(state string) event.Status {
	switch strings.ToLower(state) {
	case "closed", "close", "resolved":
		return event.StatusResolved
	default:
		return event.StatusFiring
	}
}

// texts returns what the values hold, be it text or a list of texts: templates send either. Empty ones are left out.
func texts(values ...doc.Value) []string {
	var all []string
	for _, v := range values {
		items, ok := v.List()
		if !ok {
			items = []doc.Value{v}
		}
		for _, item := range items {
			if s := strings.TrimSpace(item.Str()); s != "" {
				all = append(all, s)
			}
		}
	}
	return all
}

func first(lists ...[]string) string {
	for _, l := range lists {
		if len(l) > 0 {
			return l[0]
		}
	}
	return ""
}
