package channel_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

func TestRedactorText(t *testing.T) {
	t.Parallel()
	r := channel.NewRedactor("hunter22", "hunter22-long", "abc", "")
	for in, want := range map[string]string{
		"":                                "",
		"all is well":                     "all is well",
		"got hunter22-long and hunter22!": "got *** and ***!",
		"abc stays: too short to hide":    "abc stays: too short to hide",
		"see https://u:p@h.example/x?a=1": "see https://***@h.example/x?a=1",
		"see http://h/?token=s3cr3t&b=2":  "see http://h/?token=***&b=2",
		`{"api_key": "k1", "n": 2}`:       `{"api_key": "***", "n": 2}`,
		"Authorization: Bearer abcdef123": "Authorization: Bearer ***",
		"a\x1b[31mb\u202ec\x00d\xffe\nf":  "a [31mb c d\ufffde\nf",
	} {
		if got := r.Text(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	if got := (channel.Redactor{}).Text("token=x"); got != "token=***" {
		t.Errorf("the zero Redactor: %q", got)
	}
}

func TestRedactorAnswer(t *testing.T) {
	t.Parallel()
	secret := strings.Repeat("s", 40)
	r := channel.NewRedactor(secret)
	if got := r.Answer([]byte("  ok\n")); got != "ok" {
		t.Errorf("got %q", got)
	}
	for at := channel.MaxAnswer - 60; at < channel.MaxAnswer+20; at++ {
		got := r.Answer([]byte(strings.Repeat("é", at/2) + " " + secret + strings.Repeat("x", 9000)))
		if len(got) > channel.MaxAnswer || !utf8.ValidString(got) || !strings.HasSuffix(got, "…") || strings.Contains(got, "sss") {
			t.Fatalf("secret at %d: %d bytes, end %q", at, len(got), got[len(got)-20:])
		}
	}
}
