package notify

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/trace"
)

// Limits of a text for people, in characters. The rest is counted in the text and whole in the alerts.
const (
	maxTitle       = 200
	maxValue       = 120
	maxLine        = 300
	maxDescription = 2000
	maxWritten     = 6 * maxDescription // of the same, with what could hide or reorder text written out
	maxLines       = 20
	maxAlerts      = 10
	maxLabels      = 12
	maxItems       = 10
)

// line brings text from outside onto one line of at most limit characters: breaks become spaces, other controls and marks that
// reorder text are shown as \uXXXX.
func line(s string, limit int) string {
	if strings.ContainsAny(s, "\r\n\t") {
		s = strings.Join(strings.Fields(s), " ")
	}
	return cut(trace.Escape(strings.TrimSpace(s)), limit)
}

// block keeps the lines of a longer text. All but the first are indented, so that none can pass for a line of ours. What is too long is
// left out, and the last line says how much.
func block(s string) string { return blockOf(s, new(int), "") }

// blockOf is block that adds to left how many characters it leaves out, and says where they are; "" is nowhere.
func blockOf(s string, left *int, where string) string {
	s = strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n"))
	var b strings.Builder
	room := maxDescription
	for i := 0; s != ""; i++ {
		l, rest, more := strings.Cut(s, "\n")
		head := channel.Limit(l, room)
		if i == maxLines || head == "" && l != "" {
			break
		}
		if i > 0 {
			b.WriteByte('\n')
			if l != "" {
				b.WriteString("  ")
			}
		}
		b.WriteString(line(head, maxWritten))
		room -= utf8.RuneCountInString(head)
		if s = rest; len(head) < len(l) {
			s = l[len(head):]
			if more {
				s += "\n" + rest
			}
			break
		}
	}
	n := utf8.RuneCountInString(strings.TrimSpace(s))
	if n == 0 {
		return b.String()
	}
	*left += n
	fmt.Fprintf(&b, "\n  … %d characters are left out.", n)
	if where != "" {
		b.WriteString(" All of it: " + where)
	}
	return b.String()
}

// everyLine keeps a whole text with its lines, made safe to show.
func everyLine(s string) string {
	list := strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	for i, l := range list {
		list[i] = channel.Visible(strings.TrimRight(l, " \t"))
	}
	return strings.TrimSpace(strings.Join(list, "\n"))
}

// cut shortens s to limit characters, the last of which is then an ellipsis.
func cut(s string, limit int) string {
	if len(s) <= limit || utf8.RuneCountInString(s) <= limit {
		return s
	}
	n := 0
	for i := range s {
		if n++; n == limit {
			return strings.TrimSpace(s[:i]) + "…"
		}
	}
	return s
}
