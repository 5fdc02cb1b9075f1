package openai_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/providers"
	"github.com/incidenthub/incidenthub/providers/llm"
	"github.com/incidenthub/incidenthub/providers/openai"
	"github.com/incidenthub/incidenthub/providers/providertest"
)

// sent is the request that is made with more settings. It may break rules.
func sent(t *testing.T, kind string, extras map[string]any, o providers.Options) providertest.Request {
	t.Helper()
	s := providertest.New(t, kind).Lenient()
	p, err := makings()[kind](s.Config(extras), s.Deps())
	if err != nil {
		t.Fatal(err)
	}
	prompt := &providers.Prompt{System: "be exact", User: "why?", Schema: json.RawMessage(`{"type":"object","title":"kept as it is"}`)}
	if _, err := p.Analyze(t.Context(), &providers.Request{Prompt: prompt, Options: o}); err != nil {
		t.Fatal(err)
	}
	return s.Requests()[0]
}

const (
	messages = `"messages":[{"role":"system","content":"be exact"},{"role":"user","content":"why?"}],"stream":false`
	schema   = `"response_format":{"type":"json_schema","json_schema":{"name":"analysis","strict":true,"schema":{"type":"object","title":"kept as it is"}}}`
)

// TestBody has whole bodies: what else is sent would come up.
func TestBody(t *testing.T) {
	t.Parallel()
	zero, one := 0.0, 1.0
	for name, tt := range map[string]struct {
		kind   string
		extras map[string]any
		o      providers.Options
		want   string
	}{
		"openai": {"openai", nil, providers.Options{}, `{"model":"gpt-6-luna","max_completion_tokens":4096,"reasoning_effort":"none",` + messages + `,` + schema + `}`},
		"grok":   {"grok", nil, providers.Options{}, `{"model":"grok-4.3","max_completion_tokens":4096,"reasoning_effort":"none",` + messages + `,` + schema + `}`},
		"mistral": {
			"mistral", nil,
			providers.Options{},
			`{"model":"mistral-small-latest","max_tokens":4096,"temperature":0.3,` + messages + `,` + schema + `}`,
		},
		"copilot": {"copilot", nil, providers.Options{}, `{"model":"gpt-5-mini","max_completion_tokens":4096,` + messages + `}`},
		"copilot, a model that does not think": {
			"copilot",
			map[string]any{"model": "gpt-4.1", "structured": "json"},
			providers.Options{},
			`{"model":"gpt-4.1","max_tokens":4096,"temperature":0.3,"response_format":{"type":"json_object"},` + messages + `}`,
		},
		"a model that takes a temperature": {
			"openai",
			map[string]any{"model": "gpt-4o-mini-2024-07-18", "temperature": 0.5, "max_tokens": 20000},
			providers.Options{},
			`{"model":"gpt-4o-mini-2024-07-18","max_completion_tokens":16384,"temperature":0.5,` + messages + `,` + schema + `}`,
		},
		"a temperature for one that takes none": {
			"openai",
			map[string]any{"temperature": 0.5},
			providers.Options{Temperature: &one},
			`{"model":"gpt-6-luna","max_completion_tokens":4096,"reasoning_effort":"none",` + messages + `,` + schema + `}`,
		},
		"zero is sent": {
			"mistral",
			map[string]any{"temperature": 0.7},
			providers.Options{Temperature: &zero},
			`{"model":"mistral-small-latest","max_tokens":4096,"temperature":1e-45,` + messages + `,` + schema + `}`,
		},
		"an unknown model gets what is set": {
			"openai",
			map[string]any{"model": "qwen3:32b", "structured": "none"},
			providers.Options{},
			`{"model":"qwen3:32b","max_completion_tokens":4096,` + messages + `}`,
		},
		"and no more": {
			"openai",
			map[string]any{"model": "qwen3:32b", "structured": "json", "temperature": 1, "effort": "low"},
			providers.Options{MaxTokens: 500},
			`{"model":"qwen3:32b","max_completion_tokens":500,"temperature":1,"reasoning_effort":"low","response_format":{"type":"json_object"},` + messages + `}`,
		},
		"another model for one analysis": {
			"grok",
			map[string]any{"effort": "high"},
			providers.Options{Model: "grok-4.7"},
			`{"model":"grok-4.7","max_completion_tokens":4096,"reasoning_effort":"high",` + messages + `,` + schema + `}`,
		},
		"an effort that the model does not have": {
			"grok",
			map[string]any{"effort": "none", "model": "grok-4.7"},
			providers.Options{},
			`{"model":"grok-4.7","max_completion_tokens":4096,"reasoning_effort":"low",` + messages + `,` + schema + `}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var want, got any
			if err := json.Unmarshal([]byte(tt.want), &want); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(sent(t, tt.kind, tt.extras, tt.o).Body, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	r := sent(t, "copilot", map[string]any{"headers": map[string]any{"editor-version": "vim/9", "X-Team": "ops"}}, providers.Options{})
	for name, want := range map[string]string{
		"Authorization": "Bearer " + providertest.Key, "Editor-Version": "vim/9", "X-Team": "ops", "Copilot-Integration-Id": "incidenthub",
		"Content-Type": "application/json",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := sent(t, "openai", nil, providers.Options{}).Header.Get("Editor-Version"); got != "" {
		t.Errorf("openai got the headers of copilot: %q", got)
	}
}

// TestWholeAddress: base_url may be written with the end that all calls have.
func TestWholeAddress(t *testing.T) {
	t.Parallel()
	s := providertest.New(t, "grok")
	p, err := makings()["grok"](s.Config(map[string]any{"base_url": s.URL + "/chat/completions/"}), s.Deps())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Analyze(t.Context(), &providers.Request{Prompt: providertest.Prompt()}); err != nil {
		t.Error(err)
	}
}

// TestNotSent: the client knows models that take another parameter. Nothing leaves then, and the class is that of the API's own answer.
func TestNotSent(t *testing.T) {
	t.Parallel()
	s := providertest.New(t, "mistral")
	p, err := makings()["mistral"](s.Config(map[string]any{"model": "o3-mini"}), s.Deps())
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Analyze(t.Context(), &providers.Request{Prompt: providertest.Prompt()})
	if err == nil || !strings.HasPrefix(err.Error(), providers.ErrBadRequest+": ") || len(s.Requests()) != 0 {
		t.Errorf("%v, %d requests", err, len(s.Requests()))
	}
}

func TestTerms(t *testing.T) {
	t.Parallel()
	f := openai.Flavours()[0]
	p, err := f.New(json.RawMessage(`{"price_input": 2, "store_prompts": true}`), llm.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	if p.Ready() == nil {
		t.Error("it is ready without a key")
	}
	got := p.Terms()
	if got.Kind != "openai" || got.Model != "gpt-6-luna" || got.PriceInput != 2 || got.PriceOutput != 0.5 || !got.StorePrompts || got.Window != 1_050_000 {
		t.Errorf("terms: %+v", got)
	}
}

func TestSpecs(t *testing.T) {
	t.Parallel()
	for _, f := range openai.Flavours() {
		s := f.Spec()
		if s.Name != f.Kind || s.Label == "" || s.Description == "" || s.KeyEnv == "" || s.ModelEnv == "" || s.Experimental != (f.Kind == "copilot") {
			t.Errorf("%+v", s)
		}
	}
}
