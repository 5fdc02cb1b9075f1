package chat

import (
	"regexp"
	"strings"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

// Markdown makes text from outside inert where a backslash takes its meaning from a character. Addresses are left as they are: they show
// where they lead, and a backslash would break them.
type Markdown struct {
	Address *regexp.Regexp    // the beginning of what is left as it is, up to what would be markup
	Special *regexp.Regexp    // characters with a meaning wherever they stand
	Begins  *regexp.Regexp    // what has one at the beginning of a line: blanks, then the character
	InLink  *strings.Replacer // what ends an address inside a link, percent-encoded
}

// Escape makes a text inert.
func (m *Markdown) Escape(s string) string {
	s = channel.Visible(s)
	var b strings.Builder
	at := 0
	for _, span := range m.Address.FindAllStringIndex(s, -1) {
		b.WriteString(m.Special.ReplaceAllString(s[at:span[0]], `\$0`))
		b.WriteString(s[span[0]:span[1]])
		at = span[1]
	}
	b.WriteString(m.Special.ReplaceAllString(s[at:], `\$0`))
	return m.Begins.ReplaceAllString(b.String(), `$1\$2`)
}

// Plain undoes Escape.
func (m *Markdown) Plain(s string) string { return escapes.ReplaceAllString(s, "$1") }

// escapes are a backslash and what it takes the meaning from.
var escapes = regexp.MustCompile("\\\\([!-/:-@\\[-`{-~])")

// Link writes a link. escape makes its word inert, and an address that is none.
func (m *Markdown) Link(raw, word string, escape func(string) string) string {
	address, ok := channel.WebLink(raw, MaxLink)
	if !ok {
		return escape(channel.VisibleLine(word + ": " + raw))
	}
	return "[" + escape(channel.VisibleLine(word)) + "](" + m.InLink.Replace(address) + ")"
}
