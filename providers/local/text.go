package local

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// clean makes a text of the host (a name, a path) safe to show: one line, no control or format characters, at most n bytes.
func clean(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if unseen(r) {
			return ' '
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > n {
		s = strings.ToValidUTF8(s[:n], "") + "…"
	}
	return s
}

// quote makes s one word of a shell.
func quote(s string) string {
	if s != "" && strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("/._-+:@%,=", r)
	}) < 0 {
		return s
	}
	if !utf8.ValidString(s) || strings.IndexFunc(s, unseen) >= 0 { // escapes of bash; no quote within, so that it is one inert word for any shell
		var b strings.Builder
		b.WriteString("$'")
		for _, c := range []byte(s) {
			if c < ' ' || c > '~' || c == '\'' || c == '\\' {
				fmt.Fprintf(&b, `\x%02x`, c)
			} else {
				b.WriteByte(c)
			}
		}
		return b.String() + "'"
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// unseen reports whether a rune is none that people see: control and format characters, private ones, bytes that are no text.
func unseen(r rune) bool {
	return r == unicode.ReplacementChar || unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Co)
}

// shown is a path as it is, unless it holds what people do not see.
func shown(p string) string {
	if len(p) <= 1000 && utf8.ValidString(p) && strings.IndexFunc(p, unseen) < 0 {
		return p
	}
	return clean(p, 1000)
}

// size is a number of bytes for people: "512 MiB".
func size[N int | int64 | uint64 | float64](n N) string {
	f := float64(n)
	switch {
	case f >= 10<<30:
		return fmt.Sprintf("%.0f GiB", f/(1<<30))
	case f >= 1<<30:
		return fmt.Sprintf("%.1f GiB", f/(1<<30))
	case f >= 10<<20:
		return fmt.Sprintf("%.0f MiB", f/(1<<20))
	case f >= 1<<20:
		return fmt.Sprintf("%.1f MiB", f/(1<<20))
	default:
		return fmt.Sprintf("%.0f KiB", f/(1<<10))
	}
}

// percent is a share for people.
func percent(part, whole float64) string {
	if whole <= 0 {
		return "0 %"
	}
	p := 100 * part / whole
	if p < 10 {
		return fmt.Sprintf("%.1f %%", p)
	}
	return fmt.Sprintf("%.0f %%", p)
}

// span is a time for people: "3 h 20 min".
func span(seconds float64) string {
	s := int(seconds)
	switch {
	case s < 120:
		return fmt.Sprintf("%d s", s)
	case s < 7200:
		return fmt.Sprintf("%d min", s/60)
	case s < 2*86400:
		return fmt.Sprintf("%d h %d min", s/3600, s/60%60)
	default:
		return fmt.Sprintf("%d days", s/86400)
	}
}

// list joins at most n words: "a, b and 3 more".
func list(words []string, n int) string {
	if len(words) <= n {
		return strings.Join(words, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(words[:n], ", "), len(words)-n)
}
