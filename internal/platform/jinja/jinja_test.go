package jinja_test

import (
	"encoding/json"
	"html"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/platform/jinja"
)

// facts are variables that are there already.
type facts map[string]any

// Var implements jinja.Vars.
func (f facts) Var(name string) (any, bool) {
	v, ok := f[name]
	return v, ok
}

func sample() facts {
	return facts{
		"title": "Disk full on <db-1>", "n": int64(3), "f": 2.5, "none": nil, "yes": true, "empty": "",
		"labels": map[string]any{"team": "storage", "zone": "b", "instance": "db-1"},
		"list":   []any{int64(3), int64(1), int64(2)},
		"alerts": []any{
			map[string]any{"name": "DiskFull", "severity": "critical", "labels": map[string]any{"mount": "/"}},
			map[string]any{"name": "DiskSlow", "severity": "warning"},
			map[string]any{"name": "Load", "severity": "warning"},
		},
		"words": "one two three", "text": "a\nb",
	}
}

func render(t *testing.T, source string, m jinja.Mode) (jinja.Made, error) {
	t.Helper()
	tmpl, err := jinja.Compile(source)
	if err != nil {
		return jinja.Made{}, err
	}
	return tmpl.Render(t.Context(), sample(), m)
}

// TestLanguage is what templates can say, and what comes of it.
func TestLanguage(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"plain":                                                               "plain",
		"{{ title }}":                                                         "Disk full on <db-1>",
		"{{title}}|{{-  n  -}}|":                                              "Disk full on <db-1>|3|",
		"{{ nothing }}{{ labels.nothing.more }}":                              "",
		"{{ n }} {{ f }} {{ yes }} {{ none }}":                                "3 2.5 True ",
		"{{ n + 1 }} {{ n - 5 }} {{ n / 2 }}":                                 "4 -2 1.5",
		"{{ 7 // 2 }} {{ -7 // 2 }} {{ 7 % 3 }}":                              "3 -4 1",
		"{{ n|mul(4) }} {{ f|mul(2) }}":                                       "12 5.0",
		"{{ 'a' ~ n ~ 'b' }} {{ 'x' + 'y' }}":                                 "a3b xy",
		"{{ [1, 'a', none, {'k': true}] }}":                                   "[1, 'a', None, {'k': True}]",
		"{{ list[0] }}{{ list[-1] }}{{ list[9] }}":                            "32",
		"{{ list[1:] }} {{ title[:4] }} {{ list[::2] }}":                      "[1, 2] Disk [3, 2]",
		"{{ labels['team'] }} {{ labels.team }}":                              "storage storage",
		"{{ 'yes' if n > 2 else 'no' }}":                                      "yes",
		"{{ 'yes' if n > 5 }}":                                                "",
		"{% if n == 3 and not empty %}a{% elif yes %}b{% else %}c{% endif %}": "a",
		"{% if 'team' in labels %}in{% endif %} {% if 'x' not in labels %}out{% endif %}":                                     "in out",
		"{% if 2 in list and 'full' in title %}in{% endif %}":                                                                 "in",
		"{% if nothing is defined %}a{% else %}b{% endif %}":                                                                  "b",
		"{% if n is odd and n is divisibleby 3 %}a{% endif %}":                                                                "a",
		"{{ nothing|default('d') }} {{ empty|default('e', true) }} {{ empty or 'o' }}":                                        "d e o",
		"{% for a in alerts %}{{ loop.index }}/{{ loop.length }} {{ a.name }}{% if not loop.last %}, {% endif %}{% endfor %}": "1/3 DiskFull, 2/3 DiskSlow, 3/3 Load",
		"{% for a in alerts if a.severity == 'warning' %}{{ a.name }} {% endfor %}":                                           "DiskSlow Load ",
		"{% for k, v in labels %}{{ k }}={{ v }} {% endfor %}":                                                                "instance=db-1 team=storage zone=b ",
		"{% for k, v in labels.items() %}{{ k }}={{ v }} {% endfor %}":                                                        "instance=db-1 team=storage zone=b ",
		"{% for k, v in labels|dictsort(reverse=true) %}{{ k }} {% endfor %}":                                                 "zone team instance ",
		"{% for x in [] %}a{% else %}none{% endfor %}":                                                                        "none",
		"{% for x in range(3) %}{{ x }}{% endfor %}{% for x in range(4, 0, -2) %}{{ x }}{% endfor %}":                         "01242",
		"{% set x = n + 1 %}{{ x }}{% set x = x + 1 %}{{ x }}":                                                                "45",
		"{% set x = 1 %}{% for i in list %}{% set x = i %}{% endfor %}{{ x }}":                                                "1",
		"{% if yes %}{% set x = 5 %}{% endif %}{{ x }}":                                                                       "5",
		"{% set x %}<{{ n }}>{% endset %}{{ x }}{{ x }}":                                                                      "<3><3>",
		"{% with a=1, b=n %}{{ a }}{{ b }}{% endwith %}{{ a }}":                                                               "13",
		"{% filter upper|replace('A', 'B') %}a{{ title }}{% endfilter %}":                                                     "BDISK FULL ON <DB-1>",
		"{% raw %}{{ title }}{% if %}{% endraw %}":                                                                            "{{ title }}{% if %}",
		"{# a comment #}x{#- y -#} z":                                                                                         "xz",
		"{{ title|upper|lower|capitalize }}":                                                                                  "Disk full on <db-1>",
		"{{ words|title }} {{ words|wordcount }} {{ words|length }}":                                                          "One Two Three 3 13",
		"{{ words|replace('one', '1')|replace('t', 'T', 1) }}":                                                                "1 Two three",
		"{{ alerts|map(attribute='name')|join(', ') }}":                                                                       "DiskFull, DiskSlow, Load",
		"{{ alerts|join('; ', attribute='name') }} {{ ['a','b']|map('upper')|join }}":                                         "DiskFull; DiskSlow; Load AB",
		"{{ list|sort|join }} {{ list|sort(reverse=true)|join }} {{ list|reverse|join }}":                                     "123 321 213",
		"{{ list|sum }} {{ list|min }} {{ list|max }} {{ list|first }} {{ list|last }}":                                       "6 1 3 3 2",
		"{{ alerts|selectattr('severity', 'eq', 'warning')|map(attribute='name')|join(',') }}":                                "DiskSlow,Load",
		"{{ alerts|rejectattr('labels')|length }} {{ [1, 0, 2]|select|join }} {{ list|select('odd')|join }}":                  "2 12 31",
		"{% for s, group in alerts|groupby('severity') %}{{ s }}:{{ group|length }} {% endfor %}":                             "critical:1 warning:2 ",
		"{% for row in list|batch(2) %}{{ row|join }}/{% endfor %}{% for s in list|slice(2) %}{{ s|join }}/{% endfor %}":      "31/2/31/2/",
		"{{ ['b','a','B']|unique|join }} {{ '3.7'|int }} {{ 'x'|int(7) }} {{ '2'|float }} {{ f|round }}":                      "ba 3 7 2.0 3.0",
		"{{ 'a%s %03d %.2f %%'|format('b', 7, f) }}":                                                                          "ab 007 2.50 %",
		"{{ 'long words here'|truncate(8) }}|{{ 'abc'|center(7) }}|{{ text|indent(2) }}":                                      "long...|  abc  |a\n  b",
		"{{ 'a b c d'|wordwrap(3) }} {{ 'a b/ü'|urlencode }} {{ 2048|filesizeformat(binary=true) }}":                          "a b\nc d a%20b/%C3%BC 2.0 KiB",
		"{{ labels|tojson }} {{ '<a>'|tojson }}":                                                                              `{"instance":"db-1","team":"storage","zone":"b"} "\u003ca\u003e"`,
		"{{ labels.get('nope', 'd') }} {{ words.split()|last }} {{ title.startswith('Disk') }}":                               "d three True",
		"{{\ntitle\n|upper\n}}{{ [1,\n2]\n|join(\n'-') }}{{\n'x'}}":                                                           "DISK FULL ON <DB-1>1-2x",
		"a\n  {% if yes %}\nb\n  {% endif %}\nc\n":                                                                            "a\nb\nc",
		"{% if yes %}a{% endif %}\nb{% if yes %}\nc{% endif %} d":                                                             "a\nb\nc d",
		" {# c #}\n\n {% if yes %} {% if yes %} \nx {% endif %}\n{% endif %}\n y {% if yes %}{% endif %}":                     "\nx \n y ",
		"{{ 'it\\'s' }} {{ \"tab\\tend\" }}":                                                                                  "it's tab\tend",
	} {
		t.Run(source[:min(len(source), 50)], func(t *testing.T) {
			t.Parallel()
			got, err := render(t, source, jinja.Mode{})
			if err != nil {
				t.Fatalf("%s: %v", source, err)
			}
			if diff := cmp.Diff(want, got.Text); diff != "" {
				t.Errorf("%s (-want +got)\n%s", source, diff)
			}
		})
	}
}

