package graph

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/vm/runtime"
)

// Names that the language's grammar cannot produce, so that no expression can touch them.
const (
	budgetName = "#budget"
	fnStep     = "#step"
	fnCost     = "#cost"
	fnAdd      = "#add"
	fnEqual    = "#equal"
	fnIn       = "#in"
)

// budget is what one evaluation may still spend.
type budget struct {
	ctx  context.Context // lives for one call of Program.Bool
	left int
	err  error
}

func (b *budget) spend(n int) error {
	b.left -= n
	if b.left < 0 {
		b.err = ErrBudget
	} else if err := b.ctx.Err(); err != nil {
		b.err = err
	}
	return b.err
}

// cost is what it takes to go through a value once.
func cost(v any) int {
	switch v := v.(type) {
	case string:
		return 1 + len(v)/64
	case []any:
		return 1 + len(v)/8
	case map[string]any:
		return 1 + len(v)/8
	default:
		return 1
	}
}

// disabledBuiltins build large or deeply shared values, recurse through them, or read the clock. What conditions need of
// them is given back by guardOptions in a bounded form.
var disabledBuiltins = [...]string{
	"now", "repeat", "replace", "join", "splitAfter", "toJSON", "fromJSON", "toBase64", "fromBase64", "reduce", "flatten",
	"concat", "uniq", "sort", "sortBy", "groupBy", "reverse", "mean", "median", "min", "max", "string", "trim", "trimPrefix",
	"trimSuffix", "toPairs", "fromPairs", "bitnot", "bitand", "bitor", "bitxor", "bitnand", "bitshl", "bitshr", "bitushr",
}

func guardOptions() []expr.Option {
	options := []expr.Option{
		expr.Function(fnStep, guarded(func(b *budget, _ []any) (any, error) { return true, b.spend(1) })),
		expr.Function(fnCost, guarded(func(b *budget, a []any) (any, error) { return a[0], b.spend(cost(a[0])) })),
		expr.Function(fnAdd, guarded(add)),
		expr.Function(fnEqual, guarded(func(b *budget, a []any) (any, error) { return equal(b, a[0], a[1], 0) })),
		expr.Function(fnIn, guarded(in)),
		expr.Function("string", scalarText, new(func(any) string)),
		expr.Function("trim", trim, new(func(string) string)),
		expr.Function("min", func(a ...any) (any, error) { return extreme("min", -1, a) }),
		expr.Function("max", func(a ...any) (any, error) { return extreme("max", 1, a) }),
	}
	for _, name := range disabledBuiltins {
		options = append(options, expr.DisableBuiltin(name))
	}
	return options
}

// guarded adapts a function whose last argument is the budget.
func guarded(f func(b *budget, args []any) (any, error)) func(...any) (any, error) {
	return func(args ...any) (any, error) {
		b, ok := args[len(args)-1].(*budget)
		if !ok {
			return nil, errors.New("no budget")
		}
		return f(b, args[:len(args)-1])
	}
}

// guardVisitor rewrites an expression so that whatever may be large is counted against the budget.
type guardVisitor struct{ err error }

// Visit implements ast.Visitor; children come first.
func (g *guardVisitor) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.PredicateNode:
		n.Node = &ast.ConditionalNode{Ternary: true, Cond: call(fnStep), Exp1: n.Node, Exp2: &ast.NilNode{}}
	case *ast.BinaryNode:
		g.binary(node, n)
	case *ast.BuiltinNode:
		switch n.Name {
		case "upper", "lower", "split", "indexOf", "lastIndexOf", "hasPrefix", "hasSuffix", "int", "float", "date", "duration",
			"sum", "count", "keys", "values":
			charge(n.Arguments)
		}
	case *ast.CallNode:
		if id, ok := n.Callee.(*ast.IdentifierNode); ok && !strings.HasPrefix(id.Value, "#") {
			charge(n.Arguments)
		}
	}
}

// charge makes each argument cost what it takes to go through it.
func charge(arguments []ast.Node) {
	for i, a := range arguments {
		if _, predicate := a.(*ast.PredicateNode); !predicate && !isLiteral(a) {
			arguments[i] = call(fnCost, a)
		}
	}
}

