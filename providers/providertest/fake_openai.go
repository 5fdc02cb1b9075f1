package providertest

import "encoding/json"

func openAI(kind string) api {
	return api{
		base: "/v1", address: "base_url",
		wrong: func(Request, api) []string { return nil },
		ok:    openAIBody,
	}
}

func openAIBody(text string, u Usage) []byte {
	raw, err := json.Marshal(map[string]any{
		"id": "chatcmpl-1", "object": "chat.completion", "created": 1_790_000_000, "model": "fake-model-1",
		"choices": []any{map[string]any{"index": 0, "message": map[string]any{"role": "assistant", "content": text, "refusal": nil}, "finish_reason": "stop"}},
		"usage":   map[string]any{"prompt_tokens": u.Prompt, "completion_tokens": u.Completion, "total_tokens": u.Prompt + u.Completion},
	})
	if err != nil {
		panic(err)
	}
	return raw
}
