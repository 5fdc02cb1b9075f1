package notify

import (
	"bytes"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// Show gives a stored body as its receiver sees it. Of channels that are gone or off, and of those that have no other form, it is the
// document that was sent.
func (c *Channels) Show(ch id.ID, body []byte) []channel.Shown {
	if l := c.ByID(ch); l != nil {
		return Show(l.Channel, body)
	}
	return Show(nil, body)
}

// Show gives a body as the receivers of a channel see it.
func Show(c channel.Channel, body []byte) (shown []channel.Shown) {
	if len(body) == 0 {
		return nil
	}
	plain := []channel.Shown{{Name: "json", Media: "application/json", Text: pretty(body)}}
	defer func() {
		if recover() != nil { // a stored body of an older release
			shown = plain
		}
	}()
	if s, ok := c.(channel.Shower); ok {
		if shown = s.Show(body); len(shown) > 0 {
			return shown
		}
	}
	return plain
}

func pretty(body []byte) string {
	if text := channel.PrettyJSON(body); text != "" {
		return text
	}
	return string(bytes.ToValidUTF8(body, []byte("\uFFFD")))
}
