package graph

import "slices"

// wireStages is the contract's walk, in order.
func wireStages() []string { return []string{"pending", "ingested", "checked", "analyzed", "notified"} }

// WireStatus returns the run's status as the contract shows it: the furthest stage whose node kind has ended well, and
// failed, retrying or skipped (canceled) where they apply. A completed run is notified, or checked where there is nothing but
// checks. As nodes never go back from succeeded, it only moves forward.
func (g *Graph) WireStatus(s *State) string {
	switch s.Run {
	case RunFailed:
		return "failed"
	case RunRetrying:
		return "retrying"
	case RunCanceled:
		return "skipped"
	case RunSucceeded:
		if !slices.ContainsFunc(g.Nodes, func(n *Node) bool { return n.Spec.Stage != "checked" }) {
			return "checked"
		}
		return "notified"
	case RunPending, RunRunning:
	}
	stages, furthest := wireStages(), 0
	for _, n := range g.Nodes {
		if st := s.Nodes[n.ID]; st != nil && st.Status == NodeSucceeded {
			for i, stage := range stages {
				if stage == n.Spec.Stage {
					furthest = max(furthest, i)
				}
			}
		}
	}
	return stages[furthest]
}
