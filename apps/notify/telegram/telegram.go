// Package telegram writes notifications into a chat of Telegram by the Bot API. What follows an incident's first message changes that
// message in place; its end is told by a short reply as well, since changes make no sound.
package telegram

import (
	"encoding/json"
	"errors"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/texts"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
)

// Name is the driver's name.
const Name = "telegram"

// Driver makes Telegram channels. The zero value has no client; use New.
type Driver struct{ channel.Wire }

var (
	_ channel.Driver   = Driver{}
	_ channel.Channel  = (*Channel)(nil)
	_ channel.Shower   = (*Channel)(nil)
	_ channel.Follower = (*Channel)(nil)
)

// New returns the driver. Its channels call out through client only. clk nil means the system's.
func New(client *httpclient.Client, clk clock.Clock) Driver {
	return Driver{channel.NewWire(client, clk)}
}

// Spec implements channel.Driver. Finds: a bot cannot look into a chat, but a change in place can be made again at no harm, so Send decides
// itself what to do about an unknown outcome.
func (Driver) Spec() channel.Spec {
	required, optional := fields()
	return channel.Spec{
		Name: Name, Description: "Messages in a Telegram chat by a bot, changed in place while the incident goes on.",
		Required: required, Optional: optional, Threads: true, Finds: true,
	}
}

// New implements channel.Driver.
func (d Driver) New(config json.RawMessage) (channel.Channel, error) {
	s, base, err := load(config)
	set, bad := texts.New(texts.Options{Driver: Name, Escape: escape, Text: s.Text(), Most: maxRecommendations})
	if err := errors.Join(err, bad); err != nil {
		return nil, err
	}
	return &Channel{settings: s, base: base, texts: set, http: d.HTTP(s.timeout, s.secrets()...)}, nil
}

// Channel writes into one chat.
type Channel struct {
	settings Settings
	base     string // https://host/bot<token>/: a secret
	texts    *texts.Set
	http     channel.HTTP
}

// Follows implements channel.Follower: an analysis changes the message and wakes nobody, and so does that it is open again.
func (c *Channel) Follows() channel.Follows {
	return channel.Follows{Acknowledged: c.settings.Acknowledged == nil || *c.settings.Acknowledged, Analysis: true, Reopened: true}
}
