package mattermost

import (
	"cmp"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/chat"
)

// Render implements channel.Channel.
func (c *Channel) Render(n channel.Notice) (channel.Rendered, error) {
	return c.frame.Render(n, c.builtin)
}

// Show implements channel.Shower.
func (c *Channel) Show(body []byte) []channel.Shown { return c.frame.Show(body) }

// builtin is the message without a template of the channel's own: an attachment, or several messages with one each when the text is long.
// body is markdown.
func (c *Channel) builtin(n channel.Notice, body string) (chat.Document, error) {
	card := dialect.Card(n, body, chat.Limits{Title: maxTitle, Fact: maxFact, Text: perMessage})
	first := attachment{Color: channel.Colour(n.Severity), Title: card.Title, TitleLink: card.URL}
	for _, f := range card.Facts {
		first.Fields = append(first.Fields, field{Title: f.Name, Value: f.Value, Short: true})
	}
	if card.ID != "" {
		first.Footer = "#" + dialect.Line(card.ID)
	}
	summary := cmp.Or(channel.Cut(channel.VisibleLine(n.Title)+"\n"+channel.Visible(n.Text), maxPlain, nil), "Notification")
	doc := chat.Document{Left: card.Left}
	for i, piece := range card.Pieces {
		a, m := attachment{Color: first.Color}, message{Props: &props{facts{
			Key: channel.VisibleLine(n.IdemKey), Incident: channel.VisibleLine(n.IncidentID), Event: string(n.Kind), Severity: channel.VisibleLine(n.Severity),
			Part: i + 1, Parts: len(card.Pieces),
		}}}
		if i == 0 {
			a, m.Text = first, c.settings.mentions(chat.Wakes(n))
		}
		a.Text, a.Fallback = piece, summary
		m.Attachments = []attachment{a}
		raw, err := channel.Encode(m)
		if err != nil {
			return doc, err
		}
		doc.Messages = append(doc.Messages, raw)
	}
	return doc, nil
}
