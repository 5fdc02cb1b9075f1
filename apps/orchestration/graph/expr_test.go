package graph

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func exprVars() Vars {
	long := strings.Repeat("lorem ipsum ", 20_000)
	numbers := make([]any, 5000)
	for i := range numbers {
		numbers[i] = i
	}
	return Vars{
		"alert":    map[string]any{"name": "HighCPU", "labels": map[string]any{"env": "prod"}, "text": long},
		"labels":   map[string]any{"env": "prod"},
		"severity": "critical",
		"numbers":  numbers,
		"checks":   []any{map[string]any{"name": "cpu", "ok": false}, map[string]any{"name": "disk", "ok": true}},
		"ingest":   map[string]any{"severity": "critical", "count": 2, "ratio": 2.5, "has_errors": false},
		"now":      time.Date(2026, 3, 2, 22, 0, 0, 0, time.UTC),
		"same":     []any{1, "x", map[string]any{"a": 1}},
	}
}

func TestProgram(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		in   string
		want bool
		err  string
	}{
		"contract example":     {`ingest.severity == "critical"`, true, ""},
		"numbers":              {`ingest.count > 0 and ingest.ratio < 3 and ingest.count + 1 == 3`, true, ""},
		"words":                {`not ingest.has_errors or false`, true, ""},
		"in a list":            {`severity in ["critical", "warning"]`, true, ""},
		"in a list of names":   {`labels.env in [labels.env, "x"]`, true, ""},
		"in a text":            {`labels.env in "production"`, true, ""},
		"label present":        {`"env" in labels and not ("team" in labels)`, true, ""},
		"two names compared":   {`severity == ingest.severity and severity != labels.env`, true, ""},
		"lists compared":       {`same == same and same != numbers`, true, ""},
		"missing is null":      {`labels.team == nil and (labels.team ?? "x") == "x"`, true, ""},
		"missing number":       {`labels.team > 3`, false, "invalid operation: <nil> > int"},
		"missing object":       {`incident.severity == "x"`, false, "a value on the way is missing"},
		"missing with ?.":      {`incident?.severity == "x"`, false, ""},
		"predicates":           {`any(checks, not .ok) and count(checks, .ok) == 1 and len(filter(checks, .name startsWith "d")) == 1`, true, ""},
		"matches":              {`alert.name matches "^High(CPU|Mem)$"`, true, ""},
		"texts":                {`lower(alert.name) == "highcpu" and trim(" a ") == "a" and alert.name + "!" == "HighCPU!"`, true, ""},
		"time":                 {`now.Hour() >= 20 and now.Weekday().String() == "Monday"`, true, ""},
		"let":                  {`let x = ingest.count; x == 2`, true, ""},
		"min and max":          {`max(1, ingest.count) == 2 and min(numbers) == 0`, true, ""},
		"string of a number":   {`string(ingest.count) == "2"`, true, ""},
		"string of a list":     {`string(numbers) == ""`, false, "takes a single value"},
		"not a condition":      {`alert.name`, false, "gives string, not true or false"},
		"nested loops":         {`any(numbers, any(numbers, # == -1))`, false, "too many steps"},
		"range":                {`any(1..1000000000, # == 0)`, false, "memory budget exceeded"},
		"many ranges":          {`count(map(1..9000, 1..9000), true) > 0`, false, "memory budget exceeded"},
		"growing text":         {`let a = alert.text + alert.text; a == ""`, false, "longer than"},
		"doubling text":        {doubling(`"xxxxxxxxxxxxxxxx"`, "# + #"), false, "longer than"},
		"doubling list":        {`let a = [1]; let b = [a,a]; ` + letChain(40) + `z == y`, false, "nested too deeply"},
		"shared list compared": {`let a = [numbers, numbers, numbers, numbers]; let b = [a, a, a, a]; let c = [b, b, b, b]; c == [b, b, b, b]`, false, "too many steps"},
		"long text in a loop":  {`any(numbers, alert.text contains "zzz")`, false, "too many steps"},
		"long text matched":    {`any(numbers, alert.text matches "(a+)+z")`, false, "too many steps"},
		"sums in a loop":       {`any(numbers, sum(numbers) < 0)`, false, "too many steps"},
		"max in a loop":        {`any(numbers, max(numbers) < 0)`, false, "too many steps"},
		"deep search in lists": {`any(numbers, # in numbers and # < 0)`, false, "too many steps"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := compileProgram(tt.in)
			if err != nil {
				t.Fatalf("compile: %v", err)
			}
			got, err := p.Bool(context.Background(), exprVars())
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("got %v, %v; want an error with %q", got, err, tt.err)
				}
				return
			}
			if err != nil || got != tt.want {
				t.Errorf("got %v, %v; want %v", got, err, tt.want)
			}
		})
	}
}