func (g *guardVisitor) binary(node *ast.Node, n *ast.BinaryNode) {
	switch n.Operator {
	case "+":
		ast.Patch(node, call(fnAdd, n.Left, n.Right))
	case "==":
		if !isLiteral(n.Left) && !isLiteral(n.Right) {
			ast.Patch(node, call(fnEqual, n.Left, n.Right))
		}
	case "!=":
		if !isLiteral(n.Left) && !isLiteral(n.Right) {
			ast.Patch(node, &ast.UnaryNode{Operator: "!", Node: call(fnEqual, n.Left, n.Right)})
		}
	case "in":
		if list, ok := n.Right.(*ast.ArrayNode); !ok || !allLiterals(list.Nodes) {
			ast.Patch(node, call(fnIn, n.Left, n.Right))
		}
	case "contains", "startsWith", "endsWith":
		n.Left = call(fnCost, n.Left)
	case "matches":
		n.Left = call(fnCost, n.Left)
		if _, ok := n.Right.(*ast.StringNode); !ok && g.err == nil {
			g.err = errors.New("the pattern on the right of matches must be a text in quotes, so that alerts cannot choose it")
		}
	}
}

func call(name string, args ...ast.Node) ast.Node {
	return &ast.CallNode{Callee: &ast.IdentifierNode{Value: name}, Arguments: append(args, &ast.IdentifierNode{Value: budgetName})}
}

func isLiteral(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.NilNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.StringNode:
		return true
	case *ast.UnaryNode:
		return n.Operator == "-" && isLiteral(n.Node)
	default:
		return false
	}
}

func allLiterals(nodes []ast.Node) bool {
	for _, n := range nodes {
		if !isLiteral(n) {
			return false
		}
	}
	return true
}

func add(b *budget, a []any) (any, error) {
	x, okX := a[0].(string)
	y, okY := a[1].(string)
	if okX && okY {
		if len(x)+len(y) > maxText {
			b.err = fmt.Errorf("the text made by + is longer than %d bytes", maxText)
			return nil, b.err
		}
		return x + y, b.spend(cost(x) + cost(y))
	}
	return runtime.Add(a[0], a[1]), b.spend(1)
}

func in(b *budget, a []any) (any, error) {
	if isComposite(a[0]) {
		return nil, errors.New("the left side of in must be a single value")
	}
	if s, ok := a[1].(string); ok {
		if needle, ok := a[0].(string); ok {
			return strings.Contains(s, needle), b.spend(cost(s))
		}
	}
	if v := reflect.ValueOf(a[1]); v.Kind() == reflect.Slice {
		if err := b.spend(1 + v.Len()/8); err != nil {
			return nil, err
		}
	}
	return runtime.In(a[0], a[1]), b.spend(1)
}

// equal compares two values, lists and maps element by element, each element a step.
func equal(b *budget, x, y any, depth int) (bool, error) {
	if depth > maxDepth {
		return false, errors.New("the compared values are nested too deeply")
	}
	if _, text := x.(string); text {
		if err := b.spend(cost(x)); err != nil {
			return false, err
		}
	}
	if err := b.spend(1); err != nil {
		return false, err
	}
	if !isComposite(x) || !isComposite(y) {
		return runtime.Equal(x, y), nil
	}
	vx, vy := reflect.ValueOf(x), reflect.ValueOf(y)
	if vx.Kind() != vy.Kind() || vx.Len() != vy.Len() {
		return false, nil
	}
	if vx.Kind() == reflect.Map {
		for _, k := range vx.MapKeys() {
			e := vy.MapIndex(k)
			if !e.IsValid() {
				return false, nil
			}
			if same, err := equal(b, vx.MapIndex(k).Interface(), e.Interface(), depth+1); !same || err != nil {
				return false, err
			}
		}
		return true, nil
	}
	for i := range vx.Len() {
		if same, err := equal(b, vx.Index(i).Interface(), vy.Index(i).Interface(), depth+1); !same || err != nil {
			return false, err
		}
	}
	return true, nil
}

func isComposite(v any) bool {
	switch v.(type) {
	case nil, string, bool, int, int64, float64:
		return false
	}
	k := reflect.ValueOf(v).Kind()
	return k == reflect.Map || k == reflect.Slice || k == reflect.Array
}

func scalarText(a ...any) (any, error) {
	if isComposite(a[0]) {
		return nil, errors.New("string() takes a single value, not a list or an object")
	}
	if a[0] == nil {
		return "", nil
	}
	return fmt.Sprint(a[0]), nil
}

func trim(a ...any) (any, error) {
	s, ok := a[0].(string)
	if !ok {
		return nil, fmt.Errorf("trim() takes a text, not %T", a[0])
	}
	return strings.TrimSpace(s), nil
}

// extreme is min and max over numbers or one flat list of numbers.
func extreme(name string, sign float64, args []any) (any, error) {
	if len(args) == 1 {
		if list, ok := args[0].([]any); ok {
			args = list
		}
	}
	var best any
	var bestAt float64
	for _, a := range args {
		f, ok := toFloat(a)
		if !ok {
			return nil, fmt.Errorf("%s() takes numbers, not %T", name, a)
		}
		if best == nil || f*sign > bestAt*sign {
			best, bestAt = a, f
		}
	}
	return best, nil
}
