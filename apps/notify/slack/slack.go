// Package slack sends notifications to Slack: through an incoming webhook, or as a bot whose messages have threads and are changed in
// place.
package slack

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/chat"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
)

// Name is the driver's name.
const Name = "slack"

// Driver makes Slack channels. The zero value has no client; use New.
type Driver struct{ channel.Wire }

var (
	_ channel.Driver   = Driver{}
	_ channel.Channel  = (*Channel)(nil)
	_ channel.Follower = (*Channel)(nil)
	_ channel.Shower   = (*Channel)(nil)
)

// New returns the driver. Its channels call out through client only. clk nil means the system's.
func New(client *httpclient.Client, clk clock.Clock) Driver {
	return Driver{channel.NewWire(client, clk)}
}

// Spec implements channel.Driver.
func (Driver) Spec() channel.Spec {
	required, optional := fields()
	return channel.Spec{
		Name: Name, Description: "Slack, through an incoming webhook, or as a bot with threads and messages that are changed in place.",
		Required: required, Optional: optional, Threads: true, Finds: true,
	}
}

// New implements channel.Driver.
func (d Driver) New(config json.RawMessage) (channel.Channel, error) {
	s, err := load(config, d.Client)
	c := &Channel{settings: s}
	if c.frame, err = chat.NewFrame(&dialect, voice{&c.settings}, s.Text(), s.PayloadTemplate, err); err != nil {
		return nil, err
	}
	c.http = d.HTTP(s.timeout, s.secrets()...)
	return c, nil
}

// Channel sends to one channel of Slack.
type Channel struct {
	settings Settings
	frame    chat.Frame
	http     channel.HTTP
}

// Follows implements channel.Follower: what changes a message in place disturbs nobody, another message would.
func (c *Channel) Follows() channel.Follows {
	return channel.Follows{Acknowledged: c.settings.bot(), Analysis: c.settings.bot(), Reopened: c.settings.bot()}
}

// Send implements channel.Channel.
func (c *Channel) Send(ctx context.Context, o channel.Outgoing) channel.Result {
	doc := c.frame.Read(o)
	if c.settings.bot() {
		return c.sendBot(ctx, o, doc)
	}
	return c.sendWebhook(ctx, o, doc)
}

// repeated marks a message that may be there already.
func repeated(m map[string]any) {
	note := map[string]any{"type": "context", "elements": []any{map[string]any{"type": "plain_text", "text": channel.MayRepeat}}}
	if blocks, ok := m["blocks"].([]any); ok && len(blocks) < maxBlocks {
		m["blocks"] = append([]any{note}, blocks...)
	} else if ok {
		attachments, _ := m["attachments"].([]any)
		m["attachments"] = append(attachments, map[string]any{"text": channel.MayRepeat, "fallback": channel.MayRepeat})
	}
	text, _ := m["text"].(string)
	m["text"] = strings.TrimSpace(channel.MayRepeat + " " + text)
}
