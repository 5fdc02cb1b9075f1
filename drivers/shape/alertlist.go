package shape

import (
	"strings"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/doc"
)

// Members of an item that are kept as annotations: links, if they are web addresses, and what Grafana says of the values.
var (
	itemLinks  = [...]string{"generatorURL", "dashboardURL", "panelURL", "silenceURL", "imageURL"}
	itemValues = [...]string{"valueString", "values"}
)

// AlertList parses a body in the form of Alertmanager's webhook, which Grafana's unified alerting also has. fallback names
// alerts that no label names, and may be empty. Times are UTC; an end is only kept on a resolved alert.
func AlertList(d doc.Object, items []doc.Value, fallback string) event.Parsed {
	g := newGroup(d)
	p := event.Parsed{
		Observations: make([]event.Observation, 0, len(items)),
		Version:      d.Str("version"),
		GroupKey:     d.Str("groupKey"),
		Receiver:     d.Str("receiver"),
		ExternalURL:  Link(d.Str("externalURL")),
		Truncated:    count(d.Str("truncatedAlerts")),
	}
	for i, item := range items {
		o, why := g.alert(item, fallback)
		if why != "" {
			Reject(&p, i, why)
			continue
		}
		o.Index, o.VendorGroupKey = i, p.GroupKey
		Add(&p, o)
	}
	return p
}

// group is what the alerts of a body fall back on. Its objects are empty if the sender put something else there.
type group struct {
	status         string
	labels, common doc.Object
}

func newGroup(d doc.Object) group {
	g := group{status: d.Str("status")}
	g.labels, _ = d.Obj("groupLabels")
	g.common, _ = d.Obj("commonLabels")
	return g
}

func (g group) alert(item doc.Value, fallback string) (event.Observation, string) {
	o, ok := item.Obj()
	if !ok {
		return event.Observation{}, NoObject(item)
	}
	if !o.HasAny("labels", "annotations", "status", "fingerprint", "startsAt") {
		return event.Observation{}, "has no labels, annotations, status, fingerprint or startsAt"
	}
	obs := event.Observation{
		Status:      event.StatusFiring,
		Labels:      Labels(o.Get("labels")),
		Annotations: Labels(o.Get("annotations")),
		StartedAt:   o.Time("startsAt"),
	}
	if s := first(o.Str("status"), g.status); strings.EqualFold(s, string(event.StatusResolved)) {
		obs.Status, obs.EndedAt = event.StatusResolved, o.Time("endsAt")
	}
	const name, level = "alertname", "severity"
	obs.Name = first(obs.Labels[name], o.Str(name), g.labels.Str(name), g.common.Str(name), fallback)
	obs.Severity = event.ParseSeverity(first(obs.Labels[level], g.common.Str(level)))
	obs.Fingerprint = Fingerprint(o.Str("fingerprint"), obs.Name, obs.Labels)
	obs.Description = first(obs.Annotations["description"], obs.Annotations["summary"], obs.Annotations["message"], o.Str("message"))
	for _, k := range itemLinks {
		setNew(obs.Annotations, k, Link(o.Str(k)))
	}
	for _, k := range itemValues {
		setNew(obs.Annotations, k, o.Get(k).Text())
	}
	return obs, ""
}

// setNew puts a value that is not empty into m unless the sender has put one there.
func setNew(m map[string]string, key, value string) {
	if _, taken := m[key]; !taken {
		Set(m, key, value)
	}
}

// first returns the first of the texts that is more than white space, trimmed.
func first(texts ...string) string {
	for _, t := range texts {
		if t = strings.TrimSpace(t); t != "" {
			return t
		}
	}
	return ""
}

// count reads a number of alerts; what is none counts as 0.
func count(s string) int {
	n := 0
	for _, c := range s {
		if c < '0' || c > '9' || n > 1e6 {
			return 0
		}
		n = n*10 + int(c-'0')
	}
	return n
}
