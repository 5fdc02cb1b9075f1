package redact

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Plain takes out of a text from outside what steers screens and models, and what hides text from people: control characters but line
// breaks and tabs, escape sequences of terminals, marks of direction, characters without width or meaning. Tags that models take for the
// frame of a conversation become ‹tag›. A second time changes nothing.
// WithPlain does it before secrets are looked for.
func Plain(s string) string {
	if !plainly(s) {
		s = visible(s)
	}
	return untag(s)
}

// plainly reports whether a text is of ASCII without control characters.
func plainly(s string) bool {
	for i := range len(s) {
		if c := s[i]; c >= 0x7f || c < ' ' && c != '\n' && c != '\t' {
			return false
		}
	}
	return true
}

// veiled reports whether something in a text hides, ends of lines aside.
func veiled(s string) bool {
	for i, r := range s {
		if r < 0x7f && r >= ' ' || r == '\n' || r == '\t' || r == '\r' || r == utf8.RuneError {
			continue
		}
		if hides(r) && (i > 0 || r != '\ufeff') {
			return true
		}
	}
	return false
}

func visible(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			b.WriteRune(utf8.RuneError)
		case r == '\x1b' || r == '\u009b':
			size += sequence(s[i+size:], r == '\u009b')
		case r == '\n', r == '\t':
			b.WriteByte(byte(r))
		case r == '\r', r == '\u0085', r == '\u2028', r == '\u2029':
			b.WriteByte('\n')
			if r == '\r' && strings.HasPrefix(s[i+size:], "\n") {
				size++
			}
		case !hides(r):
			b.WriteString(s[i : i+size])
		}
		i += size
	}
	return b.String()
}

// hides reports whether a character cannot be seen, or changes how others are.
func hides(r rune) bool {
	switch {
	case r < 0x7f:
		return r < ' '
	case unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs, unicode.Variation_Selector, unicode.Noncharacter_Code_Point):
		return true
	case r == '\u034f', r == '\u115f', r == '\u1160', r == '\u17b4', r == '\u17b5', r == '\u3164', r == '\uffa0': // joiners and fillers
		return true
	}
	return r >= 0xe0000 && r <= 0xe0fff // tags, and what is kept for more of their kind
}

// sequence returns the length of the rest of an escape sequence; 0 when it has no end, so that nobody hides a text behind it.
func sequence(s string, csi bool) int {
	i := 0
	if !csi {
		if s == "" {
			return 0
		}
		i = 1
		switch c := s[0]; {
		case c == '[':
		case c == ']', c == 'P', c == 'X', c == '^', c == '_': // texts for the terminal, up to BEL or ESC \
			const longest = 4096
			for at := 1; at < min(len(s), longest); at++ {
				switch {
				case s[at] == '\a':
					return at + 1
				case s[at] == '\x1b' && strings.HasPrefix(s[at:], "\x1b\\"):
					return at + 2
				case s[at] == '\x1b', s[at] == '\n':
					return 1
				}
			}
			return 1
		case c >= ' ' && c <= '/': // two bytes or more: a set of characters
			for i < len(s) && s[i] >= ' ' && s[i] <= '/' {
				i++
			}
			if i < len(s) && s[i] >= '0' && s[i] <= '~' {
				return i + 1
			}
			return 0
		case c >= '0' && c <= '~':
			return 1
		default:
			return 0
		}
	}
	for i < len(s) && s[i] >= '0' && s[i] <= '?' {
		i++
	}
	for i < len(s) && s[i] >= ' ' && s[i] <= '/' {
		i++
	}
	if i < len(s) && s[i] >= '@' && s[i] <= '~' {
		return i + 1
	}
	return 0
}
