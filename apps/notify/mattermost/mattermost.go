// Package mattermost sends notifications to an incoming webhook of a Mattermost server.
package mattermost

import (
	"encoding/json"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/chat"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
)

// Name is the driver's name.
const Name = "mattermost"

// Driver makes Mattermost channels. The zero value has no client; use New.
type Driver struct{ channel.Wire }

var (
	_ channel.Driver  = Driver{}
	_ channel.Channel = (*Channel)(nil)
	_ channel.Shower  = (*Channel)(nil)
)

// New returns the driver. Its channels call out through client only. clk nil means the system's.
func New(client *httpclient.Client, clk clock.Clock) Driver {
	return Driver{channel.NewWire(client, clk)}
}

// Spec implements channel.Driver.
func (Driver) Spec() channel.Spec {
	required, optional := fields()
	return channel.Spec{
		Name: Name, Description: "An incoming webhook of a Mattermost server.",
		Required: required, Optional: optional,
	}
}

// New implements channel.Driver.
func (d Driver) New(config json.RawMessage) (channel.Channel, error) {
	s, err := load(config)
	c := &Channel{settings: s}
	if c.frame, err = chat.NewFrame(&dialect, voice{&c.settings}, s.Text(), s.PayloadTemplate, err); err != nil {
		return nil, err
	}
	c.http = d.HTTP(s.timeout, s.secrets()...)
	return c, nil
}

// Channel sends to one channel of Mattermost.
type Channel struct {
	settings Settings
	frame    chat.Frame
	http     channel.HTTP
}
