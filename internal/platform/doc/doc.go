// Package doc decodes the body of a webhook once, into an immutable document with exact numbers that may be read by many
// goroutines at once. Bodies come from outside: no accessor trusts a type, and none panics.
package doc

import (
	"iter"
	"strings"
)

// Kind is what a value is. The zero Kind is that of a value that is not there.
type Kind uint8

// The kinds of JSON values.
const (
	KindMissing Kind = iota
	KindNull
	KindBool
	KindNumber
	KindString
	KindList
	KindObject
)

// String names the kind for people, with its article.
func (k Kind) String() string {
	return [...]string{"missing", "null", "a boolean", "a number", "a string", "a list", "an object"}[k]
}

// document is the tree, flat: nodes in document order over one text.
type document struct {
	text  string
	nodes []node
}

// node is one value. A container's members follow it up to end; val.n counts them.
type node struct {
	key, val span
	end      uint32
	kind     Kind
}

func (d *document) at(s span) string { return d.text[s.off : s.off+s.n] }

// Value is one value of a document. The zero Value is missing.
type Value struct {
	d *document
	i uint32
}

// Kind tells what v is.
func (v Value) Kind() Kind {
	if v.d == nil {
		return KindMissing
	}
	return v.d.nodes[v.i].kind
}

// Str returns v as text: a string as it is, a number with every digit as it was sent, true or false. All else is "".
func (v Value) Str() string {
	switch v.Kind() {
	case KindString, KindNumber, KindBool:
		return v.d.at(v.d.nodes[v.i].val)
	default:
		return ""
	}
}

// Text is like Str, but lists and objects become compact JSON. Null and missing values stay "".
func (v Value) Text() string {
	switch v.Kind() {
	case KindList, KindObject:
		return string(v.d.appendJSON(nil, v.i))
	default:
		return v.Str()
	}
}

// Obj returns v as an object, if it is one.
func (v Value) Obj() (Object, bool) {
	if v.Kind() != KindObject {
		return Object{}, false
	}
	return Object(v), true
}

// List returns the items of v, if it is a list.
func (v Value) List() ([]Value, bool) {
	if v.Kind() != KindList {
		return nil, false
	}
	n := v.d.nodes[v.i]
	items := make([]Value, 0, n.val.n)
	for i := v.i + 1; i < n.end; i = v.d.nodes[i].end {
		items = append(items, Value{v.d, i})
	}
	return items, true
}

// Object is a JSON object of a document. The zero Object is empty.
type Object Value

// Get returns the member called key, missing if there is none. Of a key given twice the last counts.
func (o Object) Get(key string) Value {
	if o.d == nil {
		return Value{}
	}
	var found Value
	for i, end := o.i+1, o.d.nodes[o.i].end; i < end; i = o.d.nodes[i].end {
		if k := o.d.nodes[i].key; int(k.n) == len(key) && o.d.at(k) == key {
			found = Value{o.d, i}
		}
	}
	return found
}

// All yields the members in the order sent. A key given twice comes twice, so that the last wins when a map is filled.
func (o Object) All() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		if o.d == nil {
			return
		}
		for i, end := o.i+1, o.d.nodes[o.i].end; i < end; i = o.d.nodes[i].end {
			if !yield(o.d.at(o.d.nodes[i].key), Value{o.d, i}) {
				return
			}
		}
	}
}

// Len counts the members.
func (o Object) Len() int {
	if o.d == nil {
		return 0
	}
	return int(o.d.nodes[o.i].val.n)
}

// Has reports whether the member is there and not null.
func (o Object) Has(key string) bool { return o.Get(key).Kind() > KindNull }

// HasAny reports whether one of the members is there and not null.
func (o Object) HasAny(keys ...string) bool { return o.Count(keys...) > 0 }

// Count tells how many of the members are there and not null.
func (o Object) Count(keys ...string) int {
	n := 0
	for _, k := range keys {
		if o.Has(k) {
			n++
		}
	}
	return n
}

// Str returns the member as Value.Str does.
func (o Object) Str(key string) string { return o.Get(key).Str() }

// First returns the first of the members that is more than white space as text, trimmed, or "".
func (o Object) First(keys ...string) string {
	for _, k := range keys {
		if s := strings.TrimSpace(o.Str(k)); s != "" {
			return s
		}
	}
	return ""
}

// IsStr reports whether the member is a string.
func (o Object) IsStr(key string) bool { return o.Get(key).Kind() == KindString }

// IsObject reports whether the member is an object.
func (o Object) IsObject(key string) bool { return o.Get(key).Kind() == KindObject }

// IsList reports whether the member is a list.
func (o Object) IsList(key string) bool { return o.Get(key).Kind() == KindList }

// Obj returns the member, if it is an object; else the empty object.
func (o Object) Obj(key string) (Object, bool) { return o.Get(key).Obj() }

// List returns the items of the member, if it is a list.
func (o Object) List(key string) ([]Value, bool) { return o.Get(key).List() }
