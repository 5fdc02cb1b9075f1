// Package pagerduty sends notifications as events of PagerDuty's Events API v2: an incident is triggered, acknowledged and resolved there
// under one deduplication key.
package pagerduty

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/texts"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
)

// Name is the driver's name.
const Name = "pagerduty"

const userAgent = "IncidentHub/1 (PagerDuty Events API v2)"

// Driver makes PagerDuty channels. The zero value has no client; use New.
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

// Spec implements channel.Driver. A repeat is harmless: under its dedup_key PagerDuty has one alert, whatever comes how often.
func (Driver) Spec() channel.Spec {
	required, optional := fields()
	return channel.Spec{
		Name: Name, Description: "Events of PagerDuty (Events API v2): incidents are triggered, acknowledged and resolved there too.",
		Required: required, Optional: optional, Repeatable: true,
	}
}

// New implements channel.Driver.
func (d Driver) New(config json.RawMessage) (channel.Channel, error) {
	s, err := load(config)
	set, bad := texts.New(texts.Options{Driver: Name, Text: s.Text(), Payload: s.payload(), Most: maxRecommendations})
	if err := errors.Join(err, bad); err != nil {
		return nil, err
	}
	return &Channel{settings: s, texts: set, http: d.HTTP(s.timeout, s.IntegrationKey)}, nil
}

// Channel sends to one service of PagerDuty.
type Channel struct {
	settings Settings
	texts    *texts.Set
	http     channel.HTTP
}

// Follows implements channel.Follower. An acknowledgement stops PagerDuty's escalation; an analysis becomes part of the open alert, which
// notifies nobody again.
func (c *Channel) Follows() channel.Follows {
	return channel.Follows{Acknowledged: true, Analysis: c.settings.Analysis == nil || *c.settings.Analysis}
}

// Send implements channel.Channel. The stored body has no routing key: that is put in front here.
func (c *Channel) Send(ctx context.Context, o channel.Outgoing) channel.Result {
	body := bytes.TrimSpace(o.Body)
	if !isEvent(body) {
		body = c.foreign(o)
	}
	key, err := json.Marshal(c.settings.IntegrationKey)
	if err != nil {
		return c.http.Failed(err)
	}
	whole := make([]byte, 0, len(body)+len(key)+len(`{"routing_key":,`))
	whole = append(append(append(whole, `{"routing_key":`...), key...), ',')
	whole = append(whole, body[1:]...)
	resp, r := c.http.PostJSON(ctx, c.settings.address, http.Header{"User-Agent": {userAgent}}, whole)
	if resp != nil {
		c.judge(resp, &r)
	}
	return r
}

// answer is what the API says; errors only when it refuses.
type answer struct {
	Status   string   `json:"status"`
	Message  string   `json:"message"`
	Errors   []string `json:"errors"`
	DedupKey string   `json:"dedup_key"`
}

// judge reads what the API says beyond the status (contract 8.2: only "success" is success).
func (c *Channel) judge(resp *httpclient.Response, r *channel.Result) {
	var a answer
	readable := json.Unmarshal(resp.Body, &a) == nil
	switch {
	case r.Verdict == channel.Done && readable && a.Status == "success":
		r.ProviderRef = c.http.Redact.Text(channel.Limit(a.DedupKey, maxKey))
	case r.Verdict == channel.Done && readable && a.Status != "":
		r.Verdict, r.Class = channel.Permanent, channel.ClassBadAnswer
		r.Error = c.http.Redact.Text("PagerDuty did not take the event: " + a.says())
	case r.Verdict == channel.Done: // a proxy, or half an answer: the event may be there, and sending it again does no harm
		r.Verdict, r.Class = channel.Retry, channel.ClassBadAnswer
		r.Error = "the answer is not PagerDuty's: its status is not \"success\""
	case readable && a.says() != "":
		r.Error = c.http.Redact.Text(r.Error + ": " + a.says())
	}
}

// says is the API's complaint in a line.
func (a answer) says() string {
	var parts []string
	for _, s := range append([]string{a.Status, a.Message}, a.Errors...) {
		if s = channel.VisibleLine(channel.Limit(s, 200)); s != "" && len(parts) < 6 {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, ": ")
}
