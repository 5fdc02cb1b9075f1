package jinja

import (
	"strings"
)

// test is one that stands after "is", or "in".
type test struct {
	args  int // 0 or 1
	holds func(r *run, v, arg any) (bool, error)
}

func tests() map[string]test {
	kind := func(f func(v any) bool) test {
		return test{0, func(_ *run, v, _ any) (bool, error) { return f(v), nil }}
	}
	order := func(f func(way int) bool) test {
		return test{1, func(r *run, v, arg any) (bool, error) {
			way, ok, err := r.compare(v, arg)
			return ok && f(way), err
		}}
	}
	same := test{1, func(r *run, v, arg any) (bool, error) { return r.same(v, arg, 0) }}
	t := map[string]test{
		"defined":   kind(func(v any) bool { _, gone := v.(undefined); return !gone }),
		"undefined": kind(func(v any) bool { _, gone := v.(undefined); return gone }),
		"none":      kind(func(v any) bool { _, gone := v.(undefined); return v == nil || gone }),
		"string":    kind(func(v any) bool { _, ok := plainText(v); return ok }),
		"number":    kind(func(v any) bool { _, bad := v.(bool); _, ok := number(v); return ok && !bad }),
		"integer":   kind(func(v any) bool { _, ok := v.(int64); return ok }),
		"float":     kind(func(v any) bool { _, ok := v.(float64); return ok }),
		"boolean":   kind(func(v any) bool { _, ok := v.(bool); return ok }),
		"true":      kind(func(v any) bool { return v == true }),
		"false":     kind(func(v any) bool { return v == false }),
		"mapping": kind(func(v any) bool {
			_, ok := v.(map[string]any)
			_, also := v.(Object)
			return ok || also
		}),
		"sequence": kind(func(v any) bool { _, ok := v.([]any); return ok }),
		"even":     kind(func(v any) bool { n, ok := v.(int64); return ok && n%2 == 0 }),
		"odd":      kind(func(v any) bool { n, ok := v.(int64); return ok && n%2 != 0 }),
		"lower":    kind(func(v any) bool { s, ok := plainText(v); return ok && s == strings.ToLower(s) }),
		"upper":    kind(func(v any) bool { s, ok := plainText(v); return ok && s == strings.ToUpper(s) }),
		"iterable": kind(func(v any) bool {
			switch v.(type) {
			case []any, map[string]any, string, made:
				return true
			}
			return false
		}),
		"divisibleby": {1, func(_ *run, v, arg any) (bool, error) {
			n, ok := v.(int64)
			by, also := arg.(int64)
			return ok && also && by != 0 && n%by == 0, nil
		}},
		"in": {1, func(r *run, v, arg any) (bool, error) { return r.contains(arg, v) }},
		"eq": same, "equalto": same, "==": same, "sameas": same,
		"ne": {1, func(r *run, v, arg any) (bool, error) { ok, err := r.same(v, arg, 0); return !ok, err }},
		"lt": order(func(way int) bool { return way < 0 }), "le": order(func(way int) bool { return way <= 0 }),
		"gt": order(func(way int) bool { return way > 0 }), "ge": order(func(way int) bool { return way >= 0 }),
	}
	t["lessthan"], t["greaterthan"], t["!="] = t["lt"], t["gt"], t["ne"]
	return t
}

// contains reports whether v is in the list, the keys or the text.
func (r *run) contains(in, v any) (bool, error) {
	switch x := in.(type) {
	case []any:
		for _, item := range x {
			if ok, err := r.same(item, v, 0); ok || err != nil {
				return ok, err
			}
		}
	case map[string]any:
		k, ok := plainText(v)
		_, have := x[k]
		return ok && have, nil
	case Object:
		k, ok := plainText(v)
		_, have := x.Var(k)
		return ok && have, nil
	case string, made:
		s, _ := r.text(x)
		part, ok := plainText(v)
		return ok && strings.Contains(s, part), r.spend(1 + len(s)/64)
	}
	return false, nil
}
