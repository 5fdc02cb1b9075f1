package alerts

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// firingStep is how many alerts Firing reads at once.
const firingStep = 1000

// Firing goes through the alerts of a tenant that fire, the oldest first, until fn says that it has enough. They carry what matchers look
// at: name, severity, source and labels.
func (r *Reader) Firing(ctx context.Context, tenant string, fn func(*event.Alert) (more bool)) error {
	for last := (id.ID{}); ; {
		q := r.db.Read(ctx).Table("alerts").Select("id, incident_id, name, severity, source, labels").
			Where("tenant_id = ? AND status = 'firing'", tenant)
		if !last.IsZero() {
			q = q.Where("id > ?", last)
		}
		var rows []struct {
			ID         id.ID          `gorm:"column:id"`
			IncidentID id.ID          `gorm:"column:incident_id"`
			Name       string         `gorm:"column:name"`
			Severity   event.Severity `gorm:"column:severity"`
			Source     string         `gorm:"column:source"`
			Labels     string         `gorm:"column:labels"`
		}
		if err := q.Order("id").Limit(firingStep).Scan(&rows).Error; err != nil {
			return fmt.Errorf("read what fires: %w", storage.Classify(err))
		}
		for _, row := range rows {
			last = row.ID
			a := &event.Alert{ID: row.ID, IncidentID: row.IncidentID, Name: row.Name, Severity: row.Severity, Source: row.Source, Status: event.StatusFiring}
			if err := json.Unmarshal([]byte(row.Labels), &a.Labels); err != nil {
				return fmt.Errorf("read the labels of alert %s: %w", row.ID, err)
			}
			if !fn(a) {
				return nil
			}
		}
		if len(rows) < firingStep {
			return nil
		}
	}
}
