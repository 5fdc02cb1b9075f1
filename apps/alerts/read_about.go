package alerts

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// About is what an analysis is made of: an incident, and the newest alert of each name.
type About struct {
	ID          id.ID
	Title       string
	Description string
	Severity    event.Severity
	Status      event.IncidentStatus
	Metadata    json.RawMessage `gorm:"serializer:json"`
	CreatedAt   time.Time
	Alerts      []AlertOfName `gorm:"-"` // the worst first
	AlertCount  int           `gorm:"-"` // looked at, which are at most AlertLimit
}

// AlertOfName stands for the alerts of one name.
type AlertOfName struct {
	Name        string
	Severity    event.Severity
	Status      event.Status
	Description string
	Labels      map[string]string `gorm:"serializer:json"`
	StartedAt   time.Time
	Count       int `gorm:"-"`
}

// About reads an incident for an analysis, in two queries: its firing alerts, or all when none fires.
func (r *Reader) About(ctx context.Context, tenant string, incident id.ID) (About, error) {
	var a About
	err := r.db.Read(ctx).Table("incidents").Select("id, title, description, severity, status, metadata, created_at").
		Where("tenant_id = ? AND id = ?", tenant, incident).Take(&a).Error
	if err != nil {
		return a, storage.Missing(err, "incident "+incident.String())
	}
	var rows []AlertOfName
	// As in Incident: the firing ones come first.
	err = r.db.Read(ctx).Table("alerts").Select("name, severity, status, description, labels, started_at").
		Where("incident_id = ? AND tenant_id || '' = ?", incident, tenant).Order("status, id DESC").Limit(AlertLimit).Find(&rows).Error
	if err != nil {
		return a, fmt.Errorf("load the alerts of incident %s: %w", incident, storage.Classify(err))
	}
	byName := map[string]int{}
	for i := range rows {
		if rows[i].Status != rows[0].Status {
			break
		}
		a.AlertCount++
		at, known := byName[rows[i].Name]
		if !known {
			at = len(a.Alerts)
			byName[rows[i].Name] = at
			a.Alerts = append(a.Alerts, rows[i])
		}
		a.Alerts[at].Count++
	}
	slices.SortStableFunc(a.Alerts, func(x, y AlertOfName) int { return cmp.Compare(y.Severity.Rank(), x.Severity.Rank()) })
	return a, nil
}
