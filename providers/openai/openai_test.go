package openai_test

import (
	"encoding/json"
	"testing"

	"github.com/incidenthub/incidenthub/providers"
	"github.com/incidenthub/incidenthub/providers/llm"
	"github.com/incidenthub/incidenthub/providers/openai"
	"github.com/incidenthub/incidenthub/providers/providertest"
)

func makings() map[string]providertest.Making {
	all := map[string]providertest.Making{}
	for _, f := range openai.Flavours() {
		all[f.Kind] = func(settings json.RawMessage, d llm.Deps) (providers.Provider, error) {
			return f.New(settings, d)
		}
	}
	return all
}

func TestFixtures(t *testing.T) {
	t.Parallel()
	providertest.RunFixtures(t, makings())
}

func TestCases(t *testing.T) {
	t.Parallel()
	providertest.RunKinds(t, "testdata/http.json", makings())
}

func TestMisbehaviour(t *testing.T) {
	t.Parallel()
	for kind, newProvider := range makings() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			providertest.Misbehave(t, kind, newProvider)
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for kind, newProvider := range makings() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			providertest.Refuse(t, kind, false, newProvider)
		})
	}
}
