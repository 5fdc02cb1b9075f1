// Package ntfy publishes notifications to topics of ntfy.sh or a server of one's own, which phones and browsers subscribe to.
package ntfy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/texts"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/fault"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
)

// Name is the driver's name.
const Name = "ntfy"

// Driver makes ntfy channels. The zero value has no client; use New.
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

// Spec implements channel.Driver.
func (Driver) Spec() channel.Spec {
	required, optional := fields()
	return channel.Spec{
		Name: Name, Description: "Push messages by ntfy.sh or an ntfy server of your own, with priority, emojis and buttons.",
		Required: required, Optional: optional,
	}
}

// New implements channel.Driver.
func (d Driver) New(config json.RawMessage) (channel.Channel, error) {
	s, address, err := load(config)
	set, bad := texts.New(texts.Options{Driver: Name, Text: s.Text(), Most: maxRecommendations})
	if err := errors.Join(err, bad); err != nil {
		return nil, err
	}
	return &Channel{settings: s, address: address, texts: set, http: d.HTTP(s.timeout, s.secrets()...)}, nil
}

// Channel publishes to one topic.
type Channel struct {
	settings Settings
	address  string // ends with a slash
	texts    *texts.Set
	http     channel.HTTP
}

// Follows implements channel.Follower.
func (c *Channel) Follows() channel.Follows {
	return channel.Follows{Acknowledged: c.settings.Acknowledged}
}

// publication is the body of POST / (https://docs.ntfy.sh/publish/#publish-as-json).
type publication struct {
	Topic    string   `json:"topic"`
	Title    string   `json:"title,omitempty"`
	Message  string   `json:"message"`
	Priority int      `json:"priority"`
	Tags     []string `json:"tags,omitempty"`
	Click    string   `json:"click,omitempty"`
	Actions  []action `json:"actions,omitempty"`
}

type action struct {
	Action string `json:"action"`
	Label  string `json:"label"`
	URL    string `json:"url"`
}

// Send implements channel.Channel: the parts that have not arrived yet, in order, up to the first that fails.
func (c *Channel) Send(ctx context.Context, o channel.Outgoing) channel.Result {
	m, ok := read(o)
	if !ok {
		return c.http.Failed(fault.WithClass(fault.Permanent(errBody), "bad_body"))
	}
	header := c.settings.header()
	result := channel.Result{Verdict: channel.Done, Sent: len(m.Parts)}
	for i := max(o.Sent, 0); i < len(m.Parts); i++ {
		body, err := channel.Encode(c.publication(m, i, o.Unknown))
		if err != nil {
			return c.http.Failed(fault.Permanent(err))
		}
		resp, r := c.http.PostJSON(ctx, c.address, header, body)
		r.Sent = i
		if r.Verdict != channel.Done {
			r.ProviderRef = result.ProviderRef
			return r
		}
		r.Sent = i + 1
		if r.ProviderRef = result.ProviderRef; i == 0 {
			r.ProviderRef = messageID(resp)
		}
		result = r
	}
	return result
}

// publication is one part of a message.
func (c *Channel) publication(m message, i int, unknown bool) publication {
	p := publication{
		Topic: c.settings.Topic, Title: m.Title, Message: m.Parts[i], Priority: m.Priority, Tags: m.Tags, Click: m.Click, Actions: m.Actions,
	}
	if n := len(m.Parts); n > 1 {
		p.Title += fmt.Sprintf(" (%d/%d)", i+1, n)
	}
	if i > 0 { // it has rung already
		p.Priority = min(p.Priority, quiet)
	}
	if unknown {
		p.Title += " " + channel.MayRepeat
	}
	return p
}

// messageID reads the id that the server gave a message; "" when the answer is something else.
func messageID(resp *httpclient.Response) string {
	var answer struct {
		ID string `json:"id"`
	}
	if resp == nil || json.Unmarshal(resp.Body, &answer) != nil || !topicForm.MatchString(answer.ID) {
		return ""
	}
	return answer.ID
}
