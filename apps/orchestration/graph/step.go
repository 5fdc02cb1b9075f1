package graph

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// maxRescues is how many lost leases a node survives; one more makes it poison.
const maxRescues = 10

// maxRetryAfter bounds the wait that a failing node may ask for.
const maxRetryAfter = time.Hour

// Inputs are what Step may know besides the state. All are optional.
type Inputs struct {
	Vars func() Vars    // base variables of expressions (alert, incident, labels …), asked for at most once
	Rand func() float64 // from [0, 1), for the spread of waits; nil means 1/2
	Now  time.Time      // only for RetryNode.DueAt
}

// Step applies an event to the state and returns what has to be done. Given the same inputs it does the same. The state is
// changed in place, except with ErrStale and ErrUnknownNode. Not safe for two calls on one state at once.
func (g *Graph) Step(ctx context.Context, s *State, ev Event, in Inputs) ([]Effect, error) {
	t := &stepper{ctx: ctx, g: g, s: s, in: in}
	if err := t.apply(ev); err != nil {
		return nil, err
	}
	t.settle()
	return t.effects, nil
}

// stepper is one call of Step.
type stepper struct {
	ctx     context.Context // lives for one call of Step
	g       *Graph
	s       *State
	in      Inputs
	effects []Effect
	vars    Vars // made when first needed
}

func (t *stepper) apply(ev Event) error {
	switch ev := ev.(type) {
	case RunStarted:
		if t.s.Run != RunPending && t.s.Run != "" {
			return ErrStale
		}
		t.s.Run = RunRunning
		return nil
	case RunExpired:
		return t.expire()
	case Canceled:
		return t.cancel()
	case Resumed:
		return t.resume(ev)
	case NodeStarted:
		return t.onNode(ev.Node, func(n *Node, st *NodeState) { t.set(n, st, NodeRunning) })
	case NodeDone:
		return t.onNode(ev.Node, func(n *Node, st *NodeState) { t.done(n, st, ev) })
	case NodeErred:
		return t.onNode(ev.Node, func(n *Node, st *NodeState) { t.erred(n, st, ev) })
	case NodeRescued:
		return t.onNode(ev.Node, t.rescued)
	case NodeReturned:
		return t.onNode(ev.Node, t.again)
	case DeadlineExceeded:
		return t.deadline(ev.Node)
	default:
		return fmt.Errorf("unknown event %T", ev)
	}
}

// onNode runs f for a node whose execution is under way. The entry may answer before the run was started: a fold completes
// the ingest node of runs that no worker has seen.
func (t *stepper) onNode(id string, f func(*Node, *NodeState)) error {
	n, ok := t.g.Node(id)
	if !ok {
		return fmt.Errorf("%w %q", ErrUnknownNode, id)
	}
	if t.s.Run.Final() {
		return ErrStale
	}
	st := t.s.node(id)
	switch st.Status {
	case NodeReady, NodeRunning, NodeRetrying:
	case NodeWaiting:
		if n.at != 0 {
			return ErrStale
		}
		st.Attempt++
	default:
		return ErrStale
	}
	if t.s.Run == RunPending || t.s.Run == "" {
		t.s.Run = RunRunning
	}
	f(n, st)
	return nil
}

func (t *stepper) done(n *Node, st *NodeState, ev NodeDone) {
	st.Output, st.Err, st.DueAt = ev.Output, nil, time.Time{}
	if n.branch != nil {
		st.Choice = choiceOf(ev.Output)
		if st.Choice == "" {
			t.decide(n, "condition", "the node gave no result, so both branches are taken")
		}
	}
	t.set(n, st, NodeSucceeded)
	t.edges(n, st)
	if st.Passed && t.s.Err == nil {
		t.emit(LateOutput{Node: n.ID})
	}
	if ev.Stop != "" {
		t.decide(n, "stop", ev.Stop)
		for _, other := range t.g.Nodes {
			if o := t.s.node(other.ID); o.Status == NodeWaiting {
				o.Reason = ev.Stop
				t.set(other, o, NodeSkipped)
				t.emit(SkipNode{Node: other.ID, Reason: ev.Stop})
			}
		}
	}
}

// choiceOf reads {"result": bool}.
func choiceOf(output json.RawMessage) string {
	var o struct {
		Result *bool `json:"result"`
	}
	if json.Unmarshal(output, &o) != nil || o.Result == nil {
		return ""
	}
	if *o.Result {
		return BranchThen
	}
	return BranchElse
}

func (t *stepper) erred(n *Node, st *NodeState, ev NodeErred) {
	st.Failures++
	st.Err = &RunError{Node: n.ID, Type: ev.Type, Message: ev.Message, Retryable: ev.Retryable}
	if !ev.Retryable || st.Failures >= n.MaxTries || (t.s.Err != nil && !n.Spec.Notifies) {
		t.fail(n, st)
		return
	}
	u := 0.5
	if t.in.Rand != nil {
		u = t.in.Rand()
	}
	after := max(backoff(n.Backoff, st.Failures, u), min(ev.RetryAfter, maxRetryAfter))
	st.Attempt++
	st.DueAt = t.in.Now.Add(after)
	t.set(n, st, NodeRetrying)
	t.emit(RetryNode{Node: n.ID, Attempt: st.Attempt, Queue: n.Spec.Queue, After: after, DueAt: st.DueAt})
	t.decide(n, "retry", fmt.Sprintf("try %d of %d failed: %s", st.Failures, n.MaxTries, clip(ev.Message)))
}

