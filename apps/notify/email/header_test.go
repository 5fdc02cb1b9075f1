package email_test

import (
	"mime"
	"net/mail"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/email"
)

// FuzzHeader: any line comes out of a header as it went in, which stays one header of short lines in ASCII.
func FuzzHeader(f *testing.F) {
	for _, s := range []string{
		"", "[CRITICAL] DiskFull on db-1:9100", strings.Repeat("word ", 60) + "end", strings.Repeat("x", 1000), "two  spaces", " at the edge ", "ümläut 🔥",
		strings.Repeat("🔥", 50), "=?utf-8?q?=E2=80=AEevil?=", "a =?x?= b", hostile, "\xff\xfe", "tab\tand\x7f",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		s = channel.VisibleLine(s)
		header := email.Encoded(s)
		for line := range strings.SplitSeq("Subject: "+header, "\r\n") {
			if len(line) > 998 || strings.ContainsAny(line, "\r\n\x00") || strings.ContainsFunc(line, func(r rune) bool { return r >= utf8.RuneSelf }) {
				t.Fatalf("line %q", line)
			}
		}
		m, err := mail.ReadMessage(strings.NewReader("Subject: " + header + "\r\nX-After: 1\r\n\r\n"))
		if err != nil || len(m.Header) != 2 {
			t.Fatalf("%v %v", m, err)
		}
		got, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
		if err != nil || got != s {
			t.Errorf("%q came out as %q (%v)", s, got, err)
		}
	})
}

const hostile = "<script>alert(1)</script> \r\nBcc: evil@example.com \x1b[31m \u202egnp.exe"
