// Package channeltest is the conformance suite of channel drivers: what a driver does with its settings, with hostile text, and
// with receivers that fail in every way (RELIABILITY C18, A5).
package channeltest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
)

// HTTP is what the suite needs to know of a driver that speaks to an HTTP API.
type HTTP struct {
	// New makes the driver on a guarded client.
	New func(*httpclient.Client) channel.Driver
	// Config returns settings of a channel that sends to url and uses every secret field.
	Config func(url string) string
	// Secrets are the secret values that Config holds.
	Secrets []string
	// Text returns, from a request, every text that was taken from the notice.
	Text func(t *testing.T, r Request) string
	// KeyOf returns the idempotency key that a request carries.
	KeyOf func(r Request) string
}

// patience bounds one attempt in the suite; the fakes that hang never answer.
const patience = 400 * time.Millisecond

// RunHTTP checks a driver against real receivers.
func RunHTTP(t *testing.T, h HTTP) {
	t.Helper()
	t.Run("verdicts", func(t *testing.T) { h.verdicts(t) })
	t.Run("key", func(t *testing.T) { h.key(t) })
	t.Run("hostile", func(t *testing.T) { h.hostile(t) })
	t.Run("secrets", func(t *testing.T) { h.secrets(t) })
	t.Run("blocked", func(t *testing.T) { h.blocked(t) })
	t.Run("settings", func(t *testing.T) { Settings(t, h.New(Client(t))) })
}

// Client returns a guarded client that may call the given entries.
func Client(tb testing.TB, allow ...string) *httpclient.Client {
	tb.Helper()
	c, err := httpclient.New(httpclient.Config{Allow: allow})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Close)
	return c
}

// Open makes a channel or fails the test.
func Open(tb testing.TB, d channel.Driver, config string) channel.Channel {
	tb.Helper()
	c, err := d.New(json.RawMessage(config))
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// Rendered renders a notice as the planner would, and brings the body through a database that keeps the value of a document but not
// its spelling.
func Rendered(tb testing.TB, c channel.Channel, n channel.Notice) channel.Outgoing {
	tb.Helper()
	body, err := c.Render(n)
	if err != nil {
		tb.Fatal(err)
	}
	return channel.Outgoing{IdemKey: n.IdemKey, TraceID: n.TraceID, Title: n.Title, Body: body}
}

func (h HTTP) open(t *testing.T, steps ...Step) (*Receiver, channel.Channel) {
	t.Helper()
	r := Receive(t, steps...)
	return r, Open(t, h.New(Client(t, r.Allow)), h.Config(r.URL))
}

func (h HTTP) verdicts(t *testing.T) {
	t.Helper()
	for name, tt := range map[string]struct {
		step  Step
		want  channel.Verdict
		class string
		after time.Duration
	}{
		"200":                {Answer(200, "ok"), channel.Done, "", 0},
		"202":                {Answer(202, "ok"), channel.Done, "", 0},
		"200 and 10 MiB":     {Huge(10 << 20), channel.Done, "", 0},
		"302 in a circle":    {Redirect(), channel.Permanent, "http_302", 0},
		"400":                {Answer(400, "no"), channel.Permanent, "http_400", 0},
		"401":                {Answer(401, "no"), channel.Permanent, "http_401", 0},
		"404":                {Answer(404, "no"), channel.Permanent, "http_404", 0},
		"408":                {Answer(408, "late"), channel.Retry, "http_408", 0},
		"425":                {Answer(425, "early"), channel.Retry, "http_425", 0},
		"429":                {Answer(429, "slow down", "Retry-After", "7"), channel.Retry, "http_429", 7 * time.Second},
		"429 without a wait": {Answer(429, "slow down"), channel.Retry, "http_429", 0},
		"500":                {Answer(500, "oops"), channel.Retry, "http_500", 0},
		"501":                {Answer(501, "never"), channel.Permanent, "http_501", 0},
		"503":                {Answer(503, "busy", "Retry-After", "60"), channel.Retry, "http_503", time.Minute},
		"hang":               {Hang(), channel.Retry, "timeout", 0},
		"reset after accept": {Reset(), channel.Retry, "reset", 0},
		"one byte a second":  {Drip(), channel.Retry, "timeout", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, c := h.open(t, tt.step)
			o := Rendered(t, c, Notice())
			ctx, cancel := context.WithTimeout(t.Context(), limit(tt.want))
			defer cancel()
			got := c.Send(ctx, o)
			if got.Verdict != tt.want || got.Class != tt.class || got.RetryAfter != tt.after {
				t.Errorf("got %s %q after %s, want %s %q after %s (%+v)", got.Verdict, got.Class, got.RetryAfter, tt.want, tt.class, tt.after, got)
			}
			if (got.Error == "") != (tt.want == channel.Done) {
				t.Errorf("error %q with verdict %s", got.Error, got.Verdict)
			}
			if len(got.Response) > channel.MaxAnswer {
				t.Errorf("%d bytes of the answer are kept", len(got.Response))
			}
			if n := len(r.Requests()); n != 1 {
				t.Errorf("one attempt made %d requests", n)
			}
		})
	}
}

// limit gives receivers that answer all the time they need on a busy machine.
func limit(want channel.Verdict) time.Duration {
	if want == channel.Retry {
		return patience
	}
	return 20 * time.Second
}

