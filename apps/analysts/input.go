package analysts

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// Limits of a RecordInput, in characters.
const (
	maxName        = 100
	maxDescription = 1000
)

// activeProvider stands in pipelines for whoever is active.
const activeProvider = "active"

func (in RecordInput) clean() RecordInput {
	in.Name, in.Provider, in.Description = strings.TrimSpace(in.Name), strings.TrimSpace(in.Provider), strings.TrimSpace(in.Description)
	return in
}

// check complains about all but the settings. kinds are the names of all kinds: a record may have the name of its own kind and of no other.
func (in RecordInput) check(kinds []string) []Problem {
	var p []Problem
	_, uuid := id.Parse(in.Name)
	switch {
	case in.Name == "" || utf8.RuneCountInString(in.Name) > maxName || !plain(in.Name) || strings.ContainsAny(in.Name, "/\n\t"):
		p = append(p, Problem{"name", "use 1 to 100 characters on one line, without /"})
	case in.Name == activeProvider || uuid == nil || in.Name != in.Provider && slices.Contains(kinds, in.Name):
		p = append(p, Problem{"name", "active, ids and the names of other kinds of providers have a meaning of their own; choose another name"})
	}
	if utf8.RuneCountInString(in.Description) > maxDescription || !plain(in.Description) {
		p = append(p, Problem{"description", "use at most 1000 characters, without control characters"})
	}
	return p
}

// plain reports whether s is text without controls, but for line breaks and tabs, and without marks that reorder it.
func plain(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r)
	})
}
