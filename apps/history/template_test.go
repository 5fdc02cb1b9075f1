package history

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTemplate(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ in, want string }{
		"numbers":      {"Disk usage is 91.4% (threshold 90%), 12 GB left", "disk usage is <num> threshold <num> gb left"},
		"addresses":    {"10.1.2.3:9100 and fe80::1 refuse, net 10.0.0.0/8", "<ip> and <ip> refuse net <ip>"},
		"paths":        {"cannot write /var/lib/pg/base/7: No space left on device", "cannot write <path> no space left on device"},
		"quoted":       {`job "nightly-7" said 'no such file' for user's data`, "job <str> said <str> for user's data"},
		"ids":          {"pod api-7d9f8b6c5d-x2v9q 019aa000-0000-7000-8000-000000000001 0xdeadbeef 4711abcd99", "pod <id>"},
		"times":        {"since 2026-11-21T10:00:00Z for 5m30s, 1h", "since <num> for <num>"},
		"links":        {"see https://x.example.com/a/7 or mail ops@example.com", "see <url> or mail <mail>"},
		"words stay":   {"HTTP/2 errors on k8s, S3 and ipv6", "<path> errors on k8s s3 and ipv6"},
		"first lines":  {"\n\nDisk is nearly full\nclean it up soon\nthird line is cut", "disk is nearly full clean it up soon"},
		"nothing":      {" \x00\n-- \t", ""},
		"no UTF-8":     {"a\xffb", "a b"},
		"one long one": {strings.Repeat("x", 5000), ""},
	} {
		if got := Template(tt.in); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
	if a, b := Template("conn 17 from 10.0.0.9 timed out after 30s"), Template("conn 4 from 10.7.0.1 timed out after 5s"); a != b {
		t.Errorf("the same message differs: %q, %q", a, b)
	}
}

func FuzzTemplate(f *testing.F) {
	f.Add("Disk usage is 91% on /dev/sda1 'x")
	f.Fuzz(func(t *testing.T, s string) {
		if got := Template(s); len(got) > maxTemplate || !utf8.ValidString(got) || strings.ContainsAny(got, "\n\x01") {
			t.Errorf("Template(%q) = %q", s, got)
		}
	})
}
