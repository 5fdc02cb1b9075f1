// Package parse reads an analysis out of what a language model wrote: JSON as it was asked for, JSON as models write it, or plain text.
//
// It trusts nothing and keeps to the caps of item.go; what may be shown of a result is for the guards of apps/intelligence to say.
package parse

import (
	"strings"
	"unicode"

	"github.com/incidenthub/incidenthub/providers"
)

// MaxText is how much of an answer is read, in bytes.
const MaxText = 1 << 20

// Options say what is known of an answer besides its text.
type Options struct {
	Cut bool // the provider said that the answer ended at a limit: what is not closed is not whole
}

// Outcome is what was read.
type Outcome struct {
	Result    *providers.Result // nil with Nothing
	Truncated bool              // the text ends before the answer does; whole items were kept
	TextOnly  bool              // there is no JSON: one "AI Analysis" item holds the beginning of the text
	Nothing   bool              // nothing is usable: somebody else has to answer
}

// Answer reads the text of an answer. It takes time and memory in proportion to the text, of which it reads MaxText.
func Answer(text string, o Options) Outcome {
	if len(text) > MaxText {
		text, o.Cut = text[:MaxText], true
	}
	text = strings.TrimSpace(strings.TrimPrefix(strings.ToValidUTF8(text, "\uFFFD"), "\uFEFF"))
	rd := &reader{limit: o.Cut, work: 8*len(text) + 1<<20}
	a, ok := rd.whole(text)
	if !ok {
		var open string
		text, open = afterThought(text)
		a, ok = rd.best(text, 0)
		if !ok && !o.Cut && open != "" { // the tag that ends it was forgotten, or there is no answer
			read := rd.json
			a, ok = rd.best(open, 0)
			rd.json = read
		}
	}
	if ok {
		return Outcome{Result: a.result(), Truncated: o.Cut || a.cut}
	}
	if !rd.prose(text) || declines(text) {
		return Outcome{Nothing: true, Truncated: o.Cut}
	}
	return Outcome{Result: plain(rd.said(text)), TextOnly: true, Truncated: o.Cut}
}

// leastLetters is how many letters make a text that says something.
const leastLetters = 20

func letters(s string) (n int) {
	for _, r := range s {
		if unicode.IsLetter(r) {
			n++
		}
	}
	return n
}

// plain is the result of an answer without JSON (contract 7.3).
func plain(text string) *providers.Result {
	return &providers.Result{Recommendations: []providers.Recommendation{{
		Type: providers.General, Priority: providers.Medium, Title: "AI Analysis", Description: firstRunes(strings.TrimSpace(text), maxPlain),
		Actions: []string{"Review the analysis, and check what it says before acting on it"}, Evidence: []string{}, Details: map[string]any{},
	}}}
}

// firstRunes is the beginning of a text, at most n characters.
func firstRunes(s string, n int) string {
	for i := range s {
		if n--; n < 0 {
			return s[:i]
		}
	}
	return s
}
