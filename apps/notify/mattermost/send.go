package mattermost

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/chat"
	"github.com/incidenthub/incidenthub/internal/platform/fault"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
)

// Send implements channel.Channel: what has not arrived yet is posted. A webhook cannot be asked what arrived.
func (c *Channel) Send(ctx context.Context, o channel.Outgoing) channel.Result {
	doc := c.frame.Read(o)
	return doc.Webhook(o, func(raw []byte, again bool) channel.Result { return c.post(ctx, o, raw, again) },
		func(r channel.Result) (string, bool) { return r.Response, r.Status == http.StatusBadRequest })
}

func (c *Channel) post(ctx context.Context, o channel.Outgoing, raw []byte, again bool) channel.Result {
	s := &c.settings
	m, err := chat.Open(raw, map[string]any{"channel": s.Channel, "username": s.Username, "icon_url": s.IconURL, "icon_emoji": s.IconEmoji})
	if err != nil {
		return c.http.Failed(fault.Permanent(err))
	}
	if again {
		text, _ := m["text"].(string)
		m["text"] = strings.TrimSpace(channel.MayRepeat + " " + text)
	}
	body, err := channel.Encode(m)
	if err != nil {
		return c.http.Failed(fault.Permanent(err))
	}
	resp, r := c.http.PostJSON(ctx, strings.TrimSpace(s.WebhookURL), chat.Header(o), body)
	if resp == nil {
		return r
	}
	return judge(resp, r)
}

// judge: a webhook says ok when it has taken a message, and nothing else means that. A wrong address may well answer 200 with a page.
func judge(resp *httpclient.Response, r channel.Result) channel.Result {
	var complaint struct {
		ID      string `json:"id"`
		Message string `json:"message"`
	}
	switch {
	case r.Verdict == channel.Done && strings.TrimSpace(string(resp.Body)) == "ok":
	case r.Verdict == channel.Done:
		r.Doubt(resp, `the receiver answered, but not with "ok" as Mattermost does: is webhook_url the address of an incoming webhook?`)
	case json.Unmarshal(resp.Body, &complaint) == nil:
		if what := advice(complaint.ID); what != "" {
			r.Error = "Mattermost refused the message: " + what
		}
	}
	return r
}

// advice says what to do about an error; the words are those of Mattermost's server (i18n/en.json, 2026-11).
func advice(id string) string {
	switch {
	case strings.HasPrefix(id, "web.incoming_webhook.invalid"), strings.HasSuffix(id, "get_incoming.app_error"):
		return "there is no such webhook: make a new one and enter its address"
	case id == "web.incoming_webhook.disabled.app_error":
		return "incoming webhooks are switched off: an administrator can allow them under Integration Management"
	case id == "web.incoming_webhook.channel.app_error", id == "web.incoming_webhook.channel_not_found.app_error":
		return "there is no such channel: correct the setting channel"
	case id == "web.incoming_webhook.channel_locked.app_error":
		return "the webhook is locked to its channel: remove the setting channel"
	case id == "web.incoming_webhook.permissions.app_error":
		return "whoever made the webhook may not post in that channel"
	case id == "web.incoming_webhook.text.app_error", id == "web.incoming_webhook.parse.app_error", id == "web.incoming_webhook.split_props_length.app_error":
		return "it does not take the message's form: look at the channel's template"
	default:
		return ""
	}
}
