package alerts

import (
	"encoding/json"
	"fmt"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	s "github.com/incidenthub/incidenthub/internal/platform/storage"
)

var (
	eventKind = s.Lookup([]s.Column{s.Col("incident_id", s.UUID), s.Col("seq", s.Int)}, `
		SELECT t.kind FROM incident_events t WHERE t.incident_id = v.incident_id AND t.seq = v.seq`)

	// tellableAlerts are the alerts that a message about the incident may name: those that fire come first.
	tellableAlerts = s.Lookup([]s.Column{s.Col("incident_id", s.UUID)}, `
		SELECT t.id, t.source, t.fingerprint, t.name, t.severity, t.status, t.description, t.labels, t.annotations, t.started_at, t.ended_at
		FROM alerts t WHERE t.incident_id = v.incident_id ORDER BY CASE WHEN t.status = 'firing' THEN 0 ELSE 1 END, t.id LIMIT 100`)
)

// Looked is an incident as a transaction that tells of it sees it.
type Looked struct {
	Incident *event.Incident
	Alerts   []*event.Alert  // at most 100, those that fire first
	Kind     event.EventKind // of the event that was asked for, "" when there is none of that number
}

// Look reads an incident and keeps others from changing it until tx ends; seq is the number of the event whose kind is asked for. A
// missing one, or another tenant's, is storage.ErrNotFound.
func Look(tx *s.Tx, tenant string, incident id.ID, seq int64) (*Looked, error) {
	st, err := loadForAct(tx, event.Act{Tenant: tenant, Incident: incident})
	if err != nil {
		return nil, err
	}
	out := &Looked{Incident: &st.Incident}
	kinds := eventKind.Rows()
	kinds.Add(incident, seq)
	tx.Query(eventKind, kinds, func(r s.Row) error {
		if err := r.Scan(&out.Kind); err != nil {
			return fmt.Errorf("read the kind of an event: %w", err)
		}
		return nil
	})
	out.Alerts, err = readAlerts(tx, tellableAlerts, incident)
	return out, err
}

// readAlerts reads the alerts that a statement finds for an incident.
func readAlerts(tx *s.Tx, find *s.Statement, incident id.ID) ([]*event.Alert, error) {
	rows := find.Rows()
	rows.Add(incident)
	var out []*event.Alert
	tx.Query(find, rows, func(r s.Row) error {
		a := &event.Alert{IncidentID: incident}
		var labels, annotations json.RawMessage
		if err := r.Scan(&a.ID, &a.Source, &a.Fingerprint, &a.Name, &a.Severity, &a.Status, &a.Description, &labels, &annotations, &a.StartedAt,
			&a.EndedAt); err != nil {
			return fmt.Errorf("read an alert: %w", err)
		}
		out = append(out, a)
		if err := json.Unmarshal(labels, &a.Labels); err != nil {
			return fmt.Errorf("read the labels of alert %s: %w", a.ID, err)
		}
		return json.Unmarshal(annotations, &a.Annotations)
	})
	err := tx.Flush()
	return out, err
}
