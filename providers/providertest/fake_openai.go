package providertest

import "github.com/incidenthub/incidenthub/providers/llm"

// openAI is the chat API of OpenAI, as each of those who speak it wants it (developers.openai.com, docs.x.ai, docs.mistral.ai; November 2026).
// Copilot has no published reference.
func openAI(kind string) api {
	base := "/v1"
	if kind == "copilot" {
		base = ""
	}
	return api{base: base, address: "base_url", ok: openAIBody, wrong: func(r Request, a api) []string {
		c := examine(r, a.base+"/chat/completions")
		if r.Header.Get("Authorization") != "Bearer "+Key {
			c.say("the key is not in Authorization")
		}
		c.text("model")
		c.text("messages[0].role", "system", "developer")
		c.text("messages[0].content")
		c.text("messages[1].role", "user")
		c.text("messages[1].content")
		if c.at("messages[2]") != nil {
			c.say("there are more than two messages")
		}
		if c.at("stream") == true {
			c.say("the answer is asked for as a stream")
		}
		name, _ := c.at("model").(string)
		m, _ := llm.Find(kind, name)
		c.limits(kind, m)
		if kind != "copilot" || c.at("response_format") != nil {
			c.format()
		}
		if kind == "copilot" {
			for _, header := range []string{"Copilot-Integration-Id", "Editor-Version"} {
				if r.Header.Get(header) == "" {
					c.say("%s is missing", header)
				}
			}
		}
		return c.wrong
	}}
}

// limits looks at the parameters that one API wants and another refuses.
func (c *checked) limits(kind string, m llm.Model) {
	refuse := func(names ...string) {
		for _, name := range names {
			if c.at(name) != nil {
				c.say("%s is refused", name)
			}
		}
	}
	refuse("tools", "tool_choice", "functions", "n", "logprobs", "presence_penalty", "frequency_penalty", "stop")
	if m.Reasoning && kind != "mistral" {
		refuse("temperature", "top_p")
	}
	switch {
	case kind == "openai":
		c.amount("max_completion_tokens")
		refuse("max_tokens")
	case kind == "mistral":
		// 422 for what it does not know.
		c.only(
			"", "model", "messages", "temperature", "top_p", "max_tokens", "stream", "random_seed", "response_format", "prediction", "parallel_tool_calls",
			"prompt_mode", "safe_prompt", "reasoning_effort", "metadata",
		)
		c.amount("max_tokens")
	case c.at("max_tokens") != nil:
		c.amount("max_tokens")
	default:
		c.amount("max_completion_tokens")
	}
	c.maybeText("reasoning_effort", "none", "minimal", "low", "medium", "high", "xhigh", "max")
}

// format wants the answer asked for by its schema.
func (c *checked) format() {
	c.text("response_format.type", "json_schema")
	c.text("response_format.json_schema.name")
	if c.at("response_format.json_schema.strict") != true {
		c.say("the schema is not strict")
	}
	c.schema("response_format.json_schema.schema")
}

func openAIBody(text string, u Usage) []byte {
	return body(map[string]any{
		"id": "chatcmpl-1", "object": "chat.completion", "created": 1_790_000_000, "model": "fake-model-1",
		"choices": []any{map[string]any{"index": 0, "message": map[string]any{"role": "assistant", "content": text, "refusal": nil}, "finish_reason": "stop"}},
		"usage":   map[string]any{"prompt_tokens": u.Prompt, "completion_tokens": u.Completion, "total_tokens": u.Prompt + u.Completion},
	})
}
