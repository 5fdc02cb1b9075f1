package history

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// same finds the incidents that the same alerts were in before, newest first.
func (s *Service) same(ctx context.Context, tenant string, q Question) ([]id.ID, error) {
	var alerts []id.ID
	for _, a := range q.Alerts[:min(len(q.Alerts), maxAlerts)] {
		if !a.ID.IsZero() {
			alerts = append(alerts, a.ID)
		}
	}
	if len(alerts) == 0 {
		return nil, nil
	}
	var rows []struct {
		IncidentID id.ID `gorm:"column:incident_id"`
	}
	since := id.Before(s.db.Now().Add(-own))
	err := s.db.Read(ctx).Raw(`SELECT h.incident_id FROM alert_history h WHERE h.alert_id IN ? AND h.id > ? AND h.tenant_id || '' = ? AND h.incident_id IS NOT NULL
		AND h.incident_id <> ? GROUP BY h.incident_id ORDER BY h.incident_id DESC LIMIT ?`, alerts, since, tenant, q.Incident.ID, ownMost).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("look for the same alerts before: %w", storage.Classify(err))
	}
	out := make([]id.ID, len(rows))
	for i, r := range rows {
		out[i] = r.IncidentID
	}
	return out, nil
}

type incidentRow struct {
	ID          id.ID                         `gorm:"column:id"`
	Title       string                        `gorm:"column:title"`
	Description string                        `gorm:"column:description"`
	Summary     string                        `gorm:"column:summary"`
	Status      event.IncidentStatus          `gorm:"column:status"`
	Severity    event.Severity                `gorm:"column:severity"`
	Metadata    storage.JSON[json.RawMessage] `gorm:"column:metadata"`
	GroupKey    string                        `gorm:"column:group_key"`
	EventSeq    int64                         `gorm:"column:event_seq"`
	CreatedAt   time.Time                     `gorm:"column:created_at"`
	ResolvedAt  *time.Time                    `gorm:"column:resolved_at"`
	ClosedAt    *time.Time                    `gorm:"column:closed_at"`
}

// metadata is what people did, as apps/alerts writes it. Values of other types are left out.
type metadata struct {
	AcknowledgedBy text `json:"acknowledged_by"`
	ResolvedBy     text `json:"resolved_by"`
	ClosedBy       text `json:"closed_by"`
	Notes          []struct {
		Text   text `json:"text"`
		Author text `json:"author"`
	} `json:"notes"`
}

// text is a JSON text, or nothing.
type text string

// UnmarshalJSON takes texts and leaves out the rest.
func (t *text) UnmarshalJSON(raw []byte) error {
	*t = ""
	if len(raw) > 1 && raw[0] == '"' {
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return err
		}
		*t = text(s)
	}
	return nil
}

// maxNotes is how many notes of an incident are told, the newest.
const maxNotes = 3

func (r *incidentRow) past() Past {
	var m metadata
	if len(r.Metadata.V) > 0 && json.Unmarshal(r.Metadata.V, &m) != nil {
		m = metadata{} // nothing that apps/alerts writes
	}
	p := Past{
		IncidentID: r.ID, Title: r.Title, Severity: r.Severity, Status: r.Status, BeganAt: r.CreatedAt.UTC(), AcknowledgedBy: string(m.AcknowledgedBy),
		ResolvedBy: firstOf(string(m.ResolvedBy), string(m.ClosedBy)), Summary: r.Summary,
	}
	for _, n := range m.Notes[max(0, len(m.Notes)-maxNotes):] {
		p.Notes = append(p.Notes, Note{string(n.Author), string(n.Text)})
	}
	switch {
	case r.Status.Active():
	case r.ResolvedAt != nil:
		p.EndedAt = r.ResolvedAt.UTC()
	case r.ClosedAt != nil:
		p.EndedAt = r.ClosedAt.UTC()
	}
	return p
}

// Below, "tenant_id || ''" keeps SQLite from an index that begins with the tenant: it takes one tenant's rows for few.

// incidents reads some by their ids; those that are gone are left out.
func (s *Service) incidents(ctx context.Context, tenant string, ids []id.ID) ([]incidentRow, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var rows []incidentRow
	err := s.db.Read(ctx).Raw(`SELECT id, title, description, summary, status, severity, metadata, group_key, event_seq, created_at, resolved_at, closed_at
		FROM incidents WHERE id IN ? AND tenant_id || '' = ?`, ids, tenant).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read earlier incidents: %w", storage.Classify(err))
	}
	return rows, nil
}

// analyses adds what the last analysis of each incident said.
func (s *Service) analyses(ctx context.Context, tenant string, list []Past) error {
	if len(list) == 0 {
		return nil
	}
	ids := make([]id.ID, len(list))
	for i, p := range list {
		ids[i] = p.IncidentID
	}
	var rows []struct {
		IncidentID id.ID  `gorm:"column:incident_id"`
		Summary    string `gorm:"column:summary"`
		Cause      string `gorm:"column:probable_cause"`
	}
	// What only repeats the facts explains nothing.
	err := s.db.Read(ctx).Raw(`SELECT incident_id, summary, probable_cause FROM (
			SELECT incident_id, summary, probable_cause, row_number() OVER (PARTITION BY incident_id ORDER BY id DESC) AS nr FROM analyses
			WHERE incident_id IN ? AND tenant_id || '' = ? AND status = 'succeeded' AND rung <> 'facts') newest WHERE nr = 1`, ids, tenant).Scan(&rows).Error
	if err != nil {
		return fmt.Errorf("read the analyses of earlier incidents: %w", storage.Classify(err))
	}
	for _, r := range rows {
		for i := range list {
			if list[i].IncidentID == r.IncidentID {
				list[i].Analysis, list[i].Cause = r.Summary, r.Cause
			}
		}
	}
	return nil
}
