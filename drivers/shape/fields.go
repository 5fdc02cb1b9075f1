package shape

import (
	"maps"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/doc"
)

// Bounds of a Fields: keys that are looked for are short, and the nesting is shallow.
const (
	maxFields     = 2000
	maxFieldKey   = 64
	maxFieldDepth = 3
)

// Fields is a body written from a user's own template, seen without regard to how keys are spelt and nested: the name
// "triggerid" stands for trigger_id, triggerId, TRIGGER.ID, "Trigger ID" and {"trigger":{"id":…}}. Names closer to the top win.
type Fields struct {
	m     map[string]doc.Value
	blank func(string) bool
}

// NewFields returns the view of objects, of which earlier ones win. Values for which blank, if given, is true count as
// empty: macros that the sender did not expand.
func NewFields(blank func(string) bool, objects ...doc.Object) Fields {
	f := Fields{m: make(map[string]doc.Value, 32), blank: blank}
	for _, o := range objects {
		for depth := range maxFieldDepth {
			f.add("", o, depth)
		}
	}
	return f
}

// add takes the members that are depth levels below o.
func (f Fields) add(prefix string, o doc.Object, depth int) {
	for k, v := range o.All() {
		if len(f.m) >= maxFields {
			return
		}
		key := prefix + fold(k)
		if len(key) > maxFieldKey {
			continue
		}
		inner, isObject := v.Obj()
		if depth > 0 {
			if isObject {
				f.add(key, inner, depth-1)
			}
			continue
		}
		if old, taken := f.m[key]; !taken || f.text(old) == "" && old.Kind() <= doc.KindString {
			f.m[key] = v
		}
	}
}

// fold lower-cases a key and keeps its letters and digits.
func fold(key string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r > 127:
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		default:
			return -1
		}
	}, key)
}

func (f Fields) text(v doc.Value) string {
	s := strings.TrimSpace(v.Str())
	if s != "" && f.blank != nil && f.blank(s) {
		return ""
	}
	return s
}

// Get returns the field as it was sent, missing if it counts as empty.
func (f Fields) Get(name string) doc.Value {
	v := f.m[name]
	if f.blank != nil && f.blank(strings.TrimSpace(v.Str())) {
		return doc.Value{}
	}
	return v
}

// Str returns the first of the fields that holds text, trimmed, or "".
func (f Fields) Str(names ...string) string {
	for _, n := range names {
		if v, ok := f.m[n]; ok {
			if s := f.text(v); s != "" {
				return s
			}
		}
	}
	return ""
}

// Each returns what the fields hold, in the order of names, without the empty ones.
func (f Fields) Each(names ...string) []string {
	var all []string
	for _, n := range names {
		if s := f.Str(n); s != "" {
			all = append(all, s)
		}
	}
	return all
}

// Time returns the first of the fields that is a time, or the zero time.
func (f Fields) Time(names ...string) time.Time {
	for _, n := range names {
		if t := doc.ParseTime(f.Str(n)); !t.IsZero() {
			return t
		}
	}
	return time.Time{}
}

// Link returns the first of the fields that is a web address, or "".
func (f Fields) Link(names ...string) string {
	for _, n := range names {
		if l := Link(f.Str(n)); l != "" {
			return l
		}
	}
	return ""
}

// Over returns a view in which f goes before others.
func (f Fields) Over(others Fields) Fields {
	m := maps.Clone(others.m)
	for k, v := range f.m {
		if f.text(v) != "" || v.Kind() > doc.KindString {
			m[k] = v
		}
	}
	return Fields{m, f.blank}
}
