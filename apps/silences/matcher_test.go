package silences_test

import (
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/silences"
)

func TestParseMatcher(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`foo=bar`:                               `foo="bar"`,
		` foo  =  bar `:                         `foo="bar"`,
		`foo="bar baz"`:                         `foo="bar baz"`,
		`instance=~"a|b"`:                       `instance=~"a|b"`,
		`instance=~web.*`:                       `instance=~"web.*"`,
		`foo!~"\d+\.\\d"`:                       `foo!~"\\d+\\.\\d"`,
		`foo=~"(?i)web-[0-9]{1,3}"`:             `foo=~"(?i)web-[0-9]{1,3}"`,
		`foo=~"[^/]{200}/(a|b){40}"`:            `foo=~"[^/]{200}/(a|b){40}"`,
		`foo!=`:                                 `foo!=""`,
		`foo=""`:                                `foo=""`,
		`"with space"="x"`:                      `"with space"="x"`,
		`größe="ü"`:                             `größe="ü"`,
		`"a\"b"="c\nd"`:                         `"a\"b"="c\nd"`,
		`foo="a,b={}"`:                          `foo="a,b={}"`,
		`alertname=Disk_full-2/3:x@y[1]`:        `alertname="Disk_full-2/3:x@y[1]"`,
		`foo="C:\temp\users\r\u12"`:             `foo="C:\\temp\\users\\r\\u12"`,
		`foo="\\u202e"`:                         `foo="\\u202e"`,
		`foo="\u202ea\u{1F600}\u000d"`:          `foo="\u202ea😀\u000d"`,
		`foo="\u{}\u{110000}\ud800\u{-1}\u{d"`:  `foo="\\u{}\\u{110000}\\ud800\\u{-1}\\u{d"`,
		"foo=a\u202eb":                          `foo="a\u202eb"`,
		"a\u200bb=\"\r\t\x1b\u00a0\U000e0001\"": `"a\u200bb"="\u000d\u0009\u001b\u00a0\u{e0001}"`,
	} {
		t.Run(in, func(t *testing.T) {
			t.Parallel()
			m, err := silences.ParseMatcher(in)
			if err != nil {
				t.Fatal(err)
			}
			if m.String() != want {
				t.Errorf("read as %s, want %s", m.String(), want)
			}
			if again, err := silences.ParseMatcher(m.String()); err != nil || again.String() != want {
				t.Errorf("written and read again: %s, %v", again.String(), err)
			}
		})
	}
}

func TestBadMatchers(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]struct {
		at  int
		why string
	}{
		"":                   {0, "name is missing"},
		"foo":                {3, "one of = != =~ !~"},
		"foo bar":            {4, "one of = != =~ !~"},
		`=x`:                 {0, "put quotes around it"},
		`foo="x`:             {4, "never closed"},
		`foo=a b`:            {6, "put quotes around it"},
		`a=b,c=d`:            {3, "one text is one matcher"},
		`{a="b"}`:            {0, "put quotes"},
		`ü=~"(x"`:            {3, "missing closing )"},
		"a=\xff":             {0, "not UTF-8"},
		`a=~"x{2000}"`:       {3, "repeat count"},
		`a=~"x)|(y"`:         {3, "unexpected )"},
		`a=~"(x{100}){100}"`: {3, "repeat count"},
		`a=~"(` + strings.Repeat("x{1000}", 9) + `)?"`: {3, "too large"},
		"a=" + strings.Repeat("x", 4097):               {2, "more than 4096 bytes"},
		strings.Repeat("x", 201) + "=a":                {0, "more than 200 characters"},
	} {
		t.Run(in[:min(len(in), 20)], func(t *testing.T) {
			t.Parallel()
			_, err := silences.ParseMatcher(in)
			bad := (*silences.SyntaxError)(nil)
			if !errors.As(err, &bad) || bad.At != want.at || !strings.Contains(bad.Why, want.why) {
				t.Errorf("%v (%+v), want at %d: %s", err, bad, want.at, want.why)
			}
		})
	}
}

func TestMatchers(t *testing.T) {
	t.Parallel()
	a := &event.Alert{
		Name: "Disk", Severity: event.SeverityCritical, Source: "grafana", Labels: map[string]string{"instance": "web-1", "empty": "", "severity": "page"},
	}
	for name, tt := range map[string]struct {
		in   []string
		want bool
		bad  map[int]string // beginnings
	}{
		"equal":                    {in: []string{`instance=web-1`}, want: true},
		"another value":            {in: []string{`instance=web-2`}},
		"anchored":                 {in: []string{`instance=~web`}},
		"whole":                    {in: []string{`instance=~"web-[12]"`}, want: true},
		"alternatives as a whole":  {in: []string{`instance=~"x|web-1"`}, want: true},
		"all must hold":            {in: []string{`instance=web-1`, `alertname=Memory`}},
		"by name":                  {in: []string{`alertname=Disk`}, want: true},
		"a label before the field": {in: []string{`severity=page`}, want: true},
		"a field behind a label":   {in: []string{`severity=critical`}},
		"by source":                {in: []string{`source=grafana`}, want: true},
		"missing is empty":         {in: []string{`alertname=Disk`, `job=""`}, want: true},
		"empty is empty":           {in: []string{`alertname=Disk`, `empty=`}, want: true},
		"not equal":                {in: []string{`alertname=Disk`, `job!=backup`}, want: true},
		"not like":                 {in: []string{`alertname=Disk`, `instance!~"web-.*"`}},
		"none":                     {bad: map[int]string{-1: "give at least one"}},
		"nothing but empty":        {in: []string{`job=""`}, bad: map[int]string{-1: "all match an empty value"}},
		"whatever":                 {in: []string{`job=~".*"`, `x!=y`}, bad: map[int]string{-1: "all match an empty value"}},
		"broken":                   {in: []string{`a=b`, `a`}, bad: map[int]string{1: "one of ="}},
		"too many":                 {in: make([]string, 51), bad: map[int]string{-1: "are 51, at most 50"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ms, bad := silences.ParseMatchers(tt.in)
			if len(bad) != len(tt.bad) {
				t.Fatalf("problems %v, want %v", bad, tt.bad)
			}
			for i, want := range tt.bad {
				if !strings.HasPrefix(bad[i], want) {
					t.Errorf("problem %d: %q, want %q", i, bad[i], want)
				}
			}
			if got := len(bad) == 0 && ms.Match(a); got != tt.want {
				t.Errorf("matches: %v, want %v", got, tt.want)
			}
		})
	}
}

