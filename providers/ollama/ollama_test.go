package ollama_test

import (
	"encoding/json"
	"testing"

	"github.com/incidenthub/incidenthub/providers"
	"github.com/incidenthub/incidenthub/providers/llm"
	"github.com/incidenthub/incidenthub/providers/ollama"
	"github.com/incidenthub/incidenthub/providers/providertest"
)

func newProvider(raw json.RawMessage, d llm.Deps) (providers.Provider, error) {
	return ollama.New(raw, d)
}

func TestFixtures(t *testing.T) {
	t.Parallel()
	providertest.RunFixtures(t, map[string]providertest.Making{"ollama": newProvider})
}

func TestCases(t *testing.T) {
	t.Parallel()
	providertest.RunFile(t, "testdata/http.json", "ollama", newProvider)
}

func TestMisbehaviour(t *testing.T) {
	t.Parallel()
	providertest.Misbehave(t, "ollama", newProvider)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	providertest.Refuse(t, "ollama", true, newProvider)
}
