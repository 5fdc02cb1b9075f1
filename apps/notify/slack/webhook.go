package slack

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/chat"
	"github.com/incidenthub/incidenthub/internal/platform/fault"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
)

// sendWebhook posts what has not arrived yet. A webhook cannot be asked what arrived.
func (c *Channel) sendWebhook(ctx context.Context, o channel.Outgoing, doc chat.Document) channel.Result {
	return doc.Webhook(o, func(raw []byte, again bool) channel.Result { return c.post(ctx, o, raw, again) },
		func(r channel.Result) (string, bool) {
			return r.Response, r.Verdict == channel.Permanent && isContent(r)
		})
}

func (c *Channel) post(ctx context.Context, o channel.Outgoing, raw []byte, again bool) channel.Result {
	m, err := chat.Open(raw, map[string]any{"channel": c.settings.Channel, "username": c.settings.Username, "icon_emoji": c.settings.IconEmoji})
	if err != nil {
		return c.http.Failed(fault.Permanent(err))
	}
	if again {
		repeated(m)
	}
	body, err := channel.Encode(m)
	if err != nil {
		return c.http.Failed(fault.Permanent(err))
	}
	resp, r := c.http.PostJSON(ctx, strings.TrimSpace(c.settings.WebhookURL), chat.Header(o), body)
	switch {
	case resp == nil:
		return r
	case r.Verdict == channel.Done:
		return onlyOK(resp, r, c.http.Clock.Now())
	default:
		if code := codeOf(resp.Body); whatToDo(code, true) != "" {
			r.Error = fmt.Sprintf("Slack refused the message (%s): %s", code, whatToDo(code, true))
		}
		return r
	}
}

// onlyOK: a webhook says ok when it has taken a message, and nothing else means that.
func onlyOK(resp *httpclient.Response, r channel.Result, now time.Time) channel.Result {
	answer := strings.TrimSpace(string(resp.Body))
	if answer == "ok" {
		return r
	}
	if a, ok := said(resp.Body); ok && !a.OK && a.Error != "" {
		return refusal(a, r, resp.Header, now, true)
	}
	r.Doubt(resp, `the receiver answered, but not with "ok" as Slack does: is webhook_url the address of an incoming webhook?`)
	return r
}
