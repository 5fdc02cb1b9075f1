package discord

import (
	"time"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/chat"
)

// Render implements channel.Channel.
func (c *Channel) Render(n channel.Notice) (channel.Rendered, error) {
	return c.frame.Render(n, c.builtin)
}

// Show implements channel.Shower.
func (c *Channel) Show(body []byte) []channel.Shown { return c.frame.Show(body) }

// builtin is the message without a template of the channel's own: an embed, or several messages with one each when the text is long. body
// is markdown.
func (c *Channel) builtin(n channel.Notice, body string) (chat.Document, error) {
	card := dialect.Card(n, body, chat.Limits{Title: maxTitle, Fact: maxFact, Text: maxDescription})
	first := embed{Title: card.Title, URL: card.URL, Color: colour(n.Severity), Timestamp: n.At.UTC()}
	if n.At.IsZero() {
		first.Timestamp = time.Time{}
	}
	for _, f := range card.Facts {
		first.Fields = append(first.Fields, field{Name: f.Name, Value: f.Value, Inline: true})
	}
	if card.ID != "" {
		first.Footer = &footer{Text: "#" + channel.VisibleLine(card.ID)}
	}
	mention, may := c.settings.mentions(chat.Wakes(n))
	doc := chat.Document{Left: card.Left}
	for i, piece := range card.Pieces {
		e, m := embed{Color: first.Color}, message{Mentions: allowed{Parse: []string{}}}
		if i == 0 {
			e, m.Content, m.Mentions = first, mention, may
		}
		e.Description = piece
		m.Embeds = []embed{e}
		raw, err := channel.Encode(m)
		if err != nil {
			return doc, err
		}
		doc.Messages = append(doc.Messages, raw)
	}
	if !chat.Wakes(n) {
		return doc, nil
	}
	// The title stands in an embed: nothing there mentions anybody, whatever the settings let Discord do.
	e := embed{Color: first.Color, URL: first.URL, Title: first.Title}
	if e.Title == "" {
		e.Description = channel.Split("**"+card.Heading+"**", maxDescription, dialect.Whole)[0]
	}
	raw, err := channel.Encode(message{Content: mention, Embeds: []embed{e}, Mentions: may})
	doc.Call = raw
	return doc, err
}