// key: every attempt carries the same key and the same bytes, also after the message came back from a database.
func (h HTTP) key(t *testing.T) {
	t.Helper()
	t.Parallel()
	r, c := h.open(t, Answer(500, ""), Reset(), Answer(200, ""))
	o := Rendered(t, c, Notice())
	for range 3 {
		c.Send(t.Context(), o)
	}
	got := r.Requests()
	if len(got) != 3 {
		t.Fatalf("%d requests, want 3", len(got))
	}
	for i, q := range got {
		if h.KeyOf(q) != o.IdemKey {
			t.Errorf("attempt %d: key %q, want %q", i+1, h.KeyOf(q), o.IdemKey)
		}
		if diff := cmp.Diff(string(got[0].Body), string(q.Body)); diff != "" {
			t.Errorf("attempt %d sent another body:\n%s", i+1, diff)
		}
	}
	if got := c.Send(t.Context(), channel.Outgoing{IdemKey: "k\r\nX-Evil: 1", TraceID: "t\nX-Evil: 1", Body: o.Body}); got.Verdict != channel.Done {
		t.Errorf("an id with line breaks: %+v", got)
	}
	if last := r.Requests()[3]; last.Header.Get("X-Evil") != "" {
		t.Error("an id with line breaks became a header")
	}
}

// hostile: what a sender wrote arrives whole, as data.
func (h HTTP) hostile(t *testing.T) {
	t.Helper()
	t.Parallel()
	r, c := h.open(t)
	o := Rendered(t, c, HostileNotice())
	if got := c.Send(t.Context(), o); got.Verdict != channel.Done {
		t.Fatalf("send: %+v", got)
	}
	q := r.Requests()[0]
	for _, raw := range []string{"\x1b", "\x00", "\u202e", "\u200b", "<script>"} {
		if bytes.Contains(q.Body, []byte(raw)) {
			t.Errorf("%q is in the body as it is", raw)
		}
	}
	for name, values := range q.Header {
		for _, bad := range []string{"script", "Bcc", "DROP"} {
			if strings.Contains(name+strings.Join(values, " "), bad) {
				t.Errorf("header %s: %q", name, values)
			}
		}
	}
	text := h.Text(t, q)
	for _, want := range []string{"<script>alert(1)</script>", "{{ 7*7 }}", "<!channel>", "Bcc: evil@example.com", "%0a%0dX: y", "'; DROP TABLE alerts; --", "gnp.exe"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q cannot be read any more in %q", want, text)
		}
	}
}

// secrets: no result shows one, whatever the receiver answers.
func (h HTTP) secrets(t *testing.T) {
	t.Helper()
	t.Parallel()
	if len(h.Secrets) == 0 {
		t.Skip("the driver has no secrets")
	}
	for name, step := range map[string]Step{
		"echo 200": Echo(200), "echo 400": Echo(400), "echo 500": Echo(500), "reset": Reset(), "hang": Hang(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, c := h.open(t, step)
			o := Rendered(t, c, Notice())
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			r := c.Send(ctx, o)
			for _, s := range h.Secrets {
				if strings.Contains(r.Response+r.Error+r.Class+r.ProviderRef+string(o.Body), s) {
					t.Errorf("the secret %q shows in %+v", s, r)
				}
			}
		})
	}
}

// blocked: the guarded client is the only way out.
func (h HTTP) blocked(t *testing.T) {
	t.Helper()
	t.Parallel()
	r := Receive(t)
	c := Open(t, h.New(Client(t)), h.Config(r.URL)) // not on the allow-list
	got := c.Send(t.Context(), Rendered(t, c, Notice()))
	if got.Verdict != channel.Permanent || got.Class != "blocked_address" || !strings.Contains(got.Error, "HUB_EGRESS_ALLOW="+r.Allow) {
		t.Errorf("got %+v", got)
	}
	if n := len(r.Requests()); n != 0 {
		t.Errorf("%d requests reached a blocked address", n)
	}
}

// Settings checks what every driver does with bad settings, and that its Spec can be relied on.
func Settings(t *testing.T, d channel.Driver) {
	t.Helper()
	s := d.Spec()
	if s.Name == "" || s.Name != strings.ToLower(s.Name) || s.Description == "" {
		t.Errorf("name %q, description %q", s.Name, s.Description)
	}
	seen := map[string]bool{}
	for _, f := range s.Fields() {
		if f.Key == "" || f.Doc == "" || f.Type == "" || seen[f.Key] {
			t.Errorf("field %+v is not described, or twice", f)
		}
		seen[f.Key] = true
		if f.Type != channel.FieldMap && channel.LooksSecret(f.Key) && f.Key != "secret_name" && !f.Secret {
			t.Errorf("field %s looks like a secret and is not marked so", f.Key)
		}
	}
	for _, config := range []string{`[]`, `"x"`, `1`, `{`, `{} {}`, `{"no_such_key":1}`} {
		if _, err := d.New(json.RawMessage(config)); !errors.Is(err, channel.ErrConfig) {
			t.Errorf("New(%s): %v, want ErrConfig", config, err)
		}
	}
	_, err := d.New(json.RawMessage(`{"no_such_key":"canary-value"}`))
	if err == nil || !strings.Contains(err.Error(), "no_such_key") || strings.Contains(err.Error(), "canary-value") {
		t.Errorf("the complaint %v must name the key and not the value", err)
	}
	for key := range seen {
		if _, err := d.New(json.RawMessage(`{"` + strings.ToUpper(key) + `":"x"}`)); !errors.Is(err, channel.ErrConfig) {
			t.Errorf("%s in capitals was taken: %v", key, err)
		}
	}
}

// HeaderKey is KeyOf for drivers that carry the key in a header.
func HeaderKey(name string) func(Request) string {
	return func(r Request) string { return r.Header.Get(name) }
}
