// Package channeltest is the conformance suite of channel drivers: what a driver does with its settings, with hostile text, with
// long messages, and with receivers that fail in every way (RELIABILITY C18, A5).
//
// # Which functions a driver's tests call
//
//   - RunHTTP, for drivers that speak to an HTTP API: everything below, against real receivers on the loopback interface. A driver with
//     two ways to send (a webhook, a bot) calls it once for each.
//   - Settings, Bodies and Readable, for the others (e-mail, the inbox): the parts of the suite that need no HTTP.
//   - Complaints, for each row of a table of settings, good and bad.
//   - Fuzz, as the driver's FuzzRender; FuzzMessages, where the body is a list of messages.
//   - Goldens and Golden, for the bodies that the driver's README points at.
//
// # What a driver may be like
//
// Nothing is assumed of how an API takes a message. HTTP says it: where the idempotency key is, if anywhere (KeyOf, Key); what a receiver
// answers when it has taken a message (Accept) and which answers mean something else than their status (Rows: ok:false in a 200); how text
// looks when the receiver shows it, its escaping undone (Readable); how many lines are too long for one call (SplitLines), or what a
// message says when it had to be shortened (Shortened); what the real API refuses (Refuses); where the thread of a message is (ThreadOf).
//
// # Fakes
//
// A fake of an API is a type with a method Step of the type Step: Receive(t, fake.Step) makes it a server, Receive(t, Answer(503, ""),
// fake.Step) one that fails first. It refuses what the real API refuses, and remembers what the API would. Fakes take any testing.TB and
// no part of a driver, so that tests of a whole hub use them as well.
package channeltest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
)

// HTTP is what the suite needs to know of a driver that speaks to an HTTP API. New, Config and Text are required.
type HTTP struct {
	// New makes the driver on a guarded client.
	New func(*httpclient.Client) channel.Driver
	// Config returns settings of a channel that sends to url and uses every secret field that it can.
	Config func(url string) string
	// Secrets are the secret values that Config holds.
	Secrets []string
	// Text returns, from a request, every text that was taken from the notice, as it stands in the request's fields.
	Text func(t *testing.T, r Request) string
	// Readable returns a text as the receiver shows it: entities decoded, backslashes of markup gone. Nil: it is shown as it stands.
	Readable func(text string) string
	// KeyOf returns what a request carries so that the receiver can tell a repeat. Nil: the API has no place for it, so the driver is not
	// Repeatable.
	KeyOf func(r Request) string
	// Key returns what KeyOf must find. Nil: the idempotency key itself.
	Key func(o channel.Outgoing) string
	// Accept is how the receiver says that it has taken a message. Nil: 200 with any body.
	Accept Step
	// Rows are more rows of the verdict table, and other ones for those of the table by name; without a Step they keep the table's.
	Rows map[string]Row
	// SplitLines is how many lines (Lines) do not fit into one call. 0: the driver never needs several calls.
	SplitLines int
	// Shortened is what a message says that had to leave something out. "": nothing is ever left out.
	Shortened string
	// Refuses says why the real API would refuse a request. Every request that the suite provokes is asked about. Nil: it takes all.
	Refuses func(r Request) error
	// ThreadOf returns the thread that a request answers to. It goes with Spec.Threads.
	ThreadOf func(r Request) string
	// Exact: texts are for programs and go out as they are, in JSON that hides nothing.
	Exact bool
	// Plain: this way to send has no threads and finds nothing, whatever the driver's Spec says of another one.
	Plain bool
}

// Row is one row of a verdict table: what a receiver does, and what an attempt makes of it.
type Row struct {
	Step  Step
	Want  channel.Verdict
	Class string
	After time.Duration
}

// patience bounds an attempt at a receiver that never answers; bound, one at a receiver that does, on a busy machine.
const (
	patience = 2 * time.Second
	bound    = 20 * time.Second
)

