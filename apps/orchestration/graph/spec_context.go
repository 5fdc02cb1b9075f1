package graph

import (
	"fmt"
	"maps"
	"slices"
)

// ContextConfig configures a context node.
type ContextConfig struct {
	CheckerNames     []string                  `json:"checker_names,omitempty" jsonschema:"description=Host checks to run. Default: all."`
	CheckerConfigs   map[string]map[string]any `json:"checker_configs,omitempty" jsonschema:"description=Settings per check; the key __all__ holds for every check."`
	CreateAlerts     bool                      `json:"create_alerts,omitempty" jsonschema:"description=Turn failed checks into alerts.,default=false"`
	Hostname         string                    `json:"hostname,omitempty" jsonschema:"description=Name to report instead of this host's."`
	Timeout          *float64                  `json:"timeout,omitempty" jsonschema:"description=Time one check may take in seconds.,default=10"`
	SimilarIncidents *int                      `json:"similar_incidents,omitempty" jsonschema:"description=How many earlier incidents like this one to add\\, the same trouble first; 0: none.,default=5,minimum=0"`
	RecentChanges    *int                      `json:"recent_changes_minutes,omitempty" jsonschema:"description=How long before the incident began changes are looked for\\, in minutes; 0: not at all.,default=120,minimum=0"`
}

// Defaults of a context node.
const (
	defaultSimilar = 5
	defaultChanges = 120
)

// Similar is how many earlier incidents to add.
func (c *ContextConfig) Similar() int {
	if c.SimilarIncidents != nil {
		return *c.SimilarIncidents
	}
	return defaultSimilar
}

// ChangeMinutes is how long before the incident changes are looked for.
func (c *ContextConfig) ChangeMinutes() int {
	if c.RecentChanges != nil {
		return *c.RecentChanges
	}
	return defaultChanges
}

// maxSimilar bounds similar_incidents, maxChangeMinutes recent_changes_minutes: a week.
const (
	maxSimilar       = 50
	maxChangeMinutes = 7 * 24 * 60
)

// allCheckers is the key of checker_configs that holds for every check.
const allCheckers = "__all__"

func contextSpec(known Known) NodeSpec {
	return NodeSpec{
		Type: "context", Doc: "Adds evidence: host checks, earlier incidents and recent changes. A failing check is data, not an error.",
		Config: ContextConfig{}, Queue: "context", Stage: "checked", Enriches: true,
		Check: func(cfg any, _ func(string) bool) []Problem {
			c := cfg.(*ContextConfig)
			out := unknownNames("/checker_names", "check", c.CheckerNames, known.Checkers, SeverityWarning, " and will be left out")
			if n := len(c.CheckerNames); n > 0 && len(out) == n {
				out = append(out, problemAt("/checker_names", "none of these checks is known", didYouMean(c.CheckerNames[0], known.Checkers)))
			}
			for _, name := range slices.Sorted(maps.Keys(c.CheckerConfigs)) {
				if name != allCheckers && known.Checkers != nil && !slices.Contains(known.Checkers, name) {
					out = append(out, warningAt(join("/checker_configs", name), "settings for a check that is not known", didYouMean(name, known.Checkers)))
				} else if name != allCheckers && len(c.CheckerNames) > 0 && !slices.Contains(c.CheckerNames, name) {
					out = append(out, warningAt(join("/checker_configs", name), "settings for a check that does not run", "add it to checker_names"))
				}
			}
			if c.Timeout != nil && *c.Timeout <= 0 {
				out = append(out, problemAt("/timeout", `"timeout" must be more than 0 seconds`, ""))
			}
			if c.SimilarIncidents != nil && (*c.SimilarIncidents < 0 || *c.SimilarIncidents > maxSimilar) {
				out = append(out, problemAt("/similar_incidents", fmt.Sprintf(`"similar_incidents" must be between 0 and %d`, maxSimilar), ""))
			}
			if c.RecentChanges != nil && (*c.RecentChanges < 0 || *c.RecentChanges > maxChangeMinutes) {
				out = append(out, problemAt("/recent_changes_minutes", fmt.Sprintf(`"recent_changes_minutes" must be between 0 and %d`, maxChangeMinutes), "0 switches it off"))
			}
			return out
		},
	}
}
