package jinja

import (
	"slices"
	"strings"

	"github.com/nikolalohinski/gonja/v2/nodes"
	"github.com/nikolalohinski/gonja/v2/tokens"
)

// compiler turns gonja's tree into steps. Whatever it does not know is refused.
type compiler struct {
	filters map[string]filter
	tests   map[string]test
	at      int // line of what is being compiled
}

func (c *compiler) fail(format string, args ...any) *Error { return failed(c.at, format, args...) }

func (c *compiler) nodes(list []nodes.Node) ([]step, error) {
	var out []step
	for _, n := range list {
		s, err := c.node(n)
		if err != nil {
			return nil, err
		}
		if s != nil {
			out = append(out, s)
		}
	}
	return out, nil
}

func (c *compiler) body(w *nodes.Wrapper) ([]step, error) { return c.nodes(w.Nodes) }

func (c *compiler) node(n nodes.Node) (step, error) {
	switch n := n.(type) {
	case nil, *nodes.Comment:
		return nil, nil
	case *nodes.Data:
		return data(trimmed(n)), nil
	case *nodes.Output:
		return c.output(n)
	case *nodes.ControlStructureBlock:
		c.at = line(n.Location)
		return c.structure(n.ControlStructure, c.at)
	default:
		return nil, c.fail("cannot be read")
	}
}

// trimmed is the text between two tags, as far as they leave it.
func trimmed(n *nodes.Data) string {
	s := n.Data.Val
	if n.Trim.Left {
		s = strings.TrimLeft(s, " \r\n\t")
	}
	if n.Trim.Right {
		s = strings.TrimRight(s, " \r\n\t")
	}
	return s
}

func data(s string) step {
	if s == "" {
		return nil
	}
	return func(r *run) error { return r.write(s) }
}

func (c *compiler) output(n *nodes.Output) (step, error) {
	at := line(n.Start)
	c.at = at
	value, err := c.choice(n.Expression, n.Condition, n.Alternative)
	if err != nil {
		return nil, err
	}
	return func(r *run) error {
		r.line = at
		v, err := value(r)
		if err != nil {
			return err
		}
		return r.print(v)
	}, nil
}

// choice is a value, or the other one when its condition does not hold; nothing when there is no other.
func (c *compiler) choice(value, when, otherwise nodes.Expression) (expr, error) {
	first, err := c.expr(value)
	if err != nil || when == nil {
		return first, err
	}
	condition, err := c.expr(when)
	if err != nil {
		return nil, err
	}
	second := expr(func(*run) (any, error) { return "", nil })
	if otherwise != nil {
		if second, err = c.expr(otherwise); err != nil {
			return nil, err
		}
	}
	return func(r *run) (any, error) {
		v, err := condition(r)
		if err != nil {
			return nil, err
		}
		if r.holds(v) {
			return first(r)
		}
		return second(r)
	}, nil
}

func (c *compiler) structure(n nodes.ControlStructure, at int) (step, error) {
	switch n := n.(type) {
	case *ifTag:
		return c.ifTag(n, at)
	case *forTag:
		return c.forTag(n, at)
	case *setTag:
		return c.setTag(n, at)
	case *withTag:
		return c.withTag(n, at)
	case *filterTag:
		return c.filterTag(n, at)
	case *rawTag:
		var text strings.Builder
		for _, inner := range n.body.Nodes {
			d, ok := inner.(*nodes.Data)
			if !ok {
				return nil, c.fail("raw holds something that is no text")
			}
			text.WriteString(trimmed(d))
		}
		return data(text.String()), nil
	default:
		return nil, c.fail("cannot be read")
	}
}

func (c *compiler) ifTag(n *ifTag, at int) (step, error) {
	type arm struct {
		when expr
		body []step
	}
	arms := make([]arm, len(n.branches))
	for i, b := range n.branches {
		var err error
		if b.when != nil {
			if arms[i].when, err = c.expr(b.when); err != nil {
				return nil, err
			}
		}
		if arms[i].body, err = c.body(b.body); err != nil {
			return nil, err
		}
	}
	return func(r *run) error {
		for i := range arms {
			r.line = at
			if err := r.spend(1); err != nil {
				return err
			}
			if arms[i].when != nil {
				v, err := arms[i].when(r)
				if err != nil {
					return err
				}
				if !r.holds(v) {
					continue
				}
			}
			return r.do(arms[i].body)
		}
		return nil
	}, nil
}

func (c *compiler) setTag(n *setTag, at int) (step, error) {
	if slices.Contains([]string{"loop", "self", "true", "false", "none", "range"}, strings.ToLower(n.name)) {
		return nil, c.fail("%s cannot be set", n.name)
	}
	if n.body != nil {
		body, err := c.body(n.body)
		if err != nil {
			return nil, err
		}
		return func(r *run) error {
			r.line = at
			s, err := r.catch(body)
			if err != nil {
				return err
			}
			if r.plain {
				r.set(n.name, s)
			} else {
				r.set(n.name, made(s))
			}
			return nil
		}, nil
	}
	value, err := c.choice(n.value, n.when, n.otherwise)
	if err != nil {
		return nil, err
	}
	return func(r *run) error {
		r.line = at
		v, err := value(r)
		if err == nil {
			r.set(n.name, v)
		}
		return err
	}, nil
}

func (c *compiler) withTag(n *withTag, at int) (step, error) {
	values, err := c.exprs(n.values)
	if err != nil {
		return nil, err
	}
	body, err := c.body(n.body)
	if err != nil {
		return nil, err
	}
	return func(r *run) error {
		r.line = at
		got := make([]any, len(values))
		for i, v := range values {
			var err error
			if got[i], err = v(r); err != nil {
				return err
			}
		}
		return r.inside(slices.Clone(n.names), got, body)
	}, nil
}

// filterTag: the body is filtered as it is and escaped after, so that no filter can undo the escaping.
func (c *compiler) filterTag(n *filterTag, at int) (step, error) {
	body, err := c.body(n.body)
	if err != nil {
		return nil, err
	}
	chain := make([]func(*run, any) (any, error), len(n.calls))
	for i, call := range n.calls {
		if chain[i], err = c.call(call.Name, line(call.Token), call.Args, call.Kwargs); err != nil {
			return nil, err
		}
	}
	return func(r *run) error {
		r.line = at
		outer := r.plain
		r.plain = true
		s, err := r.catch(body)
		r.plain = outer
		if err != nil {
			return err
		}
		v := any(s)
		for _, f := range chain {
			if v, err = f(r, v); err != nil {
				return err
			}
		}
		return r.print(v)
	}, nil
}

// operator is one of those that a template may use.
func operator(t *tokens.Token) (tokens.Type, bool) {
	switch t.Type {
	case tokens.Addition, tokens.Subtraction, tokens.Division, tokens.FloorDivision, tokens.Modulo, tokens.Tilde, tokens.And, tokens.Or,
		tokens.Equals, tokens.Ne, tokens.LowerThan, tokens.LowerThanOrEqual, tokens.GreaterThan, tokens.GreaterThanOrEqual:
		return t.Type, true
	default:
		return t.Type, false
	}
}
