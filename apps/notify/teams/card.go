package teams

import (
	"encoding/json"
)

// The words of the message and of Adaptive Cards 1.4 (adaptivecards.io/explorer).
const (
	typeMessage = "message"
	typeCard    = "AdaptiveCard"
	contentType = "application/vnd.microsoft.card.adaptive"
	schema      = "http://adaptivecards.io/schemas/adaptive-card.json"
	version     = "1.4"
)

// message is what the workflow takes.
type message struct {
	Type        string       `json:"type"`
	Summary     string       `json:"summary,omitempty"` // what a phone shows
	Attachments []attachment `json:"attachments"`
}

type attachment struct {
	ContentType string          `json:"contentType"`
	ContentURL  *string         `json:"contentUrl"` // null
	Content     json.RawMessage `json:"content"`
}

type card struct {
	Type    string   `json:"type"`
	Schema  string   `json:"$schema"`
	Version string   `json:"version"`
	Teams   *teams   `json:"msteams,omitempty"`
	Body    []any    `json:"body"`
	Actions []action `json:"actions,omitempty"`
}

type teams struct {
	Width string `json:"width"`
}

// container has a colour; nothing else of a card has.
type container struct {
	Type  string `json:"type"`
	Style string `json:"style"`
	Bleed bool   `json:"bleed"`
	Items []any  `json:"items"`
}

// richText is a line of text. Its runs know no markup at all, unlike those of a TextBlock, whose Markdown can be escaped for some clients
// of Teams and not for others (github.com/microsoft/AdaptiveCards issues 5590, 5758): so text from outside goes in these only. A line break in
// a run is not shown everywhere, hence one block a line.
type richText struct {
	Type    string `json:"type"`
	Spacing string `json:"spacing,omitempty"`
	Runs    []run  `json:"inlines"`
}

type run struct {
	Type   string `json:"type"`
	Text   string `json:"text"`
	Weight string `json:"weight,omitempty"`
	Size   string `json:"size,omitempty"`
	Subtle bool   `json:"isSubtle,omitempty"`
}

type action struct {
	Type  string `json:"type"`
	Title string `json:"title"`
	URL   string `json:"url"`
}

func line(runs ...run) richText {
	for i := range runs {
		runs[i].Type = "TextRun"
	}
	return richText{Type: "RichTextBlock", Spacing: "None", Runs: runs}
}

// apart is a line with a gap before it.
func apart(l richText) richText {
	l.Spacing = "Medium"
	return l
}

// style is the colour of a severity.
func style(severity string) string {
	switch severity {
	case "critical":
		return "attention"
	case "warning":
		return "warning"
	case "success":
		return "good"
	default:
		return "accent"
	}
}
