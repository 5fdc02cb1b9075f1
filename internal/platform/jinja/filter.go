package jinja

import (
	"maps"
	"slices"
	"strings"
)

// filter is one that a template may use. All go through apply, which counts and caps what goes in and out.
type filter struct {
	params []string // names, in order; those after need may be left out
	need   int
	more   bool // takes any number of values after params
	raw    bool // is told of what is not there, instead of nil
	do     func(c *use) (any, error)
}

// use is one call of a filter.
type use struct {
	*run
	in      any
	args    []any // as many as params; absent where none was given
	filters map[string]filter
	tests   map[string]test
}

type absent struct{}

const mostArguments = 20

func (f filter) usage() string {
	if len(f.params) == 0 {
		return "no values"
	}
	words := make([]string, len(f.params))
	for i, p := range f.params {
		words[i] = p
		if i >= f.need {
			words[i] = "[" + p + "]"
		}
	}
	return strings.Join(words, ", ")
}

func (f filter) apply(r *run, name string, in any, given []expr, filters map[string]filter, tests map[string]test) (any, error) {
	if !f.raw {
		in = r.known(in)
	}
	if len(given) > mostArguments+len(f.params) {
		return nil, r.fail("%s has too many values", name)
	}
	c := use{run: r, in: in, args: make([]any, max(len(f.params), len(given))), filters: filters, tests: tests}
	for i := range c.args {
		c.args[i] = absent{}
	}
	for i, g := range given {
		if g == nil {
			continue
		}
		v, err := g(r)
		if err != nil {
			return nil, err
		}
		if c.args[i] = v; !f.raw {
			c.args[i] = r.known(v)
		}
		if err := c.look(name, c.args[i]); err != nil {
			return nil, err
		}
	}
	if err := c.look(name, in); err != nil {
		return nil, err
	}
	out, err := f.do(&c)
	if err != nil {
		return nil, err
	}
	return out, r.grow(sizeOf(out))
}

// look counts a value that a filter looks at, and refuses texts that are too long.
func (c *use) look(name string, v any) error {
	n := sizeOf(v)
	if n > MaxValue {
		return c.fail("%s is given more than %d bytes", name, MaxValue)
	}
	return c.spend(1 + n/64)
}

func sizeOf(v any) int {
	switch x := v.(type) {
	case string:
		return len(x)
	case made:
		return len(x)
	case []any:
		return 16 * len(x)
	case map[string]any:
		return 32 * len(x)
	default:
		return 0
	}
}

// str is the input as text.
func (c *use) str() (string, error) {
	s, err := c.text(c.in)
	if err == nil && len(s) > MaxValue {
		err = c.fail("a text of more than %d bytes", MaxValue)
	}
	return s, err
}

func (c *use) has(i int) bool {
	_, none := c.args[i].(absent)
	return !none && c.args[i] != nil
}

func (c *use) word(i int, without string) (string, error) {
	if !c.has(i) {
		return without, nil
	}
	return c.text(c.args[i])
}

// size is an integer that says how much of something is made.
func (c *use) size(i, without int) (int, error) {
	if !c.has(i) {
		return without, nil
	}
	n, ok := c.args[i].(int64)
	if !ok || n < 0 || n > MaxNumber {
		return 0, c.fail("the number must be a whole one from 0 to %d", MaxNumber)
	}
	return int(n), nil
}

func (c *use) flag(i int) bool { return c.has(i) && c.holds(c.args[i]) }

// list is the input's items.
func (c *use) list() ([]any, error) {
	items, _, err := c.each(c.in)
	return items, err
}

// listBy is the input's items, and what is looked at of each: the attribute that value i names, the item itself where it names none.
func (c *use) listBy(i int) (items []any, of func(any) any, err error) {
	if items, err = c.list(); err != nil {
		return nil, nil, err
	}
	path, err := c.word(i, "")
	return items, func(v any) any {
		if path != "" {
			v, _ = c.dig(v, path)
		}
		return v
	}, err
}

// dig reads an attribute, "labels.team" in steps.
func (c *use) dig(v any, path string) (any, bool) {
	for part := range strings.SplitSeq(path, ".") {
		if c.spend(1) != nil {
			return nil, false
		}
		var ok bool
		if v, ok = member(v, part); !ok {
			return nil, false
		}
	}
	return v, true
}

// texts makes a filter of a function on texts.
func texts(f func(string) string) filter {
	return filter{do: func(c *use) (any, error) {
		s, err := c.str()
		if err != nil {
			return nil, err
		}
		return f(s), nil
	}}
}

// Filters lists the filters that templates may use, by name, for documentation.
func Filters() []string { return slices.Sorted(maps.Keys(filters())) }

// Tests lists what may stand after "is", by name; operators are left out.
func Tests() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(tests())), func(name string) bool { return name == "==" || name == "!=" })
}
