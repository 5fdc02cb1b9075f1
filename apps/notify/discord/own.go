package discord

import (
	"fmt"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/chat"
)

// voice implements chat.Voice.
type voice struct{ s *Settings }

var _ chat.Voice = voice{}

// Address implements chat.Voice.
func (v voice) Address(text string, wakes bool) string {
	text = v.s.disarm(text)
	if mention, _ := v.s.mentions(wakes); mention != "" {
		return mention + "\n" + text
	}
	return text
}

// Plain implements chat.Voice.
func (v voice) Plain(text string, calls bool) any {
	_, may := v.s.mentions(calls)
	return message{Content: text, Mentions: may}
}

// Fit implements chat.Voice. Whoever a message mentions is mentioned only if the settings say so, whatever it allows itself.
func (v voice) Fit(m map[string]any, wakes bool) error {
	text, _ := m["content"].(string)
	embeds, _ := m["embeds"].([]any)
	if text != "" {
		text = v.s.disarm(text)
		m["content"] = text
	}
	switch {
	case channel.Units(text) > maxContent:
		return fmt.Errorf("its content is longer than %d characters", maxContent)
	case len(embeds) > maxEmbeds:
		return fmt.Errorf("it has more than %d embeds", maxEmbeds)
	}
	_, m["allowed_mentions"] = v.s.mentions(wakes)
	return nil
}
