package providertest

import "net/http"

// claude checks requests by the reference of the Messages API (platform.claude.com, version 2023-06-01) and what models since 4.7 refuse.
func claude() api {
	return api{
		address: "base_url",
		wrong: func(r Request, a api) []string {
			c := examine(r, a.base+"/v1/messages")
			if r.Header.Get("X-Api-Key") != Key {
				c.say("the key is not in x-api-key")
			}
			if r.Header.Get("Anthropic-Version") != "2023-06-01" {
				c.say("anthropic-version is not 2023-06-01")
			}
			if r.Header.Get("Authorization") != "" {
				c.say("there is an Authorization header")
			}
			c.only("", "model", "max_tokens", "system", "messages", "output_config", "metadata", "stream", "thinking", "service_tier", "cache_control")
			c.text("model")
			c.amount("max_tokens")
			c.text("system")
			c.conversation("messages")
			c.text("messages[0].role", "user")
			if c.at("stream") == true {
				c.say("the answer is asked for as a stream")
			}
			c.only("output_config", "effort", "format")
			c.maybeText("output_config.effort", "low", "medium", "high", "xhigh", "max")
			c.text("output_config.format.type", "json_schema")
			c.schema("output_config.format.schema")
			return c.wrong
		},
		ok: func(text string, u Usage) []byte {
			return body(map[string]any{
				"id": "msg_fake_1", "type": "message", "role": "assistant", "model": "fake-model-1",
				"content": []any{
					map[string]any{"type": "thinking", "thinking": "", "signature": "c2ln"},
					map[string]any{"type": "text", "text": text},
				},
				"stop_reason": "end_turn", "stop_sequence": nil,
				"usage": map[string]any{
					"input_tokens": u.Prompt, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": u.Completion,
					"service_tier": "standard",
				},
			})
		},
	}
}

// conversation wants messages with texts, the last one not of the assistant: answers cannot be begun for a model any more.
func (c *checked) conversation(path string) {
	list, _ := c.at(path).([]any)
	if len(list) == 0 {
		c.say("%s is empty", path)
		return
	}
	for _, m := range list {
		o, _ := m.(map[string]any)
		if s, ok := o["content"].(string); !ok || s == "" {
			c.say("a message of %s has no text", path)
		}
	}
	if last, _ := list[len(list)-1].(map[string]any); last["role"] == "assistant" {
		c.say("the last message is of the assistant")
	}
}

// bearer wants the key in the Authorization header; a server without keys takes none too.
func (c *checked) bearer(h http.Header, needed bool) {
	got := h.Get("Authorization")
	if got == "" && !needed || got == "Bearer "+Key {
		return
	}
	c.say("the Authorization header has not the key")
}
