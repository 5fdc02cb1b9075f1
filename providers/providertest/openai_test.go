package providertest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/providers/providertest"
)

// post sends body to a fake and returns what came back.
func post(t *testing.T, address, key string, body any, headers ...string) (status int, answer string) {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+key)
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	out, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(out)
}

// rightChat is a request that openai takes.
func rightChat() map[string]any {
	return map[string]any{
		"model": "gpt-6-luna", "max_completion_tokens": 100, "stream": false,
		"messages": []any{map[string]any{"role": "system", "content": "a"}, map[string]any{"role": "user", "content": "b"}},
		"response_format": map[string]any{"type": "json_schema", "json_schema": map[string]any{
			"name": "n", "strict": true, "schema": map[string]any{"type": "object", "properties": map[string]any{}, "required": []any{}, "additionalProperties": false},
		}},
	}
}

// TestOpenAIRules: every rule of the fake can be broken.
func TestOpenAIRules(t *testing.T) {
	t.Parallel()
	with := func(changes map[string]any) map[string]any {
		body := rightChat()
		maps.Copy(body, changes)
		maps.DeleteFunc(body, func(_ string, v any) bool { return v == nil })
		return body
	}
	mistral := map[string]any{"max_completion_tokens": nil, "max_tokens": 100, "model": "mistral-small-latest"}
	copilot := []string{"Copilot-Integration-Id", "x", "Editor-Version", "y"}
	for name, tt := range map[string]struct {
		kind, path, key string
		changes         map[string]any
		headers         []string
		says            string // "": it is right
	}{
		"openai":                       {kind: "openai"},
		"grok":                         {kind: "grok", changes: map[string]any{"model": "grok-4.3"}},
		"mistral":                      {kind: "mistral", changes: mistral},
		"copilot":                      {kind: "copilot", changes: map[string]any{"response_format": nil}, headers: copilot},
		"another path":                 {kind: "openai", path: "/completions", says: "the path"},
		"another key":                  {kind: "openai", key: "other", says: "Authorization"},
		"no model":                     {kind: "openai", changes: map[string]any{"model": nil}, says: "model"},
		"no messages":                  {kind: "openai", changes: map[string]any{"messages": nil}, says: "messages[0].role"},
		"no limit":                     {kind: "openai", changes: map[string]any{"max_completion_tokens": nil}, says: "max_completion_tokens"},
		"the old limit":                {kind: "openai", changes: map[string]any{"max_tokens": 5}, says: "max_tokens is refused"},
		"a temperature":                {kind: "openai", changes: map[string]any{"temperature": 0.3}, says: "temperature is refused"},
		"a temperature of an old one":  {kind: "openai", changes: map[string]any{"temperature": 0.3, "model": "gpt-4o"}},
		"a stream":                     {kind: "openai", changes: map[string]any{"stream": true}, says: "stream"},
		"no schema":                    {kind: "openai", changes: map[string]any{"response_format": nil}, says: "response_format.type"},
		"any JSON":                     {kind: "grok", changes: map[string]any{"response_format": map[string]any{"type": "json_object"}}, says: "response_format.type"},
		"stop":                         {kind: "grok", changes: map[string]any{"stop": []string{"x"}}, says: "stop is refused"},
		"penalty":                      {kind: "grok", changes: map[string]any{"presence_penalty": 1}, says: "presence_penalty is refused"},
		"tools":                        {kind: "openai", changes: map[string]any{"tools": []any{}}, says: "tools is refused"},
		"the new limit at mistral":     {kind: "mistral", says: "max_completion_tokens is unknown"},
		"a field unknown to mistral":   {kind: "mistral", changes: map[string]any{"max_completion_tokens": nil, "max_tokens": 1, "seed": 1}, says: "seed is unknown"},
		"copilot without its headers":  {kind: "copilot", says: "Editor-Version is missing"},
		"copilot without any limit":    {kind: "copilot", changes: map[string]any{"max_completion_tokens": nil}, headers: copilot, says: "max_completion_tokens"},
		"more messages than two":       {kind: "openai", changes: map[string]any{"messages": append(rightChat()["messages"].([]any), map[string]any{"role": "user", "content": "c"})}, says: "more than two"},
		"an answer that is begun":      {kind: "openai", changes: map[string]any{"messages": []any{map[string]any{"role": "system", "content": "a"}, map[string]any{"role": "assistant", "content": "{"}}}, says: "messages[1].role"},
		"an effort that nobody has":    {kind: "openai", changes: map[string]any{"reasoning_effort": "extreme"}, says: "reasoning_effort"},
		"a limit that is no number":    {kind: "openai", changes: map[string]any{"max_completion_tokens": "many"}, says: "max_completion_tokens"},
		"a schema that is not strict":  {kind: "openai", changes: map[string]any{"response_format": map[string]any{"type": "json_schema", "json_schema": map[string]any{"name": "n", "schema": map[string]any{"type": "object", "additionalProperties": false}}}}, says: "not strict"},
		"a schema that takes anything": {kind: "openai", changes: map[string]any{"response_format": map[string]any{"type": "json_schema", "json_schema": map[string]any{"name": "n", "strict": true, "schema": map[string]any{"type": "object"}}}}, says: "other members"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen := &recorder{TB: t}
			s := providertest.New(seen, tt.kind)
			path, key := tt.path, tt.key
			if path == "" {
				path = "/chat/completions"
			}
			if key == "" {
				key = providertest.Key
			}
			status, answer := post(t, s.URL+path, key, with(tt.changes), tt.headers...)
			wrong := s.Requests()[0].Wrong
			if tt.says == "" {
				if status != 200 || len(wrong) != 0 || len(seen.errors) != 0 || !strings.Contains(answer, "nearly full") {
					t.Errorf("%d %q %s", status, wrong, answer)
				}
				return
			}
			if status != 400 || len(seen.errors) != 1 || !slices.ContainsFunc(wrong, func(w string) bool { return strings.Contains(w, tt.says) }) {
				t.Errorf("%d %q %q, want %q", status, wrong, seen.errors, tt.says)
			}
		})
	}
}

