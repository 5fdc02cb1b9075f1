package event

import "github.com/incidenthub/incidenthub/internal/platform/id"

// Tell is what a notify node wants told.
type Tell struct {
	Tenant       string
	TraceID      string
	RunID        id.ID
	DefinitionID id.ID
	Node         string
	Source       string
	Environment  string
	Incident     *Incident // nil: only a run is behind it
	Event        EventKind // what happened, "" when only a run is behind it
	Seq          int64     // of the event
	Alerts       []*Alert  // most severe first
	Channels     []string  // names; "*" means every active channel
	Drivers      []string  // every active channel of these drivers
	MinSeverity  Severity
	Outputs      map[string]any // of earlier nodes: ingest, check, intelligence
	// Suppress records the deliveries with this reason and sends nothing.
	Suppress string
	// Dry records what would be sent, with its text, and sends nothing. What is recorded is nobody else's: it has keys of its own.
	Dry bool
}

// The states of a delivery, which are the ledger's words.
const (
	StatePending    = "pending"
	StateSending    = "sending"
	StateDelivered  = "delivered"
	StateSuppressed = "suppressed"
	StateDead       = "dead"
	StateNoRoute    = "no_route"
	StateRejected   = "rejected"
)

// Reasons for what was not sent.
const (
	ReasonDuplicate     = "duplicate"
	ReasonNotMaterial   = "not_material"
	ReasonWhen          = "when"
	ReasonMinSeverity   = "below_min_severity"
	ReasonResolvedFirst = "resolved_first"
	ReasonNobodyTold    = "nobody_was_told"
	ReasonSuperseded    = "superseded"
	ReasonNoNotify      = "no_notify"
	ReasonNoIncident    = "no_incident" // a check asked for its alert alone
	ReasonRunFailed     = "run_failed"
	ReasonDiscarded     = "discarded"
	ReasonPoison        = "poison"
	ReasonCanceled      = "canceled"
	ReasonDryRun        = "dry_run"
	ReasonShadow        = "shadow"   // a shadow tells nobody
	ReasonBadItem       = "bad_item" // one item of a body could not be used
	ReasonUnusable      = "unusable" // no item of a body could be used
)

// Told is one delivery that a notify node caused or joined.
type Told struct {
	DeliveryID id.ID  `json:"delivery_id"`
	Channel    string `json:"channel"`
	Driver     string `json:"driver"`
	Status     string `json:"status"`
	Reason     string `json:"reason,omitempty"`
	Error      string `json:"error,omitempty"`
	Attempts   int    `json:"attempts,omitempty"`
	// Aside marks deliveries that do not decide what became of an alert while another channel is told too (the inbox).
	Aside bool `json:"-"`
}

// Final reports whether nothing more will happen by itself.
func (t Told) Final() bool { return t.Status != StatePending && t.Status != StateSending }

// Tried reports whether the delivery needs its node no longer.
func (t Told) Tried() bool { return t.Final() || t.Attempts > 0 && t.Status == StatePending }

// Worst sums up deliveries as the ledger does: pending > dead > delivered > suppressed, the inbox only when it is alone.
func Worst(told []Told) (state, reason string) {
	rank := map[string]int{StatePending: 4, StateSending: 4, StateDead: 3, StateDelivered: 2, StateSuppressed: 1}
	alone := true
	for _, t := range told {
		alone = alone && t.Aside
	}
	for _, t := range told {
		if t.Aside && !alone {
			continue
		}
		if rank[t.Status] > rank[state] {
			state, reason = t.Status, t.Reason
		}
	}
	if state == StateSending {
		state = StatePending
	}
	if state == StateDelivered || state == StatePending {
		reason = ""
	}
	return state, reason
}

// Waiter is a run whose ledger rows wait for what is told.
type Waiter struct{ RunID, DefinitionID id.ID }
