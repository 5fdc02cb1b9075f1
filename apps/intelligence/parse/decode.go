package parse

import (
	"bytes"
	"strconv"
	"strings"
)

// What of a document is kept. Deeper values are passed over, more of them are read and forgotten.
const (
	maxNesting = 40
	maxMembers = 1000
	maxValues  = 50_000
)

// decoder reads one value. Strict is JSON and nothing else; otherwise it is read as models write it: comments, trailing and missing commas,
// other quotes, words of Python, bare keys, raw control characters and quotes inside strings, and an end that is missing.
type decoder struct {
	s      string
	at     int
	strict bool
	plain  bool // the first quote ends a string: for texts that the guess about quotes does not fit

	open   []byte // the closing brackets that are awaited
	values int
	bad    bool // it cannot be read this way
	deep   bool // …nor another: it is nested too deep, without an end
	ended  bool // the text ended before the value did
	mid    bool // …and not only its closing brackets are missing
}

// role is where a string stands, by which its end is known.
type role uint8

const (
	asKey role = iota
	inObject
	inList
	alone
)

// decode reads the value at from. ok is false for what cannot be read. The end is never before what was looked at and failed.
func decode(s string, from int, strict, plain, limit bool) (v value, d *decoder, ok bool) {
	d = &decoder{s: s, at: from, strict: strict, plain: plain}
	d.mid = limit // the answer ended at a limit: what is open is not whole
	v, ok = d.value(alone)
	return v, d, ok && !d.bad
}

func (d *decoder) fail() (value, bool) {
	d.bad = true
	return value{}, false
}

// end notes that the text is over. Whole says that a value had just been complete.
func (d *decoder) end(whole bool) {
	d.ended = true
	d.mid = d.mid || !whole
	d.bad = d.bad || d.strict
}

func (d *decoder) peek() byte {
	if d.at < len(d.s) {
		return d.s[d.at]
	}
	return 0
}

// value reads what comes next; false: nothing does, or it is bad.
func (d *decoder) value(r role) (value, bool) {
	d.space()
	if d.at >= len(d.s) {
		d.end(false)
		return value{}, false
	}
	d.values++
	switch c := d.s[d.at]; {
	case c == '{':
		return d.container(object)
	case c == '[':
		return d.container(list)
	case c == '"', !d.strict && d.quote() > 0:
		return d.string(r), !d.bad
	default:
		return d.bare(r)
	}
}

func (d *decoder) container(k kind) (value, bool) {
	if len(d.open) >= maxNesting {
		return value{}, d.passOver()
	}
	closing := byte('}')
	if k == list {
		closing = ']'
	}
	d.at++
	d.open = append(d.open, closing)
	v := value{kind: k}
	d.members(&v, closing)
	d.open = d.open[:len(d.open)-1]
	v.cut = d.ended && d.mid
	return v, !d.bad
}

func (d *decoder) members(v *value, closing byte) {
	whole, comma := true, false // whole: what stands before is complete
	for first := true; !d.bad; first = false {
		d.space()
		if d.at >= len(d.s) {
			d.end(whole && !first)
			return
		}
		switch c := d.s[d.at]; {
		case c == closing:
			d.at++
			d.bad = d.bad || d.strict && comma
			return
		case c == '}' || c == ']':
			if d.strict {
				d.bad = true
				return
			}
			if bytes.IndexByte(d.open, c) >= 0 { // it closes what is around: ours is missing
				return
			}
			d.at++
			continue
		case c == ',' || c == ';' && !d.strict:
			d.at++
			d.bad = d.bad || d.strict && (first || comma)
			whole, comma = false, true
			continue
		case strings.HasPrefix(d.s[d.at:], "...") && !d.strict:
			d.at += 3
			continue
		}
		if d.strict && !first && !comma {
			d.bad = true
			return
		}
		whole, comma = d.member(v), false
		if d.ended {
			return
		}
	}
}

// member reads an item, or a key with its value, and reports whether it is complete.
func (d *decoder) member(v *value) bool {
	key, r := "", inList
	if v.kind == object {
		r = inObject
		var ok bool
		if key, ok = d.key(); !ok {
			return false
		}
	}
	var item value
	if c := d.afterColon(v.kind); c != 0 {
		item = value{} // {"a": , and {"a"}
	} else {
		var ok bool
		if item, ok = d.value(r); !ok {
			return !d.ended
		}
	}
	if len(v.items) < maxMembers && d.values <= maxValues {
		v.items = append(v.items, item)
		if v.kind == object {
			v.keys = append(v.keys, spelled(key))
		}
	}
	return true
}

// afterColon returns what ends a member whose value is missing.
func (d *decoder) afterColon(k kind) byte {
	if k != object || d.strict {
		return 0
	}
	d.space()
	switch c := d.peek(); c {
	case ',', '}', ']':
		return c
	}
	return 0
}

func (d *decoder) key() (string, bool) {
	var key string
	quoted := d.peek() == '"' || !d.strict && d.quote() > 0
	switch {
	case quoted:
		v := d.string(asKey)
		if key = v.text; v.cut || d.bad {
			return "", false
		}
	case !d.strict:
		from := d.at
		for d.at < len(d.s) && isName(d.s[d.at]) {
			d.at++
		}
		key = d.s[from:d.at]
	}
	if key == "" && !quoted {
		d.bad = true
		return "", false
	}
	d.space()
	if d.at >= len(d.s) {
		d.end(false)
		return "", false
	}
	switch c := d.s[d.at]; {
	case c == ':':
		d.at++
	case d.strict:
		d.bad = true
	case c == '=':
		if d.at++; d.peek() == '>' {
			d.at++
		}
	case quoted && strings.IndexByte("\"'{[,}", c) >= 0: // the colon is missing
	default:
		d.bad = true
	}
	return key, !d.bad
}

