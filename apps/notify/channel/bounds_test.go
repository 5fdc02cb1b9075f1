package channel_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

func TestParts(t *testing.T) {
	t.Parallel()
	fifty := strings.Repeat("0123456789", 5)
	for name, tt := range map[string]struct {
		b         channel.Bounds
		text, end string
		want      []string
		left      int
	}{
		"nothing":         {channel.Bounds{Limit: 10}, " ", "", nil, 0},
		"an end alone":    {channel.Bounds{Limit: 10}, "", "end", []string{"end"}, 0},
		"both":            {channel.Bounds{Limit: 10}, " a ", " end ", []string{"a\n\nend"}, 0},
		"as many as may":  {channel.Bounds{Limit: 50, Most: 2}, fifty + "\n" + fifty, "", []string{fifty, fifty}, 0},
		"one too many":    {channel.Bounds{Limit: 50, Most: 2}, fifty + fifty + "x", "", []string{fifty, fifty[:19] + "\n\n… 32 characters are left out."}, 32},
		"the end stays":   {channel.Bounds{Limit: 50, Most: 2}, fifty + fifty, "links", []string{fifty, fifty[:12] + "\n\n… 38 characters are left out.\n\nlinks"}, 38},
		"too long an end": {channel.Bounds{Limit: 50, Most: 2}, "a", strings.Repeat("x", 120), []string{"a\n\n" + strings.Repeat("x", 47), strings.Repeat("x", 19) + "\n\n… 54 characters are left out."}, 54},
		"where":           {channel.Bounds{Limit: 160, Most: 1, Where: "https://a.example"}, strings.Repeat(fifty, 4), "", []string{strings.Repeat(fifty, 4)[:99] + "\n\n… 101 characters are left out. All of it: https://a.example"}, 101},
		"too long there":  {channel.Bounds{Limit: 50, Most: 1, Where: "https://a.example"}, fifty + "x", "", []string{fifty[:19] + "\n\n… 32 characters are left out."}, 32},
		"bytes":           {channel.Bounds{Limit: 50, Most: 1, Bytes: true}, strings.Repeat("ä", 26), "", []string{strings.Repeat("ä", 8) + "\n\n… 18 characters are left out."}, 18},
		"as it is read":   {channel.Bounds{Limit: 50, Most: 1, Read: func(s string) int { return strings.Count(s, "<") }}, strings.Repeat("<<", 26), "", []string{strings.Repeat("<", 19) + "\n\n… 33 characters are left out."}, 33},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, left := tt.b.Parts(tt.text, tt.end)
			if diff := cmp.Diff(tt.want, got); diff != "" || left != tt.left {
				t.Errorf("%d left, want %d (-want +got)\n%s", left, tt.left, diff)
			}
		})
	}
	if channel.LeftOut(0) != "" || channel.LeftOut(7) != "it was too long for 10 messages: 7 characters were left out" {
		t.Errorf("%q, %q", channel.LeftOut(0), channel.LeftOut(7))
	}
}

// FuzzParts: never too many, never too long, never cut without saying so.
func FuzzParts(f *testing.F) {
	f.Add("a b\nc &amp; <http://x|y z> \xff😀", "end", uint8(3), uint8(90), true)
	f.Add(strings.Repeat("<😀 \n", 300), strings.Repeat("e", 99), uint8(2), uint8(60), false)
	whole := regexp.MustCompile(`&(?:amp|lt|gt);|<[^<>]*>`)
	f.Fuzz(func(t *testing.T, text, end string, most, limit uint8, bytes bool) {
		text, end = strings.ToValidUTF8(text, "?"), strings.ToValidUTF8(end, "?")
		b := channel.Bounds{Limit: max(int(limit), 100), Most: 1 + int(most)%12, Whole: whole, Bytes: bytes, Where: "https://a.example/"}
		parts, left := b.Parts(text, end)
		if len(parts) > b.Most {
			t.Errorf("%d parts, at most %d", len(parts), b.Most)
		}
		for _, p := range parts {
			if n := channel.Units(p); !bytes && n > b.Limit || bytes && len(p) > b.Limit {
				t.Errorf("%q is longer than %d", p, b.Limit)
			}
		}
		all, plain := strings.Join(parts, " "), func(s string) string { return strings.Join(strings.Fields(s), "") }
		whole := plain(text + " " + end)
		if left == 0 {
			if plain(all) != whole {
				t.Errorf("got %q, want %q", all, text+" "+end)
			}
			return
		}
		if !strings.Contains(all, " characters are left out.") {
			t.Errorf("%d left out of %q, and it does not say so", left, all)
		}
		if kept, _, _ := strings.Cut(plain(all), "…"); strings.Count(text+end, "…") == 0 && !strings.HasPrefix(whole, kept) {
			t.Errorf("%q is no beginning of %q", kept, whole)
		}
		if n := utf8.RuneCountInString(text + end); left > n {
			t.Errorf("%d of %d left out", left, n)
		}
	})
}