// TestRefused is what templates cannot say, with the line of it.
func TestRefused(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"{{ 2 * 3 }}":                               "line 1: * and ** are not available",
		"a\nb {{ 2 ** 3 }}":                         "line 2: * and **",
		"{% include 'x' %}":                         "line 1: tag 'include' not found",
		"\n{% import 'x' as y %}":                   "line 2: tag 'import' not found",
		"{% from 'x' import y %}":                   "'from' not found",
		"{% extends 'x' %}":                         "'extends' not found",
		"{% block x %}{% endblock %}":               "'block' not found",
		"{% macro m() %}{% endmacro %}":             "'macro' not found",
		"{% call m() %}{% endcall %}":               "'call' not found",
		"{% do x %}":                                "'do' not found",
		"{% autoescape false %}{% endautoescape %}": "'autoescape' not found",
		"{{ x|safe }}":                              "the filter safe is not available",
		"\n\n{{ x|nofilter }}":                      "line 3: the filter nofilter is not available",
		"{{ x|attr }}":                              "the filter attr takes name",
		"{{ x|upper(1) }}":                          "the filter upper takes no values",
		"{{ x|replace('a') }}":                      "the filter replace takes old, new, [count]",
		"{{ x|join(nope=1) }}":                      "the filter join takes no nope",
		"{{ x is nothing }}":                        "the test nothing is not available",
		"{{ lipsum() }}":                            "the function lipsum is not available",
		"{{ self.x() }}":                            "not available",
		"{{ self }}":                                "self is not available",
		"{{ namespace(a=1) }}":                      "not available",
		"{{ x.format(1) }}":                         "the method format is not available",
		"{{ x.__class__.mro() }}":                   "the method mro is not available",
		"{% for x in y recursive %}{% endfor %}":    "recursive loops are not available",
		"{% for a, b, c in y %}{% endfor %}":        "two with a comma",
		"{% set x.y = 1 %}":                         "set takes a plain name",
		"{% set loop = 1 %}":                        "loop cannot be set",
		"{{ title":                                  "line 1",
		"{% if x %}\n\n":                            "expected tag elif or else or endif",
		"x\n{% endif %}":                            "line 2: tag 'endif' not found",
		"{% if %}x{% endif %}":                      "line 1",
		"{{ }}":                                     "line 1",
		"{{ a b }}":                                 "line 1",
		"{{ a ? b }}":                               "has no meaning here",
		"{{ a; b }}":                                "has no meaning here",
		"{{ 'a }}":                                  "cannot be read",
		"{{ (a }}":                                  "line 1",
		"{# a":                                      "cannot be read",
		"{{ a[ }}":                                  "line 1",
		"{{ a[] }}":                                 "a key is missing",
		"{{ a in }}":                                "line 1",
		strings.Repeat("x", jinja.MaxSource+1):      "is longer than 16384 bytes",
		strings.Repeat("{% if a %}{% endif %}", 10_000):                         "is longer than",
		strings.Repeat("{% if a %}", 51) + strings.Repeat("{% endif %}", 51):    "goes deeper than 50 levels",
		strings.Repeat("{% for a in b %}", 51):                                  "goes deeper than 50 levels",
		"{{ " + strings.Repeat("(", 51) + "1" + strings.Repeat(")", 51) + " }}": "goes deeper than 50 levels",
		"{{ " + strings.Repeat("[", 5000):                                       "goes deeper than 50 levels",
	} {
		t.Run(source[:min(len(source), 40)], func(t *testing.T) {
			t.Parallel()
			got, err := render(t, source, jinja.Mode{})
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%.60q: got %q, %v, want an error with %q", source, got.Text, err, want)
			}
		})
	}
}

