package alerts

import (
	"encoding/json"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// StatusActive stands for open and acknowledged in filters; no incident is stored with it.
const StatusActive = "active"

// Incident is a stored incident as lists, pages and the API show it.
type Incident struct {
	ID             id.ID                `json:"id" gorm:"column:id"`
	Title          string               `json:"title" gorm:"column:title"`
	Description    string               `json:"description" gorm:"column:description"`
	Summary        string               `json:"summary" gorm:"column:summary"`
	Status         event.IncidentStatus `json:"status" gorm:"column:status"`
	Severity       event.Severity       `json:"severity" gorm:"column:severity"`
	Metadata       json.RawMessage      `json:"metadata" gorm:"column:metadata;serializer:json"`
	GroupKey       string               `json:"group_key" gorm:"column:group_key"`
	TraceID        string               `json:"trace_id" gorm:"column:trace_id"`
	EventSeq       int64                `json:"event_seq" gorm:"column:event_seq"` // of its last event
	Version        int64                `json:"version" gorm:"column:version"`
	CreatedAt      time.Time            `json:"created_at" gorm:"column:created_at"`
	UpdatedAt      time.Time            `json:"updated_at" gorm:"column:updated_at"`
	AcknowledgedAt *time.Time           `json:"acknowledged_at" gorm:"column:acknowledged_at"`
	ResolvedAt     *time.Time           `json:"resolved_at" gorm:"column:resolved_at"`
	ClosedAt       *time.Time           `json:"closed_at" gorm:"column:closed_at"`

	IsOpen           bool     `json:"is_open" gorm:"-"`     // exactly open
	IsResolved       bool     `json:"is_resolved" gorm:"-"` // resolved or closed
	AlertCount       int64    `json:"alert_count" gorm:"-"`
	FiringAlertCount int64    `json:"firing_alert_count" gorm:"-"`
	Sources          []string `json:"sources" gorm:"-"`  // of its alerts, sorted
	Instance         string   `json:"instance" gorm:"-"` // what its newest alert is about, "" when that has no such label
}

// IncidentDetail is one incident with its alerts.
type IncidentDetail struct {
	Incident
	// Alerts has the firing ones first, then newest first; at most AlertLimit. AlertCount tells how many there are.
	Alerts []Alert `json:"alerts"`
}

// IncidentCounts says how many incidents there are in each status.
type IncidentCounts struct {
	Open         int64 `json:"open"`
	Acknowledged int64 `json:"acknowledged"`
	Resolved     int64 `json:"resolved"`
	Closed       int64 `json:"closed"`
	// Active is open and acknowledged by severity: a severity that is not there has none.
	Active map[event.Severity]int64 `json:"active_by_severity"`
}

// TimelineEntry is one thing that happened to an incident or to one of its alerts.
type TimelineEntry struct {
	At      time.Time       `json:"at"`
	Kind    string          `json:"kind"`    // "incident" or "alert"
	Event   string          `json:"event"`   // incident: opened, alert_added, note …; alert: created, resolved, refired, updated …
	Seq     int64           `json:"seq"`     // of an incident's event, 0 otherwise
	Actor   string          `json:"actor"`   // who did it, "" for the hub itself
	Details json.RawMessage `json:"details"` // depends on the event
	TraceID string          `json:"trace_id"`

	AlertID   *id.ID       `json:"alert_id"`
	AlertName string       `json:"alert_name"`
	OldStatus event.Status `json:"old_status"`
	NewStatus event.Status `json:"new_status"`
	ReceiptID *id.ID       `json:"receipt_id"`
}

func (i *Incident) derive() {
	i.IsOpen = i.Status == event.IncidentOpen
	i.IsResolved = !i.Status.Active()
	i.Sources = []string{}
}
