package redact

import (
	"encoding/json"
	"slices"
	"strings"
)

// smallest is the least size that a document is cut to.
const smallest = 256

// Document takes the secrets out of a JSON document and cuts it to at most limit bytes, so that it stays a document: long texts lose
// their end, long lists and objects their last items, and each says so; an object on top gets "truncated": true. Numbers stay as they
// are written. What needs no change is returned as it is, what is no JSON becomes a text that says so. 0: no limit.
func (r *Redactor) Document(raw json.RawMessage, limit int) json.RawMessage {
	if len(raw) == 0 {
		return raw
	}
	if !json.Valid(raw) {
		return json.RawMessage(`"… (no JSON)"`)
	}
	p := &parser{r: r, raw: raw, room: len(raw), list: len(raw)}
	if limit > 0 {
		limit = max(limit, smallest)
		p.room, p.list = 4*limit, limit/2 // what could be kept, so that memory has a bound
	} else {
		limit = 1 << 40
	}
	v := p.value(0, naming{})
	if !p.changed && len(raw) <= limit {
		return raw
	}
	out := v.write(make([]byte, 0, min(v.size, limit)))
	if !p.cut && len(out) <= limit {
		return out
	}
	f := fitter{r: r}
	if v.kind == '{' {
		v.remove("truncated")
		v.keys, v.items = append(v.keys, "truncated"), append(v.items, &node{kind: '0', text: "true", size: 4})
		v.measure()
	}
	f.fit(v, limit)
	return v.write(make([]byte, 0, limit))
}

// Value is Document of what v encodes to.
func (r *Redactor) Value(v any, limit int) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		raw, _ = json.Marshal("… (no JSON: " + r.Text(err.Error()) + ")") //nolint:errchkjson // a text
	}
	return r.Document(raw, limit)
}

// Header takes the secrets out of a list of headers; the list itself stays as it is.
func (r *Redactor) Header(h map[string][]string) map[string][]string {
	out := make(map[string][]string, len(h))
	for name, values := range h {
		values = slices.Clone(values)
		for i, v := range values {
			values[i] = r.field(named(name), v)
		}
		out[name] = values
	}
	return out
}

// Field takes the secrets out of the value of a label, header or setting of this name.
func (r *Redactor) Field(name, value string) string { return r.field(named(name), value) }

// field redacts the text of a field whose name is known.
func (r *Redactor) field(n naming, s string) string {
	if n.kind == "" || s == "" || n.spares(s) || marked(s) == len(s) {
		return r.Text(s)
	}
	return mark(n.kind)
}

// node is a value of a document.
type node struct {
	kind    byte // '{', '[', '"', or '0' for what stands as it is written
	text    string
	keys    []string
	items   []*node
	dropped int // items that are not there any more
	size    int // bytes when written
}

func (v *node) remove(key string) {
	kept := 0
	for i, k := range v.keys {
		if k != key {
			v.keys[kept], v.items[kept] = k, v.items[i]
			kept++
		}
	}
	v.keys, v.items = v.keys[:kept], v.items[:kept]
}

// headerNames and headerValues are how lists of headers and settings call their parts.
var (
	headerNames  = []string{"name", "key", "header", "field", "Name", "Key"}
	headerValues = []string{"value", "values", "val", "Value"}
)

// pairs redacts {"name": "Authorization", "value": "..."}.
func (p *parser) pairs(v *node) {
	for i, key := range v.keys {
		if v.items[i].kind != '"' || !slices.Contains(headerNames, key) {
			continue
		}
		n := asName(v.items[i].text)
		if n.kind == "" {
			continue
		}
		for j, other := range v.keys {
			if slices.Contains(headerValues, other) {
				p.hide(v.items[j], n)
			}
		}
	}
}

// asName is for texts that may be names.
func asName(s string) naming {
	if len(s) > maxName || strings.ContainsAny(s, " \t\n,;:/") {
		return naming{}
	}
	return named(s)
}

// rows redacts what follows a name in a list: ["Authorization", "..."] within a list, and "--password", "...".
func (p *parser) rows(v *node, inner bool) {
	for i := 0; i+1 < len(v.items); i++ {
		a, b := v.items[i], v.items[i+1]
		if a.kind != '"' {
			continue
		}
		flag := strings.HasPrefix(a.text, "-") && !strings.Contains(a.text, "=")
		if !flag && (!inner || i > 0 || len(v.items) != 2) {
			continue
		}
		if n := asName(a.text); n.kind != "" && (!flag || b.kind != '"' || !strings.HasPrefix(b.text, "-")) {
			p.hide(b, n)
		}
	}
}

// hide redacts everything in a value whose name tells a secret.
func (p *parser) hide(v *node, n naming) {
	switch v.kind {
	case '{', '[':
		for _, item := range v.items {
			p.hide(item, n)
		}
		v.measure()
	case '"':
		p.set(v, p.r.field(n, v.text))
	default:
		if c := v.text[0]; (c == '-' || c >= '0' && c <= '9') && !n.weak {
			v.kind = '"'
			p.set(v, mark(n.kind))
		}
	}
}

func (p *parser) set(v *node, text string) {
	if v.text != text {
		v.text, p.changed = text, true
	}
	v.measure()
}
