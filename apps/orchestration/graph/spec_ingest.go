package graph

import "slices"

// IngestConfig configures an ingest node.
type IngestConfig struct {
	Driver     string `json:"driver,omitempty" jsonschema:"description=Parser for payloads of a manual run. Default: found by shape."`
	SourceHint string `json:"source_hint,omitempty" jsonschema:"description=Parser to try first when the payload names none."`
}

func ingestSpec(known Known) NodeSpec {
	return NodeSpec{
		Type: "ingest", Doc: "Takes the alerts in: parses, folds them into alerts and incidents, and says what changed.",
		Config: IngestConfig{}, DefaultRequired: true, Stage: "ingested",
		Check: func(cfg any, _ func(string) bool) []Problem {
			c := cfg.(*IngestConfig)
			var out []Problem
			for _, field := range [][2]string{{"driver", c.Driver}, {"source_hint", c.SourceHint}} {
				key, name := field[0], field[1]
				if name != "" && known.WebhookDrivers != nil && !slices.Contains(known.WebhookDrivers, name) {
					out = append(out, problemAt("/"+key, "unknown driver "+quoteAll([]string{name}), didYouMean(name, known.WebhookDrivers)))
				}
			}
			return out
		},
	}
}