func isName(c byte) bool {
	return c == '_' || c == '$' || c == '-' || c == '.' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// space passes over what stands between: white space, and comments where they are read.
func (d *decoder) space() {
	for d.at < len(d.s) {
		c := d.s[d.at]
		switch {
		case c == ' ' || c == '\n' || c == '\t' || c == '\r':
			d.at++
		case d.strict:
			return
		case c == '/' && strings.HasPrefix(d.s[d.at:], "/*"):
			if n := strings.Index(d.s[d.at+2:], "*/"); n >= 0 {
				d.at += n + 4
			} else {
				d.at = len(d.s)
			}
		case c == '#' || c == '/' && strings.HasPrefix(d.s[d.at:], "//"):
			if n := strings.IndexByte(d.s[d.at:], '\n'); n >= 0 {
				d.at += n + 1
			} else {
				d.at = len(d.s)
			}
		case c < ' ' || strings.HasPrefix(d.s[d.at:], "\u00a0") || strings.HasPrefix(d.s[d.at:], "\u200b") || strings.HasPrefix(d.s[d.at:], "\ufeff"):
			d.at += max(1, width(c))
		default:
			return
		}
	}
}

func width(c byte) int {
	switch {
	case c < 0xc0:
		return 1
	case c < 0xe0:
		return 2
	case c < 0xf0:
		return 3
	default:
		return 4
	}
}

// bare reads what has no quotes: a number, a word that means something, or words.
func (d *decoder) bare(r role) (value, bool) {
	from := d.at
	const longest = 2000
	for d.at < len(d.s) && d.at-from <= longest && strings.IndexByte(",]}\n{[", d.s[d.at]) < 0 {
		if d.strict && strings.IndexByte(" \t\r:\"", d.s[d.at]) >= 0 || !d.strict && isComment(d.s, d.at, from) {
			break
		}
		d.at++
	}
	s := d.s[from:d.at]
	if !d.strict {
		s = strings.TrimSpace(s)
	}
	if s == "" || len(s) > longest || r == alone {
		return d.fail()
	}
	if c := d.peek(); (c == '{' || c == '[') && !d.strict {
		return d.fail() // a text with brackets in it, not JSON
	}
	v := value{kind: words, text: s}
	switch s {
	case "true", "false":
		v.kind = boolean
	case "null":
		v = value{}
	default:
		if isNumber(s) {
			v.kind = number
		} else if d.strict {
			return d.fail()
		}
	}
	if v.kind == words {
		v = ofPython(v)
	}
	if v.kind == words && r == inList && (strings.ContainsAny(s, " \t") || d.at >= len(d.s)) {
		return d.fail() // a text in brackets, not JSON
	}
	if d.at >= len(d.s) {
		d.end(false)
		v.cut = true
	}
	return v, true
}

// isComment says whether a comment begins at a place, which is not the first of its value.
func isComment(s string, at, from int) bool {
	if strings.HasPrefix(s[at:], "/*") {
		return true
	}
	return at > from && s[at-1] == ' ' && (s[at] == '#' || strings.HasPrefix(s[at:], "//"))
}

func ofPython(v value) value {
	switch strings.ToLower(v.text) {
	case "true", "false":
		return value{kind: boolean, text: strings.ToLower(v.text)}
	case "none", "null", "nil", "undefined", "nan", "-nan", "inf", "-inf", "infinity", "-infinity", "+infinity":
		return value{}
	}
	if clean := strings.TrimPrefix(strings.ReplaceAll(v.text, "_", ""), "+"); clean != "" && strings.Trim(clean, "0123456789.eE+-") == "" {
		if f, err := strconv.ParseFloat(clean, 64); err == nil {
			return value{kind: number, text: strconv.FormatFloat(f, 'g', -1, 64)}
		}
	}
	return v
}

// isNumber is the grammar of JSON.
func isNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	whole := strings.TrimLeft(s, "0123456789")
	if n := len(s) - len(whole); n == 0 || n > 1 && s[0] == '0' {
		return false
	}
	if rest, ok := strings.CutPrefix(whole, "."); ok {
		whole = strings.TrimLeft(rest, "0123456789")
		if len(whole) == len(rest) {
			return false
		}
	}
	if whole != "" && (whole[0] == 'e' || whole[0] == 'E') {
		whole = whole[1:]
		if whole != "" && (whole[0] == '+' || whole[0] == '-') {
			whole = whole[1:]
		}
		return whole != "" && strings.Trim(whole, "0123456789") == ""
	}
	return whole == ""
}

// passOver leaves out what is nested too deep, if it has an end.
func (d *decoder) passOver() bool {
	depth := 0
	for inside := false; d.at < len(d.s); d.at++ {
		switch c := d.s[d.at]; {
		case c == '\\' && inside:
			d.at++
		case c == '"':
			inside = !inside
		case inside:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth--; depth == 0 {
				d.at++
				return true
			}
		}
	}
	d.bad, d.deep = true, true
	return false
}
