package telegram

import (
	"encoding/json"
	"html"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

// Limits of the service (https://core.telegram.org/bots/api#sendmessage): 4096 characters after the markup is read. Markup is counted
// here as well; what is left is for marks and for tags that go on in the next part.
const (
	maxText = 4096
	maxPart = 3800

	maxRecommendations = 5
	maxShort           = 300
)

// message is the stored body.
type message struct {
	HTML  []string `json:"html"`            // parts, in order
	Short string   `json:"short,omitempty"` // a reply beside the change in place, that rings
	Quiet bool     `json:"quiet,omitempty"`
}

// Render implements channel.Channel.
func (c *Channel) Render(n channel.Notice) (channel.Rendered, error) {
	made := c.texts.Text(n)
	m := message{Quiet: n.Kind == channel.KindAcknowledged}
	var left int
	if m.HTML, left = parts(channel.Visible(made.Text), n.URL); len(m.HTML) == 0 { // a template that made nothing
		m.HTML, left = parts(builtIn(n), n.URL)
	}
	switch {
	case n.Kind == channel.KindResolved:
		m.Short = mark(n) + " " + bold(shorten(n.Heading()))
	case n.Kind == channel.KindUpdated && n.Event == string(event.EventSeverityRaised):
		m.Short = mark(n) + " Severity raised: " + bold(shorten(n.Heading()))
	}
	body, err := channel.Encode(m)
	return channel.Rendered{Body: body, Parts: m.calls(again(n)), Remark: channel.Remark(made.Remark, channel.LeftOut(left)), Missing: made.Missing}, err
}

// calls is how many calls a message takes at most: a reply, or a change beside messages that ring, is for those who have the first message.
func (m message) calls(again bool) int {
	if m.Short != "" || again {
		return len(m.HTML) + 1
	}
	return len(m.HTML)
}

// again reports whether it rings about what was told before: a reminder, or a beginning that is not the first.
func again(n channel.Notice) bool {
	return n.Kind == channel.KindReminder || n.Kind == channel.KindFiring && n.IncidentID != "" && n.Event != "" && n.Event != string(event.EventOpened)
}

// builtIn is the message where no template made one: the title in bold, and the plain text.
func builtIn(n channel.Notice) string {
	return mark(n) + " " + bold(n.Heading()) + "\n\n" + escape(strings.TrimSpace(channel.Visible(n.Text)))
}

func bold(s string) string { return "<b>" + escape(s) + "</b>" }

func shorten(s string) string {
	if pieces := channel.Split(s, maxShort, nil); len(pieces) > 1 {
		return pieces[0] + "…" // the whole of it is in the message that this one answers to
	}
	return s
}

// mark is what a glance at a locked phone sees.
func mark(n channel.Notice) string {
	switch n.Kind {
	case channel.KindAcknowledged:
		return "👀"
	case channel.KindTest:
		return "🧪"
	default:
	}
	switch n.Severity {
	case "critical":
		return "🔴"
	case "warning":
		return "🟠"
	case "success":
		return "✅"
	default:
		return "🔵"
	}
}

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")

// escape makes a value inert in Telegram's HTML.
func escape(s string) string { return escaper.Replace(s) }

// markup is what is not cut in two; tag is one of it, with its slash and name.
var (
	markup = regexp.MustCompile(`<[^<>]+>|&#?[A-Za-z0-9]{1,10};`)
	tag    = regexp.MustCompile(`<(/?)([A-Za-z][A-Za-z0-9-]*)[^<>]*>`)
)

// parts cuts a text in order. Tags that are open at a cut are closed there, and opened again in the next part. left is how many characters are
// too many, which the last part says, with the address where they are.
func parts(text, where string) (pieces []string, left int) {
	b := channel.Bounds{
		Limit: maxPart, Whole: markup, Where: escape(channel.VisibleLine(where)), Read: func(s string) int { return utf8.RuneCountInString(plain(s)) },
	}
	pieces, left = b.Parts(text, "")
	if len(pieces) < 2 {
		return pieces, left
	}
	type open struct{ name, text string }
	var stack []open
	for i, p := range pieces {
		var head, tail strings.Builder
		for _, o := range stack {
			head.WriteString(o.text)
		}
		for _, found := range tag.FindAllStringSubmatch(p, -1) {
			name := strings.ToLower(found[2])
			switch {
			case found[1] == "":
				stack = append(stack, open{name, found[0]})
			case len(stack) > 0 && stack[len(stack)-1].name == name:
				stack = stack[:len(stack)-1]
			}
		}
		for _, o := range slices.Backward(stack) {
			tail.WriteString("</" + o.name + ">")
		}
		if whole := head.String() + p + tail.String(); channel.Units(whole) <= maxText-100 {
			pieces[i] = whole
		} else { // a template with endless tags; the text counts
			pieces[i] = escape(plain(p))
		}
	}
	return pieces, left
}

// plain is a text without its markup.
func plain(s string) string { return html.UnescapeString(tag.ReplaceAllString(s, "")) }

// read takes the stored body; of one that another version of the hub made, its texts.
func read(o channel.Outgoing) (message, bool) {
	var m message
	if json.Unmarshal(o.Body, &m) == nil && len(m.HTML) > 0 {
		return m, true
	}
	var foreign struct{ Title, Message string }
	if json.Unmarshal(o.Body, &foreign) != nil {
		return message{}, false
	}
	n := channel.Notice{Kind: o.Kind, Severity: o.Severity, Title: foreign.Title, Text: foreign.Message}
	if strings.TrimSpace(n.Title) == "" {
		n.Title = o.Title
	}
	if strings.TrimSpace(n.Title+n.Text) == "" {
		return message{}, false
	}
	m.HTML, _ = parts(builtIn(n), "")
	return message{HTML: m.HTML}, true
}

// Show implements channel.Shower. The markup is a small part of HTML; whoever shows it puts it in a sandbox.
func (c *Channel) Show(body []byte) []channel.Shown {
	m, ok := read(channel.Outgoing{Body: body})
	if !ok {
		return nil
	}
	var shown []channel.Shown
	for _, part := range m.HTML {
		shown = append(shown, channel.Shown{Name: "message", Media: "text/html", Text: orNone(strings.ReplaceAll(part, "\n", "<br>\n"))})
	}
	if m.Short != "" {
		shown = append(shown, channel.Shown{Name: "reply", Media: "text/html", Text: m.Short})
	}
	return shown
}

func orNone(s string) string {
	if strings.TrimSpace(s) == "" {
		return "(empty)"
	}
	return s
}
