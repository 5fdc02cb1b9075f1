package openai

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/incidenthub/incidenthub/providers"
	"github.com/incidenthub/incidenthub/providers/llm"
)

// body is what is looked at of an answer.
type body struct {
	Model   text `json:"model"`
	Choices []struct {
		Message struct {
			Content content `json:"content"`
			Refusal text    `json:"refusal"`
		} `json:"message"`
		FinishReason text `json:"finish_reason"`
	} `json:"choices"`
	Usage usage           `json:"usage"`
	Error json.RawMessage `json:"error"`
}

// read makes an answer of a body, or an error with what is known of an answer that cannot be used.
func read(raw []byte, d llm.Deps) (*providers.Answer, error) {
	if len(strings.TrimSpace(string(raw))) == 0 {
		return nil, malformed("the answer is empty")
	}
	var b body
	if err := json.Unmarshal(raw, &b); err != nil {
		return nil, malformed("the answer is not of this API")
	}
	answer := &providers.Answer{Model: string(b.Model), Usage: b.Usage.tokens()}
	if len(b.Choices) == 0 {
		return answer, without(b.Error, raw, d)
	}
	choice := b.Choices[0]
	answer.Cut = choice.FinishReason == "length" || choice.FinishReason == "model_length"
	switch said := choice.Message.Content.said(); {
	case strings.TrimSpace(string(choice.Message.Refusal)) != "" || choice.Message.Content.refused():
		return answer, &providers.Error{Class: providers.ErrRefusal, Err: errors.New("the model declined")}
	case choice.FinishReason == "content_filter":
		return answer, &providers.Error{Class: providers.ErrRefusal, Err: errors.New("the answer was filtered")}
	case strings.TrimSpace(said) == "" && answer.Cut:
		return answer, malformed("the answer has no text: max_tokens was spent before it began")
	case strings.TrimSpace(said) == "":
		return answer, malformed("the answer has no text")
	default:
		answer.Text = said
		return answer, nil
	}
}

// without is an answer of no choice. Gateways put the error of the API behind them into a 200.
func without(fault json.RawMessage, raw []byte, d llm.Deps) error {
	var e struct {
		Code json.Number `json:"code"`
	}
	if err := json.Unmarshal(fault, &e); err == nil {
		if code, err := e.Code.Int64(); err == nil && code >= http.StatusBadRequest && code <= 599 {
			return llm.Classify(int(code), nil, raw, d.Now())
		}
	}
	return malformed("the answer has no choice")
}

func malformed(why string) error {
	return &providers.Error{Class: providers.ErrMalformed, Err: errors.New(why)}
}

// text is a string, or nothing where something else stands.
type text string

// UnmarshalJSON never fails.
func (t *text) UnmarshalJSON(raw []byte) error {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		*t = text(s)
	}
	return nil
}

// content is a text, or the parts of Mistral's models that think.
type content []part

type part struct {
	Type    text `json:"type"`
	Text    text `json:"text"`
	Refusal text `json:"refusal"`
}

// UnmarshalJSON never fails: what is neither has no text.
func (c *content) UnmarshalJSON(raw []byte) error {
	*c = nil
	var s string
	if json.Unmarshal(raw, &s) == nil {
		*c = content{{Type: "text", Text: text(s)}}
		return nil
	}
	var parts []json.RawMessage
	if json.Unmarshal(raw, &parts) != nil {
		return nil //nolint:nilerr // no text is an answer too
	}
	for _, p := range parts {
		var one part
		if json.Unmarshal(p, &one) == nil {
			*c = append(*c, one)
		}
	}
	return nil
}

// said is the text of all parts but those that it thinks in.
func (c content) said() string {
	var b strings.Builder
	for _, p := range c {
		if p.Type == "text" || p.Type == "output_text" || p.Type == "" {
			b.WriteString(string(p.Text))
		}
	}
	return b.String()
}

func (c content) refused() bool {
	for _, p := range c {
		if p.Type == "refusal" && strings.TrimSpace(string(p.Refusal)) != "" {
			return true
		}
	}
	return false
}

// usage is read field by field, whatever else stands there.
type usage struct {
	Prompt     llm.Count
	Completion llm.Count
	Total      llm.Count
	Reasoning  llm.Count
}

// UnmarshalJSON never fails.
func (u *usage) UnmarshalJSON(raw []byte) error {
	var w struct {
		Prompt     llm.Count       `json:"prompt_tokens"`
		Completion llm.Count       `json:"completion_tokens"`
		Total      llm.Count       `json:"total_tokens"`
		Details    json.RawMessage `json:"completion_tokens_details"`
	}
	if json.Unmarshal(raw, &w) != nil {
		return nil //nolint:nilerr // an unknown usage
	}
	var details struct {
		Reasoning llm.Count `json:"reasoning_tokens"`
	}
	_ = json.Unmarshal(w.Details, &details)
	*u = usage{Prompt: w.Prompt, Completion: w.Completion, Total: w.Total, Reasoning: details.Reasoning}
	return nil
}

// tokens counts what was thought too where the API does not: at xAI the total is more than the two then.
func (u usage) tokens() providers.Usage {
	prompt, completion, total := u.Prompt.Value(), u.Completion.Value(), u.Total.Value()
	if prompt != nil && completion != nil && total != nil && *total > *prompt+*completion {
		u.Completion = u.Completion.Plus(u.Reasoning)
	}
	return llm.Tokens(u.Prompt, u.Completion, u.Total)
}
