// Package alerts keeps the alerts, their history, and the incidents they are grouped into. It holds the one path that
// writes an alert, and the queries that show them.
package alerts

import (
	"encoding/json"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// Alert is a stored alert as lists, pages and the API show it.
type Alert struct {
	ID             id.ID             `json:"id" gorm:"column:id"`
	Fingerprint    string            `json:"fingerprint" gorm:"column:fingerprint"`
	Source         string            `json:"source" gorm:"column:source"`
	Name           string            `json:"name" gorm:"column:name"`
	Severity       event.Severity    `json:"severity" gorm:"column:severity"`
	Status         event.Status      `json:"status" gorm:"column:status"`
	Description    string            `json:"description" gorm:"column:description"`
	Labels         map[string]string `json:"labels" gorm:"column:labels;serializer:json"`
	Annotations    map[string]string `json:"annotations" gorm:"column:annotations;serializer:json"`
	GroupKey       string            `json:"group_key" gorm:"column:group_key"`
	VendorGroupKey string            `json:"vendor_group_key" gorm:"column:vendor_group_key"`
	ContextKey     string            `json:"context_key" gorm:"column:context_key"`
	IncidentID     *id.ID            `json:"incident_id" gorm:"column:incident_id"`
	ReceiptID      *id.ID            `json:"receipt_id" gorm:"column:receipt_id"` // the last push that touched it
	TraceID        string            `json:"trace_id" gorm:"column:trace_id"`
	Occurrences    int64             `json:"occurrences" gorm:"column:occurrences"`
	StartedAt      time.Time         `json:"started_at" gorm:"column:started_at"`
	EndedAt        *time.Time        `json:"ended_at" gorm:"column:ended_at"`
	ReceivedAt     time.Time         `json:"received_at" gorm:"column:received_at"`
	UpdatedAt      time.Time         `json:"updated_at" gorm:"column:updated_at"`

	IsFiring   bool    `json:"is_firing" gorm:"-"`
	DurationMS float64 `json:"duration_ms" gorm:"-"` // from started_at to ended_at, or to now
}

// AlertDetail is one alert with what happened to it.
type AlertDetail struct {
	Alert
	History []HistoryEntry `json:"history"` // newest first, at most HistoryLimit
}

// HistoryEntry is one change of an alert.
type HistoryEntry struct {
	ID         id.ID           `json:"id" gorm:"column:id"`
	AlertID    id.ID           `json:"alert_id" gorm:"column:alert_id"`
	IncidentID *id.ID          `json:"incident_id" gorm:"column:incident_id"`
	ReceiptID  *id.ID          `json:"receipt_id" gorm:"column:receipt_id"`
	Event      string          `json:"event" gorm:"column:event"`
	OldStatus  event.Status    `json:"old_status" gorm:"column:old_status"`
	NewStatus  event.Status    `json:"new_status" gorm:"column:new_status"`
	Details    json.RawMessage `json:"details" gorm:"column:details;serializer:json"`
	CreatedAt  time.Time       `json:"created_at" gorm:"column:created_at"`
}

func (a *Alert) derive(now time.Time) {
	a.IsFiring = a.Status == event.StatusFiring
	end := now
	if a.EndedAt != nil {
		end = *a.EndedAt
	}
	a.DurationMS = max(0, float64(end.Sub(a.StartedAt).Microseconds())/1000)
	if a.Labels == nil {
		a.Labels = map[string]string{}
	}
	if a.Annotations == nil {
		a.Annotations = map[string]string{}
	}
}
