package graph

import (
	"fmt"
	"time"
)

// resume takes a final run up again.
func (t *stepper) resume(ev Resumed) error {
	if !t.s.Run.Final() {
		return ErrStale
	}
	again := make([]bool, len(t.g.Nodes))
	if ev.From != "" {
		n, ok := t.g.Node(ev.From)
		if !ok {
			return fmt.Errorf("%w %q", ErrUnknownNode, ev.From)
		}
		again[n.at] = true
	} else if t.s.Run == RunSucceeded {
		return ErrStale
	}
	for i, n := range t.g.Nodes {
		st := t.s.node(n.ID)
		if ev.From == "" {
			again[i] = st.Status == NodeCanceled || st.Reason == ReasonRunFailed || (st.Status == NodeFailed && n.Required)
		}
	}
	for _, i := range t.g.order {
		n := t.g.Nodes[i]
		st := t.s.node(n.ID)
		if !again[i] && t.below(n, again) {
			// What was already told stays told; a replay from a node does it all again.
			again[i] = ev.From != "" || st.Status == NodeSkipped
		}
		if again[i] {
			*st = NodeState{Status: NodeWaiting, Attempt: st.Attempt}
		}
	}
	t.s.Run, t.s.Err = RunRunning, nil
	return nil
}

// From returns a node with all that follows it.
func (g *Graph) From(node string) (map[string]bool, error) {
	first, ok := g.Node(node)
	if !ok {
		return nil, fmt.Errorf("%w %q", ErrUnknownNode, node)
	}
	out := map[string]bool{}
	for _, n := range g.Nodes {
		if n == first || n.above[first.at] {
			out[n.ID] = true
		}
	}
	return out, nil
}

// below reports whether one of the marked nodes is an ancestor.
func (t *stepper) below(n *Node, marked []bool) bool {
	for i, above := range n.above {
		if above && marked[i] {
			return true
		}
	}
	return false
}

// set changes a node's status and keeps the variables in step.
func (t *stepper) set(n *Node, st *NodeState, status NodeStatus) {
	st.Status = status
	if status.Final() {
		st.DueAt = time.Time{}
	}
	if t.vars != nil {
		addNodeVars(t.vars, n, st)
	}
}
