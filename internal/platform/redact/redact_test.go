package redact_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/platform/redact"
)

// Made-up values in the form of real ones; put together here so that scanners of this repository find none.
var (
	aws    = "AKIA" + "IOSFODNN7EXAMPLE"
	jwt    = "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
	github = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
	slack  = "xoxb-" + "17653672481-19874698323-pdFZKVeTuE8sk7oOcHrzqqgy"
	google = "AIza" + "SyDaGmWKa4JsXZ-HjGw7ISLn_3namBGewQe"
	openai = "sk-proj-" + "abcdefghijklmnopqrstuvwx1234567890"
	pem    = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA75Hr\nq0b3Zcanary\n-----END RSA PRIVATE KEY-----"
)

func TestText(t *testing.T) {
	t.Parallel()
	r := redact.New("hunter22-of-the-hub", "s3cr", "https://hooks.example.com/T0/B0/abcdef", "a&b<c>dé long")
	for name, tt := range map[string]struct{ in, want string }{
		"nothing":              {"disk /var/lib is 91.5 % full on db-1.example.com (10.0.0.7:5432)", ""},
		"times":                {"at 2026-11-21T10:00:00.123456Z took 1732183200123456 ns, id 550e8400-e29b-41d4-a716-446655440000", ""},
		"error chain":          {`Post "https://api.example.com:8443/v1/x": dial tcp 10.0.0.7:443: connect: connection refused`, ""},
		"speech":               {"token: invalid, password: required; Basic authentication failed, bearer authentication is off, secret=none", ""},
		"not secrets":          {"max_tokens: 4096 token_count=12 key: value secret_name=db password_file=/run/secrets/db PWD=/srv pass: 12", ""},
		"aws":                  {"key " + aws + " leaked", "key [redacted:aws_key] leaked"},
		"jwt":                  {"got " + jwt + ".", "got [redacted:jwt]."},
		"bearer jwt":           {"Authorization: Bearer " + jwt, "Authorization: [redacted:authorization]"},
		"github":               {github, "[redacted:github_token]"},
		"slack":                {"(" + slack + ")", "([redacted:slack_token])"},
		"slack hook":           {"https://hooks.slack.com/services/T000/B000/XXXXyyyy failed", "https://hooks.slack.com/services/[redacted:slack_hook] failed"},
		"google":               {google, "[redacted:google_key]"},
		"openai":               {openai, "[redacted:api_key]"},
		"words with sk-":       {"task-runner-of-the-long-name disk-usage-monitor-collector-agent", ""},
		"private key":          {"key:\n" + pem + "\nend", "key:\n[redacted:private_key]\nend"},
		"private key, cut":     {pem[:60], "[redacted:private_key]"},
		"private key in JSON":  {strings.ReplaceAll(pem, "\n", `\n`) + ` x`, "[redacted:private_key] x"},
		"certificate":          {"-----BEGIN CERTIFICATE-----", ""},
		"bearer":               {"sent Bearer abc123def456 to it", "sent Bearer [redacted:bearer] to it"},
		"basic":                {"Basic " + base64.StdEncoding.EncodeToString([]byte("user:canary99")), "Basic [redacted:basic]"},
		"pair":                 {"user=bob password=hunter2 host=db", "user=bob password=[redacted:password] host=db"},
		"pair, colon":          {"token: abc123", "token: [redacted:token]"},
		"pair, prefix":         {"DB_PASSWORD=x1y2 GITHUB_TOKEN='q w e' client-secret => zz9", "DB_PASSWORD=[redacted:password] GITHUB_TOKEN='[redacted:token]' client-secret => [redacted:secret]"},
		"camel case":           {"apiKey=zzz, accessToken: yyy9", "apiKey=[redacted:api_key], accessToken: [redacted:token]"},
		"query":                {"GET /x?api_key=abc&n=1&token=def&sig=a%2Bb", "GET /x?api_key=[redacted:api_key]&n=1&token=[redacted:token]&sig=[redacted:signature]"},
		"JSON":                 {`{"password": "a \" b", "n": 1}`, `{"password": "[redacted:password]", "n": 1}`},
		"JSON in JSON":         {`{\"password\":\"a b\",\"n\":1}`, `{\"password\":\"[redacted:password]\",\"n\":1}`},
		"JSON in JSON in JSON": {`{\\\"secret\\\":\\\"a b\\\",\\\"n\\\":1}`, `{\\\"secret\\\":\\\"[redacted:secret]\\\",\\\"n\\\":1}`},
		"flag":                 {"mysql --password hunter2 -u root --verbose", "mysql --password [redacted:password] -u root --verbose"},
		"cookie":               {"Cookie: a=b; c=d\nHost: x", "Cookie: [redacted:cookie]\nHost: x"},
		"authorization":        {"curl -H 'Authorization: Basic dXNlcjpwYXNz' https://x", "curl -H 'Authorization: [redacted:authorization]' https://x"},
		"authorization, text":  {"authorization: failed for bob", ""},
		"url":                  {"postgres://app:p?ss/w0rd@db:5432/hub?x=1", "postgres://[redacted:url_credentials]@db:5432/hub?x=1"},
		"url, token":           {"https://abc123@github.com/x and ssh://git@github.com/x", "https://[redacted:url_credentials]@github.com/x and ssh://git@github.com/x"},
		"url, port and @":      {"http://registry:8080/@scope/pkg and http://[::1]:80/a@b", ""},
		"mysql":                {"dial root:pw1@tcp(db:3306)/x", "dial [redacted:url_credentials]@tcp(db:3306)/x"},
		"curl":                 {"curl -sS -u bob:hunter2 https://x && curl --user 'bob:a b' y; docker run -u 0:0 z", "curl -sS -u [redacted:url_credentials] https://x && curl --user '[redacted:url_credentials]' y; docker run -u 0:0 z"},
		"environment":          {"MYSQL_PWD=abc1 REDISCLI_AUTH=abc2 SECRET_KEY_BASE=abc3 Passwort: abc4", "MYSQL_PWD=[redacted:password] REDISCLI_AUTH=[redacted:password] SECRET_KEY_BASE=[redacted:secret] Passwort: [redacted:password]"},
		"telegram":             {"bot123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1/send", "bot123456789:[redacted:token]/send"},
		"card":                 {"paid with 4111 1111 1111 1111, or 5500005555555559", "paid with [redacted:card], or [redacted:card]"},
		"no card":              {"4111 1111 1111 1112 and 4111111111111111111 and 1.4111111111111111", ""},
		"hub's own":            {"x hunter22-of-the-hub y", "x [redacted:secret] y"},
		"hub's own, in a word": {"xhunter22-of-the-huby", "x[redacted:secret]y"},
		"hub's own, short":     {"s3cr s3cret", "[redacted:secret] s3cret"},
		"hub's own, escaped":   {"url=https%3A%2F%2Fhooks.example.com%2FT0%2FB0%2Fabcdef " + `a\u0026b\u003cc\u003edé long`, "url=[redacted:secret] [redacted:secret]"},
		"hub's own, base64":    {base64.StdEncoding.EncodeToString([]byte("hunter22-of-the-hub")), "[redacted:secret]=="},
		"marks":                {"password=[redacted:password] [redacted:aws_key]", ""},
		"marks, forged":        {"password=[redacted:x]tail", "password=[redacted:password]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.want == "" {
				tt.want = tt.in
			}
			got := r.Text(tt.in)
			if got != tt.want {
				t.Errorf("Text(%q)\n got %q\nwant %q", tt.in, got, tt.want)
			}
			if again := r.Text(got); again != got {
				t.Errorf("a second time: %q, then %q", got, again)
			}
		})
	}
}

