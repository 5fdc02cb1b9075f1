// Package jinja runs templates that operators write, in Jinja's language, as sealed as a text can be. gonja's lexer and parser read them; what
// they may say is an allow-list that is checked when they are compiled, and what runs is compiled from gonja's tree by this package, for gonja's
// own evaluator calls methods of Go values by name, evaluates the receiver of every call twice (chains take exponential time) and gives no
// place to count steps in. docs/templates.md has the list of what a template may say.
package jinja

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nikolalohinski/gonja/v2/config"
	"github.com/nikolalohinski/gonja/v2/parser"
	"github.com/nikolalohinski/gonja/v2/tokens"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
)

// Limits of a template and of one run.
const (
	MaxSource  = 16 << 10  // bytes of a template
	MaxNesting = 50        // brackets and blocks inside each other
	MaxValue   = 256 << 10 // bytes of one string
	MaxOutput  = 256 << 10 // bytes of what is made
	MaxMemory  = 4 << 20   // bytes of all strings and lists that a run makes
	MaxSteps   = 200_000   // parts of expressions, turns of loops, and 64 bytes of text looked at, each
	MaxNumber  = 1000      // an integer that a filter takes as a size, and the length of a range
	MaxTime    = time.Second
)

// Error is what is wrong with a template, or what stopped a run.
type Error struct {
	Line    int // from 1; 0: of the template as a whole
	Message string
}

// Error implements error.
func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Message
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Message)
}

func failed(line int, format string, args ...any) *Error {
	return &Error{Line: line, Message: fmt.Sprintf(format, args...)}
}

// Template is a compiled template. It is safe for concurrent use.
type Template struct {
	body []step
}

// Compile checks and compiles a template. Errors are *Error.
func Compile(source string) (t *Template, err error) {
	defer func() {
		if broke := recover(); broke != nil { // gonja's parser follows nil pointers at some ends of text
			t, err = nil, failed(0, "cannot be read: something is missing or out of place")
		}
	}()
	if len(source) > MaxSource {
		return nil, failed(0, "is longer than %d bytes", MaxSource)
	}
	source = strings.ReplaceAll(strings.ReplaceAll(source, "\r\n", "\n"), "\r", "\n")
	cfg := config.New()
	list, err := lex(source, cfg)
	if err != nil {
		return nil, err
	}
	p := parser.NewParser("template", tokens.NewStream(list), cfg, nil, structures{})
	root, err := p.Parse()
	if err != nil {
		return nil, syntax(err, list)
	}
	if !p.Stream().EOF() {
		return nil, failed(p.Current().Line, "cannot be read from here on")
	}
	c := compiler{filters: filters(), tests: tests()}
	body, err := c.nodes(root.Nodes)
	if err != nil {
		return nil, err
	}
	return &Template{body: body}, nil
}

// syntax puts a complaint of gonja's parser into our words.
func syntax(err error, list []*tokens.Token) *Error {
	if own, ok := errors.AsType[*Error](err); ok {
		return own
	}
	last := 0
	for _, t := range list {
		last = max(last, t.Line)
	}
	if e, ok := errors.AsType[*parser.SyntaxError](err); ok {
		line := e.Line
		if line == 0 {
			line = last
		}
		return failed(line, "%s", short(strings.ReplaceAll(e.Message, "ControlStructure", "tag")))
	}
	message := err.Error()
	if _, inner, ok := strings.Cut(message, ": "); ok {
		message = inner
	}
	return failed(last, "%s", short(message))
}

func short(s string) string {
	if len(s) > 200 {
		s = strings.ToValidUTF8(s[:200], "") + "…"
	}
	return s
}

// Mode is how what a template prints becomes inert.
type Mode struct {
	// Escape is applied to each output, once; nil changes nothing. Nothing in a template turns it off.
	Escape func(string) string
	// JSON: what tojson made is printed as it is.
	JSON bool
}

// Made is what a run made.
type Made struct {
	Text    string
	Missing []string // variables that were asked for and are not there, in the order of asking, each once
}

// Render runs the template. It ends within MaxTime, or when ctx does. Errors are *Error.
func (t *Template) Render(ctx context.Context, vars Vars, m Mode) (Made, error) {
	return t.run(ctx.Err, vars, m)
}

// Alone is Render without a caller: it ends within MaxTime, and what it makes is not lost to somebody who goes away.
func (t *Template) Alone(vars Vars, m Mode) (Made, error) {
	return t.run(func() error { return nil }, vars, m)
}

func (t *Template) run(gone func() error, vars Vars, m Mode) (made Made, err error) {
	r := &run{gone: gone, watch: clock.Start(), mode: m, vars: vars, steps: MaxSteps, memory: MaxMemory}
	defer func() {
		if broke := recover(); broke != nil {
			made, err = Made{}, failed(r.line, "cannot be run")
		}
	}()
	if err := r.do(t.body); err != nil {
		return Made{}, err
	}
	return Made{Text: r.out.String(), Missing: r.missing}, nil
}

// Vars are what a template is about. A run asks for each at most once; they are plain data: nil, bool, int64, float64, string, []any and
// map[string]any, which Plain makes of anything, or an Object of these. They are never changed.
type Vars interface {
	Var(name string) (value any, ok bool)
}

// Object is a value whose members are made when they are asked for.
type Object interface {
	Vars
	All() map[string]any // for loops and JSON
}
