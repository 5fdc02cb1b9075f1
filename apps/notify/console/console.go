// Package console writes notifications to the hub's own output, for trying things out and for log collectors.
package console

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/fault"
	"github.com/incidenthub/incidenthub/internal/platform/trace"
)

// Name is the driver's name.
const Name = "console"

// The formats.
const (
	FormatText = "text" // a block for people
	FormatJSON = "json" // one line
)

// Driver makes console channels that share one writer: each message is written whole, by one call.
type Driver struct {
	mu *sync.Mutex
	w  io.Writer
}

var (
	_ channel.Driver  = Driver{}
	_ channel.Channel = Channel{}
)

// New returns the driver. w need not be safe for concurrent use.
func New(w io.Writer) Driver { return Driver{mu: &sync.Mutex{}, w: w} }

// Spec implements channel.Driver.
func (Driver) Spec() channel.Spec {
	return channel.Spec{
		Name: Name, Description: "Writes to the output of the hub's process.", Repeatable: true,
		Optional: []channel.Field{{
			Key: "format", Type: channel.FieldText, Default: FormatText, Enum: []string{FormatText, FormatJSON},
			Doc: "text: a block for people; json: one line per message.",
		}},
	}
}

// New implements channel.Driver.
func (d Driver) New(config json.RawMessage) (channel.Channel, error) {
	s := struct {
		Format string `json:"format"`
	}{}
	if err := channel.Decode(config, &s); err != nil {
		return nil, err
	}
	if s.Format != "" && s.Format != FormatText && s.Format != FormatJSON {
		return nil, channel.Bad("format", "must be %s or %s", FormatText, FormatJSON)
	}
	return Channel{out: d, json: s.Format == FormatJSON}, nil
}

// Channel writes in one format.
type Channel struct {
	out  Driver
	json bool
}

// message is the stored body, and the line in the json format.
type message struct {
	At         time.Time    `json:"at"`
	Event      channel.Kind `json:"event"`
	Severity   string       `json:"severity"`
	Title      string       `json:"title"`
	Channel    string       `json:"channel"`
	IncidentID string       `json:"incident_id,omitempty"`
	IdemKey    string       `json:"idempotency_key,omitempty"`
	TraceID    string       `json:"trace_id,omitempty"`
	Message    string       `json:"message"`
}

// Render implements channel.Channel.
func (Channel) Render(n channel.Notice) (channel.Rendered, error) {
	return channel.Document(message{
		At: n.At, Event: n.Kind, Severity: n.Severity, Title: n.Title, Channel: n.Channel, IncidentID: n.IncidentID, IdemKey: n.IdemKey,
		TraceID: n.TraceID, Message: n.Text,
	})
}

// Send implements channel.Channel.
func (c Channel) Send(ctx context.Context, o channel.Outgoing) channel.Result {
	text, err := c.text(o.Body)
	if err != nil {
		return channel.Result{Verdict: channel.Permanent, Error: fault.Public(err), Class: fault.ClassOther}
	}
	if err = ctx.Err(); err == nil {
		err = c.out.write(text)
	}
	if err != nil {
		return channel.Result{Verdict: channel.Retry, Error: fault.Public(err), Class: fault.Class(err)}
	}
	return channel.Result{Verdict: channel.Done}
}

// Show implements channel.Shower.
func (c Channel) Show(body []byte) []channel.Shown {
	text, err := c.text(body)
	if err != nil {
		return nil
	}
	return []channel.Shown{{Name: "output", Media: "text/plain", Text: strings.Trim(string(text), "\n")}}
}

// text is what a stored body is on the output.
func (c Channel) text(body []byte) ([]byte, error) {
	var m message
	if err := json.Unmarshal(body, &m); err != nil {
		return nil, errors.New("the stored message is not one of this driver")
	}
	if !c.json {
		return block(m), nil
	}
	line, err := channel.Encode(m)
	return append(line, '\n'), err
}

func (d Driver) write(b []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, err := d.w.Write(b)
	return err
}

// block sets a message off from log lines: its title, then each line behind a bar. No line holds control characters.
func block(m message) []byte {
	var b bytes.Buffer
	b.WriteString("\n── " + trace.Escape(m.Title) + " ──\n")
	for l := range bytes.SplitSeq([]byte(m.Message), []byte("\n")) {
		b.WriteString("│ " + trace.Escape(string(bytes.TrimSuffix(l, []byte("\r")))) + "\n")
	}
	b.WriteString("└ " + trace.Escape(m.Channel) + " · " + m.At.UTC().Format(time.RFC3339) + " · " + trace.Escape(m.IdemKey) + "\n")
	return b.Bytes()
}
