package prompt

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCut(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		in    string
		limit int
		want  string
	}{
		"short":      {"abc", 3, "abc"},
		"a label":    {strings.Repeat("a", 30), 25, strings.Repeat("a", 11) + "[cut 19 chars]"},
		"no room":    {"abcdefgh", 2, "[cut 8 chars]"},
		"both ends":  {strings.Repeat("a", 300) + strings.Repeat("b", 300), 400, strings.Repeat("a", 289) + "[cut 215 chars]" + strings.Repeat("b", 96)},
		"characters": {strings.Repeat("ü", 20), 31, "üüüüüüüü" + "[cut 12 chars]"},
		"a mark":     {strings.Repeat("a", 10) + "[redacted:password]" + strings.Repeat("b", 20), 35, strings.Repeat("a", 10) + "[cut 39 chars]"},
		"a mark, at the end": {
			strings.Repeat("a", 700) + "[redacted:password]" + strings.Repeat("b", 90), 400, strings.Repeat("a", 289) + "[cut 430 chars]" + strings.Repeat("b", 90),
		},
		"an open mark": {"[redacted:" + strings.Repeat("a", 300), 40, "[redacted:aaaaaaaaaaaaaaa[cut 285 chars]"},
	} {
		if got := Cut(tt.in, tt.limit); got != tt.want {
			t.Errorf("%s: Cut(%q, %d)\n got %q\nwant %q", name, tt.in, tt.limit, got, tt.want)
		}
	}
}

func FuzzCut(f *testing.F) {
	f.Add("üüüüüüüüüüüüüüü[redacted:password]", 30)
	f.Add(strings.Repeat("[redacted:aws_key]", 40), 300)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		limit = max(0, limit) % 4000
		s = strings.ToValidUTF8(s, "?")
		got := Cut(s, limit)
		if len(got) > max(limit, len("[cut 1234567890 chars]")) || !utf8.ValidString(got) {
			t.Errorf("Cut(%q, %d) = %q, %d bytes", s, limit, got, len(got))
		}
		if len(s) <= limit && got != s {
			t.Errorf("Cut(%q, %d) = %q", s, limit, got)
		}
	})
}
