package pagerduty

import (
	"encoding/json"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

// Show implements channel.Shower: what PagerDuty puts first, and the whole event.
func (c *Channel) Show(body []byte) []channel.Shown {
	var out []channel.Shown
	add := func(name, text string) {
		if text != "" {
			out = append(out, channel.Shown{Name: name, Media: "text/plain", Text: text})
		}
	}
	var e struct {
		Action  string `json:"event_action"`
		Payload struct {
			Summary string          `json:"summary"`
			Details json.RawMessage `json:"custom_details"`
		} `json:"payload"`
	}
	_ = json.Unmarshal(body, &e) // what has another shape shows as it is
	add("action", e.Action)
	add("summary", e.Payload.Summary)
	var d struct {
		Message string `json:"message"`
	}
	_ = json.Unmarshal(e.Payload.Details, &d)
	add("message", d.Message)
	return append(out, channel.ShowDocument("event", body)...)
}
