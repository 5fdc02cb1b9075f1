package jinja_test

import (
	"context"
	"fmt"
	"html"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/jinja"
)

// doubling sets x to itself twice, n times.
func doubling(start, twice string, n int) string {
	return "{% set x = " + start + " %}" + strings.Repeat("{% set x = "+twice+" %}", n)
}

// bombs are templates that are small and would take for ever, or all memory.
func bombs() map[string]string {
	endless := "{% for a in range(1000) %}{% for b in range(1000) %}{% for c in range(1000) %}"
	ends := "{% endfor %}{% endfor %}{% endfor %}"
	return map[string]string{
		"loops":                endless + ends,
		"loops that print":     endless + "x" + ends,
		"loops over text":      "{% for a in long %}{% for b in long %}{% for c in long %}{{ a }}{% endfor %}{% endfor %}{% endfor %}",
		"huge range":           "{{ range(100000000) }}",
		"range of ranges":      "{% for a in range(0, 1000) %}{{ range(1000)|join }}{% endfor %}",
		"doubled text":         doubling("'xxxxxxxx'", "x ~ x", 60) + "{{ x }}",
		"doubled by +":         doubling("'xxxxxxxx'", "x + x", 60) + "{{ x }}",
		"doubled list":         doubling("[1, 2]", "x + x", 60) + "{{ x }}",
		"list in itself":       doubling("[1]", "[x, x]", 49) + "{{ x }}",
		"list in itself, JSON": doubling("[1]", "[x, x]", 49) + "{{ x|tojson }}",
		"list in itself, ==":   doubling("[1]", "[x, x]", 49) + "{% set y = x %}{{ x == y }}{{ y in [x] }}",
		"map in itself":        doubling("{'a': 1}", "{'a': x, 'b': x}", 49) + "{{ x }}",
		"sorted lists":         doubling("[1]", "[x, x]", 40) + "{{ [x, x]|sort|unique|join }}",
		"doubled by replace":   doubling("'aaaa'", "x|replace('a', 'aaaaaaaaaaaaaaaaaaaa')", 40) + "{{ x }}",
		"replaced nothing":     "{{ long|replace('', long) }}",
		"join bomb":            "{{ range(1000)|join(long) }}",
		"joined again":         doubling("'abcd'", "x|join(x)", 40) + "{{ x }}",
		"format width":         "{{ '%1000000000d'|format(1) }}",
		"format precision":     "{{ '%.999999999f'|format(1.0) }}",
		"format star":          "{{ '%*d'|format(1, 2) }}",
		"format often":         "{% for a in range(1000) %}{% for b in range(1000) %}{{ '%1000d'|format(1) }}{% endfor %}{% endfor %}",
		"center":               "{{ 'x'|center(1000000000) }}",
		"indent":               "{{ lines|indent(1000, true) }}",
		"indent by text":       "{{ lines|indent(long) }}",
		"batch":                "{{ [1]|batch(1000000000, 'x') }}",
		"slice":                "{{ [1]|slice(1000000000) }}",
		"wrapped in filters":   "{% for a in range(1000) %}{% filter replace('x', long) %}{{ long }}{% endfilter %}{% endfor %}",
		"caught":               doubling("'xxxxxxxx'", "x", 1) + strings.Repeat("{% set x %}{{ x }}{{ x }}{% endset %}", 60) + "{{ x }}",
		"large numbers":        "{% set x = 10 %}" + strings.Repeat("{% set x = x|mul(x) %}", 100) + "{{ '%f'|format(x) }}{% for a in range(1000) %}{% for b in range(1000) %}{{ x|mul(a) }}{% endfor %}{% endfor %}",
		"mapped":               "{% for a in range(1000) %}{{ range(1000)|map('center', 1000)|join }}{% endfor %}",
		"sums":                 "{% for a in range(1000) %}{{ range(1000)|map('string')|map('int')|sum }}{% endfor %}",
		"groups":               "{% for a in range(1000) %}{{ range(1000)|sort(reverse=true)|groupby('x')|length }}{% endfor %}",
		"names":                "{% for a in range(1000) %}{{ n" + strings.Join(strings.Split(strings.Repeat("x", 900), ""), " ~ n") + " }}{% endfor %}",
		"long chains":          "{% for a in range(1000) %}{{ a" + strings.Repeat(".b", 6000) + " }}{% endfor %}",
		"many escapes":         "{% for a in range(1000) %}{{ angles }}{% endfor %}",
		"striptags":            "{% for a in range(1000) %}{{ angles|striptags }}{% endfor %}",
		"split":                "{% for a in range(1000) %}{{ long|split('x')|join('xx') }}{% endfor %}",
		"unicode":              "{% for a in range(1000) %}{{ uni|upper|lower|title|truncate(200000)|wordwrap(1)|center(1000) }}{% endfor %}",
	}
}

