// Package email sends notifications as mail by SMTP: text, HTML and the incident as JSON, under a Message-ID that is the same at every
// attempt, all mails about an incident in one thread.
package email

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/texts"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/fault"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
)

// Name is the driver's name.
const Name = "email"

// Driver makes e-mail channels. The zero value has no client; use New.
type Driver struct{ channel.Wire }

var (
	_ channel.Driver   = Driver{}
	_ channel.Channel  = (*Channel)(nil)
	_ channel.Shower   = (*Channel)(nil)
	_ channel.Follower = (*Channel)(nil)
)

// New returns the driver. Its channels connect through the guard of client only. clk dates mails whose notice has no time; nil means the
// system's.
func New(client *httpclient.Client, clk clock.Clock) Driver {
	return Driver{channel.NewWire(client, clk)}
}

// Spec implements channel.Driver. A repeat under the same Message-ID is one mail to most mailboxes, so it is Repeatable.
func (Driver) Spec() channel.Spec {
	required, optional := fields()
	return channel.Spec{
		Name: Name, Description: "E-mail by SMTP, as text and HTML, all mails about an incident in one thread.",
		Required: required, Optional: optional, Repeatable: true,
	}
}

// New implements channel.Driver.
func (d Driver) New(config json.RawMessage) (channel.Channel, error) {
	s, err := load(config)
	set, bad := texts.New(texts.Options{Driver: Name, Text: s.Text(), HTML: s.HTMLTemplate, Payload: s.PayloadTemplate, Most: maxRecommendations})
	if err := errors.Join(err, bad); err != nil {
		return nil, err
	}
	return &Channel{settings: s, texts: set, wire: d.HTTP(s.timeout, s.secrets()...)}, nil
}

// Channel sends to one list of recipients.
type Channel struct {
	settings Settings
	texts    *texts.Set
	wire     channel.HTTP // for its guard, its clock and what errors of connections mean: nothing is sent by HTTP
}

// Follows implements channel.Follower.
func (c *Channel) Follows() channel.Follows {
	return channel.Follows{Acknowledged: c.settings.acknowledging}
}

var errBody = errors.New("the stored message has no text")

// Send implements channel.Channel.
func (c *Channel) Send(ctx context.Context, o channel.Outgoing) channel.Result {
	doc, ok := read(o)
	if !ok {
		return c.wire.Failed(fault.WithClass(fault.Permanent(errBody), "bad_body"))
	}
	m := c.mail(doc, o)
	raw, err := m.bytes()
	if err != nil {
		return c.wire.Failed(fault.Permanent(err))
	}
	ctx, cancel := context.WithTimeout(ctx, c.settings.timeout)
	defer cancel()
	r := c.deliver(ctx, m.recipients(), raw)
	if r.Verdict == channel.Done {
		r.ProviderRef = m.id
	}
	return r
}
