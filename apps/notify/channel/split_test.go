package channel_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

func TestSplit(t *testing.T) {
	t.Parallel()
	entity := regexp.MustCompile(`&(?:amp|lt|gt);|<[^<>]*>`)
	for name, tt := range map[string]struct {
		in    string
		limit int
		want  []string
	}{
		"nothing":          {"", 10, nil},
		"short":            {"ab", 10, []string{"ab"}},
		"exactly":          {"abcdefghij", 10, []string{"abcdefghij"}},
		"at a line":        {"abcdef\nghij\nk", 10, []string{"abcdef", "ghij\nk"}},
		"at the very end":  {"abcdefghij\nk", 10, []string{"abcdefghij", "k"}},
		"at a space":       {"abcdefgh ijklm", 10, []string{"abcdefgh", "ijklm"}},
		"an early line":    {"a\nbcdefghijkl", 10, []string{"a\nbcdefghi", "jkl"}},
		"nowhere":          {"abcdefghijklm", 10, []string{"abcdefghij", "klm"}},
		"not in an entity": {"abcdefg&amp;h", 10, []string{"abcdefg", "&amp;h"}},
		"not in a link":    {"abcdef<u| x>h", 10, []string{"abcdef", "<u| x>h"}},
		"a link too long":  {"<0123456789012>", 10, []string{"<012345678", "9012>"}},
		"emoji are 2":      {"😀😀😀", 4, []string{"😀😀", "😀"}},
		"not in a letter":  {"äöüäöü", 4, []string{"äöüä", "öü"}},
		"empty lines":      {"abcdefgh\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\nx", 10, []string{"abcdefgh\n\n", "\n\n\n\n\n\n\n\nx"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, channel.Split(tt.in, tt.limit, entity)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func FuzzSplit(f *testing.F) {
	f.Add("a b\nc &amp; <http://x|y z> \xff😀", uint8(5))
	f.Add(strings.Repeat("<", 300), uint8(2))
	whole := regexp.MustCompile(`&(?:amp|lt|gt);|<[^<>]*>`)
	f.Fuzz(func(t *testing.T, s string, limit uint8) {
		pieces := channel.Split(s, int(limit), whole)
		for _, p := range pieces {
			if channel.Units(p) > max(int(limit), 2) {
				t.Errorf("%q is longer than %d", p, limit)
			}
		}
		plain := func(s string) string { return strings.Join(strings.Fields(s), "") }
		if got, want := plain(strings.Join(pieces, " ")), plain(s); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestCut(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": "", " a ": "a", "abcdefghij": "abcdefghij", "abcdefghijk": "abcdefghi…", "abcde\nfghijk": "abcde…", "abcdef&amp;hijk": "abcdef…",
	} {
		if got := channel.Cut(in, 10, regexp.MustCompile(`&amp;`)); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
