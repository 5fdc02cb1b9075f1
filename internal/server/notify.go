package server

import (
	"time"

	"github.com/incidenthub/incidenthub/apps/alerts"
	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/intelligence"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/orchestration/nodes"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// subjects fits apps/alerts and apps/intelligence to notify.
type subjects struct{}

// Look implements notify.Incidents.
func (subjects) Look(tx *storage.Tx, tenant string, incident id.ID, seq int64) (*notify.Subject, error) {
	got, err := alerts.Look(tx, tenant, incident, seq)
	if err != nil {
		return nil, err
	}
	return &notify.Subject{Incident: got.Incident, Alerts: got.Alerts, Kind: got.Kind, Seq: seq}, nil
}

// Act implements notify.Incidents.
func (subjects) Act(tx *storage.Tx, a event.Act) (*notify.Subject, error) {
	got, err := alerts.Act(tx, a)
	if err != nil {
		return nil, err
	}
	return &notify.Subject{Incident: got.Incident, Alerts: got.Alerts, Kind: a.Kind, Seq: got.Seq}, nil
}

// Known implements notify.Incidents: the last analysis, which says when it was made, since what it stands on may have changed.
func (subjects) Known(tx *storage.Tx, tenant string, incident id.ID) (map[string]any, error) {
	a, err := intelligence.Last(tx, tenant, incident)
	if a == nil {
		return nil, err
	}
	out := nodes.TellAnalysis(a)
	if said, ok := out["intelligence"].(map[string]any); ok {
		said["made_at"] = a.StartedAt.UTC().Format(time.RFC3339)
	}
	return out, nil
}
