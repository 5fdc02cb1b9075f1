package jinja

import (
	"slices"
	"strings"
)

func listFilters() map[string]filter {
	return map[string]filter{
		"length":     {do: func(c *use) (any, error) { return int64(length(c.in)), nil }},
		"list":       {do: func(c *use) (any, error) { items, err := c.list(); return items, err }},
		"first":      {do: func(c *use) (any, error) { return end(c, 0) }},
		"last":       {do: func(c *use) (any, error) { return end(c, -1) }},
		"join":       {params: []string{"d", "attribute"}, do: join},
		"items":      {do: items},
		"values":     {do: func(c *use) (any, error) { _, values, err := c.each(c.in); return values, err }},
		"dictsort":   {params: []string{"case_sensitive", "by", "reverse"}, do: dictSort},
		"reverse":    {do: reverse},
		"sort":       {params: []string{"reverse", "case_sensitive", "attribute"}, do: sorted},
		"unique":     {params: []string{"case_sensitive", "attribute"}, do: unique},
		"map":        {params: []string{"filter", "attribute", "default"}, more: true, do: mapped},
		"select":     {params: []string{"test", "value"}, do: chosen(false, true)},
		"reject":     {params: []string{"test", "value"}, do: chosen(false, false)},
		"selectattr": {params: []string{"attribute", "test", "value"}, need: 1, do: chosen(true, true)},
		"rejectattr": {params: []string{"attribute", "test", "value"}, need: 1, do: chosen(true, false)},
		"groupby":    {params: []string{"attribute", "default"}, need: 1, do: groupBy},
		"batch":      {params: []string{"linecount", "fill_with"}, need: 1, do: batch},
		"slice":      {params: []string{"slices", "fill_with"}, need: 1, do: inSlices},
		"range":      {params: []string{"start", "stop", "step"}, need: 1, do: rangeOf},
	}
}

func end(c *use, i int64) (any, error) {
	items, err := c.list()
	if err != nil {
		return nil, err
	}
	if at, ok := index(i, len(items)); ok {
		return items[at], nil
	}
	return "", nil
}

func join(c *use) (any, error) {
	items, err := c.list()
	if err != nil {
		return nil, err
	}
	between, err := c.word(0, "")
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	for i, item := range items {
		if c.has(1) {
			path, err := c.word(1, "")
			if err != nil {
				return nil, err
			}
			item, _ = c.dig(item, path)
		}
		s, err := c.text(item)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteString(between)
		}
		b.WriteString(s)
		if b.Len() > MaxValue {
			return nil, c.fail("join makes a text of more than %d bytes", MaxValue)
		}
		if err := c.spend(1 + (len(s)+len(between))/64); err != nil {
			return nil, err
		}
	}
	return b.String(), nil
}

func items(c *use) (any, error) {
	if list, ok := c.in.([]any); ok {
		return list, nil
	}
	keys, values, err := c.each(c.in)
	if err != nil {
		return nil, err
	}
	if len(keys) > 0 && values == nil {
		return nil, c.fail("items takes an object")
	}
	out := make([]any, len(keys))
	for i := range keys {
		out[i] = []any{keys[i], values[i]}
	}
	return out, c.grow(64 * len(out))
}

func dictSort(c *use) (any, error) {
	pairs, err := items(c)
	if err != nil {
		return nil, err
	}
	by, err := c.word(1, "key")
	if err != nil {
		return nil, err
	}
	at := 0
	if by == "value" {
		at = 1
	}
	list, _ := pairs.([]any)
	return c.sortBy(list, c.flag(2), c.flag(0), func(v any) any {
		if pair, ok := v.([]any); ok && len(pair) == 2 {
			return pair[at]
		}
		return v
	})
}

func reverse(c *use) (any, error) {
	if s, ok := plainText(c.in); ok {
		runes := []rune(s)
		slices.Reverse(runes)
		return string(runes), nil
	}
	list, err := c.list()
	out := slices.Clone(list)
	slices.Reverse(out)
	return out, err
}

