package redact_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/redact"
)

func TestDocument(t *testing.T) {
	t.Parallel()
	r := redact.New("hub-canary-7", "4711471147")
	for name, tt := range map[string]struct{ in, want string }{
		"nothing": {` {"host" : "db-1", "n": 12345678901234567890.50, "e": 1E400, "html": "<&>", "ok": true, "none": null} `, ""},
		"by name": {
			`{"db":{"user":"app","password":"x","Pin_Code":12,"port":5432},"headers":{"authorization":["Bearer x"],"accept":"*/*"}}`,
			`{"db":{"user":"app","password":"[redacted:password]","Pin_Code":"[redacted:password]","port":5432},"headers":{"authorization":["[redacted:authorization]"],"accept":"*/*"}}`,
		},
		"under a name":       {`{"credentials":{"id":"bob","n":7},"secret":[1,true,null,"x"]}`, `{"credentials":{"id":"[redacted:credential]","n":7},"secret":["[redacted:secret]",true,null,"[redacted:secret]"]}`},
		"usage":              {`{"tokens":1200,"max_tokens":5,"secrets":{"count":3}}`, ""},
		"list of headers":    {`[{"name":"X-Api-Key","value":"k"},{"name":"Host","value":"h"},{"key":"Cookie","values":["a","b"]}]`, `[{"name":"X-Api-Key","value":"[redacted:api_key]"},{"name":"Host","value":"h"},{"key":"Cookie","values":["[redacted:cookie]","[redacted:cookie]"]}]`},
		"pairs":              {`{"headers":[["Authorization","x"],["Host","h"]]}`, `{"headers":[["Authorization","[redacted:authorization]"],["Host","h"]]}`},
		"tags are no pair":   {`["secret","prod"]`, ""},
		"a command":          {`["mysql","--password","x","-u","root","--token","--verbose"]`, `["mysql","--password","[redacted:password]","-u","root","--token","--verbose"]`},
		"in a text":          {`{"log":"GET /?token=abc","x":["hub-canary-7"]}`, `{"log":"GET /?token=[redacted:token]","x":["[redacted:secret]"]}`},
		"a document in it":   {`{"body":"{\"password\": \"x\", \"a\": 1}"}`, `{"body":"{\"password\": \"[redacted:password]\", \"a\": 1}"}`},
		"a number":           {`{"id":4711471147,"m":47114711470}`, `{"id":"[redacted:secret]","m":47114711470}`},
		"a key":              {`{"hub-canary-7":1}`, `{"[redacted:secret]":1}`},
		"what is no text":    {`{"a":"x\u0000y","b":"\ud800"}`, `{"a":"x` + "\uFFFD" + `y","b":"` + "\uFFFD" + `"}`},
		"no JSON":            {`{"password":"x"`, `"… (no JSON)"`},
		"text on top":        {`"password=x"`, `"password=[redacted:password]"`},
		"masked, not hidden": {`{"password":"***","token":"","secret":null,"api_key":"none"}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.want == "" {
				tt.want = tt.in
			}
			if got := r.Document(json.RawMessage(tt.in), 64<<10); string(got) != tt.want {
				t.Errorf("Document(%s)\n got %s\nwant %s", tt.in, got, tt.want)
			}
		})
	}
}

func TestDocumentCut(t *testing.T) {
	t.Parallel()
	r := redact.New()
	const limit = 2000
	for name, tt := range map[string]struct {
		in   any
		want []string // parts of what is left
	}{
		"one text":             {map[string]any{"log": strings.Repeat("é", 40617), "host": "db-1"}, []string{"… (cut, 81234 bytes)", `"host":"db-1"`, `"truncated":true`}},
		"two texts share":      {map[string]any{"a": strings.Repeat("a", 5000), "b": strings.Repeat("b", 9000)}, []string{strings.Repeat("a", 800), strings.Repeat("b", 800)}},
		"text that is escaped": {map[string]any{"a": strings.Repeat("\x01\"", 5000)}, []string{`\u0001\"`, "(cut, 10000 bytes)"}},
		"list":                 {map[string]any{"list": make([]int, 10000), "z": 1}, []string{`[0,0,0`, "more)\"]", `"z":1`}},
		"list on top":          {make([]string, 10000), []string{`"","`, " more)\"]"}},
		"keys":                 {keys(5000), []string{`"k0000":0`, `"…":"cut, `, `"truncated":true`}},
		"long key":             {map[string]any{strings.Repeat("k", 5000): 1}, []string{"kkk", "(cut, 5000 bytes)"}},
		"deep":                 {json.RawMessage(strings.Repeat(`{"a":`, 200) + "1" + strings.Repeat("}", 200)), []string{"nested too deep", `"truncated":true`}},
		"deep lists":           {json.RawMessage(strings.Repeat(`[`, 9000) + strings.Repeat("]", 9000)), []string{"nested too deep"}},
		"digits":               {json.RawMessage(`{"n":` + strings.Repeat("7", 5000) + `}`), []string{"(cut, 5000 bytes)"}},
		"says so itself":       {map[string]any{"log": strings.Repeat("x", 5000), "truncated": "no"}, []string{`"truncated":true`}},
		"five megabytes":       {map[string]any{"log": strings.Repeat("line of a log\n", 400000), "status": "bad"}, []string{`"status":"bad"`, "(cut, 5600000 bytes)"}},
		"many small lists":     {nested(400, 4000), []string{"more)"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := string(r.Value(tt.in, limit))
			if len(got) > limit || !json.Valid([]byte(got)) || !utf8.ValidString(got) {
				t.Fatalf("%d bytes: %.3000s", len(got), got)
			}
			for _, part := range tt.want {
				if !strings.Contains(got, part) {
					t.Errorf("%.40q is not in it: %s", part, got)
				}
			}
			if again := string(r.Document(json.RawMessage(got), limit)); again != got {
				t.Errorf("a second time: %s, then %s", got, again)
			}
			if strings.Contains(got, `"truncated":"no"`) {
				t.Errorf("what the document said of itself is still there: %s", got)
			}
		})
	}
}

func keys(n int) map[string]int {
	out := map[string]int{}
	for i := range n {
		out[fmt.Sprintf("k%04d", i)] = i
	}
	return out
}

func nested(lists, items int) [][]int {
	out := make([][]int, lists)
	for i := range out {
		out[i] = make([]int, items)
	}
	return out
}

// TestHostile: texts made to be slow take time in proportion to their length. Three seconds are a hundred times what they take.
func TestHostile(t *testing.T) {
	t.Parallel()
	r := redact.New("https://hooks.example.com/a/b", "https://hooks.example.com/a/c", strings.Repeat("a", 40)+"b")
	const size = 1 << 18
	for _, part := range []string{
		"a", ":", "=", "://", "://:", "://b:c", "://b:c/x@", "pass=/", "pass=", "password=***", "token: ", "bearer ", "bearer+", "-", "-- ", "--password ", "-----BEGIN PRIVATE KEY",
		"eyJ", "eyJ.", "eyJaaaaaaaaaaa.", "4111 ", "4", "[", "[redacted:", "[redacted:x]", "password=[redacted:x]", `password="`, `\"`, `\\\"`, `password=\"`, "@tcp(", "a:@tcp(",
		"12345678:", "AKIA", "hooks.slack.com/services/", "https://hooks.example.com/a/", "Authorization: x ", "Cookie:", "ghp_", "\n", "é", "http://x", "dsn=/://:@ ",
	} {
		watch := clock.Start()
		_ = r.Text(strings.Repeat(part, size/len(part)))
		if took := watch.Elapsed(); took > 3*time.Second {
			t.Errorf("%q over and over took %s", part, took)
		}
	}
}

func BenchmarkText(b *testing.B) {
	r := redact.New("one-secret-of-the-hub", "https://hooks.example.com/T0/B0/abcdef")
	text := strings.Repeat("2026-11-21T10:00:00Z db-1 postgres[4711]: LOG: checkpoint complete: wrote 1234 buffers (7.5%); sync=0.005 s, total=1.2 s\n", 500)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		_ = r.Text(text)
	}
}

func BenchmarkDocument(b *testing.B) {
	r := redact.New("one-secret-of-the-hub", "https://hooks.example.com/T0/B0/abcdef")
	raw := json.RawMessage(`{"source":{"alert_fingerprint":"f1","alerts_created":1,"incident_id":"019aa000-0000-7000-8000-000000000001","severity":"critical"},"transformed":[1,2,3]}`)
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		_ = r.Document(raw, 64<<10)
	}
}
