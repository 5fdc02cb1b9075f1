package jinja

import (
	"slices"
	"strings"

	"github.com/nikolalohinski/gonja/v2/nodes"
	"github.com/nikolalohinski/gonja/v2/tokens"
)

func (c *compiler) expr(n nodes.Expression) (expr, error) {
	switch n := n.(type) {
	case *nodes.String:
		return constant(n.Val), nil
	case *nodes.Integer:
		return constant(int64(n.Val)), nil
	case *nodes.Float:
		return constant(n.Val), nil
	case *nodes.Bool:
		return constant(n.Val), nil
	case *nodes.None:
		return constant(nil), nil
	case *nodes.Name:
		return c.name(n.Name.Val)
	case *nodes.List:
		return c.list(n.Val)
	case *nodes.Tuple:
		return c.list(n.Val)
	case *nodes.Dict:
		return c.dict(n)
	case *nodes.GetAttribute:
		if n.Attribute == "" {
			return c.get(n.Node, constant(int64(n.Index)))
		}
		return c.get(n.Node, constant(n.Attribute))
	case *nodes.GetItem:
		if n.Arg == nil {
			return nil, c.fail("a key is missing between [ and ]")
		}
		key, err := c.expr(n.Arg)
		if err != nil {
			return nil, err
		}
		return c.get(n.Node, key)
	case *nodes.GetSlice:
		return c.slice(n)
	case *nodes.Call:
		return c.function(n)
	case *nodes.Negation:
		return c.not(n.Term)
	case *nodes.UnaryExpression:
		return c.sign(n)
	case *nodes.BinaryExpression:
		return c.binary(n)
	case *nodes.FilteredExpression:
		value, err := c.expr(n.Expression)
		if err != nil {
			return nil, err
		}
		return c.filtered(value, n.Filters)
	case *nodes.TestExpression:
		return c.test(n)
	default: // nil too
		return nil, c.fail("a value is missing")
	}
}

