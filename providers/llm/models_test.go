package llm_test

import (
	"slices"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/providers/llm"
)

func TestNames(t *testing.T) {
	t.Parallel()
	before, after := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC), time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC)
	got := llm.Names("openai", before)
	if len(got) == 0 || got[0] != llm.Default("openai").Name || !slices.Contains(got, "gpt-4o") || slices.Contains(got, "gpt-6*") || slices.Contains(got, "claude-haiku-5-5") {
		t.Errorf("%v", got)
	}
	if slices.Contains(llm.Names("openai", after), "gpt-4o") {
		t.Error("a model that has ended is offered")
	}
	if got := llm.Names("psychic", before); got != nil {
		t.Errorf("an unknown kind: %v", got)
	}
}
