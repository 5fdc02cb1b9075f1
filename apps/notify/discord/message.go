package discord

import (
	"strconv"
	"time"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

// Limits of Discord, in characters (https://docs.discord.com/developers/resources/message#embed-object-embed-limits, 2026-11).
const (
	maxContent     = 2000
	maxTitle       = 256
	maxDescription = 4096
	maxTotal       = 6000 // of all embeds of a message
	maxEmbeds      = 10
	maxFact        = 200 // ours: a longer one goes into the text
)

type message struct {
	Content  string  `json:"content,omitempty"`
	Embeds   []embed `json:"embeds,omitempty"`
	Mentions allowed `json:"allowed_mentions"`
}

// allowed is who may be mentioned. The zero value with an empty Parse is nobody.
type allowed struct {
	Parse []string `json:"parse"`
	Users []string `json:"users,omitempty"`
	Roles []string `json:"roles,omitempty"`
}

type embed struct {
	Title       string    `json:"title,omitempty"`
	URL         string    `json:"url,omitempty"`
	Description string    `json:"description,omitempty"`
	Color       int       `json:"color"`
	Fields      []field   `json:"fields,omitempty"`
	Footer      *footer   `json:"footer,omitempty"`
	Timestamp   time.Time `json:"timestamp,omitzero"`
}

type field struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Inline bool   `json:"inline"`
}

type footer struct {
	Text string `json:"text"`
}

func colour(severity string) int {
	n, err := strconv.ParseInt(channel.Colour(severity)[1:], 16, 32)
	if err != nil { // the colours are ours
		return 0
	}
	return int(n)
}
