package trace

import (
	"fmt"
	"log/slog"
	"reflect"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxText is the longest string value, in bytes, that is logged; the rest is counted, not written.
const maxText = 8 << 10

// Escape makes text from outside safe to print on one line of a terminal or log: control characters (line breaks, ANSI
// escapes, NUL), bidirectional marks and line separators become \uXXXX, broken UTF-8 becomes U+FFFD, and what exceeds
// 8 KiB is cut and counted. Everything else, any script or emoji, stays readable.
func Escape(s string) string {
	if isPlain(s) {
		return s
	}
	rest := 0
	if len(s) > maxText {
		end := maxText
		for end > maxText-utf8.UTFMax && !utf8.RuneStart(s[end]) {
			end--
		}
		s, rest = s[:end], len(s)-end
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	for _, r := range s {
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case isUnsafe(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	if rest > 0 {
		b.WriteString("…(+" + strconv.Itoa(rest) + " bytes)")
	}
	return b.String()
}

// isPlain reports whether s is short and printable ASCII, or at least has nothing that Escape would change.
func isPlain(s string) bool {
	if len(s) > maxText {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f {
			return utf8.ValidString(s) && !strings.ContainsFunc(s, isUnsafe)
		}
	}
	return true
}

// isUnsafe finds control characters, the line and paragraph separators, and the marks that reorder text (Unicode
// "Trojan Source", TR 39 / CVE-2021-42574) or hide in it.
func isUnsafe(r rune) bool {
	switch {
	case unicode.IsControl(r), r == '\u2028', r == '\u2029', r == '\u061c', r == '\ufeff':
		return true
	case r >= '\u200b' && r <= '\u200f' && r != '\u200d': // the joiner U+200D holds emoji together
		return true
	case r >= '\u202a' && r <= '\u202e', r >= '\u2060' && r <= '\u2069':
		return true
	default:
		return false
	}
}

// escapeAttr returns a with its text escaped and whether that changed anything.
func escapeAttr(a slog.Attr) (slog.Attr, bool) {
	v := a.Value
	resolved := v.Kind() == slog.KindLogValuer
	if resolved {
		v = v.Resolve()
	}
	switch v.Kind() {
	case slog.KindString:
		text := v.String()
		clean := Escape(text)
		return slog.String(a.Key, clean), resolved || clean != text
	case slog.KindGroup:
		members := v.Group()
		clean, changed := make([]slog.Attr, len(members)), resolved
		for i, m := range members {
			var dirty bool
			clean[i], dirty = escapeAttr(m)
			changed = changed || dirty
		}
		return slog.Attr{Key: a.Key, Value: slog.GroupValue(clean...)}, changed
	case slog.KindAny:
		text, ok := asText(v.Any())
		if !ok {
			return slog.Attr{Key: a.Key, Value: v}, resolved
		}
		return slog.String(a.Key, Escape(text)), true
	default:
		return slog.Attr{Key: a.Key, Value: v}, resolved
	}
}

// asText returns what is text at heart: errors, byte slices, string types. A panic in a value's own method must not take
// the program down because of a log line.
func asText(v any) (text string, ok bool) {
	defer func() {
		if p := recover(); p != nil {
			text, ok = fmt.Sprintf("(panic in %T while logging)", v), true
		}
	}()
	switch v := v.(type) {
	case nil:
		return "", false
	case error:
		return v.Error(), true
	case []byte:
		return string(v), true
	}
	// String types that print themselves their own way (secrets, say) are left to the handler.
	if _, own := v.(fmt.Stringer); own {
		return "", false
	}
	if rv := reflect.ValueOf(v); rv.Kind() == reflect.String {
		return rv.String(), true
	}
	return "", false
}
