package claude_test

import (
	"encoding/json"
	"testing"

	"github.com/incidenthub/incidenthub/providers"
	"github.com/incidenthub/incidenthub/providers/claude"
	"github.com/incidenthub/incidenthub/providers/llm"
	"github.com/incidenthub/incidenthub/providers/providertest"
)

func newProvider(raw json.RawMessage, d llm.Deps) (providers.Provider, error) {
	return claude.New(raw, d)
}

func TestFixtures(t *testing.T) {
	t.Parallel()
	providertest.RunFixtures(t, map[string]providertest.Making{"claude": newProvider})
}

func TestCases(t *testing.T) {
	t.Parallel()
	providertest.RunFile(t, "testdata/http.json", "claude", newProvider)
}

func TestMisbehaviour(t *testing.T) {
	t.Parallel()
	providertest.Misbehave(t, "claude", newProvider)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	providertest.Refuse(t, "claude", false, newProvider)
}