// RunHTTP checks a driver against real receivers.
func RunHTTP(t *testing.T, h HTTP) {
	t.Helper()
	if h.Accept == nil {
		h.Accept = Answer(200, "ok")
	}
	if h.Readable == nil {
		h.Readable = func(text string) string { return text }
	}
	if h.Key == nil {
		h.Key = func(o channel.Outgoing) string { return o.IdemKey }
	}
	t.Run("spec", func(t *testing.T) { h.spec(t) })
	t.Run("verdicts", func(t *testing.T) { h.verdicts(t) })
	t.Run("repeats", func(t *testing.T) { h.repeats(t) })
	t.Run("unknown", func(t *testing.T) { h.unknown(t) })
	t.Run("threads", func(t *testing.T) { h.threads(t) })
	t.Run("parts", func(t *testing.T) { h.parts(t) })
	t.Run("long", func(t *testing.T) { h.long(t) })
	t.Run("hostile", func(t *testing.T) { h.hostile(t) })
	t.Run("secrets", func(t *testing.T) { h.secrets(t) })
	t.Run("blocked", func(t *testing.T) { h.blocked(t) })
	t.Run("foreign", func(t *testing.T) { h.foreign(t) })
	t.Run("bodies", func(t *testing.T) {
		Bodies(t, Open(t, h.New(Client(t, "receiver.example")), h.Config("https://receiver.example")), h.Secrets...)
	})
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

// Rendered renders a notice as the planner would.
func Rendered(tb testing.TB, c channel.Channel, n channel.Notice) channel.Outgoing {
	tb.Helper()
	r, err := c.Render(n)
	if err != nil {
		tb.Fatal(err)
	}
	return channel.Outgoing{
		IdemKey: n.IdemKey, TraceID: n.TraceID, Title: n.Title, Kind: n.Kind, Severity: n.Severity, IncidentID: n.IncidentID, Body: r.Body,
	}
}

// Attempt makes one attempt that must come to this verdict.
func Attempt(t *testing.T, c channel.Channel, o channel.Outgoing, want channel.Verdict) channel.Result {
	t.Helper()
	got := c.Send(t.Context(), o)
	if got.Verdict != want {
		t.Fatalf("got %+v, want %s", got, want)
	}
	return got
}

// Object is a body that is one JSON object.
func Object(t *testing.T, body []byte) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(body, &m); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return m
}

// Inline is a setting with a template of one's own, to follow others: ,"template":{"type":"inline","template":"…"}.
func Inline(key, template string) string {
	text, _ := json.Marshal(template) // a text has a form in JSON
	return fmt.Sprintf(`,%q:{"type":"inline","template":%s}`, key, text)
}

func (h HTTP) open(t *testing.T, steps ...Step) (*Receiver, channel.Channel) {
	t.Helper()
	if len(steps) == 0 {
		steps = []Step{h.Accept}
	}
	r := Receive(t, steps...)
	return r, Open(t, h.New(Client(t, r.Allow)), h.Config(r.URL))
}

// send makes one attempt that must succeed and returns the requests that it made.
func (h HTTP) send(t *testing.T, r *Receiver, c channel.Channel, o channel.Outgoing) (channel.Result, []Request) {
	t.Helper()
	before := len(r.Requests())
	ctx, cancel := context.WithTimeout(t.Context(), bound)
	defer cancel()
	got := c.Send(ctx, o)
	if got.Verdict != channel.Done {
		t.Fatalf("send: %+v", got)
	}
	made := r.Requests()[before:]
	h.taken(t, made)
	return got, made
}

// taken complains about requests that the real API would refuse.
func (h HTTP) taken(t *testing.T, made []Request) {
	t.Helper()
	if h.Refuses == nil {
		return
	}
	for i, q := range made {
		if err := h.Refuses(q); err != nil {
			t.Errorf("the API refuses request %d: %v", i+1, err)
		}
	}
}

// shown is all the text of requests as the receiver shows it.
func (h HTTP) shown(t *testing.T, made []Request) string {
	t.Helper()
	var b strings.Builder
	for _, q := range made {
		b.WriteString(h.Readable(h.Text(t, q)))
		b.WriteByte('\n')
	}
	return b.String()
}

// spec: what a driver promises of itself goes with what the suite is told.
func (h HTTP) spec(t *testing.T) {
	t.Helper()
	s := h.New(Client(t)).Spec()
	if s.Repeatable && h.KeyOf == nil {
		t.Error("a receiver cannot tell repeats without a key, yet the driver says it is Repeatable")
	}
	if !h.Plain && s.Threads != (h.ThreadOf != nil) {
		t.Errorf("Threads is %v, ThreadOf set: %v", s.Threads, h.ThreadOf != nil)
	}
	if s.Local {
		t.Error("nothing is sent by a Local driver")
	}
}

// HeaderKey is KeyOf for drivers that carry the key in a header.
func HeaderKey(name string) func(Request) string {
	return func(r Request) string { return r.Header.Get(name) }
}
