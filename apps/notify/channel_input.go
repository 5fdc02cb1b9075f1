package notify

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// Limits of a ChannelInput, in characters.
const (
	maxName       = 100
	maxChannelDoc = 1000
)

// everyChannel stands for all channels in pipelines, so no channel may be called that.
const everyChannel = "*"

func (in ChannelInput) clean() ChannelInput {
	in.Name, in.Driver, in.Description = strings.TrimSpace(in.Name), strings.TrimSpace(in.Driver), strings.TrimSpace(in.Description)
	return in
}

func (in ChannelInput) check() []Problem {
	var p []Problem
	_, uuid := id.Parse(in.Name)
	switch {
	case in.Name == "" || utf8.RuneCountInString(in.Name) > maxName || !plain(in.Name) || strings.ContainsAny(in.Name, "/\n\t"):
		p = append(p, Problem{"name", "use 1 to 100 characters on one line, without /"})
	case in.Name == everyChannel || uuid == nil:
		p = append(p, Problem{"name", "* and ids have a meaning of their own; choose another name"})
	case in.Name == InboxName && in.Driver != InboxName:
		p = append(p, Problem{"name", "inbox is the name of the built-in channel; choose another name"})
	}
	if utf8.RuneCountInString(in.Description) > maxChannelDoc || !plain(in.Description) {
		p = append(p, Problem{"description", "use at most 1000 characters, without control characters"})
	}
	if in.MinSeverity != "" && in.MinSeverity.Rank() == 0 {
		p = append(p, Problem{"min_severity", "must be info, warning or critical, or empty to tell everything"})
	}
	if why := outside(in.Renotify, MinRenotify, MaxRenotify); why != "" {
		p = append(p, Problem{"renotify", why})
	}
	return p
}

// plain reports whether s is text without controls, but for line breaks and tabs, and without marks that reorder it.
func plain(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r)
	})
}

func invalid(p []Problem) error {
	if len(p) == 0 {
		return nil
	}
	return &Invalid{Problems: p}
}
