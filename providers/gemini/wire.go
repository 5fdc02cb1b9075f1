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

// ends are the reasons by which a candidate ended, the API's enumeration of August 2026. Reasons for images are left out.
var ends = map[string]string{
	"SAFETY": providers.ErrRefusal, "BLOCKLIST": providers.ErrRefusal, "PROHIBITED_CONTENT": providers.ErrRefusal,
	"SPII": providers.ErrRefusal, "RECITATION": providers.ErrRefusal, "LANGUAGE": providers.ErrRefusal, "MODEL_ARMOR": providers.ErrRefusal,
	"JAILBREAK":    providers.ErrRefusal,
	"IMAGE_SAFETY": providers.ErrRefusal, "IMAGE_PROHIBITED_CONTENT": providers.ErrRefusal,
	"MALFORMED_FUNCTION_CALL": providers.ErrMalformed, "MALFORMED_RESPONSE": providers.ErrMalformed,
	"UNEXPECTED_TOOL_CALL": providers.ErrMalformed, "TOO_MANY_TOOL_CALLS": providers.ErrMalformed,
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
	if class := ends[first.FinishReason]; class != "" {
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
	out.Text = text.String()
	switch {
	case strings.TrimSpace(out.Text) != "":
		return out, nil
	case first.FinishReason == "OTHER":
		return out, &providers.Error{Class: providers.ErrRefusal, Err: errors.New("gemini: no answer was given")}
	default:
		return out, &providers.Error{Class: providers.ErrMalformed, Err: errors.New("gemini: there is no text in the answer")}
	}
}
