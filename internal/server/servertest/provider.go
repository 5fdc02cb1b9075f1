package servertest

import (
	"net/http"

	"github.com/incidenthub/incidenthub/providers/providertest"
)

// Asks makes a provider that calls a fake server, under the name of its kind, and has it asked from now on. More are settings over those
// that the fake has.
func (h *Hub) Asks(s *providertest.Server, more Map) {
	h.t.Helper()
	h.Want(http.StatusCreated, http.MethodPost, "/api/v1/providers", Map{
		"name": s.Kind, "provider": s.Kind, "config": s.Config(more), "is_active": true,
	})
}

// Analysis is one analysis as the API shows it.
type Analysis struct {
	ID            string         `json:"id"`
	RunID         *string        `json:"pipeline_run_id"`
	IncidentID    *string        `json:"incident_id"`
	Provider      string         `json:"provider"`
	Record        string         `json:"record"`
	Config        Map            `json:"provider_config"`
	Model         string         `json:"model_name"`
	PromptVersion string         `json:"prompt_version"`
	Status        string         `json:"status"`
	Rung          string         `json:"rung"`
	ErrorClass    string         `json:"error_class"`
	ErrorMessage  string         `json:"error_message"`
	Fallback      bool           `json:"fallback_used"`
	Grounded      bool           `json:"grounded"`
	Truncated     bool           `json:"truncated"`
	Cached        bool           `json:"cached"`
	Input         map[string]any `json:"input_summary"`
	Summary       string         `json:"summary"`
	Cause         string         `json:"probable_cause"`
	Count         int            `json:"recommendations_count"`
	PromptTokens  *int64         `json:"prompt_tokens"`
	AnswerTokens  *int64         `json:"completion_tokens"`
	DurationMS    *int64         `json:"duration_ms"`

	Recommendations []struct { // of Analysis only, not of lists
		Type, Priority, Title, Description string
		Actions, Evidence                  []string
		Details                            Map
	} `json:"recommendations"`
}

// Analyses lists the analyses that a query selects, oldest first.
func (h *Hub) Analyses(query string) []Analysis {
	h.t.Helper()
	return list[Analysis](h, "/api/v1/analyses?limit=200&"+query)
}

// Analysis reads one with all that it says.
func (h *Hub) Analysis(id string) (a Analysis) {
	h.t.Helper()
	h.Get("/api/v1/analyses/"+id, &a)
	return a
}
