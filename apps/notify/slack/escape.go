package slack

import (
	"regexp"
	"strings"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/chat"
)

// entities are what Slack reads as markup of its own: links, mentions, channels. The rest of mrkdwn can only make text bold or grey.
// https://docs.slack.dev/messaging/formatting-message-text#escaping (2026-11)
var entities = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "```", "'''")

// escape makes text from outside inert in mrkdwn and plain_text alike.
func escape(s string) string { return entities.Replace(channel.Visible(s)) }

// escapeLine is escape for one line.
func escapeLine(s string) string { return dialect.Line(s) }

// inCode is escapeLine for the inside of a code span.
func inCode(s string) string { return strings.ReplaceAll(escapeLine(s), "`", "'") }

// dialect is Slack's.
var dialect = chat.Dialect{
	Driver: Name, Escape: escape, Whole: regexp.MustCompile(`&(?:amp|lt|gt);|<[^<>\n]+>`),
	Bold: "*", List: "blocks", Items: maxBlocks, Text: maxText, Link: link, Lines: lines,
}

// link writes a link to an address with a word for it. Addresses that are none are written as text.
func link(address, word string) string {
	to, ok := channel.WebLink(address, 2000)
	if !ok {
		return escape(channel.VisibleLine(word + ": " + address))
	}
	return "<" + strings.ReplaceAll(escape(to), "|", "%7C") + "|" + escape(channel.VisibleLine(strings.ReplaceAll(word, "|", "/"))) + ">"
}

// plainOf turns mrkdwn of ours into text for notifications: links by their word.
func plainOf(s string) string { return links.ReplaceAllString(s, "$1") }

var links = regexp.MustCompile(`<[^<>|\n]*\|([^<>\n]*)>`)

var undone = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")

// lines are the texts of a message; of one without blocks or attachments, its text.
func lines(m map[string]any) []string {
	var out chat.Lines
	collect(m["blocks"], &out)
	collect(m["attachments"], &out)
	if len(out) == 0 {
		out.Add(m["text"], "", "")
	}
	for i := range out {
		out[i] = undone.Replace(out[i])
	}
	return out
}

func collect(v any, into *chat.Lines) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			collect(e, into)
		}
	case map[string]any:
		into.Add(v["text"], "", "")
		collect(v["text"], into)
		for _, key := range []string{"pretext", "title", "value"} {
			into.Add(v[key], "", "")
		}
		for _, key := range []string{"fields", "elements", "blocks"} {
			collect(v[key], into)
		}
	}
}
