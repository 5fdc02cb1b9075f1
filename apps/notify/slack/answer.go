package slack

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
)

// answer is what the Web API says, with status 200 also when it refuses.
type answer struct {
	OK       bool   `json:"ok"`
	Error    string `json:"error"`
	Needed   string `json:"needed"`
	Provided string `json:"provided"`
	Channel  string `json:"channel"`
	TS       string `json:"ts"`
	Messages []struct {
		TS       string `json:"ts"`
		Metadata struct {
			Type    string         `json:"event_type"`
			Payload map[string]any `json:"event_payload"`
		} `json:"metadata"`
	} `json:"messages"`
	HasMore  bool `json:"has_more"`
	Metadata struct {
		Next     string   `json:"next_cursor"`
		Messages []string `json:"messages"`
	} `json:"response_metadata"`
}

// said reads an answer of the Web API; false: it is none.
func said(body []byte) (a answer, ok bool) {
	var probe struct {
		OK *bool `json:"ok"`
	}
	if json.Unmarshal(body, &probe) != nil || probe.OK == nil {
		return a, false
	}
	return a, json.Unmarshal(body, &a) == nil
}

// codeOf is the word that a webhook answers with, as text or in JSON. "" when it is none.
func codeOf(body []byte) string {
	if a, ok := said(body); ok {
		return a.Error
	}
	word := strings.TrimSpace(string(body[:min(len(body), 200)]))
	if strings.ContainsFunc(word, func(r rune) bool { return (r < 'a' || r > 'z') && r != '_' && (r < '0' || r > '9') }) {
		return ""
	}
	return word
}

// again are the errors that another try may mend (https://docs.slack.dev/reference/methods/chat.postMessage#errors, 2026-11).
var again = [...]string{
	"ratelimited", "rate_limited", "message_limit_exceeded", "internal_error", "fatal_error", "service_unavailable", "request_timeout",
	"team_added_to_org", "accesslimited", "external_channel_migrating", "rollup_error",
}

// half are those after which, Slack says, some of it may have been done.
var half = [...]string{"internal_error", "fatal_error"}

// content are the complaints about a message's content: the built-in form may still do.
var content = [...]string{
	"invalid_blocks", "invalid_blocks_format", "invalid_attachments", "invalid_payload", "invalid_json", "no_text", "msg_too_long",
	"msg_blocks_too_long", "too_many_attachments", "attachment_payload_limit_exceeded", "markdown_text_conflict", "json_not_object",
	"invalid_form_data", "invalid_metadata_format", "invalid_metadata_schema", "metadata_too_large", "metadata_must_be_sent_from_app",
}

