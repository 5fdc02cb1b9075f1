package graph

import (
	"fmt"
	"slices"
)

// settle goes through the nodes in processing order and starts or skips what has become decided, then ends the run if nothing
// is left.
func (t *stepper) settle() {
	if t.s.Run.Final() || t.s.Run == RunPending || t.s.Run == "" {
		return
	}
	for again := true; again; {
		before := t.s.Err
		for _, i := range t.g.order {
			n := t.g.Nodes[i]
			if st := t.s.node(n.ID); st.Status == NodeWaiting {
				t.consider(n, st)
			}
		}
		again = before != t.s.Err // a failure found here changes what earlier nodes wait for
	}
	t.arm()
	t.finish()
}

// consider starts or skips a waiting node if its incoming edges allow it.
func (t *stepper) consider(n *Node, st *NodeState) {
	taken, open := 0, 0
	for _, e := range n.in {
		switch yes, decided := t.edge(e, n); {
		case !decided:
			open++
		case yes:
			taken++
		}
	}
	failing := t.s.Err != nil
	switch {
	case len(n.in) > 0 && taken == 0 && open == 0:
		t.skip(n, st, ReasonNotReached, false)
	case failing && !n.Spec.Notifies:
		t.skip(n, st, ReasonRunFailed, true)
	case open > 0 && (!n.JoinAny || taken == 0):
		return
	default:
		t.ready(n, st)
	}
}

// edge reports whether an edge is taken, and whether that is decided. Edges of a node that was passed over are decided for
// everyone but the enriching nodes, which still want its output.
func (t *stepper) edge(e *edge, to *Node) (taken, decided bool) {
	st := t.s.node(t.g.Nodes[e.from].ID)
	if !st.Status.Final() && (!st.Passed || to.Spec.Enriches) {
		return false, false
	}
	return slices.Contains(st.Taken, to.ID), true
}

// ready asks the node's own conditions and starts or skips it.
func (t *stepper) ready(n *Node, st *NodeState) {
	for _, i := range n.skipIfErrors {
		if other := t.g.Nodes[i]; t.s.node(other.ID).HasErrors() {
			t.skip(n, st, ReasonSkipErrors+":"+other.ID, true)
			return
		}
	}
	if n.skipIf != nil && t.skipIf(n) {
		t.skip(n, st, ReasonSkipErrors+":condition", true)
		return
	}
	yes, err := t.eval(n.When)
	switch {
	case err != nil && n.Spec.Notifies:
		t.decide(n, "when", "could not be evaluated and counts as true: "+err.Error())
	case err != nil:
		st.Attempt++
		st.Failures++
		st.Err = &RunError{Node: n.ID, Type: "condition", Message: "when could not be evaluated: " + err.Error()}
		t.fail(n, st)
		return
	case !yes:
		t.decide(n, "when", "false: "+n.When.source)
		t.skip(n, st, ReasonWhen, true)
		return
	}
	t.start(n, st)
}

// skipIf evaluates skip_if_condition; what cannot be evaluated does not skip.
func (t *stepper) skipIf(n *Node) bool {
	if n.skipIf.program == nil {
		return t.s.node(t.g.Nodes[n.skipIf.node].ID).HasErrors()
	}
	yes, err := t.eval(n.skipIf.program)
	if err != nil {
		t.decide(n, "skip_if_condition", "could not be evaluated and counts as false: "+err.Error())
		return false
	}
	return yes
}

// skip ends a node without running it. With through its edges are taken, else they are not.
func (t *stepper) skip(n *Node, st *NodeState, reason string, through bool) {
	st.Reason = reason
	t.set(n, st, NodeSkipped)
	if through {
		t.edges(n, st)
	} else if !st.Passed {
		st.Taken = nil
	}
	t.emit(SkipNode{Node: n.ID, Reason: reason})
}

// edges decides the outgoing edges of a node that ended or is passed over. What was decided while passing stays.
func (t *stepper) edges(n *Node, st *NodeState) {
	final := st.Status.Final()
	for _, e := range n.out {
		to := t.g.Nodes[e.to]
		if !final && to.Spec.Enriches { // decided when the node really ends
			continue
		}
		if final && st.Passed && !to.Spec.Enriches { // decided when it was passed over
			continue
		}
		if slices.Contains(st.Taken, to.ID) || (e.branch != "" && st.Choice != "" && e.branch != st.Choice) {
			continue
		}
		yes, err := t.eval(e.when)
		if err != nil {
			t.decide(n, "next.when", fmt.Sprintf("the way to %q could not be evaluated and counts as true: %s", to.ID, err))
			yes = true
		}
		if yes {
			st.Taken = append(st.Taken, to.ID)
		} else {
			t.decide(n, "next.when", fmt.Sprintf("the way to %q is not taken: %s", to.ID, e.when.source))
		}
	}
}

// arm starts the deadline of each notify node that waits for enrichment only.
func (t *stepper) arm() {
	if t.s.Err != nil {
		return
	}
	for _, n := range t.g.Nodes {
		st := t.s.node(n.ID)
		if !n.Spec.Notifies || st.Status != NodeWaiting || st.Armed {
			continue
		}
		enriching, provider, active, other := false, false, false, false
		for i, above := range n.above {
			a := t.g.Nodes[i]
			if !above || !t.pending(a) {
				continue
			}
			switch {
			case a.Spec.Enriches:
				enriching = true
				switch asked := asksProvider(a); asked {
				case "", ProviderLocal:
				case ProviderActive:
					active = true
				default:
					provider = true
				}
			case !t.behindEnrichment(a):
				other = true
			}
		}
		if enriching && !other {
			st.Armed = true
			t.emit(ArmDeadline{Node: n.ID, Provider: provider, Active: active})
		}
	}
}

func (t *stepper) pending(n *Node) bool {
	st := t.s.node(n.ID)
	return !st.Status.Final() && !st.Passed
}

func (t *stepper) behindEnrichment(n *Node) bool {
	for i, above := range n.above {
		if above && t.g.Nodes[i].Spec.Enriches && t.pending(t.g.Nodes[i]) {
			return true
		}
	}
	return false
}

// asksProvider is who analyses in a node, "" when it does not.
func asksProvider(n *Node) string {
	if c, ok := n.Config.(*IntelligenceConfig); ok {
		return c.Provider
	}
	return ""
}

// finish ends the run when every node is final, else keeps its status up to date.
func (t *stepper) finish() {
	active, retrying := false, false
	for _, n := range t.g.Nodes { // a waiting node always has one before it that is one of these
		st := t.s.node(n.ID).Status
		active = active || st == NodeReady || st == NodeRunning
		retrying = retrying || st == NodeRetrying
	}
	switch {
	case active:
		t.s.Run = RunRunning
	case retrying:
		t.s.Run = RunRetrying
	default:
		t.s.Run = RunSucceeded
		if t.s.Err != nil {
			t.s.Run = RunFailed
		}
		t.emit(FinishRun{Status: t.s.Run, Err: t.s.Err})
	}
}
