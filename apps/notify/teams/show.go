package teams

import (
	"encoding/json"
	"strings"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

// Show implements channel.Shower: the card's text as it is read, its buttons, and the message itself.
func (c *Channel) Show(body []byte) []channel.Shown {
	var out []channel.Shown
	var m struct {
		Attachments []struct {
			Content any `json:"content"`
		} `json:"attachments"`
	}
	_ = json.Unmarshal(body, &m) // what has another shape shows as it is
	var text, buttons strings.Builder
	for _, a := range m.Attachments {
		read(a.Content, 0, &text, &buttons)
	}
	for _, p := range []channel.Shown{
		{Name: "card", Media: "text/plain", Text: strings.TrimSpace(text.String())}, {Name: "buttons", Media: "text/plain", Text: strings.TrimSpace(buttons.String())},
	} {
		if p.Text != "" {
			out = append(out, p)
		}
	}
	return append(out, channel.ShowDocument("message", body)...)
}

// read collects the text of a card's elements, a line each.
func read(v any, depth int, text, buttons *strings.Builder) {
	if depth > 50 {
		return
	}
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			read(item, depth+1, text, buttons)
		}
	case map[string]any:
		kind, _ := v["type"].(string)
		said, _ := v["text"].(string)
		switch {
		case strings.HasPrefix(kind, "Action."):
			title, _ := v["title"].(string)
			address, _ := v["url"].(string)
			buttons.WriteString(title + ": " + address + "\n")
			return
		case kind == "TextRun":
			text.WriteString(said)
			return
		case kind == "TextBlock":
			text.WriteString(said + "\n")
			return
		case kind == "RichTextBlock" && v["spacing"] == "Medium":
			text.WriteByte('\n')
		}
		for _, key := range []string{"body", "items", "columns", "facts", "inlines", "actions"} {
			read(v[key], depth+1, text, buttons)
		}
		if title, ok := v["title"].(string); ok { // a fact
			said, _ := v["value"].(string)
			text.WriteString(title + ": " + said + "\n")
		}
		if kind == "RichTextBlock" {
			text.WriteByte('\n')
		}
	}
}
