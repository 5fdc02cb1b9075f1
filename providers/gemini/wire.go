package gemini

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/incidenthub/incidenthub/providers"
	"github.com/incidenthub/incidenthub/providers/llm"
)

// request is the body of POST /v1beta/models/{model}:generateContent; the model is in the path.
type request struct {
	System     content    `json:"systemInstruction"`
	Contents   []content  `json:"contents"`
	Generation generation `json:"generationConfig"`
}

type content struct {
	Role  string `json:"role,omitempty"`
	Parts []part `json:"parts"`
}

type part struct {
	Text    string `json:"text"`
	Thought bool   `json:"thought,omitempty"`
}

type generation struct {
	MIMEType    string          `json:"responseMimeType,omitempty"`
	Schema      json.RawMessage `json:"responseJsonSchema,omitempty"`
	MaxTokens   int             `json:"maxOutputTokens"`
	Temperature *float64        `json:"temperature,omitempty"`
	Thinking    *thinking       `json:"thinkingConfig,omitempty"`
}

type thinking struct {
	Level string `json:"thinkingLevel"`
}

// answer is what is read of a body. A prompt that was blocked has no candidates, a candidate that was stopped may have no content, and its
// content no parts.
type answer struct {
	Candidates []struct {
		Content      content `json:"content"`
		FinishReason string  `json:"finishReason"`
	} `json:"candidates"`
	Feedback struct {
		BlockReason string `json:"blockReason"`
	} `json:"promptFeedback"`
	Model string `json:"modelVersion"`
	Usage struct {
		Prompt     llm.Count `json:"promptTokenCount"`
		Candidates llm.Count `json:"candidatesTokenCount"`
		Thoughts   llm.Count `json:"thoughtsTokenCount"`
		Total      llm.Count `json:"totalTokenCount"`
	} `json:"usageMetadata"`
}

// stopped is the class of a candidate that ended by one of the API's reasons for giving no answer (its enumeration of August 2026); "": it
// may have one. What was said before that is not taken.
func stopped(reason string) string {
	switch reason {
	case "SAFETY", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "RECITATION", "LANGUAGE", "MODEL_ARMOR", "JAILBREAK",
		"IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION":
		return providers.ErrRefusal
	case "MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "NO_IMAGE", "IMAGE_OTHER":
		return providers.ErrMalformed
	}
	return ""
}

// read makes an answer of a body. With an error there may be an answer too: what was said of its model and tokens.
func read(body []byte) (*providers.Answer, error) {
	var a answer
	if err := json.Unmarshal(body, &a); err != nil {
		return nil, &providers.Error{Class: providers.ErrMalformed, Err: errors.New("gemini: the body is no answer of generateContent")}
	}
	u := a.Usage
	// Zero is left out in this API: what was thought counts even when not a word was said.
	completion := u.Candidates.Plus(u.Thoughts).Or(u.Thoughts)
	out := &providers.Answer{Model: a.Model, Usage: llm.Tokens(u.Prompt, completion, u.Total)}
	if a.Feedback.BlockReason != "" {
		return out, &providers.Error{Class: providers.ErrRefusal, Err: errors.New("gemini: the prompt was blocked")}
	}
	if len(a.Candidates) == 0 {
		return out, &providers.Error{Class: providers.ErrMalformed, Err: errors.New("gemini: there is no candidate")}
	}
	first := a.Candidates[0]
	if class := stopped(first.FinishReason); class != "" {
		return out, &providers.Error{Class: class, Err: errors.New("gemini: the answer was stopped")}
	}
	// "" and STOP are the good ends. What ended for a reason nobody knows may lack its tail.
	out.Cut = first.FinishReason != "" && first.FinishReason != "STOP" && first.FinishReason != "FINISH_REASON_UNSPECIFIED"
	var text strings.Builder
	for _, p := range first.Content.Parts {
		if !p.Thought {
			text.WriteString(p.Text)
		}
	}
	switch {
	case strings.TrimSpace(text.String()) != "":
		out.Text = text.String()
		return out, nil
	case first.FinishReason == "OTHER":
		return out, &providers.Error{Class: providers.ErrRefusal, Err: errors.New("gemini: no answer was given")}
	default:
		return out, &providers.Error{Class: providers.ErrMalformed, Err: errors.New("gemini: there is no text in the answer")}
	}
}
