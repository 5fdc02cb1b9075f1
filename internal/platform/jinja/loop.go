package jinja

import "slices"

// forTag runs its body for each item. What a turn costs is counted first, whatever its body does.
func (c *compiler) forTag(n *forTag, at int) (step, error) {
	in, err := c.expr(n.in)
	if err != nil {
		return nil, err
	}
	f := &loop{at: at, names: n.names, in: in}
	if n.when != nil {
		if f.when, err = c.expr(n.when); err != nil {
			return nil, err
		}
	}
	if f.body, err = c.body(n.body); err != nil {
		return nil, err
	}
	if n.otherwise != nil {
		if f.otherwise, err = c.body(n.otherwise); err != nil {
			return nil, err
		}
	}
	return f.run, nil
}

type loop struct {
	at              int
	names           []string
	in, when        expr
	body, otherwise []step
}

func (f *loop) run(r *run) error {
	r.line = f.at
	v, err := f.in(r)
	if err != nil {
		return err
	}
	items, err := f.items(r, r.known(v))
	if err != nil {
		return err
	}
	if len(items) == 0 {
		return r.do(f.otherwise)
	}
	// One scope for all turns, emptied each time: what a turn sets is gone with it.
	at := len(r.scopes)
	names := slices.Clip(append(slices.Clone(f.names), "loop")) // what a turn sets goes into a copy
	r.scopes = append(r.scopes, scope{})
	for i, item := range items {
		r.line = f.at
		if err := r.spend(4); err != nil {
			return err
		}
		if r.gone() != nil {
			return r.late()
		}
		r.scopes = r.scopes[:at+1]
		r.scopes[at] = scope{names, append(slices.Clone(item), turn{i, items, len(f.names)})}
		if err := r.do(f.body); err != nil {
			return err
		}
	}
	r.scopes = r.scopes[:at]
	return nil
}

// items are the values of the loop's names, for each turn that its condition lets pass.
func (f *loop) items(r *run, v any) ([][]any, error) {
	list, pairs, err := r.each(v)
	if err != nil {
		return nil, err
	}
	if err := r.grow(16 * len(list)); err != nil {
		return nil, err
	}
	out := make([][]any, 0, len(list))
	for i, item := range list {
		values := []any{item}
		if len(f.names) == 2 {
			if pairs != nil {
				values = []any{item, pairs[i]}
			} else {
				pair, ok := item.([]any)
				if !ok || len(pair) != 2 {
					return nil, r.fail("for has two names, and what it goes over no pairs")
				}
				values = []any{pair[0], pair[1]}
			}
		}
		if f.when != nil {
			r.scopes = append(r.scopes, scope{f.names, values})
			keep, err := f.when(r)
			r.scopes = r.scopes[:len(r.scopes)-1]
			if err != nil {
				return nil, err
			}
			if !r.holds(keep) {
				continue
			}
		}
		out = append(out, values)
	}
	return out, nil
}

// turn is the variable loop.
type turn struct {
	i     int
	items [][]any
	names int
}

func (t turn) get(name string) (any, bool) {
	n := len(t.items)
	switch name {
	case "index":
		return int64(t.i + 1), true
	case "index0":
		return int64(t.i), true
	case "revindex":
		return int64(n - t.i), true
	case "revindex0":
		return int64(n - t.i - 1), true
	case "length":
		return int64(n), true
	case "first":
		return t.i == 0, true
	case "last":
		return t.i == n-1, true
	case "previtem":
		return t.item(t.i - 1)
	case "nextitem":
		return t.item(t.i + 1)
	default:
		return nil, false
	}
}

func (t turn) item(i int) (any, bool) {
	switch {
	case i < 0 || i >= len(t.items):
		return nil, true
	case t.names == 2:
		return []any{t.items[i][0], t.items[i][1]}, true
	default:
		return t.items[i][0], true
	}
}
