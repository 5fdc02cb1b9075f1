package graph

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
)

// eval evaluates a condition over the base variables and the state of the nodes.
func (t *stepper) eval(p *Program) (bool, error) {
	if p == nil {
		return true, nil
	}
	if t.vars == nil {
		var base Vars
		if t.in.Vars != nil {
			base = t.in.Vars()
		}
		t.vars = t.g.Vars(t.s, base)
	}
	return p.Bool(t.ctx, t.vars)
}

// Vars returns the variables of expressions in nodes and edges: the base ones, `nodes.<id>` with status, output, has_errors
// and reason, and each id as a shortcut to that node's output (unless a base variable has the name).
func (g *Graph) Vars(s *State, base Vars) Vars {
	vars := make(Vars, len(base)+len(g.Nodes)+1)
	maps.Copy(vars, base)
	vars["nodes"] = make(map[string]any, len(g.Nodes))
	for _, n := range g.Nodes {
		addNodeVars(vars, n, s.node(n.ID))
	}
	return vars
}

func addNodeVars(vars Vars, n *Node, st *NodeState) {
	nodes, ok := vars["nodes"].(map[string]any)
	if !ok {
		return
	}
	output := decodeOutput(st.Output)
	if output == nil {
		output = map[string]any{}
	}
	nodes[n.ID] = map[string]any{"status": string(st.Status), "output": output, "has_errors": st.HasErrors(), "reason": st.Reason}
	if nameTaken(n.ID) {
		return
	}
	short := map[string]any{"has_errors": st.HasErrors()}
	if o, ok := output.(map[string]any); ok {
		maps.Copy(short, o)
	} else {
		short["output"] = output
	}
	vars[n.ID] = short
}

// decodeOutput reads an output with exact integers; what is not JSON reads as nil.
func decodeOutput(raw json.RawMessage) any {
	if len(raw) == 0 {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return nil
	}
	return plain(v)
}

// Choose evaluates the expression of a condition node.
func (g *Graph) Choose(ctx context.Context, id string, vars Vars) (bool, error) {
	n, ok := g.Node(id)
	if !ok {
		return false, fmt.Errorf("%w %q", ErrUnknownNode, id)
	}
	if n.branch == nil {
		return false, fmt.Errorf("node %q chooses nothing", id)
	}
	yes, err := n.branch.expression.Bool(ctx, vars)
	if err != nil {
		return false, fmt.Errorf("invalid expression: %w", err)
	}
	return yes, nil
}
