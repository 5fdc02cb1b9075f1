package doc

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"
)

// What Decode refuses. The message after the sentinel's own says where and what to do, in words for the sender.
var (
	ErrNotJSON   = errors.New("body is not JSON")
	ErrNotObject = errors.New("body is not a JSON object")
	ErrTooDeep   = errors.New("body is nested too deeply")
	ErrTooMany   = errors.New("body holds too much")
)

// Limits bound what one body may hold. A zero field means its default.
type Limits struct {
	Depth int // levels of nesting, the top-level object being level 1; default 64
	Items int // objects in one list right below the top level, such as alerts or messages; default 10,000
	Nodes int // values of any kind in the whole document, about 24 bytes of memory each; default 1,000,000
}

func (l Limits) orDefault() Limits {
	if l.Depth <= 0 {
		l.Depth = 64
	}
	if l.Items <= 0 {
		l.Items = 10_000
	}
	if l.Nodes <= 0 {
		l.Nodes = 1_000_000
	}
	return l
}

// Decode reads body, which it neither keeps nor changes, in a single pass. A UTF-8 byte order mark is dropped, bytes that are
// no UTF-8 and lone surrogates become U+FFFD, and NUL is taken out of every string and key, because Postgres stores none.
// Errors wrap ErrNotJSON, ErrNotObject, ErrTooDeep or ErrTooMany.
func Decode(body []byte, lim Limits) (Object, error) {
	src, err := source(body)
	if err != nil {
		return Object{}, err
	}
	d := decoder{src: src, lim: lim.orDefault(), nodes: make([]node, 0, min(len(src)/16+8, 1<<14))}
	d.space()
	if d.pos == len(d.src) {
		return Object{}, fmt.Errorf("%w: it is empty", ErrNotJSON)
	}
	if err := d.value(span{}, 1); err != nil {
		return Object{}, err
	}
	d.space()
	if d.pos < len(d.src) {
		return Object{}, fmt.Errorf("%w: something follows the document at byte %d; send one document per request", ErrNotJSON, d.pos)
	}
	if k := d.nodes[0].kind; k != KindObject {
		return Object{}, fmt.Errorf("%w: it is %s; send one {...} per request", ErrNotObject, k)
	}
	return Object{d: &document{text: string(d.src), nodes: d.nodes}}, nil
}

// source returns the bytes to decode: valid UTF-8 without a mark, and a private copy if escapes will be undone in place.
func source(body []byte) ([]byte, error) {
	if len(body) > math.MaxInt32 {
		return nil, fmt.Errorf("%w: %d bytes", ErrTooMany, len(body))
	}
	if bytes.HasPrefix(body, []byte{0xFF, 0xFE}) || bytes.HasPrefix(body, []byte{0xFE, 0xFF}) {
		return nil, fmt.Errorf("%w: it is UTF-16; send UTF-8", ErrNotJSON)
	}
	body = bytes.TrimPrefix(body, []byte("\uFEFF"))
	if !utf8.Valid(body) {
		return bytes.ToValidUTF8(body, []byte("\uFFFD")), nil
	}
	if bytes.IndexByte(body, '\\') >= 0 {
		return bytes.Clone(body), nil
	}
	return body, nil
}

// decoder appends nodes in document order; a container's node comes before those of its members.
type decoder struct {
	src   []byte
	pos   int
	nodes []node
	lim   Limits
}

// span is a piece of the source.
type span struct{ off, n uint32 }

func (d *decoder) value(key span, depth int) error {
	if len(d.nodes) >= d.lim.Nodes {
		return fmt.Errorf("%w: more than %d values; send fewer alerts per request", ErrTooMany, d.lim.Nodes)
	}
	if d.pos == len(d.src) {
		return d.unexpected()
	}
	at := len(d.nodes)
	d.nodes = append(d.nodes, node{key: key, end: uint32(at) + 1})
	n := &d.nodes[at]
	switch c := d.src[d.pos]; {
	case c == '"':
		s, err := d.str()
		n.kind, n.val = KindString, s
		return err
	case c == '{':
		n.kind = KindObject
		return d.object(at, depth)
	case c == '[':
		n.kind = KindList
		return d.list(at, depth)
	case c == '-' || isDigit(c):
		s, err := d.number()
		n.kind, n.val = KindNumber, s
		return err
	case c == 't':
		return d.word(n, KindBool, "true")
	case c == 'f':
		return d.word(n, KindBool, "false")
	case c == 'n':
		return d.word(n, KindNull, "null")
	default:
		return d.unexpected()
	}
}

func (d *decoder) object(at, depth int) error {
	if depth > d.lim.Depth {
		return fmt.Errorf("%w: more than %d levels", ErrTooDeep, d.lim.Depth)
	}
	var count uint32
	for {
		d.pos++ // the brace or the comma
		d.space()
		if count == 0 && d.peek() == '}' {
			break
		}
		if d.peek() != '"' {
			return d.unexpected()
		}
		key, err := d.str()
		if err != nil {
			return err
		}
		d.space()
		if d.peek() != ':' {
			return d.unexpected()
		}
		d.pos++
		d.space()
		if err := d.value(key, depth+1); err != nil {
			return err
		}
		count++
		d.space()
		if c := d.peek(); c == '}' {
			break
		} else if c != ',' {
			return d.unexpected()
		}
	}
	d.close(at, count)
	return nil
}

func (d *decoder) list(at, depth int) error {
	if depth > d.lim.Depth {
		return fmt.Errorf("%w: more than %d levels", ErrTooDeep, d.lim.Depth)
	}
	var count uint32
	objects := 0
	for {
		d.pos++ // the bracket or the comma
		d.space()
		if count == 0 && d.peek() == ']' {
			break
		}
		if d.peek() == '{' && depth == 2 {
			if objects++; objects > d.lim.Items {
				return fmt.Errorf("%w: more than %d items in one list; send them in several requests", ErrTooMany, d.lim.Items)
			}
		}
		if err := d.value(span{}, depth+1); err != nil {
			return err
		}
		count++
		d.space()
		if c := d.peek(); c == ']' {
			break
		} else if c != ',' {
			return d.unexpected()
		}
	}
	d.close(at, count)
	return nil
}

// close steps over the closing bracket and completes the container's node.
func (d *decoder) close(at int, count uint32) {
	d.pos++
	d.nodes[at].val.n = count
	d.nodes[at].end = uint32(len(d.nodes))
}