func abused() facts {
	return facts{
		"long": strings.Repeat("x", 200<<10), "lines": strings.Repeat("\n", 100<<10), "angles": strings.Repeat("<", 200<<10),
		"uni": strings.Repeat("ﷺİß漢👩‍🚒\u202e", 5000), "a": "a",
	}
}

// TestBombs: each ends soon, with an error, and within the memory that it may have. So it is for others beside it (RELIABILITY C19).
func TestBombs(t *testing.T) {
	// Not parallel: it measures what is allocated.
	for name, source := range bombs() {
		t.Run(name, func(t *testing.T) {
			if len(source) > jinja.MaxSource {
				t.Fatalf("the bomb has %d bytes", len(source))
			}
			tmpl, err := jinja.Compile(source)
			if err != nil {
				return // refused before it ran
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			ctx, cancel := context.WithTimeout(t.Context(), 20*jinja.MaxTime)
			defer cancel()
			made, err := tmpl.Render(ctx, abused(), jinja.Mode{Escape: html.EscapeString})
			runtime.ReadMemStats(&after)
			if ctx.Err() != nil {
				t.Error("it took too long")
			}
			if err == nil && len(made.Text) > jinja.MaxOutput {
				t.Errorf("it made %d bytes", len(made.Text))
			}
			if got := after.TotalAlloc - before.TotalAlloc; got > 128<<20 {
				t.Errorf("it allocated %d MiB in all: %v", got>>20, err)
			}
			t.Logf("%d MiB allocated, %d bytes made, %v", (after.TotalAlloc-before.TotalAlloc)>>20, len(made.Text), err)
		})
	}
}

// TestTime: a run ends when its context does, at once.
func TestTime(t *testing.T) {
	t.Parallel()
	tmpl, err := jinja.Compile("{% for a in range(1000) %}{% for b in range(100) %}{{ a }}{% endfor %}{% endfor %}")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := tmpl.Render(ctx, facts{}, jinja.Mode{}); err == nil || !strings.Contains(err.Error(), "line 1: takes too long") {
		t.Errorf("got %v", err)
	}
}

// panics is a variable that breaks whoever asks for it.
type panics struct{}

func (panics) Var(string) (any, bool) { panic("slip") }

func TestPanic(t *testing.T) {
	t.Parallel()
	tmpl, err := jinja.Compile("a\n{{ b }}")
	if err != nil {
		t.Fatal(err)
	}
	if made, err := tmpl.Render(t.Context(), panics{}, jinja.Mode{}); err == nil || err.Error() != "line 2: cannot be run" || made.Text != "" {
		t.Errorf("%+v %v", made, err)
	}
}

// secretive has a method and a field that no template may reach.
type secretive struct{ Password string }

func (secretive) Drop() string { return "dropped" }

// TestSealed: values that are not plain data give nothing away.
func TestSealed(t *testing.T) {
	t.Parallel()
	vars := facts{"s": secretive{"canary"}, "p": &secretive{"canary"}, "f": func() string { return "canary" }, "t": time.Unix(0, 0), "c": make(chan int)}
	for _, source := range []string{
		"{{ s }}{{ p }}{{ f }}{{ t }}{{ c }}", "{{ s.Password }}{{ p.Password }}{{ s['Password'] }}", "{{ s.Drop }}{{ p|attr('Drop') }}{{ t.Unix }}",
		"{{ [s, p]|map(attribute='Password')|join }}", "{{ [s]|tojson }}", "{% for x in s %}{{ x }}{% endfor %}", "{{ s ~ p }}", "{{ s == p }}{{ s in [p] }}",
		"{{ '%s'|format(s) }}", "{{ [f, c]|tojson }}", "{{ s|string|length }}", "{{ s|dictsort }}",
	} {
		tmpl, err := jinja.Compile(source)
		if err != nil {
			t.Fatalf("%s: %v", source, err)
		}
		made, err := tmpl.Render(t.Context(), vars, jinja.Mode{})
		if strings.Contains(made.Text, "canary") || strings.Contains(made.Text, "dropped") || strings.Contains(fmt.Sprint(err), "canary") {
			t.Errorf("%s: %q, %v", source, made.Text, err)
		}
	}
}

// TestConcurrent: a template is run by many at once, and what one sets is its own.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	tmpl, err := jinja.Compile("{% set x = n %}{% for i in range(50) %}{% set x = x + 1 %}{% endfor %}{{ x }}{{ l.a }}")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	shared := map[string]any{"a": "b"}
	for n := range 20 {
		wg.Go(func() {
			made, err := tmpl.Render(t.Context(), facts{"n": int64(n), "l": shared}, jinja.Mode{})
			if want := strconv.Itoa(n) + "b"; err != nil || made.Text != want {
				t.Errorf("got %q, %v, want %q", made.Text, err, want)
			}
		})
	}
	wg.Wait()
}

