package config_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/internal/platform/secret"
)

// TestModels: every setting of a provider is found by its variable, and every key is known as one.
func TestModels(t *testing.T) {
	t.Parallel()
	all := everything()
	m := mustLoad(t, all, nil).Models
	keys := 0
	for name, value := range all {
		if !strings.HasSuffix(name, "_API_KEY") && !strings.HasSuffix(name, "_MODEL") {
			if got := m.Env(name); got != "" {
				t.Errorf("%s is %q here, where it has no business", name, got)
			}
			continue
		}
		if got := m.Env(name); got != value {
			t.Errorf("%s: got %q, want %q", name, got, value)
		}
		if strings.HasSuffix(name, "_API_KEY") {
			keys++
			if !slices.ContainsFunc(m.Keys(), func(k secret.String) bool { return k.Reveal() == value }) {
				t.Errorf("%s is not among the keys", name)
			}
		}
	}
	if keys == 0 || len(m.Keys()) != keys || m.Env("") != "" || m.Env("HOME") != "" {
		t.Errorf("%d keys, %d in the test", len(m.Keys()), keys)
	}
	if shown := fmt.Sprintf("%v %+v %#v", m, m, m); strings.Contains(shown, canary) {
		t.Errorf("a key shows in %s", shown)
	}
}
