package generic_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/channeltest"
	"github.com/incidenthub/incidenthub/apps/notify/generic"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestConformance(t *testing.T) {
	t.Parallel()
	channeltest.RunHTTP(t, channeltest.HTTP{
		New:   func(c *httpclient.Client) channel.Driver { return generic.New(c, nil) },
		Exact: true,
		Config: func(url string) string {
			return `{"endpoint":"` + url + `/hook","secret":"canary-hmac","headers":{"Authorization":"Bearer canary-bearer","X-Api-Key":"canary-key"},` +
				`"query":{"token":"canary token&"}}`
		},
		Secrets: []string{"canary-hmac", "canary-bearer", "canary-key", "canary token&", "canary+token%26"},
		Text: func(t *testing.T, r channeltest.Request) string {
			t.Helper()
			p := channeltest.Object(t, r.Body)
			alerts, _ := p["alerts"].([]any)
			first, _ := alerts[0].(map[string]any)
			if p["title"] == channeltest.Hostile() {
				for _, s := range []any{p["message"], p["source"], p["summary"], first["name"], first["description"]} {
					if s != p["title"] {
						t.Errorf("got %q, want %q", s, p["title"])
					}
				}
			}
			s, _ := p["message"].(string)
			return s
		},
		KeyOf: channeltest.HeaderKey("Idempotency-Key"),
	})
}

// send makes one attempt with a notice and returns what arrived.
func send(t *testing.T, config string, n channel.Notice) channeltest.Request {
	t.Helper()
	r := channeltest.Receive(t)
	d := generic.New(channeltest.Client(t, r.Allow), clock.At(time.Unix(1_770_000_000, 0)))
	c := channeltest.Open(t, d, strings.ReplaceAll(config, "URL", r.URL))
	if got := c.Send(t.Context(), channeltest.Rendered(t, c, n)); got.Verdict != channel.Done || got.Status != 200 || got.Response != `{"ok":true}` {
		t.Fatalf("send: %+v", got)
	}
	return r.Requests()[0]
}

func TestBodies(t *testing.T) {
	t.Parallel()
	channeltest.Goldens(t, *update, "", func(t *testing.T, n channel.Notice) []byte {
		t.Helper()
		return send(t, `{"endpoint":"URL"}`, n).Body
	}, "crowded", "none")
}

// TestBuiltInText: a built-in text of another kind is the message; what makes no document is refused as one.
func TestBuiltInText(t *testing.T) {
	t.Parallel()
	n := channeltest.Notice()
	for _, key := range []string{"template", "text_template"} {
		p := channeltest.Object(t, send(t, `{"endpoint":"URL","`+key+`":"file:slack"}`, n).Body)
		message, _ := p["message"].(string)
		if usual, _ := p["incident"].(map[string]any)["message"].(string); !strings.Contains(message, "Where: ") || message == usual {
			t.Errorf("%s: %v", key, p)
		}
		for _, bad := range []string{`"` + key + `":"file:nothing"`, `"payload_template":"file:slack"`} {
			if _, err := generic.New(nil, nil).New(json.RawMessage(`{"endpoint":"https://a.example",` + bad + `}`)); err == nil || !strings.Contains(err.Error(), "names no built-in template") {
				t.Errorf("%s: %v", bad, err)
			}
		}
	}
}

