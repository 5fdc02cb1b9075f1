package ntfy

import (
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

// Limits of the service (https://docs.ntfy.sh/publish/#limitations and server/config.go, v2.11).
const (
	maxMessage = 4096 // bytes; a longer one would arrive as a file, or not at all
	maxTitle   = 250  // bytes; phones show less
	maxActions = 3

	maxRecommendations = 5
	quiet              = 2 // no sound
	calm               = 3 // the usual sound
)

// message is the stored body.
type message struct {
	Title    string   `json:"title"`
	Priority int      `json:"priority"`
	Tags     []string `json:"tags,omitempty"`
	Click    string   `json:"click,omitempty"`
	Actions  []action `json:"actions,omitempty"`
	Parts    []string `json:"parts"`
}

// Render implements channel.Channel.
func (c *Channel) Render(n channel.Notice) (channel.Rendered, error) {
	made := c.texts.Text(n)
	text := strings.TrimSpace(channel.Visible(made.Text))
	m := message{Title: strings.TrimSpace(channel.VisibleLine(n.Title)), Priority: c.loudness(n), Tags: append(emojis(n), c.settings.Tags...), Click: webLink(n.URL)}
	if short := cut(m.Title, maxTitle); short != m.Title { // the rest of it is told, too
		text = m.Title + "\n\n" + text
		m.Title = short
	}
	for _, l := range n.Links {
		if address := webLink(l.URL); address != "" && len(m.Actions) < maxActions && labels[l.Name] != "" {
			m.Actions = append(m.Actions, action{Action: "view", Label: labels[l.Name], URL: address})
		}
	}
	var left int
	if m.Parts, left = split(text, m.Click); len(m.Parts) == 0 {
		m.Parts = []string{firstOf(m.Title, "Notification")}
	}
	body, err := channel.Encode(m)
	return channel.Rendered{Body: body, Parts: len(m.Parts), Remark: channel.Remark(made.Remark, channel.LeftOut(left)), Missing: made.Missing}, err
}

// loudness is the priority: an update rings like the beginning only when it is worse.
func (c *Channel) loudness(n channel.Notice) int {
	p := c.settings.priority(n.Severity)
	switch {
	case n.Kind == channel.KindAcknowledged:
		return min(p, quiet)
	case n.Kind == channel.KindUpdated && n.Event != string(event.EventSeverityRaised):
		return min(p, calm)
	default:
		return p
	}
}

// emojis are tags that ntfy shows in front of the title.
func emojis(n channel.Notice) []string {
	switch n.Kind {
	case channel.KindAcknowledged:
		return []string{"eyes"}
	case channel.KindTest:
		return []string{"test_tube"}
	default:
	}
	switch n.Severity {
	case "critical":
		return []string{"rotating_light"}
	case "warning":
		return []string{"warning"}
	case "success":
		return []string{"white_check_mark"}
	default:
		return []string{"information_source"}
	}
}

// labels of buttons, by the name of the link.
var labels = map[string]string{
	"incident": "Open incident", "runbook": "Runbook", "dashboard": "Dashboard", "panel": "Panel", "source": "Source", "silence": "Silence",
}

// webLink takes addresses that a phone may open, of a length that leaves room for the rest.
func webLink(address string) string {
	if len(address) > 1000 || !strings.HasPrefix(address, "https://") && !strings.HasPrefix(address, "http://") {
		return ""
	}
	return channel.VisibleLine(address)
}

// split cuts a text into parts of at most maxMessage bytes, in order. left is how many characters are too many, which the last part says, with the
// address where they are.
func split(text, where string) (parts []string, left int) {
	return channel.Bounds{Limit: maxMessage, Bytes: true, Where: where}.Parts(text, "")
}

// cut shortens a text to limit bytes with an ellipsis at its end.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	const dots = "…"
	end := limit - len(dots)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return strings.TrimSpace(s[:end]) + dots
}

var errBody = errors.New("the stored message has no text")

// read takes the stored body; of one that another version of the hub made, its texts.
func read(o channel.Outgoing) (message, bool) {
	var m message
	if json.Unmarshal(o.Body, &m) == nil && len(m.Parts) > 0 {
		m.Priority = min(max(m.Priority, 1), 5)
		return m, true
	}
	var plain struct{ Title, Message string }
	if json.Unmarshal(o.Body, &plain) != nil {
		return message{}, false
	}
	m = message{Title: cut(firstOf(channel.VisibleLine(plain.Title), channel.VisibleLine(o.Title)), maxTitle), Priority: usual["info"]}
	if p := usual[o.Severity]; p != 0 {
		m.Priority = p
	}
	m.Parts, _ = split(channel.Visible(firstOf(plain.Message, plain.Title, o.Title)), "")
	return m, len(m.Parts) > 0
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if strings.TrimSpace(t) != "" {
			return t
		}
	}
	return ""
}

// Show implements channel.Shower.
func (c *Channel) Show(body []byte) []channel.Shown {
	m, ok := read(channel.Outgoing{Body: body})
	if !ok {
		return nil
	}
	shown := []channel.Shown{{Name: "title", Media: "text/plain", Text: firstOf(m.Title, "(none)")}}
	for _, part := range m.Parts {
		shown = append(shown, channel.Shown{Name: "message", Media: "text/plain", Text: firstOf(part, "(empty)")})
	}
	if extra, err := channel.Encode(map[string]any{"priority": m.Priority, "tags": m.Tags, "click": m.Click, "actions": m.Actions}); err == nil {
		shown = append(shown, channel.Shown{Name: "push", Media: "application/json", Text: string(extra)})
	}
	return shown
}
