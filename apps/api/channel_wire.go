package api

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/internal/platform/period"
)

// ChannelFallback is who is told when a channel cannot be.
type ChannelFallback struct {
	Channel string `json:"channel" doc:"Its name; an id is taken, too."`
	After   string `json:"after" doc:"How long a delivery may take before: 10m, 1h; empty: only once it is dead."`
}

// wireSpan is a time in a body. What is no time is refused by the service, together with whatever else is wrong.
type wireSpan struct{ span *time.Duration }

// UnmarshalJSON implements json.Unmarshaler. It takes whatever it is given.
func (s *wireSpan) UnmarshalJSON(raw []byte) error {
	d := readSpan(raw)
	s.span = &d
	return nil
}

// readSpan reads a text or a number of seconds; null is 0.
func readSpan(raw json.RawMessage) time.Duration {
	if len(raw) == 0 || string(raw) == "null" {
		return 0
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return period.Read(text)
	}
	return period.Read(strings.TrimSpace(string(raw)))
}

// Schema implements huma.SchemaProvider.
func (wireSpan) Schema(huma.Registry) *huma.Schema {
	return spanSchema("A reminder follows that long after the last message while it still fires: 30m, 4h, or seconds, from 1m to 7d. Empty, 0 and null: never.")
}

func spanSchema(doc string) *huma.Schema {
	return &huma.Schema{Description: doc, Examples: []any{"30m"}}
}

// wireFallback is the fallback in a body; null is none.
type wireFallback struct {
	given   bool
	channel string
	after   time.Duration
}

// nobody is no channel's name: it is refused with the words for a channel that does not exist.
const nobody = "/"

// UnmarshalJSON implements json.Unmarshaler. It takes whatever it is given: the service refuses what is of no use.
func (f *wireFallback) UnmarshalJSON(raw []byte) error {
	*f = wireFallback{given: true}
	if string(raw) == "null" {
		return nil
	}
	var fields struct {
		Channel json.RawMessage `json:"channel"`
		After   json.RawMessage `json:"after"`
	}
	isObject := json.Unmarshal(raw, &fields) == nil
	isText := len(fields.Channel) == 0 || json.Unmarshal(fields.Channel, &f.channel) == nil
	if !isObject || !isText {
		f.channel = nobody
	}
	f.after = readSpan(fields.After)
	return nil
}

// Schema implements huma.SchemaProvider.
func (wireFallback) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Description: "Who is told when this channel cannot be: once a delivery is dead, or when it is not through after a while. null: nobody.",
		Properties: map[string]*huma.Schema{
			"channel": {Type: huma.TypeString, Description: "Name or id of another active channel that leaves the hub."},
			"after":   spanSchema("How long a delivery may take: 10m, 1h, or seconds, from 1m to 7d. Left out: only once it is dead."),
		},
	}
}

// ChannelThrottle is how many messages a channel takes in how long.
type ChannelThrottle struct {
	Messages int    `json:"messages"`
	Per      string `json:"per" doc:"10m, 1h."`
}

// wireThrottle is the throttle in a body; null is none.
type wireThrottle struct {
	notify.Throttle

	given bool
}

// UnmarshalJSON implements json.Unmarshaler. It takes whatever it is given: the service refuses what is of no use.
func (l *wireThrottle) UnmarshalJSON(raw []byte) error {
	*l = wireThrottle{given: true}
	if string(raw) == "null" {
		return nil
	}
	var fields struct {
		Messages json.RawMessage `json:"messages"`
		Per      json.RawMessage `json:"per"`
	}
	isObject := json.Unmarshal(raw, &fields) == nil
	isNumber := len(fields.Messages) == 0 || json.Unmarshal(fields.Messages, &l.Messages) == nil
	if l.Per = readSpan(fields.Per); !isObject || !isNumber {
		l.Messages = -1
	}
	return nil
}

// Schema implements huma.SchemaProvider.
func (wireThrottle) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Description: "At most so many messages in that time of those that say that something is on: firing, updated, reminder. What is over it is told as soon as " +
			"there is room, if it still fires and nobody has acknowledged it. null: any number.",
		Properties: map[string]*huma.Schema{
			"messages": {Type: huma.TypeInteger, Description: "From 1 to 1000.", Examples: []any{5}},
			"per":      {Description: "In any time that long: 10m, 1h, or seconds, from 1s to 1d.", Examples: []any{"10m"}},
		},
	}
}
