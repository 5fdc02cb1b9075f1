// Package chat is what the drivers of chat services have in common: what is told beside the text, messages that a channel's own templates
// make, the stored document, and sending its parts. How a service writes and what it takes is in its driver.
package chat

import (
	"encoding/json"
	"errors"
	"regexp"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/texts"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
)

// maxRecommendations is how many a message has (contract 8.4).
const maxRecommendations = 5

// Dialect is how a service writes, and what it takes. It holds nothing of a channel.
type Dialect struct {
	Driver string                   // whose built-in templates are used
	Escape func(string) string      // makes text from outside inert in the service's markup
	Whole  *regexp.Regexp           // what a cut must not go through
	Bold   string                   // stands before and after bold text
	List   string                   // what messages hold besides text, by its key: blocks, embeds, attachments
	Items  int                      // of such a list that a message takes; 0: as many as there are
	Text   int                      // characters of a message that is text only
	Link   func(a, w string) string // an address with a word for it; one that is none as text
	// Plain undoes Escape, for people; nil: Lines has done it.
	Plain func(string) string
	// Lines are the texts of a message as people read them, in order.
	Lines func(m map[string]any) []string
}

// Line is Escape for one line.
func (d *Dialect) Line(s string) string { return d.Escape(channel.VisibleLine(s)) }

// Voice is whom a channel's settings let messages mention. Nobody else is ever mentioned, whatever alerts and templates say.
type Voice interface {
	// Address gets a text of a template ready: who is mentioned in front if somebody should look now (wakes), no other mention in it.
	Address(text string, wakes bool) string
	// Plain is a message of text alone. calls: whom the text mentions may be called; they are not without.
	Plain(text string, calls bool) any
	// Fit gets a message of a template ready to be sent, or says why the service would not take it.
	Fit(m map[string]any, wakes bool) error
}

// Frame renders the messages of one channel. It is safe for concurrent use.
type Frame struct {
	*Dialect
	voice Voice
	own   *texts.Set // with the channel's own templates
	usual *texts.Set // without them
}

// NewFrame compiles the templates of a channel. bad is what is wrong with its settings already; it is joined to what is wrong with them.
func NewFrame(d *Dialect, v Voice, text, payload settings.Template, bad error) (Frame, error) {
	o := texts.Options{Driver: d.Driver, Escape: d.Escape, Most: maxRecommendations}
	usual, err := texts.New(o)
	if err != nil {
		return Frame{}, err
	}
	o.Text, o.Payload = text, payload
	own, err := texts.New(o)
	return Frame{d, v, own, usual}, errors.Join(bad, err)
}

// Render renders a notice: as the channel's own template wants it where there is one and it can be sent, with the built-in messages behind
// it. builtin makes those of a body that is in the service's markup.
func (f *Frame) Render(n channel.Notice, builtin func(n channel.Notice, body string) (Document, error)) (channel.Rendered, error) {
	made := f.own.Text(n)
	body := made.Text
	var own []json.RawMessage
	var bad error
	left := 0
	if made.Own {
		own, left, bad = f.text(made.Text, Wakes(n), n.URL)
		body = f.usual.Text(n).Text
	}
	payload, m, ok := f.own.Payload(n)
	if ok {
		own, bad = f.messages(payload, Wakes(n))
		left = 0
	}
	remark := channel.Remark(made.Remark, m.Remark)
	if bad != nil {
		remark = channel.Remark(remark, "what the template made was not sent: "+bad.Error())
	}
	doc, err := builtin(n, body)
	if err != nil {
		return channel.Rendered{}, err
	}
	if bad == nil && len(own) > 0 {
		doc.Messages, doc.Instead = own, doc.Messages
	} else {
		left = doc.Left
	}
	r, err := channel.Document(doc)
	r.Parts, r.Remark, r.Missing = len(doc.Messages), channel.Remark(remark, channel.LeftOut(left)), append(made.Missing, m.Missing...)
	return r, err
}