// TestTemplates: what a template makes is the body, or a message; incident is there in any case, and nothing that an alert says is a key.
func TestTemplates(t *testing.T) {
	t.Parallel()
	inline := channeltest.Inline
	n := channeltest.Notice()
	n.Title = `"}, "evil": {"x": "`
	for name, tt := range map[string]struct {
		more, remark string
		want         map[string]any // besides incident
	}{
		"object":          {inline("payload_template", `{"a": "{{ severity }}", "n": {{ alerts | length }}}`), "", map[string]any{"a": "critical", "n": 1.0}},
		"empty object":    {inline("payload_template", `{}`), "", map[string]any{}},
		"object by text":  {inline("template", `{"a": "{{ title }}"}`), "", map[string]any{"a": n.Title}},
		"filter":          {inline("text_template", `{"a": {{ title | tojson }}}`), "", map[string]any{"a": n.Title}},
		"text":            {inline("template", `{{ severity }}!`), "", map[string]any{"title": n.Title, "message": "critical!"}},
		"text for object": {inline("payload_template", `{{ severity }}!`), "no JSON object", map[string]any{"title": n.Title, "message": "critical!"}},
		"no injection":    {inline("template", `{"a": "{{ title }}`), "", map[string]any{"title": n.Title, "message": `{"a": "` + n.Title}},
		"list":            {inline("template", `["{{ severity }}"]`), "", map[string]any{"title": n.Title, "message": `["critical"]`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := send(t, `{"endpoint":"URL","secret":"k3y"`+tt.more+`}`, n)
			p := channeltest.Object(t, got.Body)
			if i, _ := p["incident"].(map[string]any); i["incident_id"] != n.IncidentID {
				t.Errorf("no incident in %s", got.Body)
			}
			delete(p, "incident")
			if diff := cmp.Diff(tt.want, p); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
			mac := hmac.New(sha256.New, []byte("k3y"))
			mac.Write(got.Body)
			if got.Header.Get("X-IncidentHub-Signature") != "sha256="+hex.EncodeToString(mac.Sum(nil)) {
				t.Error("the signature is not over the rendered body")
			}
			r, err := channeltest.Open(t, generic.New(nil, nil), `{"endpoint":"https://a.example"`+tt.more+`}`).Render(n)
			if err != nil || (r.Remark == "") != (tt.remark == "") || !strings.Contains(r.Remark, tt.remark) {
				t.Errorf("remark %q, want %q (%v)", r.Remark, tt.remark, err)
			}
		})
	}
	own := send(t, `{"endpoint":"URL"`+inline("payload_template", `{"incident": "mine"}`)+`}`, n)
	if p := channeltest.Object(t, own.Body); len(p) != 1 || p["incident"] != "mine" {
		t.Errorf("got %s", own.Body)
	}
	r, err := channeltest.Open(t, generic.New(nil, nil), `{"endpoint":"https://a.example"`+inline("template", `{{ 1 / 0 }}`)+`}`).Render(n)
	if p := channeltest.Object(t, r.Body); err != nil || p["severity"] != "critical" || !strings.Contains(r.Remark, "template failed") {
		t.Errorf("a template that fails: %q, %s (%v)", r.Remark, r.Body, err)
	}
}