// sortBy sorts a copy; numbers come before texts, and the rest after.
func (c *use) sortBy(list []any, reverse, exact bool, key func(any) any) ([]any, error) {
	rank := func(v any) int {
		if _, ok := number(v); ok {
			return 0
		}
		if _, ok := plainText(v); ok {
			return 1
		}
		return 2
	}
	out := slices.Clone(list)
	var broke error
	slices.SortStableFunc(out, func(a, b any) int {
		if broke != nil {
			return 0
		}
		x, y := key(a), key(b)
		way := rank(x) - rank(y)
		if way == 0 {
			if s, ok := x.(string); ok && !exact {
				t, _ := y.(string)
				broke = c.spend(1 + min(len(s), len(t))/64)
				x, y = any(strings.ToLower(s)), any(strings.ToLower(t))
			}
			var err error
			if way, _, err = c.compare(x, y); err != nil {
				broke = err
			} else if err := c.spend(1); err != nil {
				broke = err
			}
		}
		if reverse {
			return -way
		}
		return way
	})
	return out, broke
}

func sorted(c *use) (any, error) {
	list, key, err := c.listBy(2)
	if err != nil {
		return nil, err
	}
	return c.sortBy(list, c.flag(0), c.flag(1), key)
}

func unique(c *use) (any, error) {
	list, key, err := c.listBy(1)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	out := []any{}
	for _, item := range list {
		s, err := c.text(key(item))
		if err != nil {
			return nil, err
		}
		if !c.flag(0) {
			s = strings.ToLower(s)
		}
		if err := c.grow(len(s)); err != nil {
			return nil, err
		}
		if !seen[s] {
			seen[s] = true
			out = append(out, item)
		}
	}
	return out, nil
}

func mapped(c *use) (any, error) {
	list, err := c.list()
	if err != nil {
		return nil, err
	}
	path, err := c.word(1, "")
	if err != nil {
		return nil, err
	}
	name, err := c.word(0, "")
	if err != nil {
		return nil, err
	}
	f, ok := c.filters[name]
	switch {
	case name == "" && path == "":
		return nil, c.fail(`map takes a filter, or attribute="…"`)
	case name != "" && (!ok || name == "map" || f.need > 2):
		return nil, c.fail("the filter %s is not available in map", short(name))
	}
	var given []expr
	for _, a := range c.args[1:] {
		if _, none := a.(absent); !none && name != "" {
			given = append(given, constant(a))
		}
	}
	out := make([]any, 0, len(list))
	for _, item := range list {
		if name == "" {
			got, ok := c.dig(item, path)
			if !ok && c.has(2) {
				got = c.args[2]
			}
			out = append(out, got)
			continue
		}
		if len(given) < f.need || len(given) > len(f.params) && !f.more {
			return nil, c.fail("the filter %s takes %s", name, f.usage())
		}
		got, err := f.apply(c.run, name, item, given, c.filters, c.tests)
		if err != nil {
			return nil, err
		}
		out = append(out, got)
	}
	return out, c.spend(len(out))
}

// chosen keeps the items, or with attr those whose attribute, for which a test holds.
func chosen(attr, keep bool) func(c *use) (any, error) {
	return func(c *use) (any, error) {
		list, err := c.list()
		if err != nil {
			return nil, err
		}
		path, at := "", 0
		if attr {
			at = 1
			if path, err = c.word(0, ""); err != nil {
				return nil, err
			}
		}
		name, err := c.word(at, "")
		if err != nil {
			return nil, err
		}
		t, ok := c.tests[name]
		if name != "" && !ok {
			return nil, c.fail("the test %s is not available", short(name))
		}
		arg := c.args[at+1]
		if !c.has(at + 1) {
			arg = nil
		}
		out := []any{}
		for _, item := range list {
			v := item
			if attr {
				if v, ok = c.dig(item, path); !ok {
					v = undefined{}
				}
			}
			var holds bool
			if name == "" {
				holds = c.holds(c.known(v))
			} else if holds, err = t.holds(c.run, v, arg); err != nil {
				return nil, err
			}
			if err := c.spend(1); err != nil {
				return nil, err
			}
			if holds == keep {
				out = append(out, item)
			}
		}
		return out, nil
	}
}
