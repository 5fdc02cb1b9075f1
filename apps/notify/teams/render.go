package teams

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

// Limits of a message. Teams takes 28 KB and counts characters of two bytes (learn.microsoft.com, "Limits and specifications for Microsoft
// Teams" and the 413s that are reported at 14,000 characters); the mark of a repeat fits beside it. A card has at most six buttons.
const (
	maxUnits           = 14_000 - 300
	maxButtons         = 6
	maxLine            = 2_000
	maxRecommendations = 5
)

// Render implements channel.Channel.
func (c *Channel) Render(n channel.Notice) (channel.Rendered, error) {
	made := c.texts.Text(n)
	doc, own, ok := c.texts.Payload(n)
	missing := append(made.Missing, own.Missing...)
	slices.Sort(missing)
	out := channel.Rendered{Parts: 1, Remark: channel.Remark(made.Remark, own.Remark), Missing: slices.Compact(missing)}
	if ok && own.Own {
		body, err := ownMessage(doc)
		if err != nil {
			out.Remark = channel.Remark(out.Remark, "payload_template "+err.Error()+": the built-in card was sent")
		}
		out.Body = body
	}
	if out.Body == nil {
		body, err := c.build(n, made.Text)
		if err != nil {
			return channel.Rendered{}, err
		}
		out.Body = body
	}
	return out, nil
}

// ownMessage is the message of a card that a template made, or of the message that it made.
func ownMessage(doc json.RawMessage) ([]byte, error) {
	var kind struct {
		Type string `json:"type"`
	}
	_ = json.Unmarshal(doc, &kind) // what is no object has no type
	body, err := channel.Encode(doc)
	if err != nil {
		return nil, err
	}
	if kind.Type == typeCard {
		body, err = channel.Encode(wrap("", body))
	}
	switch {
	case err != nil:
		return nil, err
	case !isMessage(body):
		return nil, errors.New("made no Adaptive Card and no message with one")
	case channel.Units(string(body)) > maxUnits:
		return nil, errors.New("made more than the 28 KB that Teams takes")
	}
	return body, nil
}

func wrap(summary string, content json.RawMessage) message {
	return message{Type: typeMessage, Summary: summary, Attachments: []attachment{{ContentType: contentType, Content: content}}}
}

// level bounds what a card holds besides its text. The first one that leaves room for text is taken.
type level struct {
	value   int // characters of the title and of a fact
	buttons int
	url     int // characters of a button's address: a longer one is left out, half an address leads nowhere
}

var levels = [...]level{{300, maxButtons, 1000}, {150, 3, 500}, {40, 1, 300}, {20, 0, 0}}

// room is what text should have at least, in characters with their markup.
const room = 4_000

// build makes the message: the coloured title, facts, as many lines of the text as fit, buttons.
func (c *Channel) build(n channel.Notice, text string) ([]byte, error) {
	for i, l := range levels {
		frame, left := c.frame(&n, l)
		body, err := c.encode(&n, l, frame)
		if err != nil {
			return nil, err
		}
		free := maxUnits - channel.Units(string(body))
		if free < room && i < len(levels)-1 {
			continue
		}
		frame.Body = append(frame.Body, fill(once(text, facts(&n, l), frame.Actions), left, free)...)
		return c.encode(&n, l, frame)
	}
	return nil, errors.New("no level is left") // the last one always returns
}

func (c *Channel) encode(n *channel.Notice, l level, k card) ([]byte, error) {
	content, err := channel.Encode(k)
	if err != nil {
		return nil, err
	}
	return channel.Encode(wrap(value(n.Title, l), content))
}

func value(s string, l level) string {
	return channel.Shorten(strings.TrimSpace(channel.VisibleLine(s)), l.value)
}

// frame is the card without its text; left says what is not in it.
func (c *Channel) frame(n *channel.Notice, l level) (k card, left []string) {
	title := value(n.Title, l)
	if title == "" {
		title = "Notification"
	}
	k = card{Type: typeCard, Schema: schema, Version: version}
	if !c.settings.Narrow {
		k.Teams = &teams{Width: "Full"}
	}
	k.Body = append(k.Body, container{
		Type: "Container", Style: style(n.Severity), Bleed: true, Items: []any{line(run{Text: title, Weight: "Bolder", Size: "Large"})},
	})
	for i, f := range facts(n, l) {
		item := line(run{Text: f[0] + ": ", Weight: "Bolder"}, run{Text: f[1]})
		if i == 0 {
			item = apart(item)
		}
		k.Body = append(k.Body, item)
	}
	for _, at := range n.Links {
		if to, ok := channel.WebLink(at.URL, l.url); ok && len(k.Actions) < l.buttons {
			k.Actions = append(k.Actions, action{Type: "Action.OpenUrl", Title: button(at.Name), URL: to})
		}
	}
	if lost := len(n.Links) - len(k.Actions); lost > 0 {
		left = append(left, count(lost, len(n.Links), "link"))
	}
	return k, left
}

