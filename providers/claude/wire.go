package claude

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/incidenthub/incidenthub/providers"
	"github.com/incidenthub/incidenthub/providers/llm"
)

// request is the body of POST /v1/messages. What newer models refuse is not in it: no prefilled answer, no forced tool, no top_p and top_k.
type request struct {
	Model        string    `json:"model"`
	MaxTokens    int       `json:"max_tokens"`
	System       string    `json:"system"`
	Messages     []message `json:"messages"`
	Temperature  *float64  `json:"temperature,omitempty"`
	OutputConfig *output   `json:"output_config,omitempty"`
}

type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

type output struct {
	Effort string  `json:"effort,omitempty"`
	Format *format `json:"format,omitempty"`
}

type format struct {
	Type   string          `json:"type"`
	Schema json.RawMessage `json:"schema"`
}

// answer is what is read of a body. The text is in blocks of several types, and a block that thinks may come first.
type answer struct {
	Type    string `json:"type"`
	Model   string `json:"model"`
	Content []struct {
		Type string `json:"type"`
		Text string `json:"text"`
	} `json:"content"`
	StopReason string `json:"stop_reason"`
	Usage      struct {
		Input         llm.Count `json:"input_tokens"`
		CacheCreation llm.Count `json:"cache_creation_input_tokens"`
		CacheRead     llm.Count `json:"cache_read_input_tokens"`
		Output        llm.Count `json:"output_tokens"`
	} `json:"usage"`
}

// read makes an answer of a body. With an error there may be an answer too: what was said of its model and tokens.
func read(body []byte) (*providers.Answer, error) {
	var a answer
	if err := json.Unmarshal(body, &a); err != nil || a.Type == "error" {
		return nil, &providers.Error{Class: providers.ErrMalformed, Err: errors.New("claude: the body is no message")}
	}
	u := a.Usage
	out := &providers.Answer{
		Model: a.Model, Usage: llm.Tokens(u.Input.Plus(u.CacheCreation, u.CacheRead), u.Output, llm.Count{}),
		Cut: a.StopReason == "max_tokens" || a.StopReason == "model_context_window_exceeded",
	}
	if a.StopReason == "refusal" {
		return out, &providers.Error{Class: providers.ErrRefusal, Err: errors.New("claude: the model declined")}
	}
	var text strings.Builder
	for _, block := range a.Content {
		if block.Type == "text" {
			text.WriteString(block.Text)
		}
	}
	if strings.TrimSpace(text.String()) == "" {
		return out, &providers.Error{Class: providers.ErrMalformed, Err: errors.New("claude: there is no text in the answer")}
	}
	out.Text = text.String()
	return out, nil
}
