package providertest

import (
	"encoding/json"
	"os"
	"testing"
)

// RunFile runs the cases of a file that lies beside the test of a provider. They are of its kind whatever they say.
func RunFile(t *testing.T, path, kind string, newProvider Making) {
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
	for _, c := range f.Cases {
		c.Provider = kind
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			Run(t, c, newProvider)
		})
	}
}
