package graph

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/incidenthub/incidenthub/internal/platform/near"
)

// Severity says whether a problem keeps the definition from being saved.
type Severity string

// The severities of a problem.
const (
	SeverityError   Severity = "error"   // the definition is refused
	SeverityWarning Severity = "warning" // it runs, but probably not as meant
)

// Problem is one finding of the lint.
type Problem struct {
	Pointer    string   `json:"pointer"` // RFC 6901 JSON pointer into the definition, "" for the whole of it
	Node       string   `json:"node,omitempty"`
	Message    string   `json:"message"`
	Suggestion string   `json:"suggestion,omitempty"`
	Severity   Severity `json:"severity"`
}

// String renders the problem in one line: place, node, message, suggestion.
func (p Problem) String() string {
	var b strings.Builder
	if p.Pointer != "" {
		b.WriteString(p.Pointer + ": ")
	}
	if p.Node != "" {
		b.WriteString("node " + strconv.Quote(p.Node) + ": ")
	}
	b.WriteString(p.Message)
	if p.Suggestion != "" {
		b.WriteString(" (" + p.Suggestion + ")")
	}
	return b.String()
}

// HasErrors reports whether one of the problems is an error.
func HasErrors(problems []Problem) bool {
	return slices.ContainsFunc(problems, func(p Problem) bool { return p.Severity == SeverityError })
}

// problemAt makes an error, warningAt a warning.
func problemAt(pointer, message, suggestion string) Problem {
	return Problem{Pointer: pointer, Message: message, Suggestion: suggestion, Severity: SeverityError}
}

func warningAt(pointer, message, suggestion string) Problem {
	return Problem{Pointer: pointer, Message: message, Suggestion: suggestion, Severity: SeverityWarning}
}

// sorted puts errors before warnings and keeps the order of the document otherwise.
func sorted(problems []Problem) []Problem {
	out := slices.Clone(problems)
	slices.SortStableFunc(out, func(a, b Problem) int { return cmp.Compare(a.Severity, b.Severity) })
	return out
}

// join appends a step to a JSON pointer, escaped.
func join(pointer, key string) string {
	if strings.ContainsAny(key, "~/") {
		key = strings.ReplaceAll(strings.ReplaceAll(key, "~", "~0"), "/", "~1")
	}
	return pointer + "/" + key
}

func joinIndex(pointer string, i int) string { return pointer + "/" + strconv.Itoa(i) }

// quoteAll renders words as `"a", "b"`; at most twelve, then "…".
func quoteAll(words []string) string {
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			b.WriteString(", ")
		}
		if i == 12 {
			b.WriteString("…")
			break
		}
		b.WriteString(strconv.Quote(clip(w)))
	}
	return b.String()
}

// clip shortens foreign text for a message.
func clip(s string) string {
	if r := []rune(s); len(r) > 80 {
		return string(r[:80]) + "…"
	}
	return s
}

// didYouMean proposes the nearest known word, or lists what there is, or says nothing.
func didYouMean(word string, known []string) string {
	if meant := near.Word(word, known); meant != "" {
		return "did you mean " + strconv.Quote(meant) + "?"
	}
	if len(known) == 0 {
		return ""
	}
	return "available: " + quoteAll(known)
}