// button makes "Runbook" of runbook.
func button(name string) string {
	name = channel.Shorten(strings.ReplaceAll(strings.TrimSpace(channel.VisibleLine(name)), "_", " "), 40)
	switch name {
	case "":
		return "Link"
	case "incident":
		return "Open incident"
	}
	return channel.LinkLabel(name)
}

// facts are what is known besides the text; nothing is said of what is not known.
func facts(n *channel.Notice, l level) [][2]string {
	var out [][2]string
	add := func(name, v string) {
		if v = value(v, l); v != "" {
			out = append(out, [2]string{name, v})
		}
	}
	add("Status", n.Status)
	severity, environment := n.Severity, ""
	if n.Incident != nil {
		severity, environment = n.Incident.Severity, n.Incident.Environment
	}
	add("Severity", severity)
	add("Environment", environment)
	add("Source", n.Source)
	add("Since", stamp(n.StartedAt))
	add("Until", stamp(n.EndedAt))
	if len(n.Alerts) > 1 {
		add("Alerts", strconv.Itoa(len(n.Alerts)))
	}
	var labels []string
	for _, k := range slices.Sorted(maps.Keys(n.Labels)) {
		labels = append(labels, k+"="+n.Labels[k])
	}
	add("Labels", strings.Join(labels, ", "))
	return out
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05") + " UTC"
}

// once takes out of a text what the card says already: lines that are a fact, and links that have a button. The built-in texts are for
// channels that have neither.
func once(text string, facts [][2]string, buttons []action) string {
	said := map[string]bool{}
	for _, f := range facts {
		said[f[0]+": "+f[1]] = true
	}
	isLink := func(l string) bool {
		return strings.HasPrefix(l, "- ") && slices.ContainsFunc(buttons, func(a action) bool { return strings.HasSuffix(l, ": "+a.URL) })
	}
	var out []string
	lines := strings.Split(channel.Visible(text), "\n")
	for i, l := range lines {
		heading := l == "Links:" && i+1 < len(lines) && !slices.ContainsFunc(section(lines[i+1:]), func(l string) bool { return !isLink(l) })
		if !said[l] && !isLink(l) && !heading {
			out = append(out, l)
		}
	}
	return strings.Join(out, "\n")
}

// section is the lines up to an empty one.
func section(lines []string) []string {
	if end := slices.Index(lines, ""); end >= 0 {
		return lines[:end]
	}
	return lines
}

// fill makes blocks of the lines of a text, as many as fit into free characters, and a last one that says what is left out.
func fill(text string, left []string, free int) []any {
	const reserve = 300 // for the last line
	var out []any
	all := strings.Split(text, "\n")
	total, shown, used, gap := 0, 0, 0, true
	full := false
	for _, l := range all {
		if l = strings.TrimSpace(l); l == "" {
			gap = true
			continue
		}
		total++
		if full {
			continue
		}
		item := textLine(channel.Shorten(l, maxLine))
		if gap {
			item = apart(item)
		}
		size, err := channel.Encode(item)
		if err != nil { // strings only: they cannot fail
			continue
		}
		cost := channel.Units(string(size)) + 1
		if used+cost > free-reserve {
			full = true
			continue
		}
		out, used, gap = append(out, item), used+cost, false
		shown++
	}
	if shown < total {
		left = append([]string{count(total-shown, total, "line")}, left...)
	}
	if len(left) > 0 {
		out = append(out, apart(line(run{Text: "Shortened for Teams, left out: " + strings.Join(left, ", ") + ".", Subtle: true})))
	}
	return out
}

// textLine gives a heading ("Alerts (3):") and a bullet ("- …") their look.
func textLine(l string) richText {
	if item, ok := strings.CutPrefix(l, "- "); ok {
		return line(run{Text: "• " + item})
	}
	if strings.HasSuffix(l, ":") {
		return line(run{Text: l, Weight: "Bolder"})
	}
	return line(run{Text: l})
}

// count is "12 of 40 lines".
func count(n, of int, what string) string {
	if of != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d of %d %s", n, of, what)
}
