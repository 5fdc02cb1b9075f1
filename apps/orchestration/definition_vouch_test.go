package orchestration_test

import (
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// TestDefinitionVouched: only what the operator wrote, or said again, is vouched for; whatever others make of it is not.
func TestDefinitionVouched(t *testing.T) {
	t.Parallel()
	withDefinitions(t, func(t *testing.T, _ *storage.DB, s *orchestration.DefinitionService) {
		ctx := t.Context()
		config := func(name string) []byte { return []byte(strings.Replace(telling, `"out"`, `"`+name+`"`, 1)) }
		must := func(d orchestration.Definition, err error) orchestration.Definition {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
		vouched := func(what string, definition id.ID, version int64, want bool) {
			t.Helper()
			if got, err := s.Vouched(ctx, tenant, definition, version); err != nil || got != want {
				t.Errorf("%s: %t, %v", what, got, err)
			}
		}
		in := orchestration.DefinitionInput{Name: "own", Config: config("a"), By: "apply", IsActive: true, Vouched: true}
		own := must(s.Create(ctx, tenant, in))
		vouched("the operator's", own.ID, 1, true)
		if got, err := s.Vouched(ctx, "acme", own.ID, 1); err != nil || got {
			t.Errorf("for another tenant: %t, %v", got, err)
		}
		vouched("no such version", own.ID, 9, false)

		copied := must(s.Clone(ctx, tenant, "own", "copy", "ada"))
		vouched("a copy", copied.ID, 1, false)
		once, version, err := s.Once(ctx, tenant, "once", config("a"))
		if err != nil {
			t.Fatal(err)
		}
		vouched("run once", once, version, false)

		change := orchestration.InputOfDefinition(own)
		change.Config, change.By = config("b"), "apply" // a name is no proof
		must(s.Update(ctx, tenant, "own", 0, change))
		vouched("a change", own.ID, 2, false)
		vouched("what was before", own.ID, 1, true)
		must(s.Restore(ctx, tenant, "own", 1, orchestration.DefinitionGuard{}, "ada"))
		vouched("restored", own.ID, 3, false)
		must(s.SetActive(ctx, tenant, "own", false, "ada"))
		vouched("switched off", own.ID, 3, false)
		if err := s.Vouch(ctx, tenant, "own"); err != nil {
			t.Fatal(err)
		}
		vouched("said again", own.ID, 3, true)
		vouched("another version", own.ID, 2, false)
		in.Config = config("c")
		must(s.Update(ctx, tenant, "own", 0, in))
		vouched("the operator's change", own.ID, 4, true)
	})
}
