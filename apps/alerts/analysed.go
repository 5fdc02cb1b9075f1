package alerts

import (
	"fmt"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	s "github.com/incidenthub/incidenthub/internal/platform/storage"
)

// countEvent gives an incident the number of its last event, and nothing else: whoever analyses can change no more than that.
var countEvent = s.Update("incidents", []s.Column{s.Col("id", s.UUID), s.Col("event_seq", s.Int)}, "event_seq = v.event_seq", "t.id = v.id", "")

// Analysed is an analysis that was written about an incident.
type Analysed struct {
	Tenant, TraceID string
	IncidentID      id.ID
	Details         map[string]any // of the event
}

// Noted is an analysis in the history of its incident; Incident is nil when that is gone.
type Noted struct {
	Incident *event.Incident
	Seq      int64 // of the event
}

// NoteAnalyses writes analyses into the history of their incidents within tx, and says of each where it stands. Incidents that are gone are
// left out.
func NoteAnalyses(tx *s.Tx, list []Analysed) ([]Noted, error) {
	ids := make([]id.ID, 0, len(list))
	for _, a := range list {
		ids = append(ids, a.IncidentID)
	}
	rows := lockIncidents.Rows()
	ids = sortedIDs(ids)
	for _, i := range ids {
		rows.Add(i)
	}
	type last struct {
		event.Incident

		tenant string
	}
	found := map[id.ID]*last{}
	tx.Query(lockIncidents, rows, func(r s.Row) error {
		i := &last{}
		if err := r.Scan(&i.ID, &i.tenant, &i.GroupKey, &i.Title, &i.Description, &i.Summary, &i.Status, &i.Severity, &i.EventSeq, &i.CreatedAt, &i.ResolvedAt); err != nil {
			return fmt.Errorf("read an incident: %w", err)
		}
		found[i.ID] = i
		return nil
	})
	if err := tx.Flush(); err != nil {
		return nil, err
	}
	out := make([]Noted, len(list))
	events, counts := insertEvent.Rows(), countEvent.Rows()
	for n, a := range list {
		if l := found[a.IncidentID]; l != nil && l.tenant == a.Tenant {
			l.EventSeq++
			out[n] = Noted{&l.Incident, l.EventSeq}
			events.Add(a.IncidentID, l.EventSeq, a.Tenant, string(event.EventAnalysis), "", encode(a.Details), a.TraceID, tx.Now())
		}
	}
	for _, i := range ids {
		if l := found[i]; l != nil {
			counts.Add(i, l.EventSeq)
		}
	}
	tx.Exec(insertEvent, events)
	tx.Exec(countEvent, counts)
	return out, nil
}

// Of reads the alerts of an incident within tx, at most 100.
func Of(tx *s.Tx, incident id.ID) ([]*event.Alert, error) {
	return readAlerts(tx, alertsOf, incident)
}
