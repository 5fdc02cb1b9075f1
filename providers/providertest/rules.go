package providertest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/incidenthub/incidenthub/providers/llm"
)

// Rules are what a request to an API must and must not hold, in words that people read too.
type Rules struct {
	Method  string            `json:"method"`
	Path    string            `json:"path"` // {base_url}, {host}: as configured; {model}: any
	BaseURL string            `json:"base_url"`
	Headers map[string]string `json:"headers"`  // {api_key}: the key; *: something
	Has     []string          `json:"body_has"` // paths: model, messages[0].role=user. What is in brackets behind is a remark
	// Lacks are paths that must not be there, or stand there with that value; "… when the model is a reasoning model"; "key in the URL";
	// "last message with role assistant".
	Lacks []string `json:"body_lacks"`
}

const whenReasoning = " when the model is a reasoning model"

// Check lists the rules that r breaks. base is the path of the configured address: "/v1".
func (rules Rules) Check(kind, base string, r Request) []string {
	var wrong []string
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if r.Method != rules.Method {
		say("method %s", r.Method)
	}
	if !pathPattern(rules.Path, base).MatchString(r.URL.Path) {
		say("path %s", r.URL.Path)
	}
	for name, want := range rules.Headers {
		switch got := r.Header.Get(name); {
		case want == "*" && got == "":
			say("header %s is missing", name)
		case want != "*" && got != strings.ReplaceAll(want, "{api_key}", Key):
			say("header %s is not %q", name, want)
		}
	}
	if t := r.Header.Get("Content-Type"); !strings.HasPrefix(t, "application/json") {
		say("content type %q", t)
	}
	var body map[string]any
	if err := json.Unmarshal(r.Body, &body); err != nil {
		return append(wrong, "the body is no JSON object")
	}
	for _, rule := range rules.Has {
		if text, ok := has(body, rule); !ok {
			say("%s", text)
		}
	}
	for _, rule := range rules.Lacks {
		if text, broken := lacks(kind, body, r, rule); broken {
			say("%s", text)
		}
	}
	slices.Sort(wrong)
	return wrong
}

func pathPattern(path, base string) *regexp.Regexp {
	path = strings.NewReplacer("{base_url}", "\x01", "{host}", "\x01", "{model}", "\x02").Replace(path)
	path = strings.NewReplacer("\x01", regexp.QuoteMeta(base), "\x02", "[^/]+").Replace(regexp.QuoteMeta(path))
	return regexp.MustCompile("^" + path + "$")
}

func has(body map[string]any, rule string) (text string, ok bool) {
	rule, _, _ = strings.Cut(rule, " (")
	path, want, valued := strings.Cut(rule, "=")
	got := (&checked{body: body}).at(path)
	switch {
	case got == nil:
		return path + " is missing", false
	case valued && fmt.Sprint(got) != want:
		return fmt.Sprintf("%s is not %s", path, want), false
	}
	return "", true
}

func lacks(kind string, body map[string]any, r Request, rule string) (text string, broken bool) {
	switch {
	case rule == "key in the URL":
		query := r.URL.RawQuery
		return rule, r.URL.Query().Has("key") || strings.Contains(query, Key) || strings.Contains(r.URL.Path, Key)
	case rule == "last message with role assistant":
		messages, _ := body["messages"].([]any)
		if len(messages) == 0 {
			return "", false
		}
		last, _ := messages[len(messages)-1].(map[string]any)
		return rule, last["role"] == "assistant"
	case strings.HasSuffix(rule, whenReasoning):
		rule = strings.TrimSuffix(rule, whenReasoning)
		name, _ := body["model"].(string)
		if m, _ := llm.Find(kind, name); !m.Reasoning {
			return "", false
		}
	case strings.Contains(rule, " "):
		return "a rule that is not understood: " + rule, true
	}
	path, want, valued := strings.Cut(rule, "=")
	got := (&checked{body: body}).at(path)
	return path + " is there", got != nil && (!valued || fmt.Sprint(got) == want)
}
