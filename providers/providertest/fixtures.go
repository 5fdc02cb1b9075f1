package providertest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/incidenthub/incidenthub/providers"
)

// Fixtures are cases and rules that lie beside the repository on development machines. They are not shipped.
type Fixtures struct {
	Cases    []Case           `json:"cases"`
	Requests map[string]Rules `json:"requests"`
}

// Load reads the fixtures, or skips the test when there are none.
func Load(t *testing.T) Fixtures {
	t.Helper()
	dir := os.Getenv("INCIDENTHUB_FIXTURES") //nolint:forbidigo // where tests find what is not shipped
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "fixtures")
	}
	raw, err := os.ReadFile(filepath.Join(dir, "llm", "http.json")) //nolint:gosec // G703: the folder is the tester's own
	if err != nil {
		t.Skipf("no fixtures: %v", err)
	}
	var f Fixtures
	if err := json.Unmarshal(raw, &f); err != nil {
		t.Fatalf("fixtures: %v", err)
	}
	return f
}

// RunFixtures runs the cases of some kinds, and checks a request of each against the rules of the file.
func RunFixtures(t *testing.T, makings map[string]Making) {
	t.Helper()
	f := Load(t)
	seen := map[string]bool{}
	for _, c := range f.Cases {
		newProvider, ours := makings[c.Provider]
		if !ours {
			continue
		}
		seen[c.Provider] = true
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			Run(t, c, newProvider)
		})
	}
	for kind, newProvider := range makings {
		rules, ok := f.Requests[kind]
		if !ok || !seen[kind] {
			t.Errorf("%s: the file has no rules or no case", kind)
			continue
		}
		t.Run("request of "+kind, func(t *testing.T) {
			t.Parallel()
			r := Asked(t, kind, newProvider, nil)
			if wrong := rules.Check(kind, apis()[kind].base, r); len(wrong) > 0 {
				t.Errorf("the request breaks rules of the file: %q", slices.Compact(wrong))
			}
		})
	}
}

// Asked returns the request that a provider makes, with more settings.
func Asked(t *testing.T, kind string, newProvider Making, extras map[string]any) Request {
	t.Helper()
	s := New(t, kind)
	p, err := newProvider(s.Config(extras), s.Deps())
	if err != nil {
		t.Fatalf("settings: %v", err)
	}
	if _, err := p.Analyze(t.Context(), &providers.Request{Prompt: Prompt()}); err != nil {
		t.Fatalf("analyze: %v", err)
	}
	return s.Requests()[0]
}
