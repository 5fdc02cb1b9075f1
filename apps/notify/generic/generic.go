// Package generic sends notifications as JSON to any HTTP receiver.
package generic

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/texts"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/fault"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
)

// Name is the driver's name.
const Name = "generic"

// The headers that the hub sets.
const (
	HeaderIdempotencyKey = "Idempotency-Key"
	HeaderTraceID        = "X-IncidentHub-Trace-Id"
	HeaderSignature      = "X-IncidentHub-Signature"
	HeaderTimestamp      = "X-IncidentHub-Timestamp"
	userAgent            = "IncidentHub/1 (generic webhook)"
)

// Driver makes generic channels. The zero value has no client; use New.
type Driver struct{ channel.Wire }

var (
	_ channel.Driver     = Driver{}
	_ channel.Normalizer = Driver{}
	_ channel.Switch     = Driver{}
	_ channel.Channel    = (*Channel)(nil)
	_ channel.Follower   = (*Channel)(nil)
	_ channel.Shower     = (*Channel)(nil)
)

// New returns the driver. Its channels call out through client only. clk signs timestamps; nil means the system's.
func New(client *httpclient.Client, clk clock.Clock) Driver {
	return Driver{channel.NewWire(client, clk)}
}

// Spec implements channel.Driver.
func (Driver) Spec() channel.Spec {
	required, optional := fields()
	return channel.Spec{
		Name: Name, Description: "JSON to any HTTP receiver, with an Idempotency-Key and, if wanted, a signature.",
		Required: required, Optional: optional, Repeatable: true,
	}
}

// New implements channel.Driver.
func (d Driver) New(config json.RawMessage) (channel.Channel, error) {
	s, address, off, err := load(config)
	c := &Channel{settings: s, off: off}
	if s.templated() {
		var bad error
		c.texts, bad = texts.New(s.sets())
		err = errors.Join(err, bad)
	}
	if err != nil {
		return nil, err
	}
	c.http = d.HTTP(s.timeout, s.secrets()...)
	if address != nil {
		c.address = *address
	}
	return c, nil
}

// Off implements channel.Switch.
func (Driver) Off(config json.RawMessage) string {
	var set map[string]any
	if len(config) > 0 && json.Unmarshal(config, &set) != nil {
		return ""
	}
	if set["disabled"] == true {
		return "its settings say disabled"
	}
	for key, v := range set {
		switch v {
		case nil, "", false, 0.0:
			continue
		}
		if m, ok := v.(map[string]any); ok && len(m) == 0 || key == "acknowledged" || key == "analysis" {
			continue
		}
		return ""
	}
	return "it has no settings, so no address either"
}

// Channel sends to one receiver.
type Channel struct {
	settings Settings
	address  url.URL
	off      bool
	texts    *texts.Set // nil: bodies are the built-in ones
	http     channel.HTTP
}

// Follows implements channel.Follower.
func (c *Channel) Follows() channel.Follows {
	return channel.Follows{Acknowledged: c.settings.Acknowledged, Analysis: c.settings.Analysis}
}

// Show implements channel.Shower.
func (c *Channel) Show(body []byte) []channel.Shown { return channel.ShowDocument("body", body) }

// Send implements channel.Channel.
func (c *Channel) Send(ctx context.Context, o channel.Outgoing) channel.Result {
	if c.off {
		return channel.Result{Verdict: channel.Dropped, Class: channel.ClassDisabled, Error: "nothing is sent: the channel is disabled or has no settings"}
	}
	req, err := c.request(ctx, o)
	if err != nil {
		return c.http.Failed(fault.Permanent(err))
	}
	_, r := c.http.Do(ctx, req)
	return r
}

func (c *Channel) request(ctx context.Context, o channel.Outgoing) (*http.Request, error) {
	var payload []byte
	var body io.Reader
	if c.settings.Method != http.MethodGet {
		payload = o.Body
		body = bytes.NewReader(payload)
	}
	address := c.address
	req, err := http.NewRequestWithContext(ctx, c.settings.Method, address.String(), body)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("User-Agent", userAgent)
	if o.TraceID != "" {
		req.Header.Set(HeaderTraceID, headerValue(o.TraceID))
	}
	if c.settings.Username != "" {
		req.SetBasicAuth(c.settings.Username, c.settings.Password)
	}
	for name, value := range c.settings.Headers {
		req.Header.Set(name, value)
	}
	req.Header.Set(HeaderIdempotencyKey, headerValue(o.IdemKey))
	c.sign(req.Header, payload)
	return req, nil
}

// sign sets the signature's headers, or removes what custom headers put there: nobody else signs for the hub.
func (c *Channel) sign(h http.Header, payload []byte) {
	h.Del(HeaderSignature)
	h.Del(HeaderTimestamp)
	if c.settings.Secret == "" {
		return
	}
	mac := hmac.New(sha256.New, []byte(c.settings.Secret))
	if c.settings.SignTimestamp {
		at := strconv.FormatInt(c.http.Clock.Now().Unix(), 10)
		h.Set(HeaderTimestamp, at)
		mac.Write([]byte(at + "."))
	}
	mac.Write(payload)
	h.Set(HeaderSignature, "sha256="+hex.EncodeToString(mac.Sum(nil)))
}

// headerValue keeps an id fit for a header whatever it holds.
func headerValue(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, s)
}
