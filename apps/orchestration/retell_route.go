package orchestration

import (
	"slices"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/orchestration/graph"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// takers are the definitions that have an alert now: those that would take it if it came in, and those that wait for incidents and were
// held back. When none would take it, those that were held back tell: somebody had named them, or they made the alert themselves. Shadows
// tell nobody.
func (p *retelling) takers(a *heldAlert) []*Route {
	list := p.s.r.catalog.now.Load().byTenant[p.it.tenant]
	on, entry := graph.TriggerWebhook, ""
	if a.origin == OriginCheck {
		on = graph.TriggerCheck
	}
	if !a.entry.IsZero() {
		entry = p.r.Entry(a.entry)
	}
	subject := &graph.Subject{
		On: on, Entry: entry, Source: a.Source, Origin: a.origin, Now: p.s.tx.Now(),
		Alert: event.Observation{
			Fingerprint: a.Fingerprint, Name: a.Name, Status: a.Status, Severity: a.Severity, Description: a.Description, Labels: a.Labels,
			Annotations: a.Annotations, StartedAt: a.StartedAt, Source: a.Source,
		},
	}
	var out []*Route
	taken := false
	for _, r := range list {
		if r.Shadow || !r.Graph.Trigger.WaitsFor(on) {
			continue
		}
		if ok, _ := r.Graph.Trigger.Match(p.s.tx.Context(), subject); !ok {
			continue
		}
		taken = true
		if !r.Graph.Trigger.Discard && r.Graph.Entry() != nil {
			out = append(out, r)
		}
		if !r.Graph.Trigger.Continue {
			break
		}
	}
	held := map[id.ID]bool{}
	for k, w := range p.h.words {
		held[k.definition] = held[k.definition] || k.alert == a.ID && w.held
	}
	for _, r := range list {
		if !held[r.ID] || r.Shadow || r.Graph.Entry() == nil || slices.Contains(out, r) {
			continue
		}
		if !taken || r.Graph.Trigger.WaitsFor(graph.TriggerIncident) {
			out = append(out, r)
		}
	}
	if len(out) == 0 && !taken && p.r.Default != "" {
		if r := find(list, p.r.Default); r != nil && !r.Shadow && r.Graph.Entry() != nil {
			out = append(out, r)
		}
	}
	return out
}
