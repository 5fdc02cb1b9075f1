package notify_test

import (
	"fmt"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// desk reads and changes incidents as far as timers ask for it.
type desk struct{}

var (
	deskLook = storage.Lookup([]storage.Column{storage.Col("id", storage.UUID), storage.Col("seq", storage.Int)}, `
		SELECT t.title, t.status, t.severity, t.event_seq, t.created_at,
			COALESCE((SELECT e.kind FROM incident_events e WHERE e.incident_id = t.id AND e.seq = v.seq), '') AS kind
		FROM incidents t WHERE t.id = v.id`)
	deskAlerts = storage.Lookup([]storage.Column{storage.Col("id", storage.UUID)}, `
		SELECT t.id, t.name, t.status, t.severity FROM alerts t WHERE t.incident_id = v.id`)
	deskKnown = storage.Lookup([]storage.Column{storage.Col("id", storage.UUID)}, `
		SELECT t.summary FROM analyses t WHERE t.incident_id = v.id ORDER BY t.id DESC LIMIT 1`)
	deskCount = storage.Update("incidents", []storage.Column{storage.Col("id", storage.UUID)}, "event_seq = t.event_seq + 1", "t.id = v.id", "")
	deskEvent = storage.Insert("incident_events", []storage.Column{
		storage.Col("incident_id", storage.UUID), storage.Col("seq", storage.Int), storage.Col("tenant_id", storage.Text), storage.Col("kind", storage.Text),
		storage.Col("actor", storage.Text), storage.Col("details", storage.Document), storage.Col("trace_id", storage.Text), storage.Col("created_at", storage.Time),
	}, "")
)

func (desk) Look(tx *storage.Tx, _ string, incident id.ID, seq int64) (*notify.Subject, error) {
	var out *notify.Subject
	rows, alerts := deskLook.Rows(), deskAlerts.Rows()
	rows.Add(incident, seq)
	alerts.Add(incident)
	tx.Query(deskLook, rows, func(r storage.Row) error {
		i := &event.Incident{ID: incident}
		out = &notify.Subject{Incident: i, Seq: seq}
		return r.Scan(&i.Title, &i.Status, &i.Severity, &i.EventSeq, &i.CreatedAt, &out.Kind)
	})
	var list []*event.Alert
	tx.Query(deskAlerts, alerts, func(r storage.Row) error {
		a := &event.Alert{IncidentID: incident}
		list = append(list, a)
		return r.Scan(&a.ID, &a.Name, &a.Status, &a.Severity)
	})
	if err := tx.Flush(); err != nil {
		return nil, err
	}
	if out == nil {
		return nil, fmt.Errorf("incident %s: %w", incident, storage.ErrNotFound)
	}
	out.Alerts = list
	return out, nil
}

// Known implements notify.Incidents by the newest analysis.
func (desk) Known(tx *storage.Tx, _ string, incident id.ID) (out map[string]any, err error) {
	rows := deskKnown.Rows()
	rows.Add(incident)
	tx.Query(deskKnown, rows, func(r storage.Row) error {
		var summary string
		err := r.Scan(&summary)
		out = map[string]any{"intelligence": map[string]any{"provider": "local", "rung": "local", "grounded": true, "summary": summary}}
		return err
	})
	err = tx.Flush()
	return out, err
}

func (d desk) Act(tx *storage.Tx, a event.Act) (*notify.Subject, error) {
	was, err := d.Look(tx, a.Tenant, a.Incident, 0)
	if err != nil {
		return nil, err
	}
	if !was.Incident.Status.Active() {
		return nil, fmt.Errorf("the incident is over: %w", event.ErrRefused)
	}
	rows, events := deskCount.Rows(), deskEvent.Rows()
	rows.Add(a.Incident)
	was.Seq, was.Kind = was.Incident.EventSeq+1, a.Kind
	was.Incident.EventSeq = was.Seq
	events.Add(a.Incident, was.Seq, a.Tenant, string(a.Kind), a.Actor, `{}`, a.TraceID, tx.Now())
	tx.Exec(deskCount, rows)
	tx.Exec(deskEvent, events)
	return was, nil
}
