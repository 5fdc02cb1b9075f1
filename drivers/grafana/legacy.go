package grafana

import (
	"maps"
	"strings"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/drivers/shape"
	"github.com/incidenthub/incidenthub/internal/platform/doc"
)

// legacyLabels identify a rule; they and the name make the fingerprint. 0 is a value like any other.
var legacyLabels = [...]string{"ruleId", "dashboardId", "panelId", "orgId"}

// legacy parses the body of a notification channel (up to Grafana 8, and later with unified alerting off): one rule is one
// alert, however many series matched. The body carries no times.
func legacy(o doc.Object) event.Observation {
	title, _, _ := shape.Title(o.Str("title"))
	obs := event.Observation{Status: event.StatusFiring, Name: o.First("ruleName")}
	if obs.Name == "" {
		obs.Name = title
	}
	identity := map[string]string{}
	shape.Set(identity, "alertname", obs.Name)
	for _, k := range legacyLabels {
		shape.Set(identity, k, o.First(k))
	}
	obs.Fingerprint = shape.Fingerprint("", obs.Name, identity)
	obs.Labels = shape.Labels(o.Get("tags"))
	maps.Copy(obs.Labels, identity)
	obs.Status, obs.Severity = legacyState(o.Str("state"), obs.Labels["severity"])
	obs.Description = strings.TrimSpace(o.Str("message"))
	obs.Annotations = legacyAnnotations(o)
	return obs
}

// legacyState maps the state of a rule. What a person put on the rule as severity beats what the state suggests. A paused
// rule is not evaluated any more, so that nothing would ever end its alert.
func legacyState(state, severity string) (event.Status, event.Severity) {
	level := event.ParseSeverity(severity)
	switch state = strings.ToLower(strings.TrimSpace(state)); {
	case state == "ok" || state == "paused":
		return event.StatusResolved, level
	case level != "":
		return event.StatusFiring, level
	case state == "alerting" || state == "critical":
		return event.StatusFiring, event.SeverityCritical
	default:
		return event.StatusFiring, event.SeverityWarning
	}
}

func legacyAnnotations(o doc.Object) map[string]string {
	a := map[string]string{}
	shape.Set(a, "title", o.First("title"))
	for _, k := range [...]string{"ruleUrl", "imageUrl"} {
		shape.Set(a, k, shape.Link(o.Str(k)))
	}
	if matches, _ := o.List("evalMatches"); len(matches) > 0 {
		a["evalMatches"] = o.Get("evalMatches").Text()
	}
	return a
}
