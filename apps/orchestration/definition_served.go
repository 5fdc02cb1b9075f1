package orchestration

import (
	"encoding/json"
	"fmt"

	"github.com/incidenthub/incidenthub/apps/orchestration/graph"
)

// notYet are the triggers whose parts of the hub are still to come.
var notYet = []string{graph.TriggerMonitor, graph.TriggerWorkload}

// notServed warns of what the format has and this release does not do yet, so that nobody waits for it.
func notServed(raw []byte) []graph.Problem {
	def, _ := graph.Parse(raw)
	if def == nil {
		return nil
	}
	var out []graph.Problem
	warn := func(pointer, message, suggestion string) {
		out = append(out, graph.Problem{Pointer: pointer, Message: message, Suggestion: suggestion, Severity: graph.SeverityWarning})
	}
	for _, kind := range notYet {
		if def.Trigger.WaitsFor(kind) {
			warn("/trigger/on", fmt.Sprintf("nothing in this release starts pipelines on %q", kind), `use "webhook" until then`)
		}
	}
	for i, n := range def.Nodes {
		at := fmt.Sprintf("/nodes/%d", i)
		switch n.Type {
		case "ingest", "notify":
			config, err := json.Marshal(n.Config)
			var c struct {
				Driver, SourceHint, Template string
			}
			if err != nil || json.Unmarshal(config, &struct {
				Driver     *string `json:"driver"`
				SourceHint *string `json:"source_hint"`
				Template   *string `json:"template"`
			}{&c.Driver, &c.SourceHint, &c.Template}) != nil {
				continue // lint says what is wrong with it
			}
			for _, f := range []struct{ of, key, value string }{
				{"ingest", "driver", c.Driver}, {"ingest", "source_hint", c.SourceHint}, {"notify", "template", c.Template},
			} {
				if f.of == n.Type && f.value != "" {
					warn(at+"/config/"+f.key, fmt.Sprintf("node %q: this release does not use %s yet", n.ID, f.key), "leave it out")
				}
			}
		}
	}
	return out
}
