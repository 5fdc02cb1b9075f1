package redact_test

import (
	"encoding/json"
	"testing"

	"github.com/incidenthub/incidenthub/internal/platform/redact"
)

func TestEmails(t *testing.T) {
	t.Parallel()
	plain := redact.New("hub-canary-1")
	r := plain.WithEmails()
	for in, want := range map[string]string{
		"ask bob.o'neil+x@mail.example.com.":        "ask [redacted:email].",
		"(a_b@example.org), <c-d@例え.jp>":            "([redacted:email]), <[redacted:email]>",
		"q=bob%40example.com&n=1 mailto:a@b.co?s=x": "q=[redacted:email]&n=1 mailto:[redacted:email]?s=x",
		"josé@example.com":                          "[redacted:email]",
		"root@db-1 on 10.0.0.7, app@10.0.0.7":       "",
		"getty@tty1.service failed, pkg@1.2.3":      "",
		"clone ssh://git@github.com/x":              "",
		"http://registry:8080/@scope/pkg a@b @x.io": "",
		"disk /var at 91.5 % (100%40)":              "",
		"x hub-canary-1 y":                          "x [redacted:secret] y",
	} {
		if want == "" {
			want = in
		}
		got := r.Text(in)
		if got != want || r.Text(got) != got {
			t.Errorf("Text(%q)\n got %q\nwant %q, again %q", in, got, want, r.Text(got))
		}
	}
	if got := plain.Text("ask bob@example.com"); got != "ask bob@example.com" {
		t.Errorf("without being asked to: %q", got)
	}
	plain.Know([]string{"hub-canary-2"})
	if got := string(r.Document(json.RawMessage(`{"by":"bob@example.com","x":"hub-canary-2"}`), 0)); got != `{"by":"[redacted:email]","x":"[redacted:secret]"}` {
		t.Errorf("a document, with secrets that came later: %s", got)
	}
	r.Know([]string{"hub-canary-3"})
	if got := plain.Text("hub-canary-3"); got != "[redacted:secret]" {
		t.Errorf("both know the same: %q", got)
	}
}
