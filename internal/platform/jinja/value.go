package jinja

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// holds is what a condition makes of a value, as in Python: nothing, zero and empty do not hold.
func (r *run) holds(v any) bool {
	switch x := v.(type) {
	case nil, undefined:
		if u, ok := v.(undefined); ok && !strings.Contains(u.path, ".") {
			r.miss(u) // all names that there are have a value: this one is a slip
		}
		return false
	case bool:
		return x
	case int64:
		return x != 0
	case float64:
		return x != 0
	case string:
		return x != ""
	case made:
		return x != ""
	case []any:
		return len(x) > 0
	case map[string]any:
		return len(x) > 0
	default:
		return true
	}
}

// text is a value as it is printed.
func (r *run) text(v any) (string, error) {
	switch x := v.(type) {
	case nil, undefined:
		return "", nil
	case string:
		return x, nil
	case made:
		return string(x), nil
	case bool:
		if x {
			return "True", nil
		}
		return "False", nil
	case int64:
		return strconv.FormatInt(x, 10), nil
	case float64:
		return floatText(x), nil
	}
	var b strings.Builder
	if err := r.spell(&b, v, 0); err != nil {
		return "", err
	}
	return b.String(), r.grow(b.Len())
}

func floatText(f float64) string {
	s := strconv.FormatFloat(f, 'g', -1, 64)
	if math.Abs(f) < 1e16 && math.Abs(f) >= 1e-4 || f == 0 {
		s = strconv.FormatFloat(f, 'f', -1, 64)
		if !strings.Contains(s, ".") {
			s += ".0"
		}
	}
	return s
}

// spell writes a list or an object as Python would. Each part is counted, for the same list can be in a list many times.
func (r *run) spell(b *strings.Builder, v any, depth int) error {
	if err := r.spend(1); err != nil {
		return err
	}
	if depth > MaxNesting || b.Len() > MaxValue {
		return r.fail("prints what is too large")
	}
	switch x := v.(type) {
	case nil, undefined:
		b.WriteString("None")
	case string:
		b.WriteString("'" + x + "'")
	case made:
		b.WriteString("'" + string(x) + "'")
	case []any:
		b.WriteByte('[')
		for i, item := range x {
			if i > 0 {
				b.WriteString(", ")
			}
			if err := r.spell(b, item, depth+1); err != nil {
				return err
			}
		}
		b.WriteByte(']')
	case map[string]any:
		b.WriteByte('{')
		for i, k := range slices.Sorted(maps.Keys(x)) {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString("'" + k + "': ")
			if err := r.spell(b, x[k], depth+1); err != nil {
				return err
			}
		}
		b.WriteByte('}')
	case Object:
		return r.spell(b, x.All(), depth)
	case bool, int64, float64:
		s, _ := r.text(x)
		b.WriteString(s)
	default:
		b.WriteString("…")
	}
	return nil
}

// member reads x[k] or x.k. Nothing but maps, lists and texts have members: no method of a Go value can be reached.
func member(v, k any) (any, bool) {
	switch x := v.(type) {
	case map[string]any:
		name, ok := k.(string)
		if !ok {
			return nil, false
		}
		got, ok := x[name]
		return got, ok
	case turn:
		name, _ := k.(string)
		return x.get(name)
	case Object:
		name, ok := k.(string)
		if !ok {
			return nil, false
		}
		return x.Var(name)
	case []any:
		i, ok := index(k, len(x))
		if !ok {
			return nil, false
		}
		return x[i], true
	case string:
		i, ok := k.(int64)
		if !ok || i < -MaxValue || i > MaxValue {
			return nil, false
		}
		runes := []rune(x)
		at, ok := index(i, len(runes))
		if !ok {
			return nil, false
		}
		return string(runes[at]), true
	default:
		return nil, false
	}
}

func index(k any, n int) (int, bool) {
	i, ok := k.(int64)
	if ok && i < 0 {
		i += int64(n)
	}
	return int(i), ok && i >= 0 && i < int64(n)
}

// slice is x[from:to:by].
func (r *run) slice(v, from, to, by any) (any, error) {
	var list []any
	var runes []rune
	var n int
	switch x := v.(type) {
	case nil:
		return nil, nil
	case []any:
		list, n = x, len(x)
	case string, made:
		s, _ := r.text(x)
		if err := r.grow(len(s)); err != nil {
			return nil, err
		}
		runes = []rune(s)
		n = len(runes)
	default:
		return nil, r.fail("only lists and texts can be sliced")
	}
	step := int64(1)
	for _, b := range []any{from, to, by} {
		if _, ok := b.(int64); !ok && b != nil {
			return nil, r.fail("the bounds of a slice are whole numbers")
		}
	}
	if s, ok := by.(int64); ok {
		step = s
	}
	if step < 1 || step > MaxValue {
		return nil, r.fail("the step of a slice must be 1 or more")
	}
	a, b := bound(from, 0, n), bound(to, n, n)
	if err := r.grow(16 * max(0, b-a)); err != nil {
		return nil, err
	}
	if runes != nil || list == nil && n == 0 {
		var out []rune
		for i := a; i < b; i += int(step) {
			out = append(out, runes[i])
		}
		return string(out), nil
	}
	out := []any{}
	for i := a; i < b; i += int(step) {
		out = append(out, list[i])
	}
	return out, nil
}

func bound(v any, without, n int) int {
	i, ok := v.(int64)
	if !ok {
		return without
	}
	if i < 0 {
		i = max(0, i+int64(n))
	}
	return int(min(i, int64(n)))
}

// each are the items of a value for a loop: of an object its keys in order, and their values.
func (r *run) each(v any) (items, values []any, err error) {
	switch x := v.(type) {
	case nil:
		return nil, nil, nil
	case []any:
		return x, nil, r.spend(len(x))
	case map[string]any:
		keys := slices.Sorted(maps.Keys(x))
		items, values = make([]any, len(keys)), make([]any, len(keys))
		for i, k := range keys {
			items[i], values[i] = k, x[k]
		}
		return items, values, r.grow(32 * len(keys))
	case string, made:
		s, _ := r.text(x)
		if err := r.grow(32 * len(s)); err != nil {
			return nil, nil, err
		}
		for _, c := range s {
			items = append(items, string(c))
		}
		return items, nil, nil
	default:
		return nil, nil, r.fail("this has no items")
	}
}

// length counts characters, items or keys.
func length(v any) int {
	switch x := v.(type) {
	case []any:
		return len(x)
	case map[string]any:
		return len(x)
	case string:
		return utf8.RuneCountInString(x)
	case made:
		return utf8.RuneCountInString(string(x))
	default:
		return 0
	}
}
