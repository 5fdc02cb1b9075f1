package history

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Bounds of what an incident's own past is read from, and of what is told of it.
const (
	maxEvents   = 500
	maxEpisodes = 3
)

// episodes are the times that this incident was open before, newest first: an alert that fires again opens its incident again.
func (s *Service) episodes(ctx context.Context, tenant string, i *event.Incident) (before []Past, began time.Time, err error) {
	var rows []struct {
		Kind      event.EventKind               `gorm:"column:kind"`
		Actor     string                        `gorm:"column:actor"`
		Details   storage.JSON[json.RawMessage] `gorm:"column:details"`
		CreatedAt time.Time                     `gorm:"column:created_at"`
	}
	err = s.db.Read(ctx).Raw(`SELECT kind, actor, details, created_at FROM incident_events WHERE incident_id = ? AND tenant_id || '' = ?
		AND kind IN ('opened', 'reopened', 'acknowledged', 'resolved', 'closed', 'note') ORDER BY seq DESC LIMIT ?`, i.ID, tenant, maxEvents).Scan(&rows).Error
	if err != nil {
		return nil, began, fmt.Errorf("read the incident's own past: %w", storage.Classify(err))
	}
	began = i.CreatedAt
	var all []Past
	var now Past
	for _, r := range slices.Backward(rows) { // oldest first
		var said struct {
			Summary text `json:"summary"`
			Text    text `json:"text"`
		}
		if json.Unmarshal(r.Details.V, &said) != nil {
			said.Summary, said.Text = "", ""
		}
		switch r.Kind {
		case event.EventOpened, event.EventReopened:
			if !now.EndedAt.IsZero() {
				all = append(all, now)
			}
			now = Past{IncidentID: i.ID, Title: i.Title, Severity: i.Severity, Status: event.IncidentResolved, BeganAt: r.CreatedAt.UTC(), Same: true, Similarity: 1}
			began = now.BeganAt
		case event.EventAcknowledged:
			now.AcknowledgedBy = r.Actor
		case event.EventResolved, event.EventClosed:
			if now.EndedAt.IsZero() {
				now.EndedAt, now.ResolvedBy, now.Summary = r.CreatedAt.UTC(), r.Actor, string(said.Summary)
			}
		case event.EventNote: // also what is written afterwards
			now.Notes = append(now.Notes, Note{r.Actor, string(said.Text)})
			now.Notes = now.Notes[max(0, len(now.Notes)-maxNotes):]
		default:
		}
	}
	slices.Reverse(all)
	return all, began, nil
}
