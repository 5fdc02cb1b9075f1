package doc

import (
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// peek returns the next byte, or NUL, which is legal nowhere between tokens, at the end.
func (d *decoder) peek() byte {
	if d.pos < len(d.src) {
		return d.src[d.pos]
	}
	return 0
}

func (d *decoder) space() {
	for d.pos < len(d.src) {
		switch d.src[d.pos] {
		case ' ', '\t', '\n', '\r':
			d.pos++
		default:
			return
		}
	}
}

func (d *decoder) unexpected() error {
	if d.pos >= len(d.src) {
		return fmt.Errorf("%w: it ends in the middle of the document", ErrNotJSON)
	}
	r, _ := utf8.DecodeRune(d.src[d.pos:])
	return fmt.Errorf("%w: unexpected %s at byte %d", ErrNotJSON, strconv.QuoteRune(r), d.pos)
}

func (d *decoder) word(n *node, kind Kind, w string) error {
	for i := range len(w) {
		if d.peek() != w[i] {
			return d.unexpected()
		}
		d.pos++
	}
	n.kind, n.val = kind, span{uint32(d.pos - len(w)), uint32(len(w))}
	return nil
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func (d *decoder) digits() bool {
	start := d.pos
	for isDigit(d.peek()) {
		d.pos++
	}
	return d.pos > start
}

// number keeps the literal as it stands, so that no digit is lost.
func (d *decoder) number() (span, error) {
	start := d.pos
	if d.peek() == '-' {
		d.pos++
	}
	if d.peek() == '0' {
		d.pos++
	} else if !d.digits() {
		return span{}, d.unexpected()
	}
	if d.peek() == '.' {
		d.pos++
		if !d.digits() {
			return span{}, d.unexpected()
		}
	}
	if c := d.peek(); c == 'e' || c == 'E' {
		d.pos++
		if c := d.peek(); c == '+' || c == '-' {
			d.pos++
		}
		if !d.digits() {
			return span{}, d.unexpected()
		}
	}
	return span{uint32(start), uint32(d.pos - start)}, nil
}

// str reads the string that starts at the quote under pos.
func (d *decoder) str() (span, error) {
	start := d.pos + 1
	for i, c := range d.src[start:] {
		if c != '"' && c != '\\' && c >= ' ' {
			continue
		}
		d.pos = start + i
		switch c {
		case '"':
			d.pos++
			return span{uint32(start), uint32(i)}, nil
		case '\\':
			return d.escaped(start)
		default:
			return span{}, d.unexpected()
		}
	}
	d.pos = len(d.src)
	return span{}, d.unexpected()
}

// escaped goes on with a string that holds escapes. They are undone in place: no escape is shorter than what it stands for.
func (d *decoder) escaped(start int) (span, error) {
	w := d.pos
	for d.pos < len(d.src) {
		switch c := d.src[d.pos]; {
		case c == '"':
			d.pos++
			return span{uint32(start), uint32(w - start)}, nil
		case c == '\\':
			r, err := d.escape()
			if err != nil {
				return span{}, err
			}
			if r != 0 {
				w += utf8.EncodeRune(d.src[w:], r)
			}
		case c < ' ':
			return span{}, d.unexpected()
		default:
			d.src[w] = c
			w++
			d.pos++
		}
	}
	return span{}, d.unexpected()
}

// escape reads one escape, or the two of a surrogate pair.
func (d *decoder) escape() (rune, error) {
	d.pos++
	c := d.peek()
	switch c {
	case '"', '\\', '/':
		d.pos++
		return rune(c), nil
	case 'b':
		d.pos++
		return '\b', nil
	case 'f':
		d.pos++
		return '\f', nil
	case 'n':
		d.pos++
		return '\n', nil
	case 'r':
		d.pos++
		return '\r', nil
	case 't':
		d.pos++
		return '\t', nil
	case 'u':
		d.pos++
	default:
		return 0, d.unexpected()
	}
	r, err := d.hex4()
	if err != nil || !utf16.IsSurrogate(r) {
		return r, err
	}
	if d.peek() == '\\' && d.pos+1 < len(d.src) && d.src[d.pos+1] == 'u' {
		back := d.pos
		d.pos += 2
		low, err := d.hex4()
		if err != nil {
			return 0, err
		}
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			return pair, nil
		}
		d.pos = back // not its other half: it is read again on its own
	}
	return utf8.RuneError, nil
}

func (d *decoder) hex4() (rune, error) {
	var r rune
	for range 4 {
		c := d.peek()
		switch {
		case isDigit(c):
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, d.unexpected()
		}
		r = r<<4 | rune(c)
		d.pos++
	}
	return r, nil
}
