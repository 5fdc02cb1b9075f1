package registry_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/providers"
	"github.com/incidenthub/incidenthub/providers/registry"
)

func TestBuiltin(t *testing.T) {
	t.Parallel()
	r, err := registry.New(registry.Builtin(registry.Deps{Probe: host.New(host.Config{})})...)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"local"}, r.Names()); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	for _, name := range r.Names() {
		p, err := r.Make(name, nil)
		if err != nil || p.Name() != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	first, err := r.Make("local", nil)
	if again, err2 := r.Make("local", nil); err != nil || err2 != nil || first != again {
		t.Error("two analyzers do not share what they see")
	}
	if _, err := r.Make("psychic", nil); !errors.Is(err, registry.ErrUnknown) {
		t.Errorf("an unknown name: %v", err)
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	make1 := func(json.RawMessage) (providers.Provider, error) { return nil, errors.New("no") }
	for name, kinds := range map[string][]registry.Kind{
		"a name given twice": {named("a", make1), named("a", make1)}, "no name": {{New: make1}}, "no New": {named("a", nil)},
	} {
		if _, err := registry.New(kinds...); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func named(name string, make1 func(json.RawMessage) (providers.Provider, error)) registry.Kind {
	return registry.Kind{Spec: providers.Spec{Name: name}, New: make1}
}