func TestMissing(t *testing.T) {
	t.Parallel()
	for source, want := range map[string][]string{
		"{{ title }}{% if labels.nope %}x{% endif %}{{ nope|default('x') }}": nil,
		"{{ nope }} {{ nope }} {{ labels.nope.more }} {{ nope2|upper }}":     {"nope", "labels.nope.more", "nope2"},
		"{% if sevrity %}x{% endif %}":                                       {"sevrity"},
		"{% if nope is defined %}x{% endif %}{{ nope == 1 }}":                nil,
		"{% for a in alertz %}{% endfor %}{{ 'a' ~ labels['x'] }}":           {"alertz", "labels.x"},
		"{% for a in alerts %}{{ a.labels.mount }}{% endfor %}":              {"a.labels.mount"},
		"{{ list[7] }}": {"list.7"},
	} {
		got, err := render(t, source, jinja.Mode{})
		if err != nil {
			t.Fatalf("%s: %v", source, err)
		}
		if diff := cmp.Diff(want, got.Missing); diff != "" {
			t.Errorf("%s (-want +got)\n%s", source, diff)
		}
	}
}

// TestEscape: every output passes the escaping once, and nothing turns it off.
func TestEscape(t *testing.T) {
	t.Parallel()
	m := jinja.Mode{Escape: html.EscapeString}
	for source, want := range map[string]string{
		"<b>{{ title }}</b>":                                                         "<b>Disk full on &lt;db-1&gt;</b>",
		"{{ title|escape }}{{ title|e }}":                                            "Disk full on &lt;db-1&gt;Disk full on &lt;db-1&gt;",
		"{{ '<i>' }}{{ ['<i>'] }}":                                                   "&lt;i&gt;[&#39;&lt;i&gt;&#39;]",
		"{% set x %}<b>{{ title }}</b>{% endset %}{{ x }}":                           "<b>Disk full on &lt;db-1&gt;</b>",
		"{% set x %}{{ '<' }}{% endset %}{{ x|replace('&lt;', '<') }}":               "&lt;",
		"{% filter replace('&lt;', '<') %}{{ '<i>' }}{% endfilter %}":                "&lt;i&gt;",
		"{% filter lower %}{% set x %}{{ '<I>' }}{% endset %}{{ x }}{% endfilter %}": "&lt;i&gt;",
		"{{ '<a>'|tojson }}":                                                         "&#34;\\u003ca\\u003e&#34;",
		"{{ '&lt;'|forceescape }}":                                                   "&amp;amp;lt;",
	} {
		got, err := render(t, source, m)
		if err != nil {
			t.Fatalf("%s: %v", source, err)
		}
		if got.Text != want {
			t.Errorf("%s: got %q, want %q", source, got.Text, want)
		}
	}
	inJSON := func(s string) string {
		b, _ := json.Marshal(s)
		return string(b[1 : len(b)-1])
	}
	got, err := render(t, `{"t": "{{ title }} \" {{ '"' }}", "l": {{ labels|tojson }}, "u": {{ title|tojson }}{% set x = alerts|tojson %}, "x": {{ x }}}`,
		jinja.Mode{Escape: inJSON, JSON: true})
	if err != nil {
		t.Fatal(err)
	}
	var back map[string]any
	if err := json.Unmarshal([]byte(got.Text), &back); err != nil || back["t"] != `Disk full on <db-1> " "` || back["u"] != sample()["title"] {
		t.Errorf("%v: %s", err, got.Text)
	}
}

func TestPlain(t *testing.T) {
	t.Parallel()
	in := map[string]any{
		"i": 3, "f": 3.0, "g": 2.5, "n": json.Number("7"), "big": json.Number("1e400"), "raw": json.RawMessage(`{"a":[1,2.5,"x"]}`),
		"m": map[string]string{"k": "v\x00"}, "s": []string{"a"}, "bad": func() {}, "struct": struct{ A int }{4},
	}
	want := map[string]any{
		"i": int64(3), "f": int64(3), "g": 2.5, "n": int64(7), "big": "1e400", "raw": map[string]any{"a": []any{int64(1), 2.5, "x"}},
		"m": map[string]any{"k": "v?"}, "s": []any{"a"}, "bad": nil, "struct": map[string]any{"A": int64(4)},
	}
	got := jinja.Plain(in, func(s string) string { return strings.ReplaceAll(s, "\x00", "?") })
	if diff := cmp.Diff(any(want), got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	deep := any("x")
	for range 100 {
		deep = []any{deep}
	}
	jinja.Plain(deep, nil)
}
