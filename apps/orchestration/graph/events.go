package graph

import (
	"encoding/json"
	"time"
)

// Event is what happened to a run. Exactly the types of this file implement it.
type Event interface{ event() }

// RunStarted begins a run.
type RunStarted struct{}

// NodeStarted says that a worker took the node up. It is optional and only for show.
type NodeStarted struct{ Node string }

// NodeDone says that the current execution of a node ended well.
type NodeDone struct {
	Node   string
	Output json.RawMessage // a JSON object
	// Stop, if set, ends the run here: all that has not started is skipped with this reason and the run succeeds.
	Stop string
}

// NodeErred says that the current execution of a node ended in an error.
type NodeErred struct {
	Node       string
	Type       string // short class, e.g. timeout
	Message    string
	Retryable  bool
	RetryAfter time.Duration // least wait before the next try
}

// NodeRescued says that the lease of the current execution was lost (the worker died).
type NodeRescued struct{ Node string }

// NodeReturned says that a worker handed the node back unharmed (shutdown). It counts neither as failure nor as rescue.
type NodeReturned struct{ Node string }

// DeadlineExceeded says that a notify node has waited long enough for enrichment.
type DeadlineExceeded struct{ Node string }

// RunExpired says that the run has taken longer than it may: what still works is given up, and notifications go out plain. A run that
// only waits for its deliveries goes on.
type RunExpired struct{}

// Canceled ends the run by hand: nothing more is done, nothing more is told.
type Canceled struct{}

// Resumed takes a final run up again: from the nodes that failed, or, with From, from that node with all that follows it.
// Attempt numbers go on; failures and rescues count from zero.
type Resumed struct{ From string }

func (RunStarted) event()       {}
func (NodeStarted) event()      {}
func (NodeDone) event()         {}
func (NodeErred) event()        {}
func (NodeRescued) event()      {}
func (NodeReturned) event()     {}
func (DeadlineExceeded) event() {}
func (RunExpired) event()       {}
func (Canceled) event()         {}
func (Resumed) event()          {}

// Effect is what the caller has to do, in order, in the transaction that stores the state. Exactly the types of this file
// implement it.
type Effect interface{ effect() }

// StartNode asks for an execution: a job in the node's queue, or in place if the node has none.
type StartNode struct {
	Node    string
	Attempt int
	Queue   string // NodeSpec.Queue
	Plain   bool   // the run is failing or enrichment is late: go out with what there is
}

// RetryNode asks for another execution, not before DueAt.
type RetryNode struct {
	Node    string
	Attempt int
	Queue   string
	After   time.Duration
	DueAt   time.Time // Inputs.Now + After
}

// SkipNode records that a node will not run.
type SkipNode struct{ Node, Reason string }

// CancelNode asks to drop the node's job: its answer is no longer wanted.
type CancelNode struct{ Node string }

// ArmDeadline asks for DeadlineExceeded{Node} after the enrichment deadline: the longer one if a provider is asked. Active: the active one
// is, whichever that is.
type ArmDeadline struct {
	Node             string
	Provider, Active bool
}

// LateOutput says that a node finished after notify nodes had stopped waiting for it: what they said may be brought up to
// date.
type LateOutput struct{ Node string }

// Decision is a line of the decision trace.
type Decision struct {
	Node string
	What string // when, next.when, skip_if_condition, retry, deadline, failed …
	Why  string
}

// FinishRun ends the run.
type FinishRun struct {
	Status RunStatus
	Err    *RunError
}

func (StartNode) effect()   {}
func (RetryNode) effect()   {}
func (SkipNode) effect()    {}
func (CancelNode) effect()  {}
func (ArmDeadline) effect() {}
func (LateOutput) effect()  {}
func (Decision) effect()    {}
func (FinishRun) effect()   {}