// FuzzTemplate: no text makes compiling or running panic, go on for ever, or print what was not escaped.
func FuzzTemplate(f *testing.F) {
	for _, source := range bombs() {
		f.Add(source, "x")
	}
	for _, source := range []string{
		"{{ v }}", "{% if v %}{{ v|upper|e }}{% else %}x{% endif %}", "{% for a in v %}{{ loop.index }}{{ a }}{% endfor %}", "{% raw %}{{{% endraw %}",
		"{% set x %}{{ v }}{% endset %}{{ x|replace('&lt;', '<') }}", "{% filter replace('&', '<') %}{{ v }}{% endfilter %}", "{# c #}{{- v -}}", "{{ v[1:2:3] }}",
		"{{ {'a': v}['a'].b.c(1, x=2)|d('e') if v is not none and v in [1] else v ~ 1 }}", "{{\n'a\nb'\n}}", "{{ v|tojson }}{{ v|format(v) }}{{ v|truncate(3) }}",
		"{{ v|map('attr', 'x')|list }}{{ v|selectattr('a', 'eq', v)|groupby('b') }}", "{{ 1 // 0 }}{{ -v }}{{ v % 2 }}", "{{ '\\", "{% with a=v %}{{ a }}{% endwith %}",
	} {
		f.Add(source, "<b>\u202e")
	}
	f.Fuzz(func(t *testing.T, source, value string) {
		tmpl, err := jinja.Compile(source)
		if err != nil {
			return
		}
		// What a template prints of a value holds no mark of it that is not in the template's own text.
		made, err := tmpl.Render(t.Context(), facts{"v": "<" + value, "l": []any{"<"}}, jinja.Mode{
			Escape: func(s string) string { return strings.ReplaceAll(s, "<", ".") },
		})
		if err == nil && strings.Contains(made.Text, "<") && !strings.Contains(source, "<") {
			t.Errorf("%q printed %q", source, made.Text)
		}
		if len(made.Text) > jinja.MaxOutput {
			t.Errorf("%d bytes", len(made.Text))
		}
	})
}

func BenchmarkRender(b *testing.B) {
	vars := facts{
		"title": "DiskFull on db-1", "severity": "critical", "status": "open", "labels": map[string]any{"team": "storage", "zone": "b", "job": "node"},
		"alerts": []any{map[string]any{"name": "DiskFull", "severity": "critical"}, map[string]any{"name": "Slow", "severity": "warning"}}, "message": "text",
	}
	for name, source := range map[string]string{
		"one variable": "{{ message }}",
		"a page": "{% if severity == 'critical' %}[{{ severity|upper }}] {% endif %}{{ title }}\n\nStatus: {{ status|default('unknown') }}\n" +
			"{% for k, v in labels %}{{ k }}={{ v }}{% if not loop.last %}, {% endif %}{% endfor %}\n{% for a in alerts %}- {{ a.severity|upper }} {{ a.name }}\n{% endfor %}",
	} {
		tmpl, err := jinja.Compile(source)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := tmpl.Render(b.Context(), vars, jinja.Mode{Escape: html.EscapeString}); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("compile "+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := jinja.Compile(source); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
