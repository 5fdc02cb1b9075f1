package generic

import (
	"bytes"
	"encoding/json"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/texts"
)

// plain is the body of a template that does not make a JSON object (contract 8.2).
type plain struct {
	Title    string   `json:"title"`
	Message  string   `json:"message"`
	Incident incident `json:"incident"`
}

// sets are the templates, each in both roles: one that makes a JSON object is the body, whatever its key, and the text of one that does not
// is the message. As a body a template is rendered with its values escaped for JSON; its text is never read as JSON, or an alert could write
// keys.
func (s *Settings) sets() texts.Options {
	o := texts.Options{Driver: Name, Text: s.Text(), Payload: s.PayloadTemplate, Most: maxRecommendations}
	switch {
	case o.Payload.IsZero() && texts.HasPayload(o.Text): // a built-in text such as file:slack makes no document
		o.Payload = o.Text
	case o.Text.IsZero() && texts.HasText(o.Payload):
		o.Text = o.Payload
	}
	return o
}

// templated makes the body by the channel's templates: an object, else a text, else, when all fail, the built-in one.
func (c *Channel) templated(n channel.Notice, p payload) (channel.Rendered, error) {
	doc, body, ok := c.texts.Payload(n)
	if ok && body.Own {
		if out, ok := p.with(doc); ok {
			out.Remark, out.Missing = body.Remark, body.Missing
			return out, nil
		}
	}
	explicit := !c.settings.PayloadTemplate.IsZero()
	text := c.texts.Text(n)
	if text.Own {
		out, err := channel.Document(plain{Title: p.Title, Message: text.Text, Incident: p.Incident})
		if out.Missing = text.Missing; explicit {
			out.Remark = "payload_template made no JSON object: a message with text was sent"
		}
		if err == nil {
			return out, nil
		}
	}
	out, err := builtIn(p)
	out.Remark, out.Missing = text.Remark, text.Missing
	if explicit {
		out.Remark = channel.Remark(body.Remark, text.Remark)
	}
	return out, err
}

// with is a template's object, with incident; false: it is no object.
func (p *payload) with(doc json.RawMessage) (channel.Rendered, bool) {
	given := bytes.TrimSpace(doc)
	var keys map[string]json.RawMessage
	if json.Unmarshal(given, &keys) != nil || keys == nil {
		return channel.Rendered{}, false
	}
	if _, there := keys["incident"]; !there {
		own, err := channel.Encode(p.Incident)
		if err != nil {
			return channel.Rendered{}, false
		}
		var b bytes.Buffer
		b.Write(bytes.TrimSpace(given[:len(given)-1])) // without its closing brace
		if len(keys) > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"incident":`)
		b.Write(own)
		b.WriteByte('}')
		given = b.Bytes()
	}
	out, err := channel.Document(json.RawMessage(given))
	return out, err == nil
}
