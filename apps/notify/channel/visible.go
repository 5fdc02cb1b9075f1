package channel

import (
	"strings"

	"github.com/incidenthub/incidenthub/internal/platform/trace"
)

// Visible makes text from outside safe to show without losing any of it: lines stay lines, tabs become spaces, and other controls and
// marks that reorder or hide text are shown as \uXXXX.
func Visible(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\t", "    ")
	if trace.Escape(s) == s {
		return s
	}
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = visibleLine(l)
	}
	return strings.Join(lines, "\n")
}

// VisibleLine is Visible on one line: line breaks become spaces.
func VisibleLine(s string) string {
	if strings.ContainsAny(s, "\r\n\t") {
		s = strings.Join(strings.Fields(s), " ")
	}
	return visibleLine(s)
}

// visibleLine escapes a line in pieces, since longer ones would be cut.
func visibleLine(l string) string {
	const piece = 4 << 10
	if len(l) <= piece {
		return trace.Escape(l)
	}
	var b strings.Builder
	for len(l) > 0 {
		end := min(piece, len(l))
		for end < len(l) && l[end]&0xc0 == 0x80 { // not inside a character
			end++
		}
		b.WriteString(trace.Escape(l[:end]))
		l = l[end:]
	}
	return b.String()
}
