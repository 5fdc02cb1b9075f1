package jinja

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/nikolalohinski/gonja/v2/tokens"
)

// number is what a value counts as in a calculation: true is 1, as in Python. Texts are no numbers, whatever they spell; toNumber reads those.
func number(v any) (float64, bool) {
	switch x := v.(type) {
	case int64:
		return float64(x), true
	case float64:
		return x, true
	case bool:
		if x {
			return 1, true
		}
		return 0, true
	default:
		return 0, false
	}
}

// operate applies an operator to two values.
func (r *run) operate(op tokens.Type, a, b any) (any, error) {
	if err := r.spend(1); err != nil {
		return nil, err
	}
	switch op { //nolint:exhaustive // the others follow
	case tokens.Equals, tokens.Ne:
		same, err := r.same(a, b, 0)
		return same == (op == tokens.Equals), err
	case tokens.LowerThan, tokens.LowerThanOrEqual, tokens.GreaterThan, tokens.GreaterThanOrEqual:
		way, ok, err := r.compare(a, b)
		if err != nil || !ok {
			return false, err
		}
		switch op {
		case tokens.LowerThan:
			return way < 0, nil
		case tokens.LowerThanOrEqual:
			return way <= 0, nil
		case tokens.GreaterThan:
			return way > 0, nil
		default:
			return way >= 0, nil
		}
	}
	a, b = r.known(a), r.known(b)
	if op == tokens.Tilde {
		return r.concat(a, b)
	}
	if la, ok := a.([]any); ok && op == tokens.Addition {
		if lb, ok := b.([]any); ok {
			return slices.Concat(la, lb), r.grow(16 * (len(la) + len(lb)))
		}
	}
	_, textA := a.(string)
	_, textB := b.(string)
	if op == tokens.Addition && (textA || textB) {
		return r.concat(a, b)
	}
	return r.calculate(op, a, b)
}

func (r *run) concat(a, b any) (any, error) {
	s, err := r.text(a)
	if err != nil {
		return nil, err
	}
	t, err := r.text(b)
	if err != nil {
		return nil, err
	}
	if err := r.grow(len(s) + len(t)); err != nil {
		return nil, err
	}
	return s + t, nil
}

func (r *run) calculate(op tokens.Type, a, b any) (any, error) {
	x, okX := number(a)
	y, okY := number(b)
	if !okX || !okY {
		return nil, r.fail("calculates with what is no number")
	}
	if y == 0 && (op == tokens.Division || op == tokens.FloorDivision || op == tokens.Modulo) {
		return nil, r.fail("divides by zero")
	}
	i, wholeX := a.(int64)
	j, wholeY := b.(int64)
	whole := wholeX && wholeY
	switch op {
	case tokens.Addition:
		if whole {
			return i + j, nil
		}
		return x + y, nil
	case tokens.Subtraction:
		if whole {
			return i - j, nil
		}
		return x - y, nil
	case tokens.Division:
		return x / y, nil
	case tokens.FloorDivision:
		if whole && j != -1 {
			q := i / j
			if i%j != 0 && (i < 0) != (j < 0) {
				q--
			}
			return q, nil
		}
		return toInt(math.Floor(x / y)), nil
	default: // modulo
		if whole && j != -1 {
			m := i % j
			if m != 0 && (m < 0) != (j < 0) {
				m += j
			}
			return m, nil
		}
		return x - y*math.Floor(x/y), nil
	}
}

// toInt keeps within what an integer can be.
func toInt(f float64) int64 {
	switch {
	case math.IsNaN(f):
		return 0
	case f >= math.MaxInt64:
		return math.MaxInt64
	case f <= math.MinInt64:
		return math.MinInt64
	default:
		return int64(f)
	}
}

// same compares deeply, counting.
func (r *run) same(a, b any, depth int) (bool, error) {
	if err := r.spend(1); err != nil {
		return false, err
	}
	if depth > MaxNesting {
		return false, r.fail("compares what is too deep")
	}
	if x, ok := number(a); ok {
		y, ok := number(b)
		return ok && x == y, nil
	}
	switch x := a.(type) {
	case nil, undefined:
		_, gone := b.(undefined)
		return b == nil || gone, nil
	case string, made:
		s, _ := r.text(x)
		switch b.(type) {
		case string, made:
			t, _ := r.text(b)
			return s == t, r.spend(len(s) / 64)
		}
		return false, nil
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return false, nil
		}
		for i := range x {
			if ok, err := r.same(x[i], y[i], depth+1); !ok || err != nil {
				return false, err
			}
		}
		return true, nil
	case Object:
		return r.same(x.All(), b, depth+1)
	case map[string]any:
		if o, ok := b.(Object); ok {
			b = o.All()
		}
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false, nil
		}
		for k := range x {
			other, ok := y[k]
			if !ok {
				return false, nil
			}
			if ok, err := r.same(x[k], other, depth+1); !ok || err != nil {
				return false, err
			}
		}
		return true, nil
	default:
		return false, nil
	}
}

// compare orders numbers, and texts; ok is false for anything else.
func (r *run) compare(a, b any) (way int, ok bool, err error) {
	if x, isNumber := number(a); isNumber {
		y, isNumber := number(b)
		return cmp.Compare(x, y), isNumber, nil
	}
	s, isText := plainText(a)
	t, also := plainText(b)
	if !isText || !also {
		return 0, false, nil
	}
	return strings.Compare(s, t), true, r.spend(1 + min(len(s), len(t))/64)
}

func plainText(v any) (string, bool) {
	switch x := v.(type) {
	case string:
		return x, true
	case made:
		return string(x), true
	default:
		return "", false
	}
}
