package discord

import (
	"regexp"
	"strings"

	"github.com/incidenthub/incidenthub/apps/notify/chat"
)

// What Discord reads as markup (https://docs.discord.com/developers/reference#message-formatting, 2026-11).
var markdown = chat.Markdown{
	Address: regexp.MustCompile(`https?://[^\s<>"'\x60*|\\\[\]()]+`),
	Special: regexp.MustCompile(`[\\\x60*_~|\[\]<>]`),
	Begins:  regexp.MustCompile(`(?m)^(\s*)([#+-])`),
	InLink:  strings.NewReplacer("(", "%28", ")", "%29", "<", "%3C", ">", "%3E", " ", "%20", `\`, "%5C"),
}

// dialect is Discord's.
var dialect = chat.Dialect{
	Driver: Name, Escape: markdown.Escape, Whole: regexp.MustCompile(`\\.|\[[^\[\]\n]{1,200}\]\([^()\s]+\)`),
	Bold: "**", List: "embeds", Items: maxEmbeds, Text: maxContent, Lines: lines, Plain: markdown.Plain,
	Link: func(address, word string) string { return markdown.Link(address, word, markdown.Escape) },
}

// lines are the texts of a message.
func lines(m map[string]any) []string {
	var out chat.Lines
	out.Add(m["content"], "", "")
	for _, e := range chat.Items(m, "embeds") {
		out.Add(e["title"], "**", "**")
		out.Add(e["description"], "", "")
		for _, f := range chat.Items(e, "fields") {
			name, _ := f["name"].(string)
			out.Add(f["value"], name+": ", "")
		}
		foot, _ := e["footer"].(map[string]any)
		out.Add(foot["text"], "", "")
	}
	return out
}
