// Package discord sends notifications to a webhook of a Discord channel, and changes the first message about an incident in place.
package discord

import (
	"encoding/json"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/chat"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
)

// Name is the driver's name.
const Name = "discord"

// Driver makes Discord channels. The zero value has no client; use New.
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
		Name: Name, Description: "A webhook of a Discord channel; the first message about an incident is changed in place.",
		Required: required, Optional: optional, Threads: true,
		Finds: true, // a change in place may be made again, so Send is asked about each message that may be there already
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

// Channel sends to one channel of Discord.
type Channel struct {
	settings Settings
	frame    chat.Frame
	http     channel.HTTP
}

// Follows implements channel.Follower: a change in place disturbs nobody.
func (c *Channel) Follows() channel.Follows {
	return channel.Follows{Acknowledged: true, Analysis: true, Reopened: true}
}
