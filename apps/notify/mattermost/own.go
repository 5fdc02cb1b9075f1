package mattermost

import (
	"errors"
	"fmt"
	"strings"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/chat"
)

// voice implements chat.Voice.
type voice struct{ s *Settings }

var _ chat.Voice = voice{}

// Address implements chat.Voice.
func (v voice) Address(text string, wakes bool) string {
	text = v.s.disarm(text)
	if mention := v.s.mentions(wakes); mention != "" {
		return mention + "\n" + text
	}
	return text
}

// Plain implements chat.Voice. A text mentions whom it names; nobody can be left out beside it.
func (voice) Plain(text string, _ bool) any { return message{Text: text} }

// Fit implements chat.Voice.
func (v voice) Fit(m map[string]any, _ bool) error {
	chat.Each(m, v.s.disarm)
	text, _ := m["text"].(string)
	attachments, _ := m["attachments"].([]any)
	switch {
	case strings.TrimSpace(text) == "" && len(attachments) == 0:
		return errors.New("it has no text and no attachments")
	case channel.Units(text) > maxPost:
		return fmt.Errorf("its text is longer than %d characters", maxPost)
	}
	return nil
}
