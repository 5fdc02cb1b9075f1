package event

import "github.com/incidenthub/incidenthub/internal/platform/id"

// LedgerRow is what became of one observation on one route.
type LedgerRow struct {
	ReceiptID    id.ID
	Index        int
	DefinitionID id.ID // zero: no definition took it
	Tenant       string
	RunID        id.ID
	IncidentID   id.ID
	AlertID      id.ID
	State        string
	Reason       string
	Trace        []Decision
}

// Decision is one line of the answer to "why did, or did not, anybody hear of this".
type Decision struct {
	What   string `json:"what"`             // route, fold, when, channel …
	Name   string `json:"name,omitempty"`   // of the definition, node or channel
	Result string `json:"result"`           // match, miss, created, duplicate, sent …
	Why    string `json:"why,omitempty"`    // in plain words
	Values any    `json:"values,omitempty"` // what was compared
}