// recorder keeps errors instead of failing.
type recorder struct {
	testing.TB
	errors []string
}

func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

// TestRules: the words of a file of rules are understood, or it is said that they are not.
func TestRules(t *testing.T) {
	t.Parallel()
	r := providertest.Request{
		Method: "POST", Header: http.Header{"Content-Type": {"application/json"}, "X-Key": {providertest.Key}},
		Body: []byte(`{"model":"gpt-6-luna","stream":false,"temperature":1,"list":[{"role":"user"}],"messages":[{"role":"assistant"}],"none":null}`),
	}
	r.URL.Path, r.URL.RawQuery = "/v1/m/gpt:go", "key=1"
	base := providertest.Rules{Method: "POST", Path: "{base_url}/m/{model}:go", Headers: map[string]string{"X-Key": "{api_key}"}}
	for name, tt := range map[string]struct {
		change func(*providertest.Rules)
		broken bool
	}{
		"nothing more":   {func(*providertest.Rules) {}, false},
		"method":         {func(r *providertest.Rules) { r.Method = "PUT" }, true},
		"path":           {func(r *providertest.Rules) { r.Path = "{host}/m" }, true},
		"header":         {func(r *providertest.Rules) { r.Headers = map[string]string{"X-Key": "Bearer {api_key}"} }, true},
		"any header":     {func(r *providertest.Rules) { r.Headers = map[string]string{"X-Key": "*"} }, false},
		"no such header": {func(r *providertest.Rules) { r.Headers = map[string]string{"X-No": "*"} }, true},
		"has": {func(r *providertest.Rules) {
			r.Has = []string{"model", "list[0].role=user", "stream=false", "temperature (a remark)"}
		}, false},
		"has not":                 {func(r *providertest.Rules) { r.Has = []string{"list[1]"} }, true},
		"has null":                {func(r *providertest.Rules) { r.Has = []string{"none"} }, true},
		"has another":             {func(r *providertest.Rules) { r.Has = []string{"list[0].role=system"} }, true},
		"lacks":                   {func(r *providertest.Rules) { r.Lacks = []string{"stop", "stream=true", "list[0].role=system"} }, false},
		"lacks not":               {func(r *providertest.Rules) { r.Lacks = []string{"temperature"} }, true},
		"lacks a value":           {func(r *providertest.Rules) { r.Lacks = []string{"stream=false"} }, true},
		"of models that think":    {func(r *providertest.Rules) { r.Lacks = []string{"temperature when the model is a reasoning model"} }, true},
		"of the key":              {func(r *providertest.Rules) { r.Lacks = []string{"key in the URL"} }, true},
		"of the last message":     {func(r *providertest.Rules) { r.Lacks = []string{"last message with role assistant"} }, true},
		"words that nobody knows": {func(r *providertest.Rules) { r.Lacks = []string{"anything that is odd"} }, true},
	} {
		rules := base
		tt.change(&rules)
		if wrong := rules.Check("openai", "/v1", r); (len(wrong) > 0) != tt.broken {
			t.Errorf("%s: %q", name, wrong)
		}
	}
}