func TestSuggest(t *testing.T) {
	t.Parallel()
	labels := func(kv ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i < len(kv); i += 2 {
			m[kv[i]] = kv[i+1]
		}
		return m
	}
	list := []*event.Alert{
		{Name: "Disk", Source: "grafana", Labels: labels("instance", "web-1", "job", "node", "severity", "page", "q", `a"b`)},
		{Name: "Disk", Source: "grafana", Labels: labels("instance", "web-2", "job", "node", "severity", "warn", "q", `a"b`)},
	}
	if diff := cmp.Diff([]string{`alertname="Disk"`, `job="node"`, `q="a\"b"`}, silences.Suggest(list)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{`source="x"`}, silences.Suggest([]*event.Alert{{Name: "a", Source: "x"}, {Name: "b", Source: "x"}})); diff != "" {
		t.Error(diff)
	}
	if got := silences.Suggest(nil); got != nil {
		t.Errorf("%q for nothing", got)
	}
	ms, bad := silences.ParseMatchers(silences.Suggest(list))
	if len(bad) > 0 || !ms.Match(list[0]) || !ms.Match(list[1]) {
		t.Errorf("what is suggested does not match: %v", bad)
	}
}

// TestAnyValue: whatever is in the labels of an alert, what is suggested for it is read back, matches it, and survives a line of a form.
func TestAnyValue(t *testing.T) {
	t.Parallel()
	values := []string{
		"\x1b[31mred\x1b[0m", "a\u202egnp.exe\u202c", "CR\rLF\r\n", "\ttab\t", " edges ", `\`, `\\`, `\"`, `"`, `\n`, "\n", `\u202e`, `\\u{202e}`, `\u`, `C:\users\new`,
		"\x00", "\u00a0", "\u2028\u2029\u0085", "\u200d\ufe0f\u3164\u115f\u00ad", "\U000e0001", "\ufffd", "{a=b,c!~d}", "'`", "=~", "ü 日本 עברית 😀", strings.Repeat("\x1b", 4096),
	}
	for r := rune(1); r < 0x30000; r += 7 {
		if utf8.ValidRune(r) {
			values = append(values, string(r)+"x"+string(r))
		}
	}
	for _, v := range values {
		a := &event.Alert{Name: v, Source: "s", Labels: map[string]string{"plain": v}}
		if len(v) < 100 {
			a.Labels[v] = v
			a.Labels["x"+v] = "y"
		}
		texts := silences.Suggest([]*event.Alert{a})
		form := strings.Split(strings.Join(texts, "\n"), "\n")
		for i := range form {
			form[i] = strings.TrimSpace(form[i])
		}
		if diff := cmp.Diff(texts, form); diff != "" {
			t.Errorf("%q is not as it was after a form: %s", v, diff)
		}
		ms, bad := silences.ParseMatchers(form)
		if len(bad) > 0 || !ms.Match(a) || len(texts) < 2 {
			t.Errorf("%q: %q does not match it: %v", v, texts, bad)
		}
		for _, text := range texts {
			if at := strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }); at >= 0 {
				t.Errorf("%q: %q holds what nobody sees", v, text)
			}
			m, err := silences.ParseMatcher(text)
			if err != nil || m.Value != v && m.Value != "y" {
				t.Errorf("%q is read as %q: %v", v, m.Value, err)
			}
		}
	}
}

func TestWritten(t *testing.T) {
	t.Parallel()
	in := []string{"a=b", "a=b\u202ec", "broken \u202e", `a =~ "x"`}
	if diff := cmp.Diff([]string{"a=b", `a="b\u202ec"`, "broken \u202e", `a =~ "x"`}, silences.Written(in)); diff != "" {
		t.Error(diff)
	}
}

func FuzzMatcher(f *testing.F) {
	for _, s := range []string{`a=b`, `a="\u202e\u{1b}\\"`, "a=\"\r\x1b\u200b\"", `a=~"x|y"`, `"ü"!~'`, `a="\`, "{a=b}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := silences.ParseMatcher(s)
		if err != nil {
			return
		}
		if strings.IndexFunc(m.String(), func(r rune) bool { return !unicode.IsPrint(r) }) >= 0 {
			t.Errorf("%q is written as %q, which hides characters", s, m.String())
		}
		again, err := silences.ParseMatcher(m.String())
		if err != nil || again.Name != m.Name || again.Op != m.Op || again.Value != m.Value {
			t.Errorf("%q is written as %q and read as %+v, %v", s, m.String(), again, err)
		}
	})
}