func TestKnow(t *testing.T) {
	t.Parallel()
	var r redact.Redactor
	if got := r.Text("plain-canary-1"); got != "plain-canary-1" {
		t.Errorf("the zero value: %q", got)
	}
	r.Know([]string{"plain-canary-1", "plain", "abc", ""})
	if got := r.Text("plain-canary-1 plainly plain abc"); got != "[redacted:secret] plainly [redacted:secret] abc" {
		t.Errorf("with secrets: %q", got)
	}
	r.Know([]string{`{"X-Key":"leaf-canary-1","n":[1,"leaf-canary-2"]}`, "Bearer head-canary-1", "https://u:pass-canary-1@h/x?token=query-canary-1&q=harmless-query"})
	if got := r.Text("leaf-canary-1 leaf-canary-2 head-canary-1 pass-canary-1 query-canary-1 harmless-query"); got != strings.Repeat("[redacted:secret] ", 5)+"harmless-query" {
		t.Errorf("what is in secrets: %q", got)
	}
	r.Know([]string{"other-secret"})
	if got := r.Text("plain-canary-1 other-secret"); got != "plain-canary-1 [redacted:secret]" {
		t.Errorf("with other secrets: %q", got)
	}
}

func TestHeader(t *testing.T) {
	t.Parallel()
	in := map[string][]string{"Authorization": {"Bearer x"}, "X-Api-Key": {"k1", ""}, "Set-Cookie": {"a=b"}, "Host": {"db-1"}, "Referer": {"/?token=a1"}}
	want := map[string][]string{
		"Authorization": {"[redacted:authorization]"}, "X-Api-Key": {"[redacted:api_key]", ""}, "Set-Cookie": {"[redacted:cookie]"},
		"Host": {"db-1"}, "Referer": {"/?token=[redacted:token]"},
	}
	if diff := cmp.Diff(want, redact.New().Header(in)); diff != "" {
		t.Errorf("Header: -want +got\n%s", diff)
	}
	if in["Authorization"][0] != "Bearer x" {
		t.Error("the headers themselves were changed")
	}
}

