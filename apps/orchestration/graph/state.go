package graph

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// NodeStatus is where a node of a run stands. The last four are final.
type NodeStatus string

// The states of a node.
const (
	NodeWaiting   NodeStatus = "waiting" // its incoming edges are not decided; also the state of a node without a row
	NodeReady     NodeStatus = "ready"   // StartNode was given out
	NodeRunning   NodeStatus = "running" // a worker said so (NodeStarted)
	NodeRetrying  NodeStatus = "retrying"
	NodeSucceeded NodeStatus = "succeeded"
	NodeFailed    NodeStatus = "failed"
	NodeSkipped   NodeStatus = "skipped"
	NodeCanceled  NodeStatus = "canceled"
)

// Final reports whether the node will not change again.
func (s NodeStatus) Final() bool {
	return s == NodeSucceeded || s == NodeFailed || s == NodeSkipped || s == NodeCanceled
}

// RunStatus is runs.state; the status on the wire is WireStatus.
type RunStatus string

// The states of a run. The last three are final.
const (
	RunPending   RunStatus = "pending"
	RunRunning   RunStatus = "running"
	RunRetrying  RunStatus = "retrying" // nothing runs, at least one node waits for its next try
	RunSucceeded RunStatus = "succeeded"
	RunFailed    RunStatus = "failed"
	RunCanceled  RunStatus = "canceled"
)

// Final reports whether the run is over.
func (s RunStatus) Final() bool { return s == RunSucceeded || s == RunFailed || s == RunCanceled }

// Reasons of skipped and failed nodes.
const (
	ReasonWhen        = "when"         // its own when is false
	ReasonSkipErrors  = "skip_if"      // a node of skip_if_errors failed, or skip_if_condition is true; followed by ":" and which
	ReasonNotReached  = "not_reached"  // no incoming edge was taken
	ReasonNotMaterial = "not_material" // the fold changed nothing
	ReasonRunFailed   = "run_failed"   // a required node failed before this one started
	ReasonPoison      = "poison"       // its lease was lost too often
	ReasonDeadline    = "deadline"     // the run took longer than it may
)

// State is a run as the engine sees it: what the rows of runs and node_runs hold.
type State struct {
	Run   RunStatus             `json:"run"`
	Nodes map[string]*NodeState `json:"nodes"` // a missing node is waiting
	// Err is the first failure of a required node. While the run is not final it means that the run is failing: nothing new
	// starts but notify nodes.
	Err *RunError `json:"error,omitempty"`
}

// NodeState is one node of a run.
type NodeState struct {
	Status   NodeStatus      `json:"status"`
	Attempt  int             `json:"attempt"`           // executions given out
	Failures int             `json:"failures"`          // executions that ended in an error, compared with Node.MaxTries
	Rescues  int             `json:"rescues,omitempty"` // leases lost
	Reason   string          `json:"reason,omitempty"`
	Output   json.RawMessage `json:"output,omitempty"`
	Choice   string          `json:"choice,omitempty"` // of a condition: then or else
	Taken    []string        `json:"taken,omitempty"`  // targets of the outgoing edges that are taken, once decided
	// Passed means that notify nodes no longer wait for this one, though it is not final: its edges to nodes that do not
	// enrich are decided.
	Passed bool      `json:"passed,omitempty"`
	Armed  bool      `json:"armed,omitempty"` // of a notify node: its enrichment deadline runs
	DueAt  time.Time `json:"due_at,omitzero"` // of the next try, UTC
	Err    *RunError `json:"error,omitempty"` // of the last execution that failed
}

// HasErrors reports whether the node failed for good.
func (n *NodeState) HasErrors() bool { return n != nil && n.Status == NodeFailed }

// RunError is a failure as data.
type RunError struct {
	Node      string `json:"node"`
	Type      string `json:"type"`
	Message   string `json:"message"`
	Retryable bool   `json:"retryable"`
}

// Error reads as the contract wants it.
func (e *RunError) Error() string {
	if e.Type == ReasonDeadline { // of the run
		return e.Message
	}
	return fmt.Sprintf("Node %s failed: %s", e.Node, e.Message)
}

// ErrStale is returned for an event that the state has moved past: a second answer of the same execution, an answer to a
// finished run. The state is unchanged; the caller drops the event.
var ErrStale = errors.New("the event is out of date")

// NewState returns the state of a run that has not started.
func NewState() *State { return &State{Run: RunPending, Nodes: map[string]*NodeState{}} }

// node returns the state of a node, made when missing.
func (s *State) node(id string) *NodeState {
	n := s.Nodes[id]
	if n == nil {
		n = &NodeState{Status: NodeWaiting}
		if s.Nodes == nil {
			s.Nodes = map[string]*NodeState{}
		}
		s.Nodes[id] = n
	}
	if n.Status == "" {
		n.Status = NodeWaiting
	}
	return n
}
