package parse

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Quotes that models write, or that something on the way made of theirs. What begins with one of a line ends with one of the same line.
const (
	doubles = "\u201c\u201d\u201e\u201f\uff02"
	singles = "\u2018\u2019\u201a\u201b\uff07"
)

// quote returns how many bytes the quote has that stands here, 0 for none.
func (d *decoder) quote() int {
	switch d.peek() {
	case '"', '\'', '`':
		return 1
	case 0xe2, 0xef:
		r, n := utf8.DecodeRuneInString(d.s[d.at:])
		if strings.ContainsRune(doubles, r) || strings.ContainsRune(singles, r) {
			return n
		}
	}
	return 0
}

// string reads a string. One that has no end is cut.
func (d *decoder) string(r role) value {
	var b strings.Builder
	v := value{kind: words}
	for {
		if !d.piece(&b, r) {
			v.cut = d.ended
			break
		}
		if d.strict || r == asKey || !d.glued() {
			break
		}
	}
	v.text = b.String()
	return v
}

// glued reports whether another string is added with a plus sign, as in a program, and goes there.
func (d *decoder) glued() bool {
	from := d.at
	d.space()
	if d.peek() == '+' {
		d.at++
		d.space()
		if d.quote() > 0 {
			return true
		}
	}
	d.at = from
	return false
}

// piece reads from a quote to the one that ends it, and reports whether there is one.
func (d *decoder) piece(b *strings.Builder, r role) bool {
	if !d.strict && (strings.HasPrefix(d.s[d.at:], `"""`) || strings.HasPrefix(d.s[d.at:], `'''`)) {
		return d.tripled(b)
	}
	opening, n := utf8.DecodeRuneInString(d.s[d.at:])
	d.at += n
	from := d.at
	for d.at < len(d.s) {
		c := d.s[d.at]
		switch {
		case c == '\\':
			b.WriteString(d.s[from:d.at])
			if !d.escape(b) {
				return false
			}
			from = d.at
			continue
		case c < ' ' && d.strict:
			d.bad = true
			return false
		case c < 0x80 && rune(c) != opening:
			d.at++
			continue
		}
		closing, n := utf8.DecodeRuneInString(d.s[d.at:])
		if closes(opening, closing) && (d.strict || d.plain || d.ends(d.at+n, r)) {
			b.WriteString(d.s[from:d.at])
			d.at += n
			return true
		}
		d.at += n
	}
	b.WriteString(d.s[from:])
	d.end(false)
	return false
}

func closes(opening, closing rune) bool {
	switch {
	case opening < 0x80:
		return closing == opening
	case strings.ContainsRune(doubles, opening):
		return strings.ContainsRune(doubles, closing)
	default:
		return strings.ContainsRune(singles, closing)
	}
}

// tripled reads a text between three quotes.
func (d *decoder) tripled(b *strings.Builder) bool {
	mark := d.s[d.at : d.at+3]
	rest := d.s[d.at+3:]
	end := strings.Index(rest, mark)
	if end < 0 {
		b.WriteString(rest)
		d.at = len(d.s)
		d.end(false)
		return false
	}
	b.WriteString(strings.TrimSpace(rest[:end]))
	d.at += 3 + end + 3
	return true
}

// escape reads what stands behind a backslash. What means nothing stays as it is written: paths and patterns are not always escaped.
func (d *decoder) escape(b *strings.Builder) bool {
	if d.at+1 >= len(d.s) {
		d.at = len(d.s)
		d.end(false)
		return false
	}
	c := d.s[d.at+1]
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
		b.WriteByte("\"\\/\b\f\n\r\t"[i])
		d.at += 2
		return true
	}
	if c == 'u' {
		if n := d.code(b); n > 0 {
			d.at += n
			return true
		}
	}
	if d.strict {
		d.bad = true
		return false
	}
	switch c {
	case '\'', '`':
		b.WriteByte(c)
		d.at += 2
	case '\n':
		d.at += 2
	default:
		b.WriteByte('\\')
		d.at++
	}
	return true
}

// code reads \u0041, and two of them that belong together, and returns how long it is.
func (d *decoder) code(b *strings.Builder) int {
	one, ok := hex(d.s, d.at)
	if !ok {
		return 0
	}
	if utf16.IsSurrogate(one) {
		if two, ok := hex(d.s, d.at+6); ok {
			if r := utf16.DecodeRune(one, two); r != utf8.RuneError {
				b.WriteRune(r)
				return 12
			}
		}
		one = utf8.RuneError
	}
	b.WriteRune(one)
	return 6
}

func hex(s string, at int) (rune, bool) {
	if at+6 > len(s) || s[at] != '\\' || s[at+1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(s[at+2:at+6], 16, 32)
	return rune(n), err == nil
}
