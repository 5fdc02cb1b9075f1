package ollama_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
	"github.com/incidenthub/incidenthub/providers"
	"github.com/incidenthub/incidenthub/providers/llm"
	"github.com/incidenthub/incidenthub/providers/ollama"
	"github.com/incidenthub/incidenthub/providers/providertest"
)

const schema = `{"type":"object","properties":{"summary":{"type":"string"}},"required":["summary"],"additionalProperties":false}`

// sent is the request that is made with more settings. It may break rules.
func sent(t *testing.T, extras map[string]any, o providers.Options) providertest.Request {
	t.Helper()
	s := providertest.New(t, "ollama").Lenient()
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
	const question = `"messages": [{"role": "system", "content": "be exact"}, {"role": "user", "content": "why?"}], "stream": false, "truncate": false, "shift": false`
	const form = `"format": ` + schema
	cold := 0.0
	for name, tt := range map[string]struct {
		extras map[string]any
		o      providers.Options
		want   string
	}{
		"defaults": {
			nil,
			providers.Options{},
			`{"model": "llama3.1", ` + question + `, ` + form + `, "options": {"num_ctx": 12288, "num_predict": 4096, "temperature": 0.3}}`,
		},
		"room for question and answer": {
			map[string]any{"input_tokens": 20000, "max_tokens": 900, "temperature": 0.5},
			providers.Options{},
			`{"model": "llama3.1", ` + question + `, ` + form + `, "options": {"num_ctx": 24576, "num_predict": 900, "temperature": 0.5}}`,
		},
		"no more than the model has": {
			map[string]any{"context_tokens": 8000, "max_tokens": 3000},
			providers.Options{},
			`{"model": "llama3.1", ` + question + `, ` + form + `, "options": {"num_ctx": 8000, "num_predict": 3000, "temperature": 0.3}}`,
		},
		"a small window is shared": {
			map[string]any{"context_tokens": 4096},
			providers.Options{},
			`{"model": "llama3.1", ` + question + `, ` + form + `, "options": {"num_ctx": 4096, "num_predict": 2048, "temperature": 0.3}}`,
		},
		"the caller's choice": {
			nil,
			providers.Options{Model: "llama3.1:70b", MaxTokens: 77, Temperature: &cold},
			`{"model": "llama3.1:70b", ` + question + `, ` + form + `, "options": {"num_ctx": 8192, "num_predict": 77, "temperature": 0}}`,
		},
		"others do not think unless they are told to": {
			map[string]any{"model": "qwen3:8b"},
			providers.Options{},
			`{"model": "qwen3:8b", ` + question + `, ` + form + `, "think": false, "options": {"num_ctx": 12288, "num_predict": 4096, "temperature": 0.3}}`,
		},
		"thinking": {
			map[string]any{"model": "qwen3:8b", "effort": "high"},
			providers.Options{},
			`{"model": "qwen3:8b", ` + question + `, ` + form + `, "think": "high", "options": {"num_ctx": 12288, "num_predict": 4096, "temperature": 0.3}}`,
		},
		"who cannot help thinking thinks little": {
			map[string]any{"model": "gpt-oss:20b"},
			providers.Options{},
			`{"model": "gpt-oss:20b", ` + question + `, ` + form + `, "think": "low", "options": {"num_ctx": 12288, "num_predict": 4096, "temperature": 0.3}}`,
		},
		"JSON without a schema": {
			map[string]any{"structured": "json"},
			providers.Options{},
			`{"model": "llama3.1", ` + question + `, "format": "json", "options": {"num_ctx": 12288, "num_predict": 4096, "temperature": 0.3}}`,
		},
		"nothing but words": {
			map[string]any{"structured": "none"},
			providers.Options{},
			`{"model": "llama3.1", ` + question + `, "options": {"num_ctx": 12288, "num_predict": 4096, "temperature": 0.3}}`,
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
		"": "/api/chat", "/": "/api/chat", "/api": "/api/chat", "/v1": "/api/chat", "/gpu": "/gpu/api/chat",
	} {
		for _, key := range []string{"host", "base_url"} {
			s := providertest.New(t, "ollama").Lenient()
			p, err := newProvider(s.Config(map[string]any{"host": nil, key: s.URL + more}), s.Deps())
			if key == "host" {
				p, err = newProvider(s.Config(map[string]any{"host": strings.TrimPrefix(s.URL, "http://") + more}), s.Deps())
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Analyze(t.Context(), &providers.Request{Prompt: providertest.Prompt()}); err != nil {
				t.Fatal(err)
			}
			if got := s.Requests()[0].URL.Path; got != want {
				t.Errorf("%s %q: called %s, want %s", key, more, got, want)
			}
		}
	}
}

// TestLocalhost: the default address is refused until it is allowed, and the refusal has the line that allows it.
func TestLocalhost(t *testing.T) {
	t.Parallel()
	client, err := llm.NewHTTP(nil, clock.System())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	p, err := newProvider(nil, llm.Deps{HTTP: client})
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Analyze(t.Context(), &providers.Request{Prompt: providertest.Prompt()})
	e, ok := errors.AsType[*providers.Error](err)
	if !ok || e.Class != providers.ErrNetwork || !strings.Contains(err.Error(), "HUB_EGRESS_ALLOW=localhost:11434 ") {
		t.Errorf("refused with %v", err)
	}
}

func TestKey(t *testing.T) {
	t.Parallel()
	if got := sent(t, nil, providers.Options{}).Header.Get("Authorization"); got != "Bearer "+providertest.Key {
		t.Errorf("with a key: %q", got)
	}
	if got := sent(t, map[string]any{"api_key": nil}, providers.Options{}).Header.Values("Authorization"); len(got) != 0 {
		t.Errorf("without a key: %q", got)
	}
	if got := sent(t, map[string]any{"headers": map[string]string{"X-Gateway": "a"}}, providers.Options{}).Header.Get("X-Gateway"); got != "a" {
		t.Errorf("the gateway's header: %q", got)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ config, key string }{
		"an unknown key": {`{"colour": 1}`, "colour"},
		"two addresses":  {`{"host": "http://a:11434", "base_url": "http://b:11434"}`, "host"},
		"no address":     {`{"host": "http://"}`, "host"},
	} {
		p, err := ollama.New(json.RawMessage(tt.config), llm.Deps{})
		keys := settings.KeyErrors(err)
		if p != nil || len(keys) != 1 || keys[0].Key != tt.key {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTerms(t *testing.T) {
	t.Parallel()
	p, err := ollama.New(json.RawMessage(`{"timeout_s": 7, "max_tokens": 500, "model": "house-model"}`), llm.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	got := p.Terms()
	if got.Kind != "ollama" || p.Name() != "ollama" || got.Model != "house-model" || got.MaxOutput != 500 || got.Timeout != 7*time.Second || got.Window != 8192 {
		t.Errorf("terms: %+v", got)
	}
	spec := ollama.Spec()
	if spec.Name != "ollama" || spec.KeyEnv != "OLLAMA_API_KEY" || len(spec.Fields) == 0 {
		t.Errorf("spec: %+v", spec)
	}
}
