package graph

import "slices"

// ConditionConfig configures a condition node.
type ConditionConfig struct {
	Expression string `json:"expression" jsonschema:"description=Expression that is true or false."`
	Then       IDs    `json:"then,omitempty" jsonschema:"description=Nodes to go on with when it is true."`
	Else       IDs    `json:"else,omitempty" jsonschema:"description=Nodes to go on with when it is false."`
}

func conditionSpec() NodeSpec {
	return NodeSpec{
		Type: "condition", Doc: "Chooses between two sets of nodes by an expression.",
		Config: ConditionConfig{}, DefaultRequired: true,
		Branch: func(cfg any) Branch {
			c := cfg.(*ConditionConfig)
			return Branch{Expression: c.Expression, Then: c.Then, Else: c.Else}
		},
		Check: func(cfg any, _ func(string) bool) []Problem {
			c := cfg.(*ConditionConfig)
			var out []Problem
			if c.Expression == "" {
				out = append(out, problemAt("/expression", `"expression" is missing`, `e.g. "incident.severity == 'critical'"`))
			}
			if len(c.Then) == 0 && len(c.Else) == 0 {
				out = append(out, problemAt("", "the condition chooses nothing: neither then nor else names a node", ""))
			}
			for i, id := range c.Else {
				if slices.Contains(c.Then, id) {
					out = append(out, warningAt(joinIndex("/else", i), "both branches lead to "+quoteAll([]string{id}), "use next for what follows in any case"))
				}
			}
			return out
		},
	}
}
