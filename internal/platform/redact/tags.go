package redact

import "strings"

// tagMark stands where a tag was. It has no byte at which a value ends, so that nothing hides a secret behind a tag.
const tagMark = "‹tag›"

// chatTags are what models of the common families were taught to take for the frame of a conversation, beside <|…|>: Llama 2, Mistral,
// Gemma, Qwen, DeepSeek, InternLM, MiniMax. (Their published templates, November 2026.) Words that ordinary texts have in brackets are
// left out.
var chatTags = tagsByFirst([]string{
	"<s>", "</s>", "<bos>", "<eos>", "<pad>", "<unk>", "<mask>", "<sep>", "<eoh>", "<eoa>", "<eot>", "<<SYS>>", "<</SYS>>",
	"<start_of_turn>", "<end_of_turn>", "<start_of_image>", "<end_of_image>", "<begin_of_text>", "<end_of_text>",
	"<think>", "</think>", "<thinking>", "</thinking>", "<tool_call>", "</tool_call>", "<tool_calls>", "</tool_calls>",
	"<tool_response>", "</tool_response>", "<tool_result>", "</tool_result>", "<tools>", "</tools>",
	"<function_call>", "</function_call>", "<function_calls>", "</function_calls>", "<function_results>", "</function_results>",
	"[INST]", "[/INST]", "[SYS]", "[/SYS]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_CALLS]",
	"[/TOOL_CALLS]", "[TOOL_RESULTS]", "[/TOOL_RESULTS]", "[TOOL_CONTENT]", "[MODEL_SETTINGS]", "[/MODEL_SETTINGS]", "[THINK]", "[/THINK]",
	"[gMASK]", "[sMASK]", "]~b]", "]~!b[", "[e~[",
})

func tagsByFirst(list []string) *[256][]string {
	var out [256][]string
	for _, t := range list {
		out[t[0]] = append(out[t[0]], t)
	}
	return &out
}

// untag replaces chat tags. What it leaves cannot make a new one: its mark is part of none.
func untag(s string) string {
	if !strings.ContainsAny(s, "<[]") {
		return s
	}
	var b strings.Builder
	done := 0
	for i := 0; i < len(s); {
		n := 0
		if c := s[i]; c == '<' || c == '[' || c == ']' {
			n = tag(s[i:])
		}
		if n == 0 {
			i++
			continue
		}
		b.WriteString(s[done:i])
		b.WriteString(tagMark)
		i += n
		done = i
	}
	if done == 0 {
		return s
	}
	b.WriteString(s[done:])
	return b.String()
}

// tag returns the length of the tag that s begins with, or 0.
func tag(s string) int {
	for _, t := range chatTags[s[0]] {
		if len(s) >= len(t) && strings.EqualFold(s[:len(t)], t) {
			return len(t)
		}
	}
	if s[0] == '<' {
		return barred(s)
	}
	return 0
}

// barred returns the length of <|name|>, <|name> or <name|>, with the bar of DeepSeek as well.
func barred(s string) int {
	const longest = 96
	i := 1
	first := bar(s[i:])
	i += first
	from := i
	for i < len(s) && i < longest && (tagByte[s[i]] || strings.HasPrefix(s[i:], "▁")) {
		if s[i] >= 0x80 {
			i += len("▁")
			continue
		}
		i++
	}
	if i == from {
		return 0
	}
	last := bar(s[i:])
	i += last
	if i >= len(s) || s[i] != '>' || first == 0 && last == 0 {
		return 0
	}
	return i + 1
}

func bar(s string) int {
	switch {
	case strings.HasPrefix(s, "|"):
		return 1
	case strings.HasPrefix(s, "｜"):
		return len("｜")
	}
	return 0
}

var tagByte = bytesOf("azAZ09__--..//::@@##")
