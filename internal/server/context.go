package server

import (
	"context"

	"github.com/incidenthub/incidenthub/apps/alerts"
	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/history"
	"github.com/incidenthub/incidenthub/apps/orchestration/nodes"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// openContext makes what finds earlier incidents, and gives all evidence to the nodes and to analyses by hand. A rehearsal looks at nothing.
func (c *core) openContext() (err error) {
	if c.history, err = history.New(history.Config{DB: c.db, Log: c.log, Tenant: tenant, ByItself: alerts.AutoResolved}); err != nil {
		return err
	}
	g := nodes.Gatherer{Checks: c.checks, History: c.history, Changes: c.changes, Redact: c.redact, Log: c.log}
	if c.handlers["context"] == nil {
		c.handlers["context"] = nodes.Context(nodes.ContextConfig{Gatherer: g, Vouched: c.definitions.Vouched, Rehearsing: c.rehearsing != nil})
	}
	if c.rehearsing == nil {
		c.byHand = nodes.ByHand{Gatherer: g, Incidents: storedIncidents{c.alerts}}
	}
	return nil
}

// storedIncidents fits apps/alerts to nodes.
type storedIncidents struct{ of *alerts.Reader }

// Facts implements nodes.StoredIncidents. As for runs, the alerts are those that fire, or all when none does.
func (s storedIncidents) Facts(ctx context.Context, tenant string, incident id.ID) (*event.Incident, []*event.Alert, error) {
	d, err := s.of.Incident(ctx, tenant, incident)
	if err != nil {
		return nil, nil, err
	}
	i := &event.Incident{
		ID: d.ID, GroupKey: d.GroupKey, Title: d.Title, Description: d.Description, Summary: d.Summary, Status: d.Status, Severity: d.Severity,
		EventSeq: d.EventSeq, CreatedAt: d.CreatedAt.UTC(),
	}
	list := make([]*event.Alert, 0, len(d.Alerts))
	for _, a := range d.Alerts {
		if a.Status != d.Alerts[0].Status {
			break
		}
		list = append(list, &event.Alert{
			ID: a.ID, Source: a.Source, Fingerprint: a.Fingerprint, Name: a.Name, Severity: a.Severity, Status: a.Status, Description: a.Description,
			Labels: a.Labels, Annotations: a.Annotations, GroupKey: a.GroupKey, VendorGroupKey: a.VendorGroupKey, IncidentID: d.ID,
			Occurrences: a.Occurrences, StartedAt: a.StartedAt.UTC(), ReceivedAt: a.ReceivedAt.UTC(),
		})
	}
	return i, list, nil
}
