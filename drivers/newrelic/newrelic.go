// Package newrelic parses the webhooks of New Relic: issues sent by workflows, and incidents of the legacy channels.
package newrelic

import (
	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/drivers"
	"github.com/incidenthub/incidenthub/drivers/shape"
	"github.com/incidenthub/incidenthub/internal/platform/doc"
)

// Driver parses bodies of New Relic's webhook destinations. One issue, or one legacy incident, is one alert.
type Driver struct{}

var (
	_ drivers.Driver    = Driver{}
	_ drivers.Describer = Driver{}
)

// New returns the driver.
func New() Driver { return Driver{} }

// Name is "newrelic".
func (Driver) Name() string { return "newrelic" }

// Detect takes two of the legacy names, an account with a current state, or an issue's address with what it came from. Only
// the top level counts: other vendors have an incident with such members inside.
func (d Driver) Detect(o doc.Object) bool { return d.Missing(o) == "" }

// Missing says what Detect did not find.
func (Driver) Missing(o doc.Object) string {
	switch {
	case o.Count("condition_id", "incident_id", "policy_name", "condition_name") >= 2:
	case o.Has("account_id") && o.IsStr("current_state"):
	case isWorkflow(o) && o.HasAny("alertPolicyNames", "alertConditionNames", "workflowName", "accumulations"):
	default:
		return "fewer than two of condition_id, incident_id, policy_name, condition_name; no account_id with current_state; " +
			"no issueUrl with alertPolicyNames, alertConditionNames, workflowName or accumulations"
	}
	return ""
}

func isWorkflow(o doc.Object) bool { return o.HasAny("issueUrl", "issuePageUrl", "issueId") }

// Parse reads an issue if the body has the address or id of one, else a legacy incident.
func (d Driver) Parse(o doc.Object) (event.Parsed, error) {
	p := event.Parsed{Version: o.Str("version")}
	switch {
	case isWorkflow(o):
		p.ExternalURL = shape.Link(o.First("issueUrl", "issuePageUrl"))
		shape.Add(&p, issue(o))
	case o.HasAny("condition_id", "incident_id", "policy_name", "condition_name", "current_state", "title", "state"):
		p.ExternalURL = shape.Link(o.Str("incident_url"))
		shape.Add(&p, legacy(o))
	default:
		return event.Parsed{}, drivers.Malformed(d.Name(), "no issueUrl or issueId, and no condition, policy, incident or state")
	}
	return p, nil
}
