package slack

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/chat"
)

// voice implements chat.Voice.
type voice struct{ s *Settings }

var _ chat.Voice = voice{}

// Address implements chat.Voice.
func (v voice) Address(text string, wakes bool) string {
	return strings.TrimSpace(v.s.mentions(wakes) + " " + v.s.disarm(text))
}

// Plain implements chat.Voice. A text mentions whom it names; nobody can be left out beside it.
func (voice) Plain(text string, _ bool) any { return message{Text: text} }

// Fit implements chat.Voice.
func (v voice) Fit(m map[string]any, _ bool) error {
	chat.Each(m, v.s.disarm)
	return sendable(m)
}

// sendable finds what Slack would refuse for certain; whatever else it refuses is sent in the built-in form then.
func sendable(m map[string]any) error {
	t, _ := m["text"].(string)
	blocks, listed := m["blocks"].([]any)
	attachments, _ := m["attachments"].([]any)
	switch {
	case m["blocks"] != nil && !listed:
		return errors.New("its blocks are no list")
	case strings.TrimSpace(t) == "" && len(blocks) == 0 && len(attachments) == 0:
		return errors.New("it has no text, blocks or attachments")
	case channel.Units(t) > maxRaw:
		return fmt.Errorf("its text is longer than %d characters", maxRaw)
	case len(blocks) > maxBlocks:
		return fmt.Errorf("it has more than %d blocks", maxBlocks)
	}
	for i, b := range blocks {
		o, ok := b.(map[string]any)
		if !ok {
			return fmt.Errorf("block %d is no object", i+1)
		}
		inner, _ := o["text"].(map[string]any)
		if s, _ := inner["text"].(string); o["type"] == "section" && channel.Units(s) > maxSection {
			return fmt.Errorf("the text of block %d is longer than %d characters", i+1, maxSection)
		}
	}
	return nil
}

// call is what mentions somebody, whatever it stands in.
var call = regexp.MustCompile(`<(![^<>]*|@[^<>]*)>`)

// disarm leaves those mentions in a text that the channel's owner configured: a template's own text may hold one, but so may a text from
// outside that a template put into JSON.
func (s *Settings) disarm(text string) string {
	return call.ReplaceAllStringFunc(text, func(found string) string {
		name, _, _ := strings.Cut(strings.Trim(found, "<>"), "|")
		if strings.HasPrefix(name, "!date^") || slices.Contains(strings.Fields(s.mentions(true)), "<"+name+">") {
			return found
		}
		return entities.Replace(found)
	})
}
