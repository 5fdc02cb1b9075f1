package providertest

// ollama checks requests by the reference of /api/chat (docs.ollama.com) and the server's source of August 2026. That server ignores members
// it does not know, so a slip in their names would be silent.
func ollama() api {
	return api{
		address: "host",
		wrong: func(r Request, a api) []string {
			c := examine(r, a.base+"/api/chat")
			c.bearer(r.Header, false)
			c.only("", "model", "messages", "stream", "format", "think", "truncate", "shift", "options", "keep_alive")
			c.text("model")
			c.conversation("messages")
			c.text("messages[0].role", "system", "user")
			if c.at("stream") != false {
				c.say("stream is not false: the answer would come as lines")
			}
			c.schema("format")
			switch c.at("think").(type) {
			case nil, bool:
			default:
				c.text("think", "low", "medium", "high", "max")
			}
			c.only("options", "num_ctx", "num_predict", "temperature")
			answer := c.amount("options.num_predict")
			// An estimate that is low for all texts there are: whoever has less room than that is cut for sure.
			if window := c.amount("options.num_ctx"); window < len(r.Body)/8+answer {
				c.say("options.num_ctx is %d: there is no room for the question and %d tokens of an answer", window, answer)
			}
			return c.wrong
		},
		ok: func(text string, u Usage) []byte {
			return body(map[string]any{
				"model": "fake-model-1", "created_at": "2026-11-20T10:00:00.000000Z",
				"message": map[string]any{"role": "assistant", "content": text}, "done": true, "done_reason": "stop",
				"total_duration": 1_000_000, "load_duration": 1000, "prompt_eval_count": u.Prompt, "eval_count": u.Completion,
			})
		},
	}
}
