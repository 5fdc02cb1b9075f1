package shape

import (
	"strings"
	"unicode"

	"github.com/incidenthub/incidenthub/apps/event"
)

// State reads a word that monitoring systems use for the state of an alert, in any case, or reports that it is none.
func State(word string) (s event.Status, known bool) {
	switch normal(word) {
	case "ok", "okay", "resolved", "resolve", "recovered", "recovery", "closed", "close", "cleared", "clear", "normal", "up", "healthy",
		"success", "succeeded", "passing", "passed", "inactive", "fixed", "canceled", "cancelled", "restored", "green", "operational", "solved":
		return event.StatusResolved, true
	case "firing", "fired", "alerting", "alert", "alarm", "active", "activated", "open", "opened", "triggered", "trigger", "problem", "down",
		"critical", "warning", "warn", "error", "failed", "failing", "failure", "unhealthy", "degraded", "red", "yellow", "trouble",
		"unresolved", "reopened", "acknowledged", "acknowledge", "ack", "pending", "no data", "nodata", "new", "created":
		return event.StatusFiring, true
	default:
		return "", false
	}
}

// Acknowledges reports whether a word says only that somebody took note.
func Acknowledges(word string) bool {
	switch normal(word) {
	case "acknowledged", "acknowledge", "ack":
		return true
	default:
		return false
	}
}

// Bounds on what is read for a state or a level: words and titles come from outside.
const (
	maxWord     = 64  // bytes; a longer text is a sentence
	maxLevel    = 256 // bytes in which Level looks
	maxPrefixes = 8   // that Title takes off
)

// normal folds the spellings of a word into one. A sentence is no word.
func normal(word string) string {
	word = strings.TrimSpace(word)
	if len(word) > maxWord {
		return ""
	}
	return strings.Map(func(r rune) rune {
		if r == '_' || r == '-' {
			return ' '
		}
		return unicode.ToLower(r)
	}, word)
}

// Level finds a level in a text such as "P1 - Critical", "SEV-2" (read as P2) or "CRITICALITY_LEVEL_WARNING": the first word
// that is one.
func Level(text string) (event.Severity, bool) {
	if s, ok := event.LookupSeverity(text); ok {
		return s, true
	}
	text = strings.ToLower(text[:min(len(text), maxLevel)])
	words := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for i, w := range words {
		if w == "sev" && i+1 < len(words) {
			w += words[i+1]
		}
		if n, ok := strings.CutPrefix(w, "sev"); ok {
			w = "p" + n
		}
		if s, ok := event.LookupSeverity(w); ok {
			return s, true
		}
	}
	return "", false
}

// Title takes off what senders put before a title to tell the state or the level ("[P2] [Triggered on {host:a}] ",
// "[FIRING:1] ", "RESOLVED: "), so that a problem and its recovery have one name. It also returns the first state it took off
// with what stood behind it in the brackets. A title of nothing else stays whole.
func Title(title string) (name, state, detail string) {
	name = strings.TrimSpace(title)
	for range maxPrefixes {
		word, more, rest, ok := prefix(name)
		if !ok {
			break
		}
		if state == "" && !isLevel(word) {
			state, detail = word, more
		}
		if rest == "" {
			break
		}
		name = rest
	}
	return name, state, detail
}

// prefix splits "[word more] rest" or "word: rest" where word is a state or a level.
func prefix(s string) (word, more, rest string, ok bool) {
	inner, after, bracketed := strings.Cut(s, "]")
	if inner, ok = strings.CutPrefix(inner, "["); ok && bracketed {
		word, more, _ = strings.Cut(inner, " on ")
		word, _, _ = strings.Cut(word, ":") // Grafana counts: FIRING:2
		return strings.TrimSpace(word), strings.Trim(more, " {}"), strings.TrimSpace(after), titleWord(word) || isLevel(word)
	}
	word, after, found := strings.Cut(s, ": ")
	switch normal(word) {
	case "resolved", "triggered", "firing", "problem", "recovered", "recovery":
		return word, "", strings.TrimSpace(after), found
	default:
		return "", "", "", false
	}
}

// titleWord reports whether a bracketed word is a state. Datadog puts Re- before some.
func titleWord(word string) bool {
	word = normal(word)
	word = strings.TrimPrefix(word, "re ")
	if word == "paused" || word == "renotify" || word == "missing data" {
		return true
	}
	_, ok := State(word)
	return ok
}

func isLevel(word string) bool {
	word = strings.TrimSpace(word)
	return len(word) == 2 && (word[0] == 'P' || word[0] == 'p') && word[1] >= '1' && word[1] <= '5'
}