// canary is planted where secrets are; nothing of it may be left.
const canary = "Cnr7Zq0Wx9"

func FuzzText(f *testing.F) {
	r := redact.New("hub-"+canary, "redacted", "bytes", "[redacted:x]")
	people := r.WithEmails().WithPlain()
	for _, s := range []string{
		"", "password=", "://:@", "a://b:c/d@e", `\\\"password\\\":\\\"x`, "[redacted:", "Bearer [redacted:bearer]", "-----BEGIN PRIVATE KEY", pem, jwt, "Cookie: é\xff",
		"AKIA AKIA", "4111-1111-1111-1111", "token == 'a'", "@tcp(", "1:2:3", "--password --secret x", "authorization: digest a, b", "sk-", "eyJ.eyJ.", "pass=/pass=/",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := r.Text(s)
		if again := r.Text(got); again != got {
			t.Errorf("Text(%q) = %q, then %q", s, got, again)
		}
		if utf8.ValidString(s) && !utf8.ValidString(got) {
			t.Errorf("Text(%q) = %q, which is no UTF-8", s, got)
		}
		if strings.Contains(got, "hub-"+canary) {
			t.Errorf("Text(%q) = %q holds a secret of the hub", s, got)
		}
		if got := people.Text(s); people.Text(got) != got {
			t.Errorf("Text(%q) = %q, then %q", s, got, people.Text(got))
		}
		if got := people.Text(s + " <" + canary + "@example.com> " + s); strings.Contains(got, canary) && !strings.Contains(s, canary) && !strings.Contains(s, "//") {
			t.Errorf("an address beside %q leaves %q", s, got)
		}
		for _, carrier := range []string{
			"hub-" + canary, " password=" + canary, "\nAuthorization: Bearer " + canary, " https://u:" + canary + "@h/", " " + aws + canary,
		} {
			if got := r.Text(s + "\n" + carrier + "\n" + s); strings.Contains(got, canary) && !strings.Contains(s, canary) {
				t.Errorf("%q beside %q leaves %q", carrier, s, got)
			}
		}
	})
}

func FuzzDocument(f *testing.F) {
	r := redact.New("hub-" + canary)
	for _, s := range []string{
		``, `{}`, `[1,2.50,-0]`, `{"a":"\u0000","b":"\ud800"}`, `{"password":{"a":[1,"x",true]}}`, `[["Authorization","x"],["a","b","c"]]`,
		`{"name":"X-Token","value":["a"]}`, `["--password","x","--v"]`, `"text"`, `12345678901234567890`, `{"truncated":false,"…":1}`, `[[[[[[[[]]]]]]]]`, ` { "a" : 1 } `,
		`{"` + strings.Repeat("k", 300) + `":"` + strings.Repeat("é", 300) + `"}`, `[` + strings.Repeat(`"ab",`, 100) + `1]`,
	} {
		f.Add(s, 256)
	}
	f.Fuzz(func(t *testing.T, s string, limit int) {
		limit = 256 + max(0, limit)%2000
		got := r.Document(json.RawMessage(s), limit)
		if len(got) > limit || s != "" && !json.Valid(got) {
			t.Fatalf("Document(%q, %d) = %d bytes: %q", s, limit, len(got), got)
		}
		if again := r.Document(got, limit); string(again) != string(got) {
			t.Errorf("Document(%q, %d) = %q, then %q", s, limit, got, again)
		}
		plain := r.WithPlain().Document(json.RawMessage(s), limit)
		if again := r.WithPlain().Document(plain, limit); string(again) != string(plain) || len(plain) > limit {
			t.Errorf("Document(%q, %d), plain = %q, then %q", s, limit, plain, again)
		}
		if !json.Valid([]byte(s)) {
			return
		}
		whole := `{"x":` + s + `,"password":"` + canary + `","l":[{"name":"Cookie","value":"` + canary + `"}],"n":"hub-` + canary + `"}`
		if got := r.Document(json.RawMessage(whole), 0); strings.Contains(string(got), canary) && !strings.Contains(s, canary) {
			t.Errorf("%q beside secrets leaves %q", s, got)
		}
	})
}