// doubling nests map so that each level makes the value twice as long.
func doubling(start, body string) string {
	e := "[" + start + "]"
	for range 40 {
		e = "map(" + e + ", " + body + ")"
	}
	return "first(" + e + `) == "x"`
}

// letChain makes two equal lists of lists, each level holding the one before twice: 2^n leaves.
func letChain(n int) string {
	var b strings.Builder
	prev, other := "b", "b"
	for i := range n {
		name := "l" + strconv.Itoa(i)
		b.WriteString("let " + name + " = [" + prev + "," + prev + "]; ")
		prev, other = name, prev
	}
	return b.String() + "let z = [" + prev + "]; let y = [[" + other + "," + other + "]]; "
}

func TestProgramIsRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ in, want string }{
		"blank":          {"  ", "empty"},
		"too long":       {strings.Repeat("(", 5000), "longer than"},
		"too many nodes": {strings.Repeat("1 == 1 and ", 200) + "true", "node"},
		"clock":          {"now() > now", "write now"},
		"repeat":         {`len(repeat("x", 9)) > 1`, "unknown function"},
		"reduce":         {`reduce(1..9, #acc + #) > 1`, "unknown"},
		"toJSON":         {`toJSON(alert) == ""`, "unknown function"},
		"pattern":        {`alert.name matches labels.pattern`, "text in quotes"},
		"bad pattern":    {`alert.name matches "("`, "regexp"},
		"text":           {`"true"`, "expected bool"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := compileProgram(tt.in)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("the message has several lines: %q", err)
			}
		})
	}
}

func TestProgramHeedsContext(t *testing.T) {
	t.Parallel()
	p, err := compileProgram("any(numbers, # == -1)")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := p.Bool(ctx, exprVars()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context canceled", err)
	}
}

func TestProgramNamesAndSharing(t *testing.T) {
	t.Parallel()
	p, err := compileProgram(`let a = alert.name; a != "" and any(checks, .name == a) and nodes.x.output.y ?? true`)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"alert", "checks", "nodes"}; !slices.Equal(p.names, want) || !slices.Equal(p.nodes, []string{"x"}) {
		t.Errorf("got names %v, nodes %v; want %v", p.names, p.nodes, want)
	}
	done := make(chan error)
	for range 8 {
		go func() {
			vars := exprVars()
			vars["nodes"] = map[string]any{"x": map[string]any{"output": map[string]any{}}}
			_, err := p.Bool(context.Background(), vars)
			if err == nil && len(vars) != len(exprVars())+1 {
				err = errors.New("the variables were changed")
			}
			done <- err
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func FuzzProgram(f *testing.F) {
	for _, s := range []string{`any(numbers, # in numbers)`, `alert.name + severity matches "x"`, `now - now > duration("1h")`, `sum(numbers, #) > 1..3`, `{"a": 1}.a == get(labels, "x")`} {
		f.Add(s)
	}
	vars := exprVars()
	f.Fuzz(func(t *testing.T, source string) {
		p, err := compileProgram(source)
		if err != nil {
			return
		}
		start := time.Now()
		_, _ = p.Bool(t.Context(), vars)
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("%q took %s", source, took)
		}
	})
}

func BenchmarkProgram(b *testing.B) {
	p, err := compileProgram(`labels.env == 'prod' and severity in ['critical', 'warning'] and alert.name startsWith 'High'`)
	if err != nil {
		b.Fatal(err)
	}
	vars := exprVars()
	b.ReportAllocs()
	for b.Loop() {
		if ok, err := p.Bool(context.Background(), vars); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}
