package gemini_test

import (
	"encoding/json"
	"testing"

	"github.com/incidenthub/incidenthub/providers"
	"github.com/incidenthub/incidenthub/providers/gemini"
	"github.com/incidenthub/incidenthub/providers/llm"
	"github.com/incidenthub/incidenthub/providers/providertest"
)

func newProvider(raw json.RawMessage, d llm.Deps) (providers.Provider, error) {
	return gemini.New(raw, d)
}

func TestFixtures(t *testing.T) {
	t.Parallel()
	providertest.RunFixtures(t, map[string]providertest.Making{"gemini": newProvider})
}

func TestCases(t *testing.T) {
	t.Parallel()
	providertest.RunFile(t, "testdata/http.json", "gemini", newProvider)
}

func TestMisbehaviour(t *testing.T) {
	t.Parallel()
	providertest.Misbehave(t, "gemini", newProvider)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	providertest.Refuse(t, "gemini", false, newProvider)
}
