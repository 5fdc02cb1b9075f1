package registry_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
	"github.com/incidenthub/incidenthub/providers"
	"github.com/incidenthub/incidenthub/providers/llm"
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

// TestModels: with a client for calls there are models too. Their settings are read strictly, all their fields are taken, and nothing is opened.
func TestModels(t *testing.T) {
	t.Parallel()
	client, err := llm.NewHTTP(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	r, err := registry.New(registry.Builtin(registry.Deps{Probe: host.New(host.Config{}), LLM: llm.Deps{HTTP: client}})...)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"claude", "copilot", "gemini", "grok", "local", "mistral", "ollama", "openai"}
	if diff := cmp.Diff(want, r.Names()); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	for _, name := range r.Names() {
		p, err := r.Make(name, nil)
		if err != nil || p.Name() != name {
			t.Fatalf("%s: %v", name, err)
		}
		spec, _ := r.Spec(name)
		asked, is := p.(providers.Asked)
		if is == (name == "local") || is == (len(spec.Fields) == 0) {
			t.Errorf("%s: asked in words: %t, %d fields", name, is, len(spec.Fields))
		}
		if !is {
			continue
		}
		if terms := asked.Terms(); terms.Kind != name || terms.Model == "" || terms.MaxInput == 0 || terms.MaxOutput == 0 || terms.Timeout == 0 || terms.Warning != "" {
			t.Errorf("%s: terms of the defaults: %+v", name, terms)
		}
		ready, says := p.(interface{ Ready() error })
		if says == (name == "ollama") || says && ready.Ready() == nil {
			t.Errorf("%s does not say that there is no key", name)
		}
		if p, err := r.Make(name, json.RawMessage(`{"colour":"red"}`)); err == nil || p != nil {
			t.Errorf("%s takes any setting: %v", name, err)
		}
		for _, f := range spec.Fields {
			value := map[settings.Type]string{settings.Text: `""`, settings.URL: `""`, settings.Number: "null", settings.Bool: "true", settings.Map: "{}"}[f.Type]
			if len(f.Enum) > 0 {
				value = `"` + f.Enum[0] + `"`
			}
			if _, err := r.Make(name, json.RawMessage(`{"`+f.Key+`":`+value+`}`)); err != nil {
				t.Errorf("%s does not take its own setting: %v", name, err)
			}
		}
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