func (t *stepper) rescued(n *Node, st *NodeState) {
	st.Rescues++
	if st.Rescues <= maxRescues {
		t.again(n, st)
		return
	}
	st.Reason = ReasonPoison
	st.Err = &RunError{Node: n.ID, Type: ReasonPoison, Message: fmt.Sprintf("its worker was lost %d times", st.Rescues)}
	t.fail(n, st)
}

// again gives out a node whose execution did not end. A failing run has no use for it, unless it tells somebody.
func (t *stepper) again(n *Node, st *NodeState) {
	if t.s.Err != nil && !n.Spec.Notifies {
		t.giveUp(n, st)
		return
	}
	t.start(n, st)
}

// giveUp ends a node that would have been tried again.
func (t *stepper) giveUp(n *Node, st *NodeState) {
	st.Reason = ReasonRunFailed
	t.set(n, st, NodeFailed)
	t.edges(n, st)
	t.emit(CancelNode{Node: n.ID})
}

// start gives the node out.
func (t *stepper) start(n *Node, st *NodeState) {
	st.Attempt++
	st.DueAt = time.Time{}
	t.set(n, st, NodeReady)
	t.emit(StartNode{Node: n.ID, Attempt: st.Attempt, Queue: n.Spec.Queue, Plain: n.Spec.Notifies && t.plain(n)})
}

// plain reports whether a notify node goes out with less than it would have had.
func (t *stepper) plain(n *Node) bool {
	if t.s.Err != nil {
		return true
	}
	for i, above := range n.above {
		if above && t.g.Nodes[i].Spec.Enriches {
			if st := t.s.node(t.g.Nodes[i].ID); st.Passed && !st.Status.Final() {
				return true
			}
		}
	}
	return false
}

// fail ends a node. If it is required, the run begins to fail: what waits for a try is given up, and nothing that runs is
// waited for any more.
func (t *stepper) fail(n *Node, st *NodeState) {
	t.set(n, st, NodeFailed)
	t.edges(n, st)
	if !n.Required {
		t.decide(n, "failed", "not required, the run goes on")
		return
	}
	t.decide(n, "failed", "required, the run fails; notifications still go out")
	if t.s.Err != nil {
		return
	}
	t.s.Err = st.Err
	for _, other := range t.g.Nodes {
		o := t.s.node(other.ID)
		if other.Spec.Notifies {
			continue
		}
		switch o.Status {
		case NodeRetrying:
			t.giveUp(other, o)
		case NodeReady, NodeRunning:
			t.pass(other, o)
		default: // final, or not started: settle skips it
		}
	}
}

// deadline lets a notify node go without the enrichment that is still missing.
func (t *stepper) deadline(id string) error {
	n, ok := t.g.Node(id)
	if !ok {
		return fmt.Errorf("%w %q", ErrUnknownNode, id)
	}
	if t.s.Run.Final() || t.s.node(id).Status != NodeWaiting {
		return ErrStale
	}
	for i, above := range n.above {
		other := t.g.Nodes[i]
		if st := t.s.node(other.ID); above && other.Spec.Enriches && !st.Status.Final() && !st.Passed {
			t.pass(other, st)
			t.decide(n, "deadline", quoteAll([]string{other.ID})+" took too long, the notification does not wait for it")
		}
	}
	return nil
}

// pass decides the edges of a node that is not final.
func (t *stepper) pass(n *Node, st *NodeState) {
	if !st.Passed {
		st.Passed = true
		t.edges(n, st)
	}
}

// expire gives up what still works, so that what tells can go.
func (t *stepper) expire() error {
	if t.s.Run.Final() {
		return ErrStale
	}
	var late []string
	for _, n := range t.g.Nodes {
		st := t.s.node(n.ID)
		if n.Spec.Notifies || st.Status != NodeReady && st.Status != NodeRunning && st.Status != NodeRetrying {
			continue
		}
		late = append(late, n.ID)
		st.Reason = ReasonDeadline
		t.set(n, st, NodeCanceled)
		t.edges(n, st)
		t.emit(CancelNode{Node: n.ID})
		t.decide(n, "deadline", "the run took longer than "+t.g.Deadline.String()+", so this was given up")
	}
	if late == nil {
		return ErrStale
	}
	if t.s.Err == nil {
		t.s.Err = &RunError{Node: late[0], Type: ReasonDeadline, Message: "the run took longer than " + t.g.Deadline.String(), Retryable: true}
	}
	return nil
}

func (t *stepper) cancel() error {
	if t.s.Run.Final() {
		return ErrStale
	}
	for _, n := range t.g.Nodes {
		st := t.s.node(n.ID)
		if st.Status.Final() {
			continue
		}
		if st.Status != NodeWaiting {
			t.emit(CancelNode{Node: n.ID})
		}
		t.set(n, st, NodeCanceled)
	}
	t.s.Run = RunCanceled
	t.emit(FinishRun{Status: RunCanceled, Err: t.s.Err})
	return nil
}

func (t *stepper) emit(e Effect) { t.effects = append(t.effects, e) }

func (t *stepper) decide(n *Node, what, why string) {
	t.emit(Decision{Node: n.ID, What: what, Why: why})
}
