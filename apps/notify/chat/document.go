package chat

import (
	"cmp"
	"encoding/json"
	"errors"
	"strings"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

// Document is the stored body. Every attempt sends the same one.
type Document struct {
	// Messages are sent one after the other; a short notice has one.
	Messages []json.RawMessage `json:"messages"`
	// Call is posted after the first message was changed in place, which wakes nobody.
	Call json.RawMessage `json:"call,omitempty"`
	// Reply is the same, said in the thread of the first message.
	Reply json.RawMessage `json:"reply,omitempty"`
	// Broadcast shows the reply in the channel too.
	Broadcast bool `json:"broadcast,omitempty"`
	// Instead are the built-in messages for one that a template made, should the service refuse it.
	Instead []json.RawMessage `json:"instead,omitempty"`

	// Left is how many characters of the built-in messages are too many.
	Left int `json:"-"`

	note string // what happened to a template's message
}

// Read opens a stored body. One of another making becomes messages of what it says.
func (f *Frame) Read(o channel.Outgoing) Document {
	var doc Document
	if err := json.Unmarshal(o.Body, &doc); err == nil && len(doc.Messages) > 0 {
		return doc
	}
	var foreign struct{ Title, Message string }
	_ = json.Unmarshal(o.Body, &foreign) // whatever can be read of it
	title := f.Bold + f.Line(cmp.Or(foreign.Title, o.Title, "Notification")) + f.Bold
	messages, _, err := f.plain(strings.TrimSpace(title+"\n"+f.Escape(foreign.Message)), false, "")
	if err != nil { // texts only: they cannot fail
		return Document{}
	}
	return Document{Messages: messages}
}

// Open is a stored message. may are keys that it gets unless it has them; empty texts are none.
func Open(raw json.RawMessage, may map[string]any) (map[string]any, error) {
	v, err := Decode(raw)
	m, _ := v.(map[string]any)
	if err != nil || m == nil {
		return nil, errors.New("the stored message is no JSON object")
	}
	for k, v := range may {
		if _, has := m[k]; !has && v != "" {
			m[k] = v
		}
	}
	return m, nil
}

// Show is what channel.Shower shows: the text of each part as people read it, and the parts' JSON.
func (f *Frame) Show(body []byte) []channel.Shown {
	doc := f.Read(channel.Outgoing{Body: body})
	var all []string
	for _, raw := range doc.Messages {
		all = append(all, f.readable(raw))
	}
	out := []channel.Shown{{Name: "text", Media: "text/plain", Text: strings.Join(all, "\n\n")}}
	for _, after := range []struct {
		name string
		raw  json.RawMessage
	}{{"message after a change in place", doc.Call}, {"reply in the thread, after a change in place", doc.Reply}} {
		if len(after.raw) > 0 {
			out = append(out, channel.Shown{Name: after.name, Media: "text/plain", Text: f.readable(after.raw)})
		}
	}
	for _, raw := range doc.Messages {
		if pretty := channel.PrettyJSON(raw); pretty != "" {
			out = append(out, channel.Shown{Name: "json", Media: "application/json", Text: pretty})
		}
	}
	return out
}

func (f *Frame) readable(raw json.RawMessage) string {
	var m map[string]any
	if json.Unmarshal(raw, &m) != nil {
		return "(a message that cannot be read)"
	}
	lines := f.Lines(m)
	if len(lines) == 0 {
		return "(an empty message)"
	}
	text := strings.Join(lines, "\n")
	if f.Plain != nil {
		text = f.Plain(text)
	}
	return text
}

// Lines collects texts of decoded JSON.
type Lines []string

// Add adds a text with what stands before and after it; what is none, or empty, is left out.
func (l *Lines) Add(v any, before, after string) {
	if s, _ := v.(string); s != "" {
		*l = append(*l, before+s+after)
	}
}

// Items is the list under a key of an object, of what is an object in it.
func Items(m map[string]any, key string) []map[string]any {
	list, _ := m[key].([]any)
	out := make([]map[string]any, 0, len(list))
	for _, v := range list {
		if one, ok := v.(map[string]any); ok {
			out = append(out, one)
		}
	}
	return out
}
