package providertest

import (
	"regexp"
	"strings"
)

// gemini checks requests by the reference of generateContent (ai.google.dev, v1beta). That API refuses members it does not know.
func gemini() api {
	path := regexp.MustCompile(`^/v1beta/models/[A-Za-z0-9._-]+:generateContent$`)
	return api{
		address: "base_url",
		wrong: func(r Request, a api) []string {
			c := examine(r, "")
			if !path.MatchString(strings.TrimPrefix(r.URL.Path, a.base)) {
				c.say("the path is %s", r.URL.Path)
			}
			if r.Header.Get("X-Goog-Api-Key") != Key {
				c.say("the key is not in x-goog-api-key")
			}
			if r.Header.Get("Authorization") != "" {
				c.say("there is an Authorization header")
			}
			if strings.Contains(r.URL.String(), Key) {
				c.say("the key is in the address")
			}
			c.only("", "contents", "systemInstruction", "generationConfig", "safetySettings", "cachedContent", "tools", "toolConfig")
			c.text("contents[0].role", "user")
			c.text("contents[0].parts[0].text")
			c.text("systemInstruction.parts[0].text")
			c.only("generationConfig", "responseMimeType", "responseJsonSchema", "responseSchema", "maxOutputTokens", "temperature", "thinkingConfig",
				"candidateCount", "stopSequences", "topP", "topK", "seed")
			c.text("generationConfig.responseMimeType", "application/json")
			c.schema("generationConfig.responseJsonSchema")
			if c.at("generationConfig.responseSchema") != nil {
				c.say("there are two schemas")
			}
			c.amount("generationConfig.maxOutputTokens")
			c.only("generationConfig.thinkingConfig", "thinkingLevel", "thinkingBudget", "includeThoughts")
			c.maybeText("generationConfig.thinkingConfig.thinkingLevel", "minimal", "low", "medium", "high")
			return c.wrong
		},
		ok: func(text string, u Usage) []byte {
			return body(map[string]any{
				"candidates": []any{map[string]any{
					"content": map[string]any{"role": "model", "parts": []any{map[string]any{"text": text, "thoughtSignature": "c2ln"}}},
					"index":   0, "finishReason": "STOP",
				}},
				"usageMetadata": map[string]any{"promptTokenCount": u.Prompt, "candidatesTokenCount": u.Completion, "totalTokenCount": u.Prompt + u.Completion},
				"modelVersion":  "fake-model-1", "responseId": "r1",
			})
		},
	}
}