func TestFollows(t *testing.T) {
	t.Parallel()
	for config, want := range map[string]channel.Follows{
		`{"endpoint":"https://a.example"}`:                                     {},
		`{"endpoint":"https://a.example","acknowledged":true}`:                 {Acknowledged: true},
		`{"endpoint":"https://a.example","acknowledged":true,"analysis":true}`: {Acknowledged: true, Analysis: true},
	} {
		f, ok := channeltest.Open(t, generic.New(nil, nil), config).(channel.Follower)
		if !ok || f.Follows() != want {
			t.Errorf("%s: want %+v", config, want)
		}
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	n := channeltest.Notice()
	mac := func(text string) string {
		h := hmac.New(sha256.New, []byte("k3y"))
		h.Write([]byte(text))
		return "sha256=" + hex.EncodeToString(h.Sum(nil))
	}
	for name, tt := range map[string]struct {
		config string
		want   func(body string) map[string]string
	}{
		"plain": {`{"endpoint":"URL"}`, func(string) map[string]string {
			return map[string]string{
				"Content-Type": "application/json", "User-Agent": "IncidentHub/1 (generic webhook)", "Idempotency-Key": n.IdemKey,
				"X-Incidenthub-Trace-Id": n.TraceID, "X-Incidenthub-Signature": "", "X-Incidenthub-Timestamp": "", "Authorization": "",
			}
		}},
		"custom ones win": {
			`{"webhook_url":"URL","headers":{"user-agent":"mine","Content-Type":"application/vnd.x+json","X-IncidentHub-Trace-Id":"t","X-Team":"ops"}}`,
			func(string) map[string]string {
				return map[string]string{"User-Agent": "mine", "Content-Type": "application/vnd.x+json", "X-Incidenthub-Trace-Id": "t", "X-Team": "ops"}
			},
		},
		"but not over the key and the signature": {
			`{"endpoint":"URL","headers":{"idempotency-key":"mine","X-IncidentHub-Signature":"sha256=00","X-IncidentHub-Timestamp":"1"}}`,
			func(string) map[string]string {
				return map[string]string{"Idempotency-Key": n.IdemKey, "X-Incidenthub-Signature": "", "X-Incidenthub-Timestamp": ""}
			},
		},
		"signed": {`{"endpoint":"URL","secret":"k3y"}`, func(body string) map[string]string {
			return map[string]string{"X-Incidenthub-Signature": mac(body), "X-Incidenthub-Timestamp": ""}
		}},
		"signed with time": {`{"endpoint":"URL","secret":"k3y","sign_timestamp":true}`, func(body string) map[string]string {
			return map[string]string{"X-Incidenthub-Signature": mac("1770000000." + body), "X-Incidenthub-Timestamp": "1770000000"}
		}},
		"basic": {`{"endpoint":"URL","username":"u","password":"p"}`, func(string) map[string]string {
			return map[string]string{"Authorization": "Basic dTpw"}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := send(t, tt.config, n)
			for k, v := range tt.want(string(got.Body)) {
				if got.Header.Get(k) != v {
					t.Errorf("%s: %q, want %q", k, got.Header.Get(k), v)
				}
			}
		})
	}
}

func TestMethods(t *testing.T) {
	t.Parallel()
	for config, want := range map[string]string{
		`{"endpoint":"URL/a?x=1","method":"put","query":{"y":"2 3"}}`: "PUT /a?x=1&y=2+3",
		`{"endpoint":"URL/a?b=%2F#frag","method":"PATCH"}`:            "PATCH /a?b=%2F",
		`{"endpoint":"URL"}`: "POST /",
	} {
		got := send(t, config, channeltest.Notice())
		if s := got.Method + " " + got.URL.String(); s != want || len(got.Body) == 0 {
			t.Errorf("%s: got %q with %d bytes, want %q", config, s, len(got.Body), want)
		}
	}
	got := send(t, `{"endpoint":"URL/ring","method":"GET","secret":"k"}`, channeltest.Notice())
	if got.Method != http.MethodGet || len(got.Body) != 0 || got.Header.Get("Content-Type") != "" || got.Header.Get("Idempotency-Key") == "" ||
		got.Header.Get("X-IncidentHub-Signature") == "" {
		t.Errorf("GET: %+v", got)
	}
}

// TestSwitchedOff: nothing is sent, and the result says so.
func TestSwitchedOff(t *testing.T) {
	t.Parallel()
	r := channeltest.Receive(t)
	for _, config := range []string{``, `{}`, `null`, `{"disabled":true}`, `{"endpoint":"` + r.URL + `","disabled":true}`} {
		c := channeltest.Open(t, generic.New(channeltest.Client(t, r.Allow), nil), config)
		got := c.Send(t.Context(), channeltest.Rendered(t, c, channeltest.Notice()))
		if got.Verdict != channel.Dropped || got.Class != channel.ClassDisabled || !strings.Contains(got.Error, "nothing is sent") {
			t.Errorf("%s: %+v", config, got)
		}
		if (generic.Driver{}).Off([]byte(config)) == "" {
			t.Errorf("%s: the settings do not say that they are off", config)
		}
	}
	if n := len(r.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
	for _, config := range []string{`{"endpoint":"https://a.example"}`, `{"webhook_url":{"configured":true}}`, `{"endpoint":"https://a.example","disabled":false}`, `[]`} {
		if off := (generic.Driver{}).Off([]byte(config)); off != "" {
			t.Errorf("%s: %s", config, off)
		}
	}
	for _, config := range []string{`{"timeout":0,"headers":{},"secret":null}`, `{"analysis":true}`} {
		if _, err := generic.New(nil, nil).New([]byte(config)); err != nil || (generic.Driver{}).Off([]byte(config)) == "" {
			t.Errorf("%s: neither refused nor off: %v", config, err)
		}
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		config string
		keys   []string
	}{
		"no address":          {`{"method":"POST"}`, []string{"endpoint"}},
		"two addresses":       {`{"endpoint":"http://a.example","webhook_url":"http://a.example"}`, []string{"webhook_url"}},
		"scheme":              {`{"endpoint":"ftp://a.example"}`, []string{"endpoint"}},
		"no host":             {`{"webhook_url":"https:///x"}`, []string{"webhook_url"}},
		"unreadable":          {`{"endpoint":"http://a b/%zz"}`, []string{"endpoint"}},
		"user":                {`{"endpoint":"https://u:p@a.example"}`, []string{"endpoint"}},
		"method":              {`{"endpoint":"https://a.example","method":"DELETE"}`, []string{"method"}},
		"timeout":             {`{"endpoint":"https://a.example","timeout":0.5}`, []string{"timeout"}},
		"timeout too long":    {`{"endpoint":"https://a.example","timeout":121}`, []string{"timeout"}},
		"timeout as text":     {`{"endpoint":"https://a.example","timeout":"30"}`, []string{"timeout"}},
		"header name":         {`{"endpoint":"https://a.example","headers":{"a b":"c"}}`, []string{"headers"}},
		"header value":        {`{"endpoint":"https://a.example","headers":{"A":"c\r\nX: y"}}`, []string{"headers.A"}},
		"header of the wire":  {`{"endpoint":"https://a.example","headers":{"content-length":"3"}}`, []string{"headers.content-length"}},
		"header types":        {`{"endpoint":"https://a.example","headers":{"A":1}}`, []string{"headers"}},
		"half a login":        {`{"endpoint":"https://a.example","username":"u"}`, []string{"password"}},
		"two logins":          {`{"endpoint":"https://a.example","username":"u","password":"p","headers":{"authorization":"x"}}`, []string{"headers.authorization"}},
		"timestamp unsigned":  {`{"endpoint":"https://a.example","sign_timestamp":true}`, []string{"sign_timestamp"}},
		"two templates":       {`{"endpoint":"https://a.example","template":"file:default","text_template":"file:slack"}`, []string{"template"}},
		"template of no form": {`{"endpoint":"https://a.example","payload_template":{"type":"x"}}`, []string{"payload_template"}},
		"only a template":     {`{"payload_template":{"type":"inline","template":"{}"}}`, []string{"endpoint"}},
		"all at once":         {`{"endpoint":"x","method":"DELETE","timeout":-1}`, []string{"endpoint", "method", "timeout"}},
		"all wrong types too": {`{"endpoint":1,"method":[],"nope":0}`, []string{"endpoint", "method", "nope"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			channeltest.Complaints(t, generic.New(nil, nil), tt.config, tt.keys)
		})
	}
}

func TestNormalize(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ in, want string }{
		"nothing to do": {`{"endpoint":"https://a.example/x?y=1"}`, `{"endpoint":"https://a.example/x?y=1"}`},
		"user":          {`{"endpoint":"https://u:p%40@a.example/x"}`, `{"endpoint":"https://a.example/x","password":"p@","username":"u"}`},
		"parameters": {
			`{"webhook_url":"https://a.example/?a=%20b&access_token=s%2F1&c","query":{"d":"e"}}`,
			`{"query":{"access_token":"s/1","d":"e"},"webhook_url":"https://a.example/?a=%20b\u0026c"}`,
		},
		"not an object": {`[1]`, `[1]`},
		"unreadable":    {`{"endpoint":"http://%zz"}`, `{"endpoint":"http://%zz"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := generic.New(nil, nil).Normalize(json.RawMessage(tt.in))
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// TestUnwritable: outputs without a JSON form cost themselves, not the message.
func TestUnwritable(t *testing.T) {
	t.Parallel()
	n := channeltest.Notice()
	n.Context = map[string]any{"check": math.NaN()}
	p := channeltest.Object(t, send(t, `{"endpoint":"URL"}`, n).Body)
	if p["title"] != n.Title {
		t.Errorf("got %v", p)
	}
}

// TestForeignBody: a message that could not be rendered is sent as the document it was stored as.
func TestForeignBody(t *testing.T) {
	t.Parallel()
	r := channeltest.Receive(t)
	c := channeltest.Open(t, generic.New(channeltest.Client(t, r.Allow), nil), `{"endpoint":"`+r.URL+`"}`)
	if got := c.Send(t.Context(), channel.Outgoing{IdemKey: "k", Body: json.RawMessage(`{"title":"x"}`)}); got.Verdict != channel.Done {
		t.Fatalf("%+v", got)
	}
	if got := string(r.Requests()[0].Body); got != `{"title":"x"}` {
		t.Errorf("got %s", got)
	}
}

func FuzzRender(f *testing.F) {
	c := channeltest.Open(f, generic.New(nil, nil), `{"endpoint":"https://a.example"}`)
	channeltest.Fuzz(f, c, func(t *testing.T, n channel.Notice, r channel.Rendered) {
		t.Helper()
		want := strings.ReplaceAll(n.Title, "\x00", "")
		if got := channeltest.Object(t, r.Body)["title"]; utf8.ValidString(want) && got != want {
			t.Errorf("title %q, want %q", got, want)
		}
	})
}

func BenchmarkRender(b *testing.B) {
	c := channeltest.Open(b, generic.New(nil, nil), `{"endpoint":"https://a.example"}`)
	n := channeltest.Notice()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Render(n); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSend(b *testing.B) {
	r := channeltest.Receive(b)
	c := channeltest.Open(b, generic.New(channeltest.Client(b, r.Allow), nil), `{"endpoint":"`+r.URL+`"}`)
	o := channeltest.Rendered(b, c, channeltest.Notice())
	b.ReportAllocs()
	for b.Loop() {
		if got := c.Send(b.Context(), o); got.Verdict != channel.Done {
			b.Fatal(got)
		}
	}
}
