package ollama

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/incidenthub/incidenthub/providers"
	"github.com/incidenthub/incidenthub/providers/llm"
)

// request is the body of POST /api/chat.
type request struct {
	Model    string          `json:"model"`
	Messages []message       `json:"messages"`
	Stream   bool            `json:"stream"`
	Format   json.RawMessage `json:"format,omitempty"`
	Think    any             `json:"think,omitempty"`
	// A prompt or an answer that is longer than the window is an error, or cut at its end: servers of 2026 drop its beginning without a word
	// unless they are told not to. Older ones do not know these two.
	Truncate bool    `json:"truncate"`
	Shift    bool    `json:"shift"`
	Options  options `json:"options"`
}

type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

type options struct {
	Window      int      `json:"num_ctx"`
	MaxTokens   int      `json:"num_predict"`
	Temperature *float64 `json:"temperature,omitempty"`
}

// answer is what is read of a body. What the model thought is in message.thinking and is left there.
type answer struct {
	Model   string `json:"model"`
	Message struct {
		Content string `json:"content"`
	} `json:"message"`
	Done       *bool     `json:"done"`
	DoneReason string    `json:"done_reason"`
	Prompt     llm.Count `json:"prompt_eval_count"`
	Completion llm.Count `json:"eval_count"`
}

// read makes an answer of a body. With an error there may be an answer too: what was said of its model and tokens.
func read(body []byte) (*providers.Answer, error) {
	var a answer
	if err := json.Unmarshal(body, &a); err != nil {
		return nil, &providers.Error{Class: providers.ErrMalformed, Err: errors.New("ollama: the body is no answer of /api/chat")}
	}
	out := &providers.Answer{
		Model: a.Model, Usage: llm.Tokens(a.Prompt, a.Completion, llm.Count{}),
		Cut: a.DoneReason == "length" || a.Done != nil && !*a.Done,
	}
	if strings.TrimSpace(a.Message.Content) == "" {
		return out, &providers.Error{Class: providers.ErrMalformed, Err: errors.New("ollama: there is no text in the answer")}
	}
	out.Text = a.Message.Content
	return out, nil
}
