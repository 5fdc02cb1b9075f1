package channeltest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// judge returns a call's arguments, and Slack's word for what is wrong with it; "" when it is in order.
// https://docs.slack.dev/reference/methods/chat.postMessage#errors and the pages beside it (2026-11).
func (s *Slack) judge(method, path string, query url.Values, header http.Header, body []byte) (map[string]any, string) {
	name, api := strings.CutPrefix(path, "/api/")
	reads := strings.HasPrefix(name, "conversations.")
	isJSON := strings.HasPrefix(header.Get("Content-Type"), "application/json")
	args := map[string]any{}
	switch {
	case !api && (path != s.Hook || method != http.MethodPost):
		return nil, "no_service"
	case api && header.Get("Authorization") == "":
		return nil, "not_authed"
	case api && header.Get("Authorization") != "Bearer "+s.Token:
		return nil, "invalid_auth"
	case reads && !isJSON:
		args = formArgs(query, header, body)
	case isJSON:
		if json.Unmarshal(body, &args) != nil {
			return nil, map[bool]string{true: "invalid_json", false: "invalid_payload"}[api]
		}
	default:
		return nil, map[bool]string{true: "invalid_form_data", false: "invalid_payload"}[api]
	}
	if !api {
		if s.channels[s.Channel].Archived {
			return nil, "channel_is_archived"
		}
		return args, slackMessage(args)
	}
	return args, s.judgeMethod(name, args)
}

func (s *Slack) judgeMethod(name string, args map[string]any) string {
	ch, known := s.channels[str(args, "channel")]
	_, isText := args["text"].(string)
	switch name {
	case "chat.postMessage":
		switch {
		case !known:
			return "channel_not_found"
		case ch.Archived:
			return "is_archived"
		case !ch.Member:
			return "not_in_channel"
		case args["thread_ts"] != nil && s.find(str(args, "channel"), str(args, "thread_ts")) == nil:
			return "thread_not_found"
		case args["reply_broadcast"] != nil && args["thread_ts"] == nil:
			return "invalid_arguments"
		}
		if meta, ok := args["metadata"]; ok && !slackMetadata(meta) {
			return "invalid_metadata_format"
		}
		return slackMessage(args)
	case "chat.update":
		switch {
		case !known:
			return "channel_not_found"
		case s.find(str(args, "channel"), str(args, "ts")) == nil:
			return "message_not_found"
		case s.closed:
			return "edit_window_closed"
		case !isText && args["blocks"] == nil && args["attachments"] == nil:
			return "no_text"
		}
		return slackMessage(args)
	case "conversations.history", "conversations.replies":
		switch {
		case !s.scopes:
			return "missing_scope"
		case !known:
			return "channel_not_found"
		case !ch.Member:
			return "not_in_channel"
		case name == "conversations.replies" && s.find(str(args, "channel"), str(args, "ts")) == nil:
			return "thread_not_found"
		}
		return ""
	default:
		return "unknown_method"
	}
}

