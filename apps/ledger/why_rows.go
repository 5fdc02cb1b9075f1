package ledger

import (
	"cmp"
	"encoding/json"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// Rows as an inquiry reads them; most are other apps' tables.

type bookRow struct {
	ReceiptID    id.ID
	Idx          int64
	DefinitionID id.ID
	RunID        id.ID
	IncidentID   id.ID
	AlertID      id.ID
	State        string
	Reason       string
	Trace        json.RawMessage `gorm:"serializer:json"`
	CreatedAt    time.Time
	SettledAt    *time.Time
}

func (b *bookRow) item() itemKey { return itemKey{b.ReceiptID, b.Idx} }

type receiptRow struct {
	ID          id.ID
	SourceID    id.ID
	Driver      string
	DeliveryKey *string
	TraceID     string
	Origin      string
	Outcome     string
	Reason      string
	N           int64
	Truncated   int64
	ReprocessOf id.ID
	ReceivedAt  time.Time
	FoldedAt    *time.Time
}

type observationRow struct {
	ReceiptID   id.ID
	Idx         int64
	Seq         int64
	Source      string
	Fingerprint string
	Name        string
	Status      string
	Severity    string
	Passive     bool
	Rejected    string
}

type runRow struct {
	ID                id.ID
	DefinitionID      id.ID
	DefinitionName    string
	DefinitionVersion int64
	ReceiptID         id.ID
	ParentRunID       id.ID
	IncidentID        id.ID
	EventSeq          int64
	EventKind         string
	State             string
	ErrorType         string
	ErrorMessage      string
	CreatedAt         time.Time
	FinishedAt        *time.Time
}

type nodeRow struct {
	RunID      id.ID
	Node       string
	Type       string
	State      string
	Attempt    int64
	Failures   int64
	Rescues    int64
	Reason     string
	Choice     string
	Detail     json.RawMessage `gorm:"serializer:json"`
	ErrorType  string
	Error      string
	StartedAt  *time.Time
	FinishedAt *time.Time
}

// passed reports whether a notification did not wait for the node.
func (n *nodeRow) passed() (passed bool, due time.Time) {
	var d struct {
		Passed bool      `json:"passed"`
		DueAt  time.Time `json:"due_at"`
	}
	if json.Unmarshal(n.Detail, &d) != nil { // NULL, or of another release
		return false, time.Time{}
	}
	return d.Passed, d.DueAt
}

type nodeTry struct {
	RunID     id.ID
	Node      string
	Attempt   int64
	State     string
	ErrorType string
	Error     string
	Retryable bool
	StartedAt time.Time
}

// nodeConfig is what a definition says about a node, as far as it decides anything.
type nodeConfig struct {
	ID     string          `json:"id"`
	When   string          `json:"when"`
	SkipIf string          `json:"skip_if_condition"`
	Config json.RawMessage `json:"config"`
}

// setting is a text of the node's configuration, "" when it has none.
func (n nodeConfig) setting(name string) string {
	var all map[string]any
	if json.Unmarshal(n.Config, &all) != nil {
		return ""
	}
	s, _ := all[name].(string)
	return s
}

type deliveryRow struct {
	ID           id.ID
	IncidentID   id.ID
	RunID        id.ID
	DefinitionID id.ID
	Node         string
	EventSeq     int64
	ChannelID    id.ID
	ChannelName  string
	ChannelError string // of a channel that fails, and this waits for it
	ChannelUntil *time.Time
	MinSeverity  string // of the channel, now
	Driver       string
	Kind         string
	Severity     string
	MessageID    id.ID
	Title        string
	State        string
	Reason       string
	Detail       string // the reason in a sentence
	Cause        string // what made it, "" for a pipeline
	InsteadID    id.ID  // the delivery that tells what this one did not
	Remark       string // what went wrong while it was written
	Parts, Sent  int64  // of a long message
	Dry          bool   // of a rehearsal
	Attempts     int64
	CreatedAt    time.Time
	ExpiresAt    time.Time
	NextAt       *time.Time
	SendingSince *time.Time
	FinishedAt   *time.Time
}

func (d *deliveryRow) channel() string {
	if d.ChannelName == "" && d.Cause == "sent" && d.Driver != "" {
		return "by hand: " + d.Driver
	}
	return cmp.Or(d.ChannelName, "(deleted)")
}

func (d *deliveryRow) title() string { return cmp.Or(d.Title, "nothing was written") }

// aside reports a delivery that decides nothing while another channel is told too.
func (d *deliveryRow) aside() bool { return d.Driver == "inbox" }

// over is when the delivery came to where it stands.
func (d *deliveryRow) over() time.Time {
	if d.FinishedAt != nil {
		return *d.FinishedAt
	}
	return d.CreatedAt
}

type attemptRow struct {
	MessageID id.ID
	N         int64
	At        time.Time
	Status    int64
	LatencyUs int64
	Verdict   string
	Error     string
	Response  string
}

type eventRow struct {
	IncidentID id.ID
	Seq        int64
	Kind       string
	Actor      string
	Details    json.RawMessage `gorm:"serializer:json"`
	TraceID    string
	CreatedAt  time.Time
}

func at(times ...*time.Time) time.Time {
	for _, t := range times {
		if t != nil && !t.IsZero() {
			return *t
		}
	}
	return time.Time{}
}
