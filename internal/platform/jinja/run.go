package jinja

import (
	"slices"
	"strings"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
)

// run is one rendering: its variables, its output and what it may still spend.
type run struct {
	gone    func() error // whether whoever asked still waits
	watch   clock.Stopwatch
	mode    Mode
	vars    Vars
	asked   scope // of vars, with the answers
	scopes  []scope
	out     strings.Builder
	plain   bool // inside a filter block: nothing is escaped yet
	steps   int
	memory  int
	line    int // that is being run, for what goes wrong
	missing []string
}

// scope holds the names of a loop's turn or a with block. Scopes are few and small: a list is quicker than a map.
type scope struct {
	names  []string
	values []any
}

// step is one piece of a template, expr one of an expression.
type (
	step func(*run) error
	expr func(*run) (any, error)
)

// undefined is the value of a variable that is not there.
type undefined struct{ path string }

// made is text that is inert already: what a set block caught, and what tojson made where JSON is made.
type made string

// do runs a body.
func (r *run) do(body []step) error {
	for _, s := range body {
		if err := s(r); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) fail(format string, args ...any) *Error { return failed(r.line, format, args...) }

// spend counts work. It looks at the clock now and then.
func (r *run) spend(n int) error {
	before := r.steps
	r.steps -= n
	if r.steps < 0 {
		return r.fail("takes more than %d steps", MaxSteps)
	}
	if before>>8 != r.steps>>8 {
		return r.late()
	}
	return nil
}

func (r *run) late() error {
	if r.gone() != nil || r.watch.Elapsed() > MaxTime {
		return r.fail("takes too long")
	}
	return nil
}

// grow counts what is made: n bytes of text, or of a list.
func (r *run) grow(n int) error {
	if n > MaxValue {
		return r.fail("makes a text or list of more than %d bytes", MaxValue)
	}
	r.memory -= n
	if r.memory < 0 {
		return r.fail("makes more than %d bytes in all", MaxMemory)
	}
	return r.spend(1 + n/64)
}

// write adds text that is inert to the output.
func (r *run) write(s string) error {
	if r.out.Len()+len(s) > MaxOutput {
		return r.fail("makes more than %d bytes of output", MaxOutput)
	}
	r.out.WriteString(s)
	return r.spend(1 + len(s)/256)
}

// print adds a value to the output, escaped.
func (r *run) print(v any) error {
	switch m := v.(type) {
	case undefined:
		r.miss(m)
		return nil
	case made:
		return r.write(string(m))
	}
	s, err := r.text(v)
	if err != nil {
		return err
	}
	if r.mode.Escape != nil && !r.plain {
		if err := r.spend(1 + len(s)/64); err != nil {
			return err
		}
		s = r.mode.Escape(s)
	}
	return r.write(s)
}

// mostMissing are enough to see what is wrong.
const mostMissing = 50

func (r *run) miss(u undefined) {
	if u.path != "" && len(r.missing) < mostMissing && !slices.Contains(r.missing, u.path) {
		r.missing = append(r.missing, u.path)
	}
}

// known takes a value that is used; one that is not there is noted and is nothing.
func (r *run) known(v any) any {
	switch x := v.(type) {
	case undefined:
		r.miss(x)
		return nil
	case Object:
		return x.All()
	}
	return v
}

// lookup finds a variable.
func (r *run) lookup(name string) any {
	for i := len(r.scopes) - 1; i >= 0; i-- {
		s := &r.scopes[i]
		if j := slices.Index(s.names, name); j >= 0 {
			return s.values[j]
		}
	}
	if i := slices.Index(r.asked.names, name); i >= 0 {
		return r.asked.values[i]
	}
	_ = r.spend(len(r.asked.names) / 16) // what is over the budget stops at the next part
	v, ok := r.vars.Var(name)
	if !ok {
		v = undefined{name}
	}
	r.asked.names, r.asked.values = append(r.asked.names, name), append(r.asked.values, v)
	return v
}

// set gives a variable of the innermost scope a value.
func (r *run) set(name string, v any) {
	if len(r.scopes) == 0 {
		r.scopes = append(r.scopes, scope{})
	}
	s := &r.scopes[len(r.scopes)-1]
	if i := slices.Index(s.names, name); i >= 0 {
		s.values[i] = v
		return
	}
	s.names, s.values = append(s.names, name), append(s.values, v)
}

// inside runs a body with names of its own.
func (r *run) inside(names []string, values []any, body []step) error {
	r.scopes = append(r.scopes, scope{names, values})
	err := r.do(body)
	r.scopes = r.scopes[:len(r.scopes)-1]
	return err
}

// catch runs a body and gives what it printed.
func (r *run) catch(body []step) (string, error) {
	outer := r.out
	r.out = strings.Builder{}
	r.scopes = append(r.scopes, scope{})
	err := r.do(body)
	r.scopes = r.scopes[:len(r.scopes)-1]
	s := r.out.String()
	r.out = outer
	if err != nil {
		return "", err
	}
	return s, r.grow(len(s))
}
