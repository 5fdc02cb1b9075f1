package channel

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// Units is the length of a text as most chat services count it: in UTF-16 code units, so that a character outside the basic plane is 2.
func Units(s string) int {
	n := 0
	for _, r := range s {
		n += units(r)
	}
	return n
}

func units(r rune) int {
	if r > 0xffff {
		return 2
	}
	return 1
}

// Split cuts a text into pieces of at most limit Units, in order. It cuts between lines where it can, else at a space, else between
// characters, and never inside what whole matches (an entity, a link) unless that alone is longer. The line break or the space at a cut
// is left out; nothing else is. "" makes no piece. limit must be at least 2; whole may be nil.
func Split(s string, limit int, whole *regexp.Regexp) []string {
	return split(s, limit, units, whole, -1)
}

// split makes at most so many pieces, and looks at no more of the text than they take; below 0: as many as it takes.
func split(s string, limit int, size func(rune) int, whole *regexp.Regexp, most int) []string {
	out, _ := splitOff(s, limit, size, whole, most)
	return out
}

// splitOff also gives what is left of the text.
func splitOff(s string, limit int, size func(rune) int, whole *regexp.Regexp, most int) (out []string, rest string) {
	for s != "" && len(out) != most {
		end, skip := cutAt(s, max(limit, 2), size, whole)
		if piece := s[:end]; strings.TrimSpace(piece) != "" {
			out = append(out, piece)
		}
		s = s[end+skip:]
	}
	return out, s
}

// cutAt finds where the first piece ends, and how many bytes of white space follow that belong to no piece.
func cutAt(s string, limit int, size func(rune) int, whole *regexp.Regexp) (end, skip int) {
	n := 0
	for i, r := range s {
		if n += size(r); n > limit {
			end = i
			break
		}
	}
	if end == 0 {
		return len(s), 0
	}
	if s[end] == '\n' {
		return end, 1
	}
	fits := func(at int) bool { return true }
	if whole != nil {
		// Only what begins before the limit can be cut by it; a little more is read, so that it is seen whole.
		look := s[:min(len(s), end+4096)]
		kept := whole.FindAllStringIndex(look, -1)
		fits = func(at int) bool {
			for _, k := range kept {
				if k[0] < at && at < k[1] {
					return false
				}
			}
			return true
		}
	}
	// A line break in the second half is a good place, a space in the last quarter is the next best.
	for at := end; at > end/2; at-- {
		if s[at] == '\n' && fits(at) {
			return at, 1
		}
	}
	for at := end; at > end*3/4; at-- {
		if s[at] == ' ' && fits(at) {
			return at, 1
		}
	}
	for at := end; at > 0; at-- {
		if utf8.RuneStart(s[at]) && fits(at) {
			return at, 0
		}
	}
	return end, 0
}

// Cut is the beginning of a text, with an ellipsis where something is left out: for what is only a summary of what is told elsewhere.
func Cut(s string, limit int, whole *regexp.Regexp) string {
	s = strings.TrimSpace(s)
	if end, _ := cutAt(s, limit, units, whole); end == len(s) {
		return s
	}
	end, _ := cutAt(s, max(limit-1, 2), units, whole)
	return strings.TrimSpace(s[:end]) + "…"
}
