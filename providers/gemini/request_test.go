package gemini_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
	"github.com/incidenthub/incidenthub/providers"
	"github.com/incidenthub/incidenthub/providers/gemini"
	"github.com/incidenthub/incidenthub/providers/llm"
	"github.com/incidenthub/incidenthub/providers/providertest"
)

const schema = `{"type":"object","properties":{"summary":{"type":"string"}},"required":["summary"],"additionalProperties":false}`

// sent is the request that is made with more settings. It may break rules.
func sent(t *testing.T, extras map[string]any, o providers.Options) providertest.Request {
	t.Helper()
	s := providertest.New(t, "gemini").Lenient()
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
	const question = `"systemInstruction": {"parts": [{"text": "be exact"}]}, "contents": [{"role": "user", "parts": [{"text": "why?"}]}]`
	const form = `"responseMimeType": "application/json", "responseJsonSchema": ` + schema
	warm := 0.7
	for name, tt := range map[string]struct {
		extras map[string]any
		o      providers.Options
		want   string
	}{
		"defaults": {
			nil,
			providers.Options{},
			`{` + question + `, "generationConfig": {"maxOutputTokens": 4096, "thinkingConfig": {"thinkingLevel": "minimal"}, ` + form + `}}`,
		},
		"settings": {
			map[string]any{"model": "gemini-3.8-flash", "max_tokens": 900, "effort": "high"},
			providers.Options{},
			`{` + question + `, "generationConfig": {"maxOutputTokens": 900, "thinkingConfig": {"thinkingLevel": "high"}, ` + form + `}}`,
		},
		"newer models take no temperature": {
			map[string]any{"temperature": 0.2},
			providers.Options{Temperature: &warm},
			`{` + question + `, "generationConfig": {"maxOutputTokens": 4096, "thinkingConfig": {"thinkingLevel": "minimal"}, ` + form + `}}`,
		},
		"older models take a temperature and no level": {
			map[string]any{"model": "gemini-2.5-flash", "effort": "low"},
			providers.Options{},
			`{` + question + `, "generationConfig": {"maxOutputTokens": 4096, "temperature": 0.3, ` + form + `}}`,
		},
		"JSON without a schema": {
			map[string]any{"structured": "json", "model": "gemini-2.5-flash"},
			providers.Options{Temperature: &warm},
			`{` + question + `, "generationConfig": {"maxOutputTokens": 4096, "temperature": 0.7, "responseMimeType": "application/json"}}`,
		},
		"nothing but words": {
			map[string]any{"structured": "none", "model": "gemini-2.5-flash", "temperature": 0},
			providers.Options{MaxTokens: 77},
			`{` + question + `, "generationConfig": {"maxOutputTokens": 77, "temperature": 0}}`,
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
	const standard = "/v1beta/models/gemini-3.5-flash-lite:generateContent"
	for name, tt := range map[string]struct{ more, model, asked, want string }{
		"defaults":          {want: standard},
		"slash":             {more: "/", want: standard},
		"with its version":  {more: "/v1beta", want: standard},
		"another version":   {more: "/v1alpha", want: "/v1alpha/models/gemini-3.5-flash-lite:generateContent"},
		"a gateway":         {more: "/google", want: "/google" + standard},
		"as lists name it":  {model: "models/gemini-3.8-flash", want: "/v1beta/models/gemini-3.8-flash:generateContent"},
		"for one call":      {asked: "models/gemini-3.8-flash", want: "/v1beta/models/gemini-3.8-flash:generateContent"},
		"no way out of it":  {model: "../../v1/files?key=1#", want: "/v1beta/models/..%2F..%2Fv1%2Ffiles%3Fkey=1%23:generateContent"},
		"nor by the caller": {asked: "x/../../y", want: "/v1beta/models/x%2F..%2F..%2Fy:generateContent"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := providertest.New(t, "gemini").Lenient()
			settings := map[string]any{"base_url": s.URL + tt.more}
			if tt.model != "" {
				settings["model"] = tt.model
			}
			p, err := newProvider(s.Config(settings), s.Deps())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Analyze(t.Context(), &providers.Request{Prompt: providertest.Prompt(), Options: providers.Options{Model: tt.asked}}); err != nil {
				t.Fatal(err)
			}
			if got := s.Requests()[0].URL; got.EscapedPath() != tt.want || got.RawQuery != "" {
				t.Errorf("called %s, want %s", got.String(), tt.want)
			}
		})
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	r := sent(t, map[string]any{"headers": map[string]string{"X-Gateway": "a"}}, providers.Options{})
	for name, want := range map[string]string{"X-Goog-Api-Key": providertest.Key, "X-Gateway": "a", "Content-Type": "application/json", "Authorization": ""} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestKeyOfEnvironment(t *testing.T) {
	t.Parallel()
	for name, env := range map[string]map[string]string{
		"its own": {"GEMINI_API_KEY": providertest.Key}, "Google's": {"GOOGLE_API_KEY": providertest.Key},
		"its own first": {"GEMINI_API_KEY": providertest.Key, "GOOGLE_API_KEY": "another"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := providertest.New(t, "gemini")
			d := s.Deps()
			d.Getenv = func(name string) string { return env[name] }
			p, err := newProvider(s.Config(map[string]any{"api_key": nil}), d)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Analyze(t.Context(), &providers.Request{Prompt: providertest.Prompt()}); err != nil {
				t.Error(err) // the server knows one key only
			}
		})
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ config, key string }{
		"an unknown key":         {`{"colour": 1}`, "colour"},
		"the key in the address": {`{"base_url": "https://generativelanguage.googleapis.com/?key=1"}`, "base_url"},
	} {
		p, err := gemini.New(json.RawMessage(tt.config), llm.Deps{})
		keys := settings.KeyErrors(err)
		if p != nil || len(keys) != 1 || keys[0].Key != tt.key {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, config := range []string{"", "{}", "null", `{"structured": "json"}`} {
		if _, err := gemini.New(json.RawMessage(config), llm.Deps{}); err != nil {
			t.Errorf("%q: %v", config, err)
		}
	}
}

func TestTerms(t *testing.T) {
	t.Parallel()
	p, err := gemini.New(json.RawMessage(`{"timeout_s": 7, "max_tokens": 500, "model": "models/gemini-2.0-flash"}`), llm.Deps{Clock: clock.At(time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC))})
	if err != nil {
		t.Fatal(err)
	}
	got := p.Terms()
	if got.Kind != "gemini" || p.Name() != "gemini" || got.Model != "gemini-2.0-flash" || got.MaxOutput != 500 || got.Timeout != 7*time.Second {
		t.Errorf("terms: %+v", got)
	}
	if !strings.Contains(got.Warning, "gemini-3.5-flash-lite") {
		t.Errorf("the warning does not name another model: %q", got.Warning)
	}
	spec := gemini.Spec()
	if spec.Name != "gemini" || spec.KeyEnv != "GEMINI_API_KEY" || len(spec.Fields) == 0 {
		t.Errorf("spec: %+v", spec)
	}
}
