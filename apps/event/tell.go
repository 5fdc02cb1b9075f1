package event

import (
	"slices"

	"github.com/incidenthub/incidenthub/internal/platform/id"
)

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
	By           string         // who did what is told, "" when nobody did
	// Cause is what makes the deliveries when no pipeline does: fallback, reminder, throttle, acknowledged, analysis, reopened, resend.
	Cause string
	// Lead stands in front of the text: why it is told here.
	Lead string
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
	ReasonSilenced      = "silenced"
	ReasonMaintenance   = "maintenance"
	ReasonThrottled     = "throttled"
	ReasonChannelOff    = "channel_off"     // the channel's settings say that nothing is sent
	ReasonUnknown       = "unknown_outcome" // an update that may have arrived is not sent again where the receiver could not tell
	ReasonInPart        = "arrived_in_part" // pending: parts of a long message have arrived, and the rest is tried again
	ReasonMayRepeat     = "may_repeat"      // pending: somebody sends again what may have arrived; it goes out marked, whatever its kind
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
	Detail     string `json:"detail,omitempty"` // the reason in a sentence
	Error      string `json:"error,omitempty"`
	Attempts   int    `json:"attempts,omitempty"`
	// Instead is the delivery that tells another channel what this one did not; zero: none does.
	Instead id.ID `json:"instead_id,omitzero"`
	// Owed: it is dead, and whether another channel is told instead is about to be decided.
	Owed bool `json:"-"`
	// Aside marks deliveries that do not decide what became of an alert while another channel is told too (the inbox).
	Aside bool `json:"-"`
}

// Because is the reason, with what there is to say of it.
func (t Told) Because() string {
	if t.Detail == "" {
		return t.Reason
	}
	return t.Reason + ": " + t.Detail
}

// Final reports whether nothing more will happen by itself.
func (t Told) Final() bool { return t.Status != StatePending && t.Status != StateSending && !t.Owed }

// Tried reports whether the delivery needs its node no longer.
func (t Told) Tried() bool { return t.Final() || t.Attempts > 0 && t.Status == StatePending }

// Worst sums up deliveries as the ledger does: pending > dead > delivered > suppressed, the inbox only when it is alone. A dead one that
// another channel was told instead of counts as that, unless the other could not be told either.
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
		if s := t.stands(told); rank[s] > rank[state] {
			state, reason = s, t.Reason
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

// stands is the state that counts for a delivery among others.
func (t Told) stands(told []Told) string {
	if t.Status != StateDead {
		return t.Status
	}
	for range told { // no chain is longer, and one that ends where it began ends dead
		if t.Owed {
			return StatePending
		}
		next := slices.IndexFunc(told, func(o Told) bool { return !t.Instead.IsZero() && o.DeliveryID == t.Instead })
		if next < 0 {
			return StateDead
		}
		switch t = told[next]; t.Status {
		case StateDead:
		case StateSuppressed: // held back, so nobody heard
			return StateDead
		default:
			return t.Status
		}
	}
	return StateDead
}

// Waiter is a run whose ledger rows wait for what is told.
type Waiter struct{ RunID, DefinitionID id.ID }
