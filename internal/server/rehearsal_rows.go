package server

import (
	"encoding/json"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// The rows that a rehearsal begins with, column by column.

type seedAlert struct {
	ID             id.ID                           `gorm:"column:id"`
	TenantID       string                          `gorm:"column:tenant_id"`
	Source         string                          `gorm:"column:source"`
	Fingerprint    string                          `gorm:"column:fingerprint"`
	Name           string                          `gorm:"column:name"`
	Severity       string                          `gorm:"column:severity"`
	Status         string                          `gorm:"column:status"`
	Description    string                          `gorm:"column:description"`
	Labels         storage.JSON[map[string]string] `gorm:"column:labels"`
	Annotations    storage.JSON[map[string]string] `gorm:"column:annotations"`
	GroupKey       string                          `gorm:"column:group_key"`
	VendorGroupKey string                          `gorm:"column:vendor_group_key"`
	ContextKey     string                          `gorm:"column:context_key"`
	IncidentID     id.ID                           `gorm:"column:incident_id"`
	ReceiptID      id.ID                           `gorm:"column:receipt_id"`
	TraceID        string                          `gorm:"column:trace_id"`
	LastSeq        int64                           `gorm:"column:last_seq"`
	Occurrences    int64                           `gorm:"column:occurrences"`
	StartedAt      time.Time                       `gorm:"column:started_at"`
	EndedAt        *time.Time                      `gorm:"column:ended_at"`
	ReceivedAt     time.Time                       `gorm:"column:received_at"`
	UpdatedAt      time.Time                       `gorm:"column:updated_at;autoUpdateTime:false"`
}

// TableName implements gorm's Tabler.
func (seedAlert) TableName() string { return "alerts" }

type seedIncident struct {
	ID             id.ID                         `gorm:"column:id"`
	TenantID       string                        `gorm:"column:tenant_id"`
	GroupKey       string                        `gorm:"column:group_key"`
	Title          string                        `gorm:"column:title"`
	Description    string                        `gorm:"column:description"`
	Summary        string                        `gorm:"column:summary"`
	Status         string                        `gorm:"column:status"`
	Severity       string                        `gorm:"column:severity"`
	Metadata       storage.JSON[json.RawMessage] `gorm:"column:metadata"`
	EventSeq       int64                         `gorm:"column:event_seq"`
	Version        int64                         `gorm:"column:version"`
	TraceID        string                        `gorm:"column:trace_id"`
	CreatedAt      time.Time                     `gorm:"column:created_at"`
	UpdatedAt      time.Time                     `gorm:"column:updated_at;autoUpdateTime:false"`
	AcknowledgedAt *time.Time                    `gorm:"column:acknowledged_at"`
	ResolvedAt     *time.Time                    `gorm:"column:resolved_at"`
	ClosedAt       *time.Time                    `gorm:"column:closed_at"`
}

// TableName implements gorm's Tabler.
func (seedIncident) TableName() string { return "incidents" }

type seedDelivery struct {
	ID           id.ID      `gorm:"column:id"`
	TenantID     string     `gorm:"column:tenant_id"`
	IdemKey      string     `gorm:"column:idem_key"`
	IncidentID   id.ID      `gorm:"column:incident_id"`
	RunID        id.ID      `gorm:"column:run_id"`
	DefinitionID id.ID      `gorm:"column:definition_id"`
	Node         string     `gorm:"column:node"`
	EventSeq     int64      `gorm:"column:event_seq"`
	Step         int        `gorm:"column:step"`
	ChannelID    id.ID      `gorm:"column:channel_id"`
	Kind         string     `gorm:"column:kind"`
	Severity     string     `gorm:"column:severity"`
	State        string     `gorm:"column:state"`
	Reason       string     `gorm:"column:reason"`
	Attempts     int        `gorm:"column:attempts"`
	TraceID      string     `gorm:"column:trace_id"`
	CreatedAt    time.Time  `gorm:"column:created_at"`
	ExpiresAt    time.Time  `gorm:"column:expires_at"`
	FinishedAt   *time.Time `gorm:"column:finished_at"`
}

// TableName implements gorm's Tabler.
func (seedDelivery) TableName() string { return "deliveries" }

type seedRoute struct {
	RunID        id.ID  `gorm:"column:run_id"`
	DeliveryID   id.ID  `gorm:"column:delivery_id"`
	TenantID     string `gorm:"column:tenant_id"`
	DefinitionID id.ID  `gorm:"column:definition_id"`
	Node         string `gorm:"column:node"`
}

// TableName implements gorm's Tabler.
func (seedRoute) TableName() string { return "delivery_routes" }
