package graph

import "slices"

// expression checks the condition of a node or of one of its edges (where its own output is known).
func (c *checker) expression(i int, at, source string, edge bool) {
	p, err := compileProgram(source)
	if err != nil {
		c.addNode(i, problemAt(at, "bad expression: "+err.Error(), ""))
		return
	}
	for _, name := range p.names {
		if slices.Contains(nodeNames(), name) {
			continue
		}
		if _, ok := c.index[name]; ok {
			c.early(i, at, name, edge)
			continue
		}
		c.addNode(i, problemAt(at, "unknown name "+quoteAll([]string{name})+" in the expression", c.nameHint(name)))
	}
	for _, id := range p.nodes {
		if _, ok := c.index[id]; ok {
			c.early(i, at, id, edge)
			continue
		}
		c.addNode(i, problemAt(at, "there is no node "+quoteAll([]string{id}), didYouMean(id, c.ids())))
	}
}

// nameHint helps with a name that is not known: a word in need of quotes, a node's type, a near name.
func (c *checker) nameHint(name string) string {
	for _, n := range c.def.Nodes {
		if n.Type == name && n.ID != "" {
			return "outputs go by the id of the node: " + n.ID
		}
	}
	if slices.Contains(valueWords(), name) {
		return "texts need quotes: '" + name + "'"
	}
	return didYouMean(name, append(nodeNames(), c.ids()...))
}

// valueWords are often written without their quotes.
func valueWords() []string {
	return []string{"critical", "warning", "info", "firing", "resolved", "open", "acknowledged", "closed", "prod", "production"}
}

// triggerExpression checks trigger.when.
func (c *checker) triggerExpression(at string, t *TriggerDef, source string) {
	p, err := compileProgram(source)
	if err != nil {
		c.add(problemAt(at, "bad expression: "+err.Error(), ""))
		return
	}
	known := triggerNames(t.WaitsFor(TriggerIncident))
	for _, name := range p.names {
		_, isNode := c.index[name]
		switch {
		case slices.Contains(known, name):
		case name == "incident":
			c.add(problemAt(at, `"incident" is not available in a trigger: routing comes before alerts are folded into incidents`, "use it in the when of a node"))
		case name == "run" || name == "nodes" || name == "alerts" || isNode:
			c.add(problemAt(at, quoteAll([]string{name})+" is not available in a trigger: nothing has run yet when it is judged", "use it in the when of a node"))
		case slices.Contains(valueWords(), name):
			c.add(problemAt(at, "unknown name "+quoteAll([]string{name})+" in the expression", "texts need quotes: '"+name+"'"))
		default:
			c.add(problemAt(at, "unknown name "+quoteAll([]string{name})+" in the expression", didYouMean(name, known)))
		}
	}
}
