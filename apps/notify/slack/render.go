package slack

import (
	"cmp"
	"strings"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/chat"
)

// Render implements channel.Channel.
func (c *Channel) Render(n channel.Notice) (channel.Rendered, error) {
	return c.frame.Render(n, c.builtin)
}

// Show implements channel.Shower.
func (c *Channel) Show(body []byte) []channel.Shown { return c.frame.Show(body) }

// builtin is the message without a template of the channel's own. body is mrkdwn.
func (c *Channel) builtin(n channel.Notice, body string) (chat.Document, error) {
	title := cmp.Or(escapeLine(n.Title), "Notification")
	head := "*" + title + "*"
	if n.Severity != "" { // which is said once
		word := strings.ToUpper(n.Severity)
		head = "*" + cmp.Or(strings.TrimPrefix(title, "["+escapeLine(word)+"] "), title) + "* — `" + inCode(word) + "`"
	}
	if n.IncidentID != "" {
		head += " | #" + escapeLine(n.IncidentID)
	}
	if n.Source != "" {
		head += " | " + escapeLine(n.Source)
	}
	if channel.Units(head) > maxHead { // the text begins with all of it
		body, head = head+"\n\n"+body, channel.Cut(head, maxHead, dialect.Whole)
	}
	if chat.Wakes(n) {
		head = strings.TrimSpace(c.settings.mentions(true) + " " + head)
	}
	body = strings.TrimSpace(body)
	small, long := factsOf(n)
	text := dialect.Bounds(maxSection, n.URL)
	text.Most = maxSections
	pieces, left := text.Parts(body, long)
	rest := append(blocks(pieces), facts(small)...)
	rest = append(rest, sections(dialect.Links(n, "  ·  "))...)
	doc := chat.Document{Left: left}
	var err error
	if doc.Messages, err = assemble(sections(head), rest, channel.Colour(n.Severity), channel.Cut(plainOf(title+"\n"+body), maxFallback, dialect.Whole)); err != nil {
		return doc, err
	}
	if c.settings.bot() && replies(n) {
		doc.Broadcast = chat.Wakes(n)
		reply, err := assemble(sections(channel.Cut(c.replyText(n, title), maxSection, dialect.Whole)), nil, "", channel.Cut(title, maxFallback, dialect.Whole))
		if err != nil {
			return doc, err
		}
		doc.Reply = reply[0]
	}
	return doc, nil
}

// replyText is what the thread hears when the first message was changed.
func (c *Channel) replyText(n channel.Notice, title string) string {
	text := "*" + title + "*"
	if first, _, _ := strings.Cut(strings.TrimSpace(n.Text), "\n"); first != "" {
		text += "\n" + escapeLine(first)
	}
	if chat.Wakes(n) {
		text = strings.TrimSpace(c.settings.mentions(true) + " " + text)
	}
	return text
}

// replies reports whether a change in place is not enough, since that tells nobody.
func replies(n channel.Notice) bool { return chat.Wakes(n) || n.Kind == channel.KindResolved }

// factsOf are the facts beside the text, each a few words; those that are more belong to the text.
func factsOf(n channel.Notice) (out []string, long string) {
	add := func(word, value string) {
		switch fact := word + escapeLine(value); {
		case value == "":
		case channel.Units(fact) > maxFact:
			long += "\n" + fact
		default:
			out = append(out, fact)
		}
	}
	add("", n.Status)
	if i := n.Incident; i != nil {
		if n.Kind == channel.KindResolved {
			add("was ", i.Severity)
		}
		add("environment ", i.Environment)
	}
	add("since ", chat.Stamp(n.StartedAt))
	add("until ", chat.Stamp(n.EndedAt))
	return out, long
}
