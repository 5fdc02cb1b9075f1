package mattermost

import (
	"regexp"
	"slices"
	"strings"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/chat"
)

// gap stands inside what would be a mention: it has no width. A backslash does not keep Mattermost from mentioning anybody, and text of
// webhooks is also read for Slack's mentions and links (<!channel>, <@id>, <url|word>).
const gap = "\u200b"

// What Mattermost reads as markup (https://docs.mattermost.com/end-user-guide/collaborate/format-messages.html, 2026-11).
var (
	markdown = chat.Markdown{
		Address: regexp.MustCompile(`https?://[^\s<>"'\x60*|\\\[\]()@]+`),
		Special: regexp.MustCompile(`[\\\x60*_~|\[\]]`),
		Begins:  regexp.MustCompile(`(?m)^(\s*)([#>+-])`),
		InLink:  strings.NewReplacer("(", "%28", ")", "%29", "<", "%3C", ">", "%3E", " ", "%20", `\`, "%5C", "@", "%40", "|", "%7C"),
	}
	mention = regexp.MustCompile(`@([\pL\pN_.-])`)
	angle   = regexp.MustCompile(`<(\S)`)
	// A line of nothing but = makes a heading of the one above it; a backslash before it would be shown.
	underline = regexp.MustCompile(`(?m)^( *)(=+ *)$`)
)

// escape makes text from outside inert in markdown.
func escape(s string) string {
	s = angle.ReplaceAllString(mention.ReplaceAllString(markdown.Escape(s), "@"+gap+"$1"), "<"+gap+"$1")
	return underline.ReplaceAllString(s, "$1"+gap+"$2")
}

// dialect is Mattermost's.
var dialect = chat.Dialect{
	Driver: Name, Escape: escape, Whole: regexp.MustCompile(`\\.|@\x{200b}.|<\x{200b}.|\[[^\[\]\n]{1,200}\]\([^()\s]+\)`),
	Bold: "**", List: "attachments", Text: maxPost - len(channel.MayRepeat) - 1, Lines: lines,
	Plain: func(s string) string { return strings.ReplaceAll(markdown.Plain(s), gap, "") },
	Link:  func(address, word string) string { return markdown.Link(address, word, escape) },
}

// lines are the texts of a message.
func lines(m map[string]any) []string {
	var out chat.Lines
	out.Add(m["text"], "", "")
	for _, a := range chat.Items(m, "attachments") {
		out.Add(a["pretext"], "", "")
		out.Add(a["title"], "**", "**")
		out.Add(a["text"], "", "")
		for _, f := range chat.Items(a, "fields") {
			name, _ := f["title"].(string)
			out.Add(f["value"], name+": ", "")
		}
		out.Add(a["footer"], "", "")
	}
	return out
}

// call is what mentions somebody, in the words of Mattermost and of Slack.
var call = regexp.MustCompile(`(?:<[!@]|(?:^|[^\pL\pN_.:@-])@)[\pL\pN_.:-]+`)

// disarm leaves those mentions in a text that the channel's owner configured: a template's own text may hold one, but so may a text from
// outside that a template put into JSON.
func (s *Settings) disarm(text string) string {
	return call.ReplaceAllStringFunc(text, func(found string) string {
		at := strings.IndexAny(found, "@!")
		name := strings.TrimRight(found[at+1:], ".-_:")
		if found[at] == '@' && !strings.HasPrefix(found, "<") && slices.Contains(s.Mention, strings.ToLower(name)) {
			return found
		}
		return found[:at+1] + gap + found[at+1:]
	})
}
