package jinja

import "slices"

// groupBy gives pairs of a value and the items that have it.
func groupBy(c *use) (any, error) {
	list, err := c.list()
	if err != nil {
		return nil, err
	}
	path, err := c.word(0, "")
	if err != nil {
		return nil, err
	}
	key := func(v any) any {
		got, ok := c.dig(v, path)
		if !ok && c.has(1) {
			got = c.args[1]
		}
		return got
	}
	list, err = c.sortBy(list, false, true, key)
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, item := range list {
		k := key(item)
		if len(out) > 0 {
			last, _ := out[len(out)-1].([]any)
			same, err := c.same(last[0], k, 0)
			if err != nil {
				return nil, err
			}
			if same {
				group, _ := last[1].([]any)
				last[1] = append(group, item)
				continue
			}
		}
		out = append(out, []any{k, []any{item}})
	}
	return out, c.grow(32 * len(list))
}

func batch(c *use) (any, error) {
	list, err := c.list()
	if err != nil {
		return nil, err
	}
	n, err := c.size(0, 1)
	if err != nil {
		return nil, err
	}
	out := []any{}
	for part := range slices.Chunk(list, max(1, n)) {
		row := slices.Clone(part)
		for c.has(1) && len(row) < n {
			row = append(row, c.args[1])
		}
		out = append(out, row)
	}
	return out, c.grow(16*len(list) + 16*n)
}

func inSlices(c *use) (any, error) {
	list, err := c.list()
	if err != nil {
		return nil, err
	}
	n, err := c.size(0, 1)
	if err != nil {
		return nil, err
	}
	n = max(1, n)
	each, extra, at := len(list)/n, len(list)%n, 0
	out := make([]any, n)
	for i := range n {
		take := each
		if i < extra {
			take++
		}
		row := slices.Clone(list[at : at+take])
		if at += take; c.has(1) && i >= extra {
			row = append(row, c.args[1])
		}
		out[i] = row
	}
	return out, c.grow(16*len(list) + 16*n)
}

// rangeOf is range(stop), range(start, stop) and range(start, stop, step), a list of at most MaxNumber numbers.
func rangeOf(c *use) (any, error) {
	var at [3]int64
	n := 0
	for i := range at {
		if c.has(i) {
			v, ok := c.args[i].(int64)
			if !ok || v > 1<<40 || v < -1<<40 {
				return nil, c.fail("range takes whole numbers")
			}
			at[i] = v
			n = i + 1
		}
	}
	start, stop, step := at[0], at[1], int64(1)
	if n == 1 {
		start, stop = 0, at[0]
	}
	if n == 3 {
		step = at[2]
	}
	if step == 0 {
		return nil, c.fail("the step of a range must not be 0")
	}
	out := []any{}
	for i := start; step > 0 && i < stop || step < 0 && i > stop; i += step {
		if len(out) == MaxNumber {
			return nil, c.fail("a range has at most %d numbers", MaxNumber)
		}
		out = append(out, i)
	}
	return out, nil
}
