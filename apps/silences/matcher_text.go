package silences

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// quote writes a text so that quoted reads the same, and so that each of its characters is seen, survives a line of a form, and is not
// taken for another one.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"', r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case hidden(r) && r <= 0xFFFF:
			fmt.Fprintf(&b, `\u%04x`, r)
		case hidden(r):
			fmt.Fprintf(&b, `\u{%x}`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// Written is how matchers are shown: those with characters that nobody sees say which, and are read the same.
func Written(matchers []string) []string {
	out := make([]string, len(matchers))
	for i, text := range matchers {
		out[i] = text
		if strings.IndexFunc(text, hidden) < 0 {
			continue
		}
		if m, err := ParseMatcher(text); err == nil {
			out[i] = m.String()
		}
	}
	return out
}

// hidden are the characters that are not seen where they stand, but the space: controls, marks of direction, spaces of other widths,
// what joins, fills and varies.
func hidden(r rune) bool {
	return !unicode.IsPrint(r) || unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// special are the characters that only stand in quotes.
func special(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("{}!=~,\\\"'`", r) }

type parser struct{ text, rest string }

func (p *parser) wrong(why string) error { return p.wrongAt(len(p.text)-len(p.rest), why) }

func (p *parser) wrongAt(at int, why string) error {
	return &SyntaxError{Text: p.text, At: utf8.RuneCountInString(p.text[:at]), Why: why}
}

func (p *parser) space() { p.rest = strings.TrimLeftFunc(p.rest, unicode.IsSpace) }

func (p *parser) word(what string) (string, error) {
	if strings.HasPrefix(p.rest, `"`) {
		return p.quoted()
	}
	end := strings.IndexFunc(p.rest, special)
	if end < 0 {
		end = len(p.rest)
	}
	if end == 0 {
		if p.rest == "" {
			return "", p.wrong(what + " is missing")
		}
		r, _ := utf8.DecodeRuneInString(p.rest)
		return "", p.wrong(fmt.Sprintf("%q is not how %s begins; put quotes around it", r, what))
	}
	word := p.rest[:end]
	p.rest = p.rest[end:]
	return word, nil
}

func (p *parser) op() (Op, error) {
	for _, op := range []Op{Like, NotLike, NotEqual, Equal} {
		if rest, ok := strings.CutPrefix(p.rest, string(op)); ok {
			p.rest = rest
			return op, nil
		}
	}
	return "", p.wrong("one of = != =~ !~ must come after the name")
}

// value is a word that may be missing: nothing after the sign is the empty value.
func (p *parser) value() (string, error) {
	if p.rest == "" {
		return "", nil
	}
	return p.word("a value")
}

func (p *parser) quoted() (string, error) {
	var b strings.Builder
	body := p.rest[1:]
	for i := 0; i < len(body); i++ {
		c := body[i]
		if c == '"' {
			p.rest = body[i+1:]
			return b.String(), nil
		}
		if c != '\\' || i+1 == len(body) {
			b.WriteByte(c)
			continue
		}
		switch next := body[i+1]; next {
		case '"', '\\':
			b.WriteByte(next)
			i++
		case 'n':
			b.WriteByte('\n')
			i++
		case 'u':
			r, n := numbered(body[i+2:])
			if n == 0 {
				b.WriteByte(c)
				continue
			}
			b.WriteRune(r)
			i += 1 + n
		default:
			b.WriteByte(c)
		}
	}
	return "", p.wrong("the quote is never closed")
}

// numbered reads 202e or {202e}, what comes after \u, and returns the character and how many bytes name it. What is none is 0: then the
// backslash is itself, as in C:\users.
func numbered(s string) (rune, int) {
	digits, n := "", 4
	if rest, braced := strings.CutPrefix(s, "{"); braced {
		end := strings.IndexByte(rest, '}')
		if end < 1 || end > 6 {
			return 0, 0
		}
		digits, n = rest[:end], end+2
	} else if len(s) >= n {
		digits = s[:n]
	}
	v, err := strconv.ParseUint(digits, 16, 32)
	if err != nil || !utf8.ValidRune(rune(v)) {
		return 0, 0
	}
	return rune(v), n
}
