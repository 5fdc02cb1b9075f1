// Package generic sends notifications as JSON to any HTTP receiver.
package generic

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
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

// ClassDisabled is the Result.Class of a message that a channel swallowed because it is switched off.
const ClassDisabled = "disabled"

// Driver makes generic channels. The zero value has no client; use New.
type Driver struct {
	client *httpclient.Client
	clock  clock.Clock
}

var (
	_ channel.Driver     = Driver{}
	_ channel.Normalizer = Driver{}
	_ channel.Channel    = (*Channel)(nil)
)

// New returns the driver. Its channels call out through client only. clk signs timestamps; nil means the system's.
func New(client *httpclient.Client, clk clock.Clock) Driver {
	if clk == nil {
		clk = clock.System()
	}
	return Driver{client: client, clock: clk}
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
	if err != nil {
		return nil, err
	}
	c := &Channel{settings: s, off: off, client: d.client, clock: d.clock, redact: channel.NewRedactor(s.secrets()...), timeout: defaultTimeout}
	if address != nil {
		c.address = *address
	}
	if s.Timeout > 0 {
		c.timeout = min(time.Duration(s.Timeout*float64(time.Second)), maxTimeout)
	}
	return c, nil
}

// Channel sends to one receiver.
type Channel struct {
	settings Settings
	address  url.URL
	off      bool
	timeout  time.Duration
	client   *httpclient.Client
	clock    clock.Clock
	redact   channel.Redactor
}

// Send implements channel.Channel.
func (c *Channel) Send(ctx context.Context, o channel.Outgoing) channel.Result {
	if c.off {
		return channel.Result{Verdict: channel.Done, Class: ClassDisabled, Response: "not sent: the channel is disabled or has no settings"}
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := c.request(ctx, o)
	if err != nil {
		return c.failed(fault.Permanent(err))
	}
	resp, err := c.client.Do(ctx, req)
	if err != nil {
		return c.failed(err)
	}
	v := resp.Verdict()
	r := channel.Result{Verdict: verdict(v), RetryAfter: v.After, Status: resp.Status, Response: c.redact.Answer(resp.Body)}
	if err := resp.Err(); err != nil {
		r.Error, r.Class = c.redact.Text(fault.Public(err)), fault.Class(err)
	}
	return r
}

func (c *Channel) failed(err error) channel.Result {
	v := httpclient.Judge(0, nil, err, c.clock.Now())
	return channel.Result{Verdict: verdict(v), RetryAfter: v.After, Error: c.redact.Text(fault.Public(err)), Class: fault.Class(err)}
}

func verdict(v httpclient.Verdict) channel.Verdict {
	switch v.Outcome {
	case httpclient.Done:
		return channel.Done
	case httpclient.Permanent:
		return channel.Permanent
	default:
		return channel.Retry
	}
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
		at := strconv.FormatInt(c.clock.Now().Unix(), 10)
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
