// Package grafana parses the webhooks of Grafana: unified alerting (8 and later) and the legacy notification channels.
package grafana

import (
	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/drivers"
	"github.com/incidenthub/incidenthub/drivers/shape"
	"github.com/incidenthub/incidenthub/internal/platform/doc"
)

// Driver parses bodies of Grafana's webhook contact points and notification channels.
type Driver struct{}

var (
	_ drivers.Driver    = Driver{}
	_ drivers.Describer = Driver{}
)

// New returns the driver.
func New() Driver { return Driver{} }

// Name is "grafana".
func (Driver) Name() string { return "grafana" }

// Detect takes what only Grafana sends: an organisation or dashboard beside the alerts, or a rule with a state. A title and
// a state alone are anybody's.
func (d Driver) Detect(o doc.Object) bool { return d.Missing(o) == "" }

// Missing says what Detect did not find.
func (Driver) Missing(o doc.Object) string {
	switch {
	case o.HasAny("ruleName", "ruleId") && o.IsStr("state"):
		return ""
	case !o.IsList("alerts") && !o.IsList("evalMatches"):
		return "neither a list alerts or evalMatches nor ruleName or ruleId with a state"
	case o.HasAny("orgId", "dashboardId") || o.IsStr("state") && o.IsStr("title"):
		return ""
	default:
		return "none of orgId, dashboardId, state with title"
	}
}

// Parse makes one observation of each item of alerts, or one of a legacy rule.
func (d Driver) Parse(o doc.Object) (event.Parsed, error) {
	if items, ok := o.List("alerts"); ok && len(items) > 0 {
		title, _, _ := shape.Title(o.Str("title"))
		return shape.AlertList(o, items, fallbackName(title)), nil
	}
	switch {
	case o.HasAny("ruleName", "ruleId", "evalMatches"):
	case o.Get("alerts").Kind() != doc.KindMissing:
		return event.Parsed{}, drivers.Malformed(d.Name(), "alerts is no list of alerts")
	case !o.HasAny("state", "title"):
		return event.Parsed{}, drivers.Malformed(d.Name(), "no alerts, evalMatches, ruleName, ruleId, state or title")
	}
	p := event.Parsed{ExternalURL: shape.Link(o.Str("ruleUrl"))}
	shape.Add(&p, legacy(o))
	return p, nil
}

// fallbackName drops a title that says nothing but how many alerts there are.
func fallbackName(title string) string {
	if len(title) > 0 && title[0] == '[' && title[len(title)-1] == ']' {
		return ""
	}
	return title
}
