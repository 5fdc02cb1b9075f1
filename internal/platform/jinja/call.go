package jinja

import (
	"maps"
	"slices"
	"strings"

	"github.com/nikolalohinski/gonja/v2/nodes"
)

// function compiles the calls that there are: range, loop.cycle, and methods that are filters by another name.
func (c *compiler) function(n *nodes.Call) (expr, error) {
	switch f := n.Func.(type) {
	case *nodes.Name:
		if f.Name.Val != "range" {
			return nil, c.fail("the function %s is not available; there is range", short(f.Name.Val))
		}
		apply, err := c.call("range", line(n.Location), n.Args, n.Kwargs)
		if err != nil {
			return nil, err
		}
		return func(r *run) (any, error) { return apply(r, nil) }, nil
	case *nodes.GetAttribute:
		name, ok := methods()[f.Attribute]
		if !ok {
			return nil, c.fail("the method %s is not available; there are %s", short(f.Attribute), strings.Join(slices.Sorted(maps.Keys(methods())), ", "))
		}
		value, err := c.expr(f.Node)
		if err != nil {
			return nil, err
		}
		apply, err := c.call(name, line(n.Location), n.Args, n.Kwargs)
		if err != nil {
			return nil, err
		}
		return func(r *run) (any, error) {
			v, err := value(r)
			if err != nil {
				return nil, err
			}
			return apply(r, v)
		}, nil
	default:
		return nil, c.fail("this cannot be called")
	}
}

// filtered applies filters, the first one first.
func (c *compiler) filtered(value expr, calls []*nodes.FilterCall) (expr, error) {
	for _, call := range calls {
		apply, err := c.call(call.Name, line(call.Token), call.Args, call.Kwargs)
		if err != nil {
			return nil, err
		}
		inner := value
		value = func(r *run) (any, error) {
			v, err := inner(r)
			if err != nil {
				return nil, err
			}
			return apply(r, v)
		}
	}
	return value, nil
}

// call compiles the use of a filter.
func (c *compiler) call(name string, at int, args []nodes.Expression, named map[string]nodes.Expression) (func(*run, any) (any, error), error) {
	f, ok := c.filters[name]
	if !ok {
		return nil, failed(max(at, c.at), "the filter %s is not available", short(name))
	}
	given, err := c.exprs(args)
	if err != nil {
		return nil, err
	}
	keys := slices.Sorted(maps.Keys(named))
	for _, k := range keys {
		i := slices.Index(f.params, k)
		if i < 0 || i < len(args) {
			return nil, failed(max(at, c.at), "the filter %s takes no %s", name, short(k))
		}
		value, err := c.expr(named[k])
		if err != nil {
			return nil, err
		}
		for len(given) <= i {
			given = append(given, nil)
		}
		given[i] = value
	}
	if len(given) > len(f.params) && !f.more || len(given) < f.need || slices.ContainsFunc(given[:min(f.need, len(given))], func(e expr) bool { return e == nil }) {
		return nil, failed(max(at, c.at), "the filter %s takes %s", name, f.usage())
	}
	return func(r *run, in any) (any, error) { return f.apply(r, name, in, given, c.filters, c.tests) }, nil
}

func (c *compiler) test(n *nodes.TestExpression) (expr, error) {
	name := strings.TrimSpace(n.Test.Name)
	t, ok := c.tests[name]
	if !ok {
		return nil, failed(max(line(n.Test.Token), c.at), "the test %s is not available", short(name))
	}
	value, err := c.expr(n.Expression)
	if err != nil {
		return nil, err
	}
	given, err := c.exprs(n.Test.Args)
	if err != nil {
		return nil, err
	}
	if len(given) != t.args {
		return nil, c.fail("the test %s takes %d values", name, t.args)
	}
	return func(r *run) (any, error) {
		v, err := value(r)
		if err != nil {
			return nil, err
		}
		var arg any
		for _, g := range given {
			if arg, err = g(r); err != nil {
				return nil, err
			}
		}
		if err := r.spend(1); err != nil {
			return nil, err
		}
		return t.holds(r, v, arg)
	}, nil
}
