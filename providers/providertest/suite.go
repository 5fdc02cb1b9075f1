package providertest

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/providers"
	"github.com/incidenthub/incidenthub/providers/llm"
)

// Making makes a provider of a kind.
type Making func(settings json.RawMessage, d llm.Deps) (providers.Provider, error)

// Case is one answer of an API and what must be made of it.
type Case struct {
	ID       string   `json:"id"`
	Provider string   `json:"provider"`
	Why      string   `json:"why"`
	Response Response `json:"response"`
	Expected Expected `json:"expected"`
}

// Response is what the API answers. Status 0: the connection is cut in the body; -1: no answer comes.
type Response struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"` // JSON, or a string that is the body itself
}

// Expected is what must be made of an answer. What is nil or empty is not looked at.
type Expected struct {
	Class           string          `json:"cls"` // ok, or that of an error
	Retry           *bool           `json:"retry"`
	WaitS           *float64        `json:"wait_s"`
	CooldownS       *float64        `json:"cooldown_s"`
	Usage           json.RawMessage `json:"usage"` // {prompt, completion, total}, each null when unknown; null: nothing is known
	Model           string          `json:"model"`
	Truncated       *bool           `json:"truncated"`
	SummaryContains string          `json:"summary_contains"`
	Recommendations *int            `json:"recommendations_count"`
	ResultAbsent    []string        `json:"result_absent"`
	Fallback        string          `json:"fallback"` // what the hub does then; nothing of the provider's
}

// Script is how a server plays the answer.
func (r Response) Script(class string) Script {
	s := Script{Status: r.Status, Header: r.Headers, Body: string(r.Body)}
	var text string
	if json.Unmarshal(r.Body, &text) == nil {
		s.Body = text
	}
	switch {
	case r.Status == 0:
		s.Status, s.Cut = 200, true
	case r.Status < 0 && class == providers.ErrNetwork:
		s = Script{Reset: true}
	case r.Status < 0:
		s = Script{Hang: true}
	}
	return s
}

// Prompt is a question that every provider may be asked.
func Prompt() *providers.Prompt {
	return &providers.Prompt{
		Version: "test", System: "You analyse incidents. Answer with JSON only.", User: `{"incident":{"title":"Disk of web-3 is nearly full"}}`,
		Schema: json.RawMessage(`{"type":"object","properties":{"summary":{"type":"string"}},"required":["summary"],"additionalProperties":false}`),
	}
}

// Run asks a provider that gets the answer of c, and checks what it makes of it: class, tries, waits, tokens, text.
func Run(t *testing.T, c Case, newProvider Making) {
	t.Helper()
	s := New(t, c.Provider)
	s.Answer(c.Response.Script(c.Expected.Class))
	var waits []time.Duration
	d := s.Deps()
	d.Sleep = func(ctx context.Context, wait time.Duration) error {
		waits = append(waits, wait)
		return ctx.Err()
	}
	extras := map[string]any{}
	if c.Response.Status < 0 && c.Expected.Class != providers.ErrNetwork {
		extras["timeout_s"] = 0.3
	}
	p, err := newProvider(s.Config(extras), d)
	if err != nil {
		t.Fatalf("settings: %v", err)
	}
	answer, err := p.Analyze(t.Context(), &providers.Request{Prompt: Prompt()})
	class := "ok"
	e := &providers.Error{}
	if err != nil {
		if !errors.As(err, &e) {
			t.Fatalf("an error without a class: %v", err)
		}
		class = e.Class
	}
	if class != c.Expected.Class {
		t.Errorf("class %q (%v), want %q", class, err, c.Expected.Class)
	}
	checkTries(t, c.Expected, len(s.Requests()), waits, e)
	checkAnswer(t, c.Expected, answer, err)
	checkUsage(t, c.Expected.Usage, answer)
	if c.Expected.Model != "" && (answer == nil || answer.Model != c.Expected.Model) {
		t.Errorf("the model is not %q: %+v", c.Expected.Model, answer)
	}
	for _, secret := range append(c.Expected.ResultAbsent, Key) {
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("the error has %q: %v", secret, err)
		}
		if answer != nil && strings.Contains(answer.Text, secret) {
			t.Errorf("the answer has %q: %s", secret, answer.Text)
		}
	}
}

func checkTries(t *testing.T, want Expected, requests int, waits []time.Duration, e *providers.Error) {
	t.Helper()
	if want.Retry != nil && *want.Retry != (requests == 2) || requests < 1 || requests > 2 {
		t.Errorf("%d requests, want a second try: %t", requests, want.Retry != nil && *want.Retry)
	}
	if len(waits) == requests-1 {
		for _, got := range waits {
			if want.WaitS != nil && got != seconds(*want.WaitS) {
				t.Errorf("waits %v before the second try, want %vs", got, *want.WaitS)
			}
			if want.WaitS == nil && (got < 500*time.Millisecond || got > 1500*time.Millisecond) {
				t.Errorf("waits %v before the second try, want 0.5 to 1.5 s", got)
			}
		}
	} else {
		t.Errorf("%d waits for %d requests", len(waits), requests)
	}
	if want.CooldownS != nil && e.Wait != seconds(*want.CooldownS) {
		t.Errorf("cooldown %v, want %vs", e.Wait, *want.CooldownS)
	}
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func checkAnswer(t *testing.T, want Expected, answer *providers.Answer, err error) {
	t.Helper()
	if want.Class != "ok" {
		if err == nil {
			t.Error("there is no error")
		}
		if answer != nil && answer.Text != "" {
			t.Errorf("there is a text beside the error: %q", answer.Text)
		}
		if want.Truncated != nil && (answer == nil || answer.Cut != *want.Truncated) {
			t.Errorf("cut: %+v, want %t", answer, *want.Truncated)
		}
		return
	}
	if answer == nil {
		t.Fatal("there is no answer")
	}
	if want.Truncated != nil && answer.Cut != *want.Truncated {
		t.Errorf("cut: %t, want %t", answer.Cut, *want.Truncated)
	}
	if !strings.Contains(answer.Text, want.SummaryContains) {
		t.Errorf("the text lacks %q: %s", want.SummaryContains, answer.Text)
	}
	if want.Recommendations != nil {
		var result struct {
			Recommendations []json.RawMessage `json:"recommendations"`
		}
		if err := json.Unmarshal([]byte(answer.Text), &result); err != nil || len(result.Recommendations) != *want.Recommendations {
			t.Errorf("%d recommendations (%v), want %d", len(result.Recommendations), err, *want.Recommendations)
		}
	}
}

// checkUsage looks at answers beside errors too: what they took is paid for.
func checkUsage(t *testing.T, want json.RawMessage, answer *providers.Answer) {
	t.Helper()
	if len(want) == 0 {
		return
	}
	if answer == nil {
		t.Fatal("there is no answer that says what it took")
	}
	tokens := map[string]json.RawMessage{}
	if err := json.Unmarshal(want, &tokens); err != nil {
		t.Fatalf("usage: %v", err)
	}
	for name, got := range map[string]*int64{"prompt": answer.Usage.Prompt, "completion": answer.Usage.Completion, "total": answer.Usage.Total} {
		text, err := json.Marshal(got)
		raw, asked := tokens[name]
		if string(want) == "null" {
			raw, asked = json.RawMessage("null"), true
		}
		if asked && (err != nil || string(text) != string(raw)) {
			t.Errorf("%s tokens: %s, want %s", name, text, raw)
		}
	}
}
