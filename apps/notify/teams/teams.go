// Package teams sends notifications to Microsoft Teams: an Adaptive Card, posted to the webhook of a workflow.
package teams

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strconv"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/texts"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/fault"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
)

// Name is the driver's name.
const Name = "teams"

const userAgent = "IncidentHub/1 (Teams)"

// Driver makes Teams channels. The zero value has no client; use New.
type Driver struct{ channel.Wire }

var (
	_ channel.Driver   = Driver{}
	_ channel.Channel  = (*Channel)(nil)
	_ channel.Follower = (*Channel)(nil)
	_ channel.Shower   = (*Channel)(nil)
)

// New returns the driver. Its channels call out through client only. clk serves Retry-After dates; nil means the system's.
func New(client *httpclient.Client, clk clock.Clock) Driver {
	return Driver{channel.NewWire(client, clk)}
}

// Spec implements channel.Driver. A workflow cannot tell a repeat, has no threads and shows nobody what it has posted.
func (Driver) Spec() channel.Spec {
	required, optional := fields()
	return channel.Spec{
		Name: Name, Description: "Cards in a channel or chat of Microsoft Teams, through the webhook of a workflow.", Required: required, Optional: optional,
	}
}

// New implements channel.Driver.
func (d Driver) New(config json.RawMessage) (channel.Channel, error) {
	s, err := load(config)
	set, bad := texts.New(texts.Options{Driver: Name, Text: s.Text(), Payload: s.PayloadTemplate, Most: maxRecommendations})
	if err := errors.Join(err, bad); err != nil {
		return nil, err
	}
	return &Channel{settings: s, texts: set, http: d.HTTP(s.timeout, s.secrets()...)}, nil
}

// Channel sends to one workflow.
type Channel struct {
	settings Settings
	texts    *texts.Set
	http     channel.HTTP
}

// Follows implements channel.Follower.
func (c *Channel) Follows() channel.Follows {
	return channel.Follows{Acknowledged: c.settings.Acknowledged, Analysis: c.settings.Analysis}
}

// Send implements channel.Channel.
func (c *Channel) Send(ctx context.Context, o channel.Outgoing) channel.Result {
	body := o.Body
	if !isMessage(body) {
		body = c.foreign(o)
	}
	if o.Unknown {
		body = marked(body)
	}
	resp, r := c.http.PostJSON(ctx, c.settings.address, http.Header{
		// Without the charset Teams' own services have counted every character twice.
		"Content-Type": {"application/json; charset=utf-8"}, "User-Agent": {userAgent},
	}, body)
	if resp != nil {
		c.judge(resp, &r)
	}
	return r
}

// refusal is what connectors say in the body of a 200 when Teams itself did not take the message.
var refusal = regexp.MustCompile(`endpoint returned HTTP error (\d{3})`)

// judge reads what the answer says beyond its status.
func (c *Channel) judge(resp *httpclient.Response, r *channel.Result) {
	if r.Verdict == channel.Done {
		if found := refusal.FindSubmatch(resp.Body); found != nil {
			status, err := strconv.Atoi(string(found[1]))
			if err != nil {
				return
			}
			v := httpclient.Judge(status, resp.Header, nil, c.http.Clock.Now())
			if v.Outcome == httpclient.Done {
				return
			}
			r.Verdict, r.RetryAfter, r.Class = channel.VerdictOf(v), v.After, fault.HTTPClass(status)
			r.Error = "Teams did not take the message: HTTP error " + string(found[1])
			return
		}
		r.ProviderRef = c.http.Redact.Text(channel.Limit(resp.Header.Get("X-Ms-Workflow-Run-Id"), 100))
		return
	}
	var a struct {
		Error struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	if json.Unmarshal(resp.Body, &a) == nil && a.Error.Code != "" {
		r.Error = c.http.Redact.Text(r.Error + ": " + channel.VisibleLine(channel.Limit(a.Error.Code, 100)+": "+channel.Limit(a.Error.Message, 300)))
	}
}

// isMessage reports whether a stored body is one that Render made.
func isMessage(body []byte) bool {
	var m struct {
		Type        string `json:"type"`
		Attachments []struct {
			Content struct {
				Type string `json:"type"`
			} `json:"content"`
		} `json:"attachments"`
	}
	return json.Unmarshal(body, &m) == nil && m.Type == typeMessage && len(m.Attachments) > 0 && m.Attachments[0].Content.Type == typeCard
}

// marked puts the mark of a message that may be there already on top of its first card; what has no place for it goes as it is.
func marked(body []byte) []byte {
	var m map[string]any
	if json.Unmarshal(body, &m) != nil {
		return body
	}
	attachments, _ := m["attachments"].([]any)
	if len(attachments) == 0 {
		return body
	}
	first, _ := attachments[0].(map[string]any)
	card, _ := first["content"].(map[string]any)
	if card == nil {
		return body
	}
	items, _ := card["body"].([]any)
	card["body"] = append([]any{line(run{Text: channel.MayRepeat, Weight: "Bolder"})}, items...)
	out, err := channel.Encode(m)
	if err != nil {
		return body
	}
	return out
}

// foreign is the card of a message that could not be rendered, or that another driver rendered: nobody stays untold for that.
func (c *Channel) foreign(o channel.Outgoing) []byte {
	var plain struct {
		Message string `json:"message"`
	}
	_ = json.Unmarshal(o.Body, &plain) // what cannot be read has no message
	out, err := c.build(channel.Notice{Kind: o.Kind, Title: o.Title, Severity: o.Severity, IncidentID: o.IncidentID}, plain.Message)
	if err != nil { // strings only: they cannot fail
		return []byte(`{}`)
	}
	return out
}
