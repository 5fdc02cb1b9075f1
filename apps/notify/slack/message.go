package slack

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

// Limits of Slack (https://docs.slack.dev/reference/block-kit/blocks, 2026-11). Those of attachments and of a message in all are not
// documented: more than 20 blocks of an attachment are refused with invalid_attachments, about 12,000 characters of blocks with
// msg_blocks_too_long (slackapi/bolt-python#914, slackapi/bolt-js#2509 and #2867), so both are kept well below.
const (
	maxSection  = 3000  // characters of a section's text
	maxHead     = 2000  // of what stands above the attachment
	maxFact     = 1500  // ours: a longer one goes into the text
	maxFallback = 4000  // of a message's text beside blocks, which notifications show
	maxText     = 4000  // of a message that is text only: more is folded away by clients
	maxBlocks   = 50    // of a message
	maxMessage  = 9000  // characters of a message's sections
	perMessage  = 15    // sections of a message's attachment
	maxSections = 24    // of a notice's text: with all that stands beside it no more than channel.MaxParts messages
	maxRaw      = 40000 // of a text that a template gave
)

type message struct {
	Text        string       `json:"text"`
	Blocks      []block      `json:"blocks,omitempty"`
	Attachments []attachment `json:"attachments,omitempty"`
	UnfurlLinks *bool        `json:"unfurl_links,omitempty"`
	UnfurlMedia *bool        `json:"unfurl_media,omitempty"`
}

type attachment struct {
	Color    string  `json:"color"`
	Fallback string  `json:"fallback,omitempty"`
	Blocks   []block `json:"blocks"`
}

type block struct {
	Type     string  `json:"type"`
	Text     *text   `json:"text,omitempty"`
	Elements []*text `json:"elements,omitempty"`
}

type text struct {
	Type string `json:"type"`
	Text string `json:"text"`
	// Verbatim: no names or addresses in it become links or mentions. Only of mrkdwn.
	Verbatim bool `json:"verbatim,omitempty"`
	// Emoji false: colons stay colons. Only of plain_text.
	Emoji *bool `json:"emoji,omitempty"`
}

func mrkdwn(s string) *text { return &text{Type: "mrkdwn", Text: s, Verbatim: true} }

func plain(s string) *text {
	no := false
	return &text{Type: "plain_text", Text: s, Emoji: &no}
}

func sections(s string) []block { return blocks(channel.Split(s, maxSection, dialect.Whole)) }

func blocks(pieces []string) []block {
	var out []block
	for _, piece := range pieces {
		out = append(out, block{Type: "section", Text: mrkdwn(piece)})
	}
	return out
}

// facts is a line of small print. An element of it takes as much as a section.
func facts(words []string) []block {
	var out []block
	for _, piece := range channel.Split(strings.Join(words, "  ·  "), 2000, dialect.Whole) {
		out = append(out, block{Type: "context", Elements: []*text{plain(piece)}})
	}
	return out
}

// assemble makes as many messages as it takes: each begins with head, the rest stands in an attachment, whose bar has the colour.
func assemble(head, rest []block, colour, fallback string) ([]json.RawMessage, error) {
	var out []json.RawMessage
	for first := true; first || len(head)+len(rest) > 0; first = false {
		m := message{Text: fallback}
		used := 0
		m.Blocks, head, used = take(head, used)
		if len(m.Blocks) == 0 && len(rest) > 0 { // without blocks at the top the fallback would be shown
			m.Blocks = []block{{Type: "context", Elements: []*text{plain(fmt.Sprintf("continued (%d)", len(out)+1))}}}
		}
		var below []block
		below, rest, _ = take(rest, used)
		if len(head) > 0 { // a heading of several messages: the rest waits
			rest, below = append(below, rest...), nil
		}
		if len(below) > 0 {
			m.Attachments = []attachment{{Color: colour, Blocks: below}}
		}
		no := false
		m.UnfurlLinks, m.UnfurlMedia = &no, &no
		raw, err := channel.Encode(m)
		if err != nil {
			return nil, err
		}
		out = append(out, raw)
	}
	return out, nil
}

// take splits off the blocks that fit into a message beside used characters.
func take(from []block, used int) (some, rest []block, size int) {
	for i, b := range from {
		n := 0
		if b.Text != nil {
			n = channel.Units(b.Text.Text)
		}
		for _, e := range b.Elements {
			n += channel.Units(e.Text)
		}
		if used+n > maxMessage && used > 0 || i == perMessage {
			return from[:i:i], from[i:], used
		}
		used += n
	}
	return from, nil, used
}
