package claude_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/platform/settings"
	"github.com/incidenthub/incidenthub/providers"
	"github.com/incidenthub/incidenthub/providers/claude"
	"github.com/incidenthub/incidenthub/providers/llm"
	"github.com/incidenthub/incidenthub/providers/providertest"
)

const schema = `{"type":"object","properties":{"summary":{"type":"string"}},"required":["summary"],"additionalProperties":false}`

// sent is the request that is made with more settings. It may break rules.
func sent(t *testing.T, extras map[string]any, o providers.Options) providertest.Request {
	t.Helper()
	s := providertest.New(t, "claude").Lenient()
	p, err := newProvider(s.Config(extras), s.Deps())
	if err != nil {
		t.Fatal(err)
	}
	prompt := &providers.Prompt{System: "be exact", User: "why?", Schema: json.RawMessage(schema)}
	if _, err := p.Analyze(t.Context(), &providers.Request{Prompt: prompt, Options: o}); err != nil {
		t.Fatal(err)
	}
	return s.Requests()[0]
}

func same(t *testing.T, want string, got []byte) {
	t.Helper()
	var w, g any
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(got, &g); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(w, g); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
}

func TestBody(t *testing.T) {
	t.Parallel()
	const question = `"system": "be exact", "messages": [{"role": "user", "content": "why?"}]`
	const form = `"format": {"type": "json_schema", "schema": ` + schema + `}`
	warm := 0.7
	for name, tt := range map[string]struct {
		extras map[string]any
		o      providers.Options
		want   string
	}{
		"defaults": {nil, providers.Options{}, `{"model": "claude-haiku-5-5", "max_tokens": 4096, ` + question + `, "output_config": {"effort": "low", ` + form + `}}`},
		"settings": {
			map[string]any{"model": "claude-sonnet-5-5", "max_tokens": 900, "effort": "high"},
			providers.Options{},
			`{"model": "claude-sonnet-5-5", "max_tokens": 900, ` + question + `, "output_config": {"effort": "high", ` + form + `}}`,
		},
		"newer models take no temperature": {
			map[string]any{"temperature": 0.2},
			providers.Options{Temperature: &warm},
			`{"model": "claude-haiku-5-5", "max_tokens": 4096, ` + question + `, "output_config": {"effort": "low", ` + form + `}}`,
		},
		"older models take no effort": {
			map[string]any{"model": "claude-haiku-4-5", "effort": "low"},
			providers.Options{},
			`{"model": "claude-haiku-4-5", "max_tokens": 4096, ` + question + `, "output_config": {` + form + `}}`,
		},
		"a model that nobody knows gets what is set": {
			map[string]any{"model": "house/llm-1", "temperature": 0.2},
			providers.Options{},
			`{"model": "house/llm-1", "max_tokens": 4096, "temperature": 0.2, ` + question + `, "output_config": {` + form + `}}`,
		},
		"no schema": {
			map[string]any{"structured": "none"},
			providers.Options{},
			`{"model": "claude-haiku-5-5", "max_tokens": 4096, ` + question + `, "output_config": {"effort": "low"}}`,
		},
		"no schema and no effort": {
			map[string]any{"structured": "none", "model": "claude-haiku-4-5"},
			providers.Options{},
			`{"model": "claude-haiku-4-5", "max_tokens": 4096, ` + question + `}`,
		},
		"the caller's choice": {
			nil,
			providers.Options{Model: "claude-haiku-4-5", MaxTokens: 77},
			`{"model": "claude-haiku-4-5", "max_tokens": 77, ` + question + `, "output_config": {` + form + `}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			same(t, tt.want, sent(t, tt.extras, tt.o).Body)
		})
	}
}

func TestAddress(t *testing.T) {
	t.Parallel()
	for more, want := range map[string]string{
		"": "/v1/messages", "/": "/v1/messages", "/v1": "/v1/messages", "/v1/": "/v1/messages", "/gateway/anthropic": "/gateway/anthropic/v1/messages",
	} {
		s := providertest.New(t, "claude").Lenient()
		p, err := newProvider(s.Config(map[string]any{"base_url": s.URL + more}), s.Deps())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Analyze(t.Context(), &providers.Request{Prompt: providertest.Prompt()}); err != nil {
			t.Fatal(err)
		}
		if got := s.Requests()[0].URL; got.Path != want || got.RawQuery != "" {
			t.Errorf("%q: called %s, want %s", more, got.String(), want)
		}
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	r := sent(t, map[string]any{"headers": map[string]string{"anthropic-beta": "some-beta", "X-Gateway": "a"}}, providers.Options{})
	for name, want := range map[string]string{
		"X-Api-Key": providertest.Key, "Anthropic-Version": "2023-06-01", "Anthropic-Beta": "some-beta", "X-Gateway": "a", "Content-Type": "application/json",
		"Authorization": "",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ config, key string }{
		"JSON without a schema":  {`{"structured": "json"}`, "structured"},
		"an unknown key":         {`{"colour": 1}`, "colour"},
		"the key in the address": {`{"base_url": "https://api.anthropic.com/?key=1"}`, "base_url"},
	} {
		p, err := claude.New(json.RawMessage(tt.config), llm.Deps{})
		keys := settings.KeyErrors(err)
		if p != nil || len(keys) != 1 || keys[0].Key != tt.key {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, config := range []string{"", "{}", "null", `{"structured": "none"}`} {
		if _, err := claude.New(json.RawMessage(config), llm.Deps{}); err != nil {
			t.Errorf("%q: %v", config, err)
		}
	}
}

func TestTerms(t *testing.T) {
	t.Parallel()
	p, err := claude.New(json.RawMessage(`{"timeout_s": 7, "max_tokens": 500}`), llm.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	got := p.Terms()
	if got.Kind != "claude" || p.Name() != "claude" || got.Model != "claude-haiku-5-5" || got.MaxOutput != 500 || got.Timeout != 7*time.Second || got.Window == 0 {
		t.Errorf("terms: %+v", got)
	}
	spec := claude.Spec()
	if spec.Name != "claude" || spec.KeyEnv != "ANTHROPIC_API_KEY" || len(spec.Fields) == 0 {
		t.Errorf("spec: %+v", spec)
	}
	for _, f := range spec.Fields {
		if f.Key == "structured" && !cmp.Equal(f.Enum, []string{"schema", "none"}) {
			t.Errorf("structured may be %q", f.Enum)
		}
	}
}