func (c *compiler) exprs(list []nodes.Expression) ([]expr, error) {
	out := make([]expr, len(list))
	for i, n := range list {
		var err error
		if out[i], err = c.expr(n); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func constant(v any) expr { return func(*run) (any, error) { return v, nil } }

func (c *compiler) name(name string) (expr, error) {
	switch name {
	case "none":
		return constant(nil), nil
	case "True", "true":
		return constant(true), nil
	case "False", "false":
		return constant(false), nil
	case "self", "super", "caller", "varargs", "kwargs", "cycler", "joiner", "namespace", "lipsum", "dict":
		return nil, c.fail("%s is not available", name)
	}
	return func(r *run) (any, error) { return r.lookup(name), r.spend(1) }, nil
}

func (c *compiler) list(items []nodes.Expression) (expr, error) {
	values, err := c.exprs(items)
	if err != nil {
		return nil, err
	}
	return func(r *run) (any, error) {
		out := make([]any, len(values))
		for i, v := range values {
			got, err := v(r)
			if err != nil {
				return nil, err
			}
			out[i] = r.known(got)
		}
		return out, r.grow(16 * len(out))
	}, nil
}

func (c *compiler) dict(n *nodes.Dict) (expr, error) {
	type pair struct{ key, value expr }
	pairs := make([]pair, len(n.Pairs))
	for i, p := range n.Pairs {
		var err error
		if pairs[i].key, err = c.expr(p.Key); err != nil {
			return nil, err
		}
		if pairs[i].value, err = c.expr(p.Value); err != nil {
			return nil, err
		}
	}
	return func(r *run) (any, error) {
		out := make(map[string]any, len(pairs))
		for _, p := range pairs {
			key, err := p.key(r)
			if err != nil {
				return nil, err
			}
			name, err := r.text(r.known(key))
			if err != nil {
				return nil, err
			}
			value, err := p.value(r)
			if err != nil {
				return nil, err
			}
			out[name] = r.known(value)
		}
		return out, r.grow(64 * len(pairs))
	}, nil
}

// get reads a member. What is not there, also of something that is not there, is undefined.
func (c *compiler) get(of nodes.Node, key expr) (expr, error) {
	value, err := c.expr(of)
	if err != nil {
		return nil, err
	}
	return func(r *run) (any, error) {
		v, err := value(r)
		if err != nil {
			return nil, err
		}
		k, err := key(r)
		if err != nil {
			return nil, err
		}
		if err := r.spend(1); err != nil {
			return nil, err
		}
		if got, ok := member(v, k); ok {
			return got, nil
		}
		if u, gone := v.(undefined); gone { // and so on from there
			if name, ok := k.(string); ok && len(u.path)+len(name) < mostPath {
				u.path += "." + name
			}
			return u, nil
		}
		return undefined{r.path(of, k)}, r.spend(8)
	}, nil
}

// mostPath is the longest name of what is not there.
const mostPath = 200

// path is what a member that is not there is called, "labels.team".
func (r *run) path(of nodes.Node, key any) string {
	last, _ := r.text(r.known(key))
	parts := []string{short(last)}
	for len(parts) < 8 {
		switch n := of.(type) {
		case *nodes.Name:
			parts = append(parts, n.Name.Val)
			slices.Reverse(parts)
			return strings.Join(parts, ".")
		case *nodes.GetAttribute:
			parts, of = append(parts, n.Attribute), n.Node
		case *nodes.GetItem:
			name := "[]"
			if s, ok := n.Arg.(*nodes.String); ok {
				name = s.Val
			}
			parts, of = append(parts, name), n.Node
		default:
			slices.Reverse(parts)
			return "." + strings.Join(parts, ".")
		}
	}
	slices.Reverse(parts)
	return "…" + strings.Join(parts, ".")
}

func (c *compiler) slice(n *nodes.GetSlice) (expr, error) {
	value, err := c.expr(n.Node)
	if err != nil {
		return nil, err
	}
	var bounds [3]expr
	for i, b := range []nodes.Node{n.Start, n.End, n.Step} {
		bounds[i] = constant(nil)
		if b != nil {
			if bounds[i], err = c.expr(b); err != nil {
				return nil, err
			}
		}
	}
	return func(r *run) (any, error) {
		v, err := value(r)
		if err != nil {
			return nil, err
		}
		var at [3]any
		for i, b := range bounds {
			if at[i], err = b(r); err != nil {
				return nil, err
			}
		}
		return r.slice(r.known(v), at[0], at[1], at[2])
	}, nil
}

func (c *compiler) not(term nodes.Expression) (expr, error) {
	value, err := c.expr(term)
	if err != nil {
		return nil, err
	}
	return func(r *run) (any, error) {
		v, err := value(r)
		return !r.holds(v), err
	}, nil
}

func (c *compiler) sign(n *nodes.UnaryExpression) (expr, error) {
	value, err := c.expr(n.Term)
	if err != nil {
		return nil, err
	}
	return func(r *run) (any, error) {
		v, err := value(r)
		if err != nil {
			return nil, err
		}
		switch x := r.known(v).(type) {
		case int64:
			if n.Negative {
				return -x, nil
			}
			return x, nil
		case float64:
			if n.Negative {
				return -x, nil
			}
			return x, nil
		default:
			return nil, r.fail("a sign before what is no number")
		}
	}, nil
}

func (c *compiler) binary(n *nodes.BinaryExpression) (expr, error) {
	op, ok := operator(n.Operator.Token)
	if !ok {
		return nil, c.fail("%q is not available", short(n.Operator.Token.Val))
	}
	left, err := c.expr(n.Left)
	if err != nil {
		return nil, err
	}
	right, err := c.expr(n.Right)
	if err != nil {
		return nil, err
	}
	if op == tokens.And || op == tokens.Or {
		return func(r *run) (any, error) {
			v, err := left(r)
			if err != nil || r.holds(v) == (op == tokens.Or) {
				return v, err
			}
			return right(r)
		}, nil
	}
	return func(r *run) (any, error) {
		a, err := left(r)
		if err != nil {
			return nil, err
		}
		b, err := right(r)
		if err != nil {
			return nil, err
		}
		return r.operate(op, a, b)
	}, nil
}