var slackEventType = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,100}$`)

func slackMetadata(v any) bool {
	m, _ := v.(map[string]any)
	payload, ok := m["event_payload"].(map[string]any)
	for _, value := range payload {
		switch value.(type) {
		case string, float64, bool, []any, map[string]any:
		default:
			return false
		}
	}
	return ok && slackEventType.MatchString(str(m, "event_type"))
}

// slackMessage checks the content of a message.
func slackMessage(m map[string]any) string {
	text, isText := m["text"].(string)
	blocks, isBlocks := m["blocks"].([]any)
	attachments, isAttachments := m["attachments"].([]any)
	switch {
	case m["text"] != nil && !isText, m["blocks"] != nil && !isBlocks, m["attachments"] != nil && !isAttachments:
		return "invalid_arguments"
	case text == "" && len(blocks) == 0 && len(attachments) == 0:
		return "no_text"
	case chars(text) > 40000:
		return "msg_too_long"
	case len(attachments) > 100:
		return "too_many_attachments"
	}
	total := 0
	if len(blocks) > 50 || !slackBlocks(blocks, &total) {
		return "invalid_blocks"
	}
	for _, a := range attachments {
		o, ok := a.(map[string]any)
		inner := list(o, "blocks")
		if !ok || len(inner) > 20 || !slackBlocks(inner, &total) || len(inner) == 0 && str(o, "text") == "" && str(o, "fallback") == "" {
			return "invalid_attachments"
		}
	}
	if total > 12000 {
		return "msg_blocks_too_long"
	}
	return ""
}

// slackBlocks checks blocks and counts their text.
func slackBlocks(blocks []any, total *int) bool {
	for _, v := range blocks {
		b := asMap(v)
		elements, fields := list(b, "elements"), list(b, "fields")
		ok := true
		switch str(b, "type") {
		case "divider":
		case "header":
			ok = str(asMap(b["text"]), "type") == "plain_text" && slackTextOK(b["text"], 150, total)
		case "section":
			ok = (b["text"] != nil || len(fields) > 0) && len(fields) <= 10 && (b["text"] == nil || slackTextOK(b["text"], 3000, total))
			for _, f := range fields {
				ok = ok && slackTextOK(f, 2000, total)
			}
		case "context":
			ok = len(elements) > 0 && len(elements) <= 10
			for _, e := range elements {
				ok = ok && slackTextOK(e, 3000, total)
			}
		case "actions":
			ok = len(elements) > 0 && len(elements) <= 25
		default:
			ok = false
		}
		if !ok {
			return false
		}
	}
	return true
}

func slackTextOK(v any, limit int, total *int) bool {
	m := asMap(v)
	for key := range m {
		only, limited := map[string]string{"type": "", "text": "", "verbatim": "mrkdwn", "emoji": "plain_text"}[key]
		if !limited || only != "" && m["type"] != only {
			return false
		}
	}
	n := chars(str(m, "text"))
	*total += n
	return (m["type"] == "mrkdwn" || m["type"] == "plain_text") && n >= 1 && n <= limit
}

var (
	slackCall   = regexp.MustCompile(`<(?:!(?:here|channel|everyone)|@[UW][A-Z0-9]+|!subteam\^S[A-Z0-9]+)(?:\|[^<>]*)?>`)
	slackName   = regexp.MustCompile(`(?:^|[^\w@])(@(?:here|channel|everyone))\b`)
	slackLink   = regexp.MustCompile(`<(?:https?:|mailto:)[^<>|]*\|([^<>]*)>`)
	slackUndone = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")
)

// slackTexts visits the texts of a message that are shown; the one at the top stands behind blocks and is not, then.
func slackTexts(m map[string]any, visit func(text string, markup, verbatim bool)) {
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			if t := str(v, "type"); t == "mrkdwn" || t == "plain_text" {
				verbatim, _ := v["verbatim"].(bool)
				visit(str(v, "text"), t == "mrkdwn", verbatim)
				return
			}
			for _, key := range []string{"pretext", "text", "title", "value"} {
				if s, ok := v[key].(string); ok {
					visit(s, true, true)
				} else {
					walk(v[key])
				}
			}
			for _, key := range []string{"fields", "elements", "blocks"} {
				walk(v[key])
			}
		}
	}
	if len(list(m, "blocks")) == 0 {
		visit(str(m, "text"), true, true)
	}
	walk(m["blocks"])
	walk(m["attachments"])
}

// SlackText is all that people see of a message, as they see it.
func SlackText(m map[string]any) string {
	var b strings.Builder
	slackTexts(m, func(text string, markup, _ bool) {
		if markup {
			text = slackLink.ReplaceAllString(text, "$1")
		}
		b.WriteString(slackUndone.Replace(text) + "\n")
	})
	return b.String()
}

// slackMentions are those whom a message calls.
func slackMentions(m map[string]any) []string {
	var out []string
	slackTexts(m, func(text string, markup, verbatim bool) {
		if !markup {
			return
		}
		out = append(out, slackCall.FindAllString(text, -1)...)
		if !verbatim {
			for _, found := range slackName.FindAllStringSubmatch(text, -1) {
				out = append(out, found[1])
			}
		}
	})
	return out
}
