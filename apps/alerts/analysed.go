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

// NoteAnalyses writes analyses into the history of their incidents within tx. Incidents that are gone are left out.
func NoteAnalyses(tx *s.Tx, list []Analysed) error {
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
		tenant string
		seq    int64
	}
	found := map[id.ID]*last{}
	tx.Query(lockIncidents, rows, func(r s.Row) error {
		i, l := event.Incident{}, &last{}
		if err := r.Scan(&i.ID, &l.tenant, &i.GroupKey, &i.Title, &i.Description, &i.Summary, &i.Status, &i.Severity, &l.seq, &i.CreatedAt, &i.ResolvedAt); err != nil {
			return fmt.Errorf("read an incident: %w", err)
		}
		found[i.ID] = l
		return nil
	})
	if err := tx.Flush(); err != nil {
		return err
	}
	events, counts := insertEvent.Rows(), countEvent.Rows()
	for _, a := range list {
		if l := found[a.IncidentID]; l != nil && l.tenant == a.Tenant {
			l.seq++
			events.Add(a.IncidentID, l.seq, a.Tenant, string(event.EventAnalysis), "", encode(a.Details), a.TraceID, tx.Now())
		}
	}
	for _, i := range ids {
		if l := found[i]; l != nil {
			counts.Add(i, l.seq)
		}
	}
	tx.Exec(insertEvent, events)
	tx.Exec(countEvent, counts)
	return nil
}
