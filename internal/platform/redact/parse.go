package redact

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	maxDepth = 64  // deeper values are cut
	maxKey   = 256 // bytes of a key
)

// parser reads a document that is known to be valid, and redacts it on the way.
type parser struct {
	r       *Redactor
	raw     []byte
	at      int
	room    int  // for how many more values
	list    int  // values that one list or object may have
	changed bool // the document is not what it was
	cut     bool // something was left out
}

func (p *parser) space() {
	for p.at < len(p.raw) && (p.raw[p.at] == ' ' || p.raw[p.at] == '\n' || p.raw[p.at] == '\t' || p.raw[p.at] == '\r') {
		p.at++
	}
}

func (p *parser) peek() byte {
	p.space()
	if p.at < len(p.raw) {
		return p.raw[p.at]
	}
	return 0
}

// value reads the next value. n is what the name of its field tells.
func (p *parser) value(depth int, n naming) *node {
	p.room--
	v := &node{kind: p.peek()}
	switch v.kind {
	case '{', '[':
		if depth >= maxDepth {
			p.skip()
			p.cut, p.changed = true, true
			v = &node{kind: '"', text: "… (cut, nested too deep)"}
			break
		}
		p.container(v, depth, n)
		return v
	case '"':
		s, exact := p.text()
		v.text = strings.ToValidUTF8(p.r.field(n, s), "\uFFFD")
		p.changed = p.changed || !exact || v.text != s
	default:
		v.kind = '0'
		v.text = p.scalar()
		if v.text == "" { // never in valid JSON
			v.text, p.at = "null", len(p.raw)
			break
		}
		if p.r.secrets().is(v.text) {
			v.kind, v.text, p.changed = '"', mark("secret"), true
		} else if n.kind != "" {
			p.hide(v, n)
		}
	}
	v.measure()
	return v
}

func (p *parser) container(v *node, depth int, n naming) {
	closing := byte('}')
	if v.kind == '[' {
		closing = ']'
	}
	inner := v.kind == '[' && depth > 0
	p.at++
	for c := p.peek(); c != closing && c != 0; c = p.peek() {
		if c == ',' {
			p.at++
			continue
		}
		full := p.room <= 0 || len(v.items) >= p.list
		of := n
		key := ""
		if v.kind == '{' {
			key = p.key()
			if own := named(key); own.kind != "" {
				of = own
			}
			if p.peek() == ':' {
				p.at++
			}
		}
		if full {
			p.skip()
			v.dropped++
			p.cut, p.changed = true, true
			continue
		}
		item := p.value(depth+1, of)
		if v.kind == '{' {
			v.keys = append(v.keys, key)
		}
		v.items = append(v.items, item)
	}
	p.at = min(p.at+1, len(p.raw))
	if n.kind == "" {
		if v.kind == '{' {
			p.pairs(v)
		} else {
			p.rows(v, inner)
		}
	}
	v.measure()
}

// key reads a name; a long one is cut.
func (p *parser) key() string {
	s, exact := p.text()
	key := strings.ToValidUTF8(p.r.Text(s), "\uFFFD")
	if len(key) > maxKey {
		key = p.r.cutText(key, maxKey)
	}
	p.changed = p.changed || !exact || key != s
	return key
}

// text reads a string; exact is false when it has to be written in another way: NUL and halves of characters cannot be stored.
func (p *parser) text() (s string, exact bool) {
	from := p.at
	plain := p.pass()
	raw := p.raw[from:p.at]
	if plain && len(raw) >= 2 {
		s = string(raw[1 : len(raw)-1])
		if utf8.ValidString(s) {
			return s, true
		}
		return strings.ToValidUTF8(s, "\uFFFD"), false
	}
	if json.Unmarshal(raw, &s) != nil {
		return "", false
	}
	exact = !strings.Contains(s, "\x00") && !strings.Contains(s, "\uFFFD")
	return strings.ReplaceAll(s, "\x00", "\uFFFD"), exact
}

// skip passes over a value.
func (p *parser) skip() {
	p.space()
	for depth := 0; p.at < len(p.raw); {
		switch p.raw[p.at] {
		case '"':
			p.pass()
		case '{', '[':
			depth++
			p.at++
		case '}', ']':
			depth--
			p.at++
		case ',', ':', ' ', '\n', '\t', '\r':
			p.at++
		default:
			p.scalar()
		}
		if depth <= 0 {
			return
		}
	}
}

// scalar passes over a number or a word and returns it.
func (p *parser) scalar() string {
	from := p.at
	for p.at < len(p.raw) && !strings.ContainsRune(",]}: \n\t\r", rune(p.raw[p.at])) {
		p.at++
	}
	return string(p.raw[from:p.at])
}

// pass passes over a string and reports whether nothing in it is escaped.
func (p *parser) pass() (plain bool) {
	plain = true
	for p.at++; p.at < len(p.raw) && p.raw[p.at] != '"'; p.at++ {
		if p.raw[p.at] == '\\' {
			p.at++
			plain = false
		}
	}
	p.at = min(p.at+1, len(p.raw))
	return plain
}

// measure works out how long a value is when it is written.
func (v *node) measure() {
	switch v.kind {
	case '"':
		v.size = quotedSize(v.text)
	case '{', '[':
		n := 2 + max(0, len(v.items)-1)
		for i, item := range v.items {
			n += item.size
			if v.kind == '{' {
				n += quotedSize(v.keys[i]) + 1
			}
		}
		if v.dropped > 0 {
			n += v.note().size + 1
		}
		v.size = n
	default:
		v.size = len(v.text)
	}
}

// more is the key of the note in an object that items are missing.
const more = "…"

// note is what stands where items are missing; in an object its size includes the key.
func (v *node) note() *node {
	if v.kind == '{' {
		n := &node{kind: '"', text: "cut, " + strconv.Itoa(v.dropped) + " more"}
		n.measure()
		n.size += quotedSize(more) + 1
		return n
	}
	n := &node{kind: '"', text: "… (cut, " + strconv.Itoa(v.dropped) + " more)"}
	n.measure()
	return n
}
