package graph

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"
)

// Limits of one expression. Hostile alert text and careless authors must not be able to hold a worker.
const (
	maxExpression = 4096    // bytes of source: bounds the parser's recursion too
	maxExprNodes  = 500     // of the syntax tree
	maxSteps      = 20_000  // predicate bodies run, and text looked at in pieces of 64 bytes
	maxElements   = 100_000 // list elements made, ranges included
	maxText       = 1 << 16 // bytes of a text made by +
)

// ErrBudget is returned when an expression takes too many steps.
var ErrBudget = errors.New("the expression takes too many steps")

// Program is a compiled expression, safe for concurrent use.
type Program struct {
	source  string
	program *vm.Program
	names   []string // root names it reads
	nodes   []string // ids it reads as nodes.<id>
}

// Vars are the variables an expression sees: plain maps, lists, texts, numbers, booleans and time.Time only, because methods
// of Go values are callable from expressions. Evaluation writes a bookkeeping entry into the map, so a map must not be
// shared by goroutines.
type Vars map[string]any

// compileProgram compiles the source of a condition. The error's text is meant for the author.
func compileProgram(source string) (*Program, error) {
	if len(source) > maxExpression {
		return nil, fmt.Errorf("the expression is longer than %d bytes", maxExpression)
	}
	if strings.TrimSpace(source) == "" {
		return nil, errors.New("the expression is empty")
	}
	names := &nameVisitor{declared: map[string]bool{}}
	guard := &guardVisitor{}
	options := []expr.Option{
		expr.Env(map[string]any{}), expr.AllowUndefinedVariables(), expr.AsBool(), expr.MaxNodes(maxExprNodes),
		expr.Patch(names), expr.Patch(guard),
	}
	p, err := compileGuarded(source, append(options, guardOptions()...))
	if err == nil {
		err = errors.Join(names.err, guard.err)
	} else if names.err != nil || guard.err != nil {
		err = errors.Join(names.err, guard.err) // clearer than what the compiler says about it
	}
	if err != nil {
		return nil, errors.New(authorMessage(err))
	}
	return &Program{source: source, program: p, names: names.roots(), nodes: names.nodes}, nil
}

// compileGuarded keeps a defect of the expression library from ending the process.
func compileGuarded(source string, options []expr.Option) (p *vm.Program, err error) {
	defer func() {
		if r := recover(); r != nil {
			p, err = nil, fmt.Errorf("the expression cannot be compiled: %v", r)
		}
	}()
	return expr.Compile(source, options...)
}

// compileOptional returns nil, which is always true, for no condition.
func compileOptional(source string) (*Program, error) {
	if source == "" {
		return nil, nil
	}
	return compileProgram(source)
}

// String returns the source.
func (p *Program) String() string {
	if p == nil {
		return ""
	}
	return p.source
}

// Bool evaluates the expression. A nil program is true. Errors are those of the expression (a value of the wrong kind, too
// many steps) or of ctx.
func (p *Program) Bool(ctx context.Context, vars Vars) (bool, error) {
	if p == nil {
		return true, nil
	}
	if vars == nil {
		vars = Vars{}
	}
	b := &budget{ctx: ctx, left: maxSteps}
	vars[budgetName] = b
	machine := vm.VM{MemoryBudget: maxElements}
	out, err := machine.Run(p.program, map[string]any(vars))
	delete(vars, budgetName)
	if b.err != nil {
		return false, b.err
	}
	if err != nil {
		return false, errors.New(runMessage(err))
	}
	yes, ok := out.(bool)
	if !ok {
		return false, fmt.Errorf("the expression gives %T, not true or false", out)
	}
	return yes, nil
}

// runMessage puts a run-time error into one line that says which name was missing.
func runMessage(err error) string {
	message := authorMessage(err)
	if kind, ok := strings.CutPrefix(message, "invalid operation: bool("); ok {
		kind, _, _ = strings.Cut(kind, ")")
		message = "the expression gives " + kind + ", not true or false"
	}
	if strings.Contains(message, "<nil>") {
		message += "; a value on the way is missing, ?. and ?? allow for that"
	}
	return message
}

// authorMessage turns the library's several lines into one.
func authorMessage(err error) string {
	if at, ok := errors.AsType[*file.Error](err); ok {
		return fmt.Sprintf("%s (column %d)", strings.TrimSpace(at.Message), at.Column+1)
	}
	return strings.ReplaceAll(err.Error(), "\n", "; ")
}
