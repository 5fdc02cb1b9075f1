package notify

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	s "github.com/incidenthub/incidenthub/internal/platform/storage"
)

// beyondMost is how many alerts of an incident are looked at, and beyondTold how many of those that nothing silences are told.
const (
	beyondMost = 10_000
	beyondTold = 100
)

// allFiring are the alerts of an incident that fire. The state is compared in a way that no index serves: they are found by their incident.
var allFiring = s.Lookup([]s.Column{s.Col("incident_id", s.UUID), s.Col("n", s.Int)}, `
	SELECT t.id, t.source, t.fingerprint, t.name, t.severity, t.status, t.description, t.labels, t.annotations, t.started_at
	FROM alerts t WHERE t.incident_id = v.incident_id AND t.status || '' = 'firing' LIMIT v.n`)

// pastSilences looks further when all that fires of a delivery's alerts is silenced, or quiet: a Subject has some alerts of its incident only, and one
// that nothing holds back is enough to tell. Then the delivery is about those.
func (w *Timers) pastSilences(tx *s.Tx, b *Batch, d *planned, quiet map[id.ID]bool) error {
	if b.silenced(d).Reason == "" && slices.ContainsFunc(d.tell.Alerts, firing) {
		return nil
	}
	others, err := w.unsilenced(tx, d.tell, quiet)
	if len(others) > 0 {
		d.tell.Alerts = others
		delete(b.quiet, d.tell) // what was found out of those that it had
	}
	return err
}

// unsilenced are alerts of the tell's incident that fire and that nothing silences, without the quiet ones, in the order in which messages name
// them.
func (w *Timers) unsilenced(tx *s.Tx, t *event.Tell, quiet map[id.ID]bool) ([]*event.Alert, error) {
	var out []*event.Alert
	rows := allFiring.Rows()
	rows.Add(t.Incident.ID, beyondMost)
	tx.Query(allFiring, rows, func(r s.Row) error {
		a := &event.Alert{IncidentID: t.Incident.ID}
		var labels, annotations json.RawMessage
		if err := r.Scan(&a.ID, &a.Source, &a.Fingerprint, &a.Name, &a.Severity, &a.Status, &a.Description, &labels, &annotations, &a.StartedAt); err != nil {
			return fmt.Errorf("read an alert: %w", err)
		}
		if len(out) == beyondTold || quiet[a.ID] {
			return nil
		}
		if err := errors.Join(json.Unmarshal(labels, &a.Labels), json.Unmarshal(annotations, &a.Annotations)); err != nil {
			return fmt.Errorf("read alert %s: %w", a.ID, err)
		}
		if w.planner.hush.Silenced(t.Tenant, a, tx.Now()).Reason == "" {
			out = append(out, a)
		}
		return nil
	})
	err := tx.Flush()
	return (&Subject{Alerts: out}).told(), err
}
