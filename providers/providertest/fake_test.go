package providertest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/providers/providertest"
)

// right are requests that the APIs take, by hand.
func right(t *testing.T, kind string) (path string, header map[string]string, body map[string]any) {
	t.Helper()
	const schema = `{"type":"object","properties":{"a":{"type":"array","items":{"type":"object","properties":{},"required":[],"additionalProperties":false}}},` +
		`"required":["a"],"additionalProperties":false}`
	var raw string
	switch kind {
	case "claude":
		path, header = "/v1/messages", map[string]string{"X-Api-Key": providertest.Key, "Anthropic-Version": "2023-06-01"}
		raw = `{"model":"m","max_tokens":10,"system":"s","messages":[{"role":"user","content":"u"}],"output_config":{"effort":"low","format":{"type":"json_schema","schema":` + schema + `}}}`
	case "gemini":
		path, header = "/v1beta/models/m-1:generateContent", map[string]string{"X-Goog-Api-Key": providertest.Key}
		raw = `{"systemInstruction":{"parts":[{"text":"s"}]},"contents":[{"role":"user","parts":[{"text":"u"}]}],"generationConfig":{"responseMimeType":"application/json",` +
			`"responseJsonSchema":` + schema + `,"maxOutputTokens":10,"thinkingConfig":{"thinkingLevel":"low"}}}`
	case "ollama":
		path, header = "/api/chat", map[string]string{"Authorization": "Bearer " + providertest.Key}
		raw = `{"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":"u"}],"stream":false,"format":` + schema + `,"think":false,` +
			`"options":{"num_ctx":1000,"num_predict":10}}`
	}
	if err := json.Unmarshal([]byte(raw), &body); err != nil {
		t.Fatal(err)
	}
	return path, header, body
}

// ask sends a request and returns what the server finds wrong with it, and its answer.
func ask(t *testing.T, s *providertest.Server, path string, header map[string]string, body map[string]any) (wrong []string, answer string) {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+path, bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for k, v := range header {
		req.Header.Set(k, v)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	all := s.Requests()
	return all[len(all)-1].Wrong, string(got)
}

// at is the object or list that the last step of a path is in.
func at(body map[string]any, path string) (in any, last string) {
	steps := strings.Split(path, ".")
	var v any = body
	for _, step := range steps[:len(steps)-1] {
		switch of := v.(type) {
		case map[string]any:
			v = of[step]
		case []any:
			v = of[int(step[0]-'0')]
		}
	}
	return v, steps[len(steps)-1]
}

// TestFakesRefuse: each rule of an API is broken once, alone.
func TestFakesRefuse(t *testing.T) {
	t.Parallel()
	type change struct {
		path  string // in the body
		value any    // nil: it is taken out
	}
	object := map[string]any{"type": "object"}
	all := map[string]map[string]change{
		"claude": {
			"temperature": {"temperature", 0.3}, "top_p": {"top_p", 1}, "top_k": {"top_k", 1}, "forced tool": {"tool_choice", object}, "no model": {"model", nil},
			"no limit": {"max_tokens", nil}, "limit in words": {"max_tokens", "10"}, "half a token": {"max_tokens", 0.5}, "no system": {"system", nil},
			"no messages": {"messages", []any{}}, "empty message": {"messages.0.content", ""}, "first is not the user": {"messages.0.role", "system"},
			"answer begun": {"messages", []any{map[string]any{"role": "user", "content": "u"}, map[string]any{"role": "assistant", "content": "{"}}},
			"stream":       {"stream", true}, "effort unknown": {"output_config.effort", "none"}, "no schema": {"output_config.format.schema", nil},
			"another form": {"output_config.format.type", "json_object"}, "old place": {"output_format", object},
			"schema with limits": {"output_config.format.schema.properties.a.maxItems", 3}, "schema open": {"output_config.format.schema.additionalProperties", true},
			"schema open inside":       {"output_config.format.schema.properties.a.items", object},
			"schema with an optional":  {"output_config.format.schema.required", []any{}},
			"schema with a reference":  {"output_config.format.schema.properties.a", map[string]any{"$ref": "#/x"}},
			"the key where it is read": {"system", "the key is " + providertest.Key},
			"unknown in output_config": {"output_config.strict", true},
		},
		"gemini": {
			"no user": {"contents.0.role", "model"}, "no text": {"contents.0.parts.0.text", ""}, "no system": {"systemInstruction", nil},
			"snake case": {"generation_config", object}, "no type": {"generationConfig.responseMimeType", nil}, "no limit": {"generationConfig.maxOutputTokens", nil},
			"two schemas": {"generationConfig.responseSchema", object}, "no schema": {"generationConfig.responseJsonSchema", nil},
			"level unknown": {"generationConfig.thinkingConfig.thinkingLevel", "none"}, "unknown setting": {"generationConfig.max_tokens", 1},
			"the key where it is read": {"contents.0.parts.0.text", providertest.Key},
		},
		"ollama": {
			"stream by default": {"stream", nil}, "stream": {"stream", true}, "no window": {"options.num_ctx", nil}, "no limit": {"options.num_predict", nil},
			"no room": {"options.num_ctx", 10}, "window outside": {"num_ctx", 4096}, "no schema": {"format", nil}, "form in words": {"format", "json"},
			"no model": {"model", nil}, "no messages": {"messages", nil}, "thought unknown": {"think", "much"}, "OpenAI's name": {"max_tokens", 10},
		},
	}
	for kind, changes := range all {
		path, header, body := right(t, kind)
		s := providertest.New(t, kind)
		if wrong, answer := ask(t, s, path, header, body); len(wrong) > 0 || strings.Contains(answer, "breaks the rules") {
			t.Errorf("%s: a right request is wrong: %q", kind, wrong)
		}
		s.Lenient()
		for name, c := range changes {
			path, header, body := right(t, kind)
			switch in, last := at(body, c.path); of := in.(type) {
			case map[string]any:
				if of[last] = c.value; c.value == nil {
					delete(of, last)
				}
			default:
				t.Fatalf("%s: %s: there is no %s", kind, name, c.path)
			}
			if wrong, _ := ask(t, s, path, header, body); len(wrong) == 0 {
				t.Errorf("%s: %s: is taken", kind, name)
			}
		}
		for name, value := range header {
			path, header, body := right(t, kind)
			header[name] = value + "x"
			if wrong, _ := ask(t, s, path, header, body); len(wrong) == 0 {
				t.Errorf("%s: another %s is taken", kind, name)
			}
		}
		for _, more := range []string{"?key=" + providertest.Key, "?a=1", "/"} {
			if wrong, _ := ask(t, s, path+more, header, body); len(wrong) == 0 {
				t.Errorf("%s: %s%s is taken", kind, path, more)
			}
		}
	}
}
