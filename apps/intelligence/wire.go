package intelligence

import (
	"github.com/incidenthub/incidenthub/providers"
)

// Printed is an analysis as the command line prints it, and as nodes give it out: the result and how it came about.
type Printed struct {
	Summary         string                     `json:"summary"`
	ProbableCause   string                     `json:"probable_cause"`
	Confidence      *float64                   `json:"confidence"`
	Recommendations []providers.Recommendation `json:"recommendations"`
	Provider        string                     `json:"provider"`
	Rung            string                     `json:"rung"`
	FallbackUsed    bool                       `json:"fallback_used"`
	Grounded        bool                       `json:"grounded"`
	Truncated       bool                       `json:"truncated"`
	ErrorClass      string                     `json:"error_class"`
	Hint            string                     `json:"hint,omitempty"`
	Model           string                     `json:"model"`
	PromptVersion   string                     `json:"prompt_version"`
	Cost            *float64                   `json:"cost"` // money, in the unit of the prices; null: unknown, or there are none
	Usage           providers.Usage            `json:"usage"`
	DurationMS      float64                    `json:"duration_ms"`
}

// Print returns the analysis for people and programs.
func (a *Analysis) Print() Printed {
	var cost *float64
	if a.Cost != nil {
		cost = new(float64(*a.Cost) / 1e6)
	}
	return Printed{
		Summary: a.Summary, ProbableCause: a.ProbableCause, Confidence: a.Confidence, Recommendations: a.Recommendations, Provider: a.Provider, Rung: a.Rung,
		FallbackUsed: a.FallbackUsed, Grounded: a.Grounded, Truncated: a.Truncated, ErrorClass: a.ErrorClass, Hint: a.Hint, Model: a.Model, PromptVersion: a.PromptVersion, Cost: cost, Usage: a.Usage,
		DurationMS: float64(a.Took.Microseconds()) / 1000,
	}
}
