package orchestration

import (
	"encoding/json"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// Receipt is one accepted push, check or report, as lists, pages and the API show it.
type Receipt struct {
	ID           id.ID             `json:"id" gorm:"column:id"`
	SourceID     id.ID             `json:"source_id" gorm:"column:source_id"`
	Driver       string            `json:"driver" gorm:"column:driver"`
	DeliveryKey  *string           `json:"delivery_key" gorm:"column:delivery_key"`
	TraceID      string            `json:"trace_id" gorm:"column:trace_id"`
	Origin       string            `json:"origin" gorm:"column:origin"`
	Outcome      string            `json:"outcome" gorm:"column:outcome"`
	Reason       string            `json:"reason" gorm:"column:reason"`
	Observations int64             `json:"observation_count" gorm:"column:n"`
	Truncated    int64             `json:"truncated" gorm:"column:truncated"`
	Headers      map[string]string `json:"headers" gorm:"column:headers;serializer:json"`
	Result       json.RawMessage   `json:"result" gorm:"column:result;serializer:json"` // the fold's counters, null before it
	ReprocessOf  *id.ID            `json:"reprocess_of" gorm:"column:reprocess_of"`
	ReceivedAt   time.Time         `json:"received_at" gorm:"column:received_at"`
	FoldedAt     *time.Time        `json:"folded_at" gorm:"column:folded_at"`
}

// ReceiptDetail is one receipt with what was read out of it and what became of that.
type ReceiptDetail struct {
	Receipt
	// Items are its first ObservationLimit observations, in body order; Reader.Observations pages through all.
	Items []Observation `json:"observations"`
	Runs  []Run         `json:"runs"`
	// Body is the raw body as text, cut at BodyPreview bytes and made valid UTF-8; Reader.Body has the bytes.
	Body          string `json:"body"`
	BodySize      int64  `json:"body_size"` // bytes
	BodyTruncated bool   `json:"body_truncated"`
	BodyPruned    bool   `json:"body_pruned"` // it is no longer kept
}

// Observation is one alert as it was parsed.
type Observation struct {
	ReceiptID      id.ID             `json:"receipt_id" gorm:"column:receipt_id"`
	Index          int64             `json:"index" gorm:"column:idx"`
	Seq            int64             `json:"seq" gorm:"column:seq"`
	Source         string            `json:"source" gorm:"column:source"`
	Fingerprint    string            `json:"fingerprint" gorm:"column:fingerprint"`
	Name           string            `json:"name" gorm:"column:name"`
	Status         string            `json:"status" gorm:"column:status"`
	Severity       string            `json:"severity" gorm:"column:severity"` // "" when the sender carried none
	Passive        bool              `json:"passive" gorm:"column:passive"`
	GroupKey       string            `json:"group_key" gorm:"column:group_key"`
	VendorGroupKey string            `json:"vendor_group_key" gorm:"column:vendor_group_key"`
	Description    string            `json:"description" gorm:"column:description"`
	Labels         map[string]string `json:"labels" gorm:"column:labels;serializer:json"`
	Annotations    map[string]string `json:"annotations" gorm:"column:annotations;serializer:json"`
	StartedAt      *time.Time        `json:"started_at" gorm:"column:started_at"`
	EndedAt        *time.Time        `json:"ended_at" gorm:"column:ended_at"`
	Rejected       string            `json:"rejected" gorm:"column:rejected"` // why it could not be used, "" if it could

	Outcomes []Outcome `json:"outcomes" gorm:"-"` // one for each definition that took it, else one for none
}

// Outcome is what became of an observation on one route: its row in the ledger.
type Outcome struct {
	ReceiptID    id.ID           `json:"-" gorm:"column:receipt_id"`
	Index        int64           `json:"-" gorm:"column:idx"`
	DefinitionID *id.ID          `json:"definition_id" gorm:"column:definition_id"` // null: no definition took it
	RunID        *id.ID          `json:"run_id" gorm:"column:run_id"`
	IncidentID   *id.ID          `json:"incident_id" gorm:"column:incident_id"`
	AlertID      *id.ID          `json:"alert_id" gorm:"column:alert_id"`
	State        string          `json:"state" gorm:"column:state"`
	Reason       string          `json:"reason" gorm:"column:reason"`
	Trace        json.RawMessage `json:"trace" gorm:"column:trace;serializer:json"` // the decisions on the way
	SettledAt    *time.Time      `json:"settled_at" gorm:"column:settled_at"`
}

func (o *Outcome) derive() {
	if o.DefinitionID != nil && o.DefinitionID.IsZero() {
		o.DefinitionID = nil
	}
}
