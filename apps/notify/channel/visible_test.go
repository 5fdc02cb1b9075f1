package channel_test

import (
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

func TestVisible(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 10_000)
	for in, want := range map[string]string{
		"":                      "",
		"two\r\nlines\n\tthree": "two\nlines\n    three",
		"a\x1b[31mb\u202ec\x00": `a\u001b[31mb\u202ec\u0000`,
		"zero\u200bwidth\rback": `zero\u200bwidth\rback`,
		"ünïcödé 🔥":             "ünïcödé 🔥",
		"broken \xff end":       "broken \ufffd end",
		long + "\x1b":           long + `\u001b`,
	} {
		if got := channel.Visible(in); got != want {
			t.Errorf("%.40q: got %.200q, want %.200q", in, got, want)
		}
		if got := channel.VisibleLine(in); strings.ContainsAny(got, "\r\n\t\x1b\u202e") {
			t.Errorf("one line: %.200q", got)
		}
	}
	if got := channel.VisibleLine("a\r\n b\tc"); got != "a b c" {
		t.Errorf("got %q", got)
	}
}