// advice says what to do about an error.
var advice = map[string]string{ //nolint:gosec // G101: words about credentials, none of them one
	"invalid_auth":                        "the bot token is not valid: copy the Bot User OAuth Token again from the app's page, OAuth & Permissions",
	"not_authed":                          "the bot token is missing: enter it again",
	"account_inactive":                    "the app was removed from the workspace or its user was deactivated: install it again and enter the new token",
	"token_revoked":                       "the bot token was revoked: install the app again and enter the new token",
	"token_expired":                       "the bot token has expired: turn token rotation off for the app, or enter a new token",
	"missing_scope":                       "the app lacks a scope: add it under OAuth & Permissions and install the app again",
	"no_permission":                       "the app lacks a scope: add chat:write under OAuth & Permissions and install the app again",
	"channel_not_found":                   "there is no such channel, or it is private and the app is not in it: check its ID and invite the app with /invite",
	"not_in_channel":                      "the app is not in the channel: invite it there with /invite, or give it the scope chat:write.public",
	"is_archived":                         "the channel is archived: choose another one or unarchive it",
	"channel_is_archived":                 "the channel is archived: choose another one or unarchive it",
	"msg_too_long":                        "the message is too long for Slack: shorten the channel's template",
	"msg_blocks_too_long":                 "the message is too long for Slack: shorten the channel's template",
	"no_text":                             "the message is empty: look at the channel's template",
	"invalid_blocks":                      "Slack does not take the message's blocks: look at the channel's template",
	"invalid_blocks_format":               "Slack does not take the message's blocks: look at the channel's template",
	"invalid_attachments":                 "Slack does not take the message's attachments: look at the channel's template",
	"invalid_payload":                     "Slack does not take the message: look at the channel's template",
	"restricted_action":                   "the workspace does not let the app post there: ask an administrator, or choose another channel",
	"restricted_action_read_only_channel": "only some may post in that channel: choose another one",
	"posting_to_general_channel_denied":   "the app may not post in the general channel: choose another one",
	"action_prohibited":                   "the workspace does not let the webhook post there: ask an administrator",
	"ekm_access_denied":                   "an administrator has suspended posting there for the moment",
	"team_access_not_granted":             "the app may not use that workspace: ask an administrator to install it there",
	"invalid_token":                       "the webhook's address is not valid any more: make a new webhook and enter its address",
	"no_service":                          "the webhook was removed or disabled: make a new one and enter its address",
	"no_service_id":                       "the webhook's address is incomplete: copy it again",
	"no_active_hooks":                     "the webhook is disabled: make a new one and enter its address",
	"no_team":                             "there is no such workspace any more: make a new webhook and enter its address",
	"team_disabled":                       "the workspace is disabled",
	"user_not_found":                      "there is no such user: correct the setting channel",
	"invalid_arg_name":                    "Slack does not take an argument: look at the channel's template",
}

// webhookAdvice says what to do about errors of an incoming webhook, which has neither a token nor an app of yours to look at: its address
// is all there is.
var webhookAdvice = map[string]string{
	"invalid_auth":      newWebhook,
	"not_authed":        newWebhook,
	"token_revoked":     newWebhook,
	"token_expired":     newWebhook,
	"account_inactive":  newWebhook,
	"missing_scope":     newWebhook,
	"no_permission":     newWebhook,
	"channel_not_found": "there is no such channel any more, or the webhook may not post there: remove the setting channel, or make a new webhook",
	"not_in_channel":    "the webhook may not post in that channel: remove the setting channel, or make a new webhook",
}

const newWebhook = "the webhook's address is not valid any more: make a new webhook and enter its address"

// whatToDo is the advice about an error of a webhook, or of a bot.
func whatToDo(code string, webhook bool) string {
	if words := webhookAdvice[code]; webhook && words != "" {
		return words
	}
	return advice[code]
}

// refusal turns ok:false into a result.
func refusal(a answer, r channel.Result, header http.Header, now time.Time, webhook bool) channel.Result {
	code := codeOf([]byte(a.Error))
	if code == "" {
		code = "unknown_error"
	}
	r.Class = "slack_" + code
	if slices.Contains(half[:], code) {
		r.Status = 0 // as for no answer: the message may be there
	}
	if slices.Contains(again[:], code) {
		r.Verdict, r.Error = channel.Retry, "Slack could not take the message now ("+code+")"
		if wait := httpclient.Judge(http.StatusTooManyRequests, header, nil, now).After; wait > 0 {
			r.RetryAfter = wait
		}
		return r
	}
	what := whatToDo(code, webhook)
	if what == "" {
		what = "see this error in Slack's description of chat.postMessage"
	}
	r.Verdict, r.Error = channel.Permanent, fmt.Sprintf("Slack refused the message (%s): %s", code, what)
	if code == "missing_scope" && a.Needed != "" {
		r.Error += fmt.Sprintf(" (needed: %s)", channel.VisibleLine(a.Needed))
	}
	return r
}

// isContent reports whether Slack complained about what the message holds.
func isContent(r channel.Result) bool {
	if code, ok := strings.CutPrefix(r.Class, "slack_"); ok {
		return slices.Contains(content[:], code)
	}
	return r.Status == http.StatusBadRequest && slices.ContainsFunc(content[:], func(code string) bool { return strings.HasPrefix(r.Response, code) })
}
