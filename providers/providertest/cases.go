package providertest

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"testing"
)

// RunFile runs the cases of a file that lies beside the test of a provider. They are of its kind whatever they say.
func RunFile(t *testing.T, path, kind string, newProvider Making) {
	t.Helper()
	for _, c := range readCases(t, path) {
		c.Provider = kind
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			Run(t, c, newProvider)
		})
	}
}

// RunKinds runs the cases of a file, each as the kind that it names; one that names none is run as all kinds.
func RunKinds(t *testing.T, path string, makings map[string]Making) {
	t.Helper()
	for _, c := range readCases(t, path) {
		kinds := []string{c.Provider}
		if c.Provider == "" {
			kinds = slices.Sorted(maps.Keys(makings))
		}
		for _, kind := range kinds {
			c := c
			c.Provider = kind
			t.Run(c.ID+" of "+kind, func(t *testing.T) {
				t.Parallel()
				newProvider, ok := makings[kind]
				if !ok {
					t.Fatalf("there is no kind %q", kind)
				}
				Run(t, c, newProvider)
			})
		}
	}
}

func readCases(t *testing.T, path string) []Case {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var f struct {
		Cases []Case `json:"cases"`
	}
	if err := json.Unmarshal(raw, &f); err != nil || len(f.Cases) == 0 {
		t.Fatalf("%s has no cases: %v", path, err)
	}
	return f.Cases
}
