package pagerduty_test

import (
	"flag"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/channeltest"
	"github.com/incidenthub/incidenthub/apps/notify/pagerduty"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const key = "canary0123456789canary0123456789"

func config(url string) string {
	return fmt.Sprintf(`{"integration_key":%q,"base_url":%q}`, key, url)
}

func TestConformance(t *testing.T) {
	t.Parallel()
	pd := channeltest.NewPagerDuty(key)
	channeltest.RunHTTP(t, channeltest.HTTP{
		New:     func(c *httpclient.Client) channel.Driver { return pagerduty.New(c, nil) },
		Config:  config,
		Secrets: []string{key},
		Text:    texts,
		KeyOf:   func(r channeltest.Request) string { return str(channeltest.Object(t, r.Body)["dedup_key"]) },
		Key:     func(o channel.Outgoing) string { return "incidenthub:" + o.IncidentID },
		Accept:  pd.Accepted("k"),
		Rows: map[string]channeltest.Row{
			"200 and 10 MiB":    {Want: channel.Retry, Class: "bad_answer"},
			"a proxy's page":    {Step: channeltest.Answer(200, "<html>welcome</html>"), Want: channel.Retry, Class: "bad_answer"},
			"202 and no answer": {Step: channeltest.Answer(202, ""), Want: channel.Retry, Class: "bad_answer"},
			"202 and a refusal": {Step: channeltest.Answer(202, `{"status":"invalid event","message":"no"}`), Want: channel.Permanent, Class: "bad_answer"},
			"413":               {Step: channeltest.Answer(413, ""), Want: channel.Permanent, Class: "http_413"},
		},
		Shortened: "shortened",
		Refuses:   pd.Refuses,
	})
}

// texts are all the texts of an event that are of the notice's making.
func texts(t *testing.T, r channeltest.Request) string {
	t.Helper()
	p, _ := channeltest.Object(t, r.Body)["payload"].(map[string]any)
	var b strings.Builder
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			b.WriteString(v + "\n")
		case []any:
			for _, item := range v {
				walk(item)
			}
		case map[string]any:
			for _, item := range v {
				walk(item)
			}
		}
	}
	d, _ := p["custom_details"].(map[string]any)
	walk(map[string]any{"summary": p["summary"], "message": d["message"], "shortened": d["shortened"], "analysis": d["analysis"]})
	return b.String()
}

func str(v any) string {
	s, _ := v.(string)
	return s
}

// send makes one attempt at the fake with a notice and returns what arrived.
func send(t *testing.T, more string, n channel.Notice) []byte {
	t.Helper()
	pd := channeltest.NewPagerDuty(key)
	r := channeltest.Receive(t, pd.Step)
	c := channeltest.Open(t, pagerduty.New(channeltest.Client(t, r.Allow), nil), strings.TrimSuffix(config(r.URL), "}")+more+"}")
	got := c.Send(t.Context(), channeltest.Rendered(t, c, n))
	if got.Verdict != channel.Done || got.Status != 202 || got.ProviderRef == "" {
		t.Fatalf("send: %+v", got)
	}
	return r.Requests()[0].Body
}

func TestBodies(t *testing.T) {
	t.Parallel()
	channeltest.Goldens(t, *update, "", func(t *testing.T, n channel.Notice) []byte {
		t.Helper()
		return send(t, "", n)
	}, "crowded", "none")
}

// TestLife: an incident is one alert from its beginning to its end, wakes once, and a second attempt at anything changes nothing.
func TestLife(t *testing.T) {
	t.Parallel()
	pd := channeltest.NewPagerDuty(key)
	r := channeltest.Receive(t, channeltest.Reset(), pd.Step)
	c := channeltest.Open(t, pagerduty.New(channeltest.Client(t, r.Allow), nil), config(r.URL))
	all := channeltest.Notices()
	for _, name := range []string{"firing", "firing", "firing", "enriched", "updated", "acknowledged", "reminder", "resolved", "resolved", "acknowledged"} {
		c.Send(t.Context(), channeltest.Rendered(t, c, all[name]))
	}
	want := []channeltest.PagerDutyAlert{{
		DedupKey: "incidenthub:" + all["firing"].IncidentID, State: channeltest.PagerDutyResolved, Notified: 1,
		Actions: []string{"trigger", "trigger", "trigger", "trigger", "acknowledge", "trigger", "resolve"},
	}}
	got := pd.Alerts()
	if len(got) > 0 {
		got[0].Last = nil
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("alerts (-want +got):\n%s", diff)
	}
	f, ok := c.(channel.Follower)
	if !ok || f.Follows() != (channel.Follows{Acknowledged: true, Analysis: true}) {
		t.Error("it follows acknowledgements and analyses")
	}
	off, _ := channeltest.Open(t, pagerduty.New(nil, nil), `{"integration_key":"`+key+`","analysis":false}`).(channel.Follower)
	if off.Follows() != (channel.Follows{Acknowledged: true}) {
		t.Error("analysis is off and followed")
	}
}

// TestRefusals: what the API says is in the error, without secrets; a wrong key is permanent.
func TestRefusals(t *testing.T) {
	t.Parallel()
	pd := channeltest.NewPagerDuty("another-key-another-key-another!")
	r := channeltest.Receive(t, pd.Step)
	c := channeltest.Open(t, pagerduty.New(channeltest.Client(t, r.Allow), nil), config(r.URL))
	got := c.Send(t.Context(), channeltest.Rendered(t, c, channeltest.Notice()))
	if got.Verdict != channel.Permanent || got.Class != "http_400" || !strings.Contains(got.Error, "Invalid routing key") || !strings.Contains(got.Response, "Invalid routing key") {
		t.Errorf("got %+v", got)
	}
	r = channeltest.Receive(t, channeltest.Answer(400, `{"status":"invalid event","errors":["Bad key `+key+`"]}`))
	c = channeltest.Open(t, pagerduty.New(channeltest.Client(t, r.Allow), nil), config(r.URL))
	if got := c.Send(t.Context(), channeltest.Rendered(t, c, channeltest.Notice())); strings.Contains(got.Error+got.Response, key) || !strings.Contains(got.Error, "Bad key ***") {
		t.Errorf("got %+v", got)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	long := channeltest.Notice()
	long.IncidentID = strings.Repeat("ü", 300)
	other := long
	other.IncidentID += "x"
	sent := channel.Notice{Kind: channel.KindSent, IdemKey: "i:1", Tags: map[string]string{"fingerprint": "fp"}}
	named := sent
	named.IncidentID = "42"
	for name, tt := range map[string]struct {
		more string
		n    channel.Notice
		want string
	}{
		"beside":      {"", named, "fp"},
		"incident":    {"", channeltest.Notice(), "incidenthub:01990000-0000-7000-8000-000000000001"},
		"its end":     {"", channeltest.Resolved(), "incidenthub:01990000-0000-7000-8000-000000000001"},
		"setting":     {`,"dedup_key":"mine"`, channeltest.Notice(), "mine"},
		"fingerprint": {"", sent, "fp"},
		"test":        {"", channel.Notice{Kind: channel.KindTest, IdemKey: "i:1", Tags: sent.Tags}, "incidenthub:i:1"},
		"too long":    {"", long, "sha256:7fe2ad29ee8ecbc9d26f7d4e8df8a10ac1d0a0c1a9be6c2ba1ce2e26bc59f0d8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := str(channeltest.Object(t, send(t, tt.more, tt.n))["dedup_key"])
			if name == "too long" {
				if got == str(channeltest.Object(t, send(t, tt.more, other))["dedup_key"]) || len(got) != len(tt.want) {
					t.Errorf("two keys became one: %s", got)
				}
				return
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestLimits: whatever the size, PagerDuty takes it, and it says what is left out.
func TestLimits(t *testing.T) {
	t.Parallel()
	huge := channeltest.CrowdedNotice(20)
	huge.Title = strings.Repeat("é", 5000)
	huge.Incident.Title = huge.Title
	wide := channeltest.CrowdedNotice(1)
	for i := range 1500 {
		wide.Labels[strconv.Itoa(i)], wide.Tags[strconv.Itoa(i)] = strings.Repeat("é", 500), strings.Repeat("é", 500)
	}
	outputs := channeltest.Notice()
	outputs.Context["check"] = strings.Repeat("x", 600_000)
	unwritable := channeltest.Notice()
	unwritable.Context["check"] = math.NaN()
	for name, tt := range map[string]struct {
		n    channel.Notice
		want string
	}{
		"title":   {huge, "the outputs"},
		"alerts":  {channeltest.CrowdedNotice(3000), " of 3000 alerts"},
		"text":    {channeltest.LongNotice(30_000), " of 1290000 characters of the message"},
		"labels":  {wide, "1440 of 1540 labels"},
		"outputs": {outputs, "left out: the outputs of the pipeline"},
		"NaN":     {unwritable, "left out: what cannot be written as JSON: check"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, _ := channeltest.Object(t, send(t, "", tt.n))["payload"].(map[string]any)
			d, _ := p["custom_details"].(map[string]any)
			if name == "title" {
				if s := str(p["summary"]); len([]rune(s)) != 1024 || !strings.HasSuffix(s, "… (shortened)") || str(d["title"]) != tt.n.Title {
					t.Errorf("summary %q, title of %d bytes", s, len(str(d["title"])))
				}
				return
			}
			if s := str(d["shortened"]); !strings.Contains(s, tt.want) {
				t.Errorf("%q does not say %q", s, tt.want)
			}
		})
	}
}

// TestTemplates: what a template makes, and what is sent instead of one that does not do.
func TestTemplates(t *testing.T) {
	t.Parallel()
	inline := func(key, text string) string { return fmt.Sprintf(`,%q:{"type":"inline","template":%q}`, key, text) }
	n := channeltest.Notice()
	n.Labels["quote"] = `"}, "severity": "info`
	summary := "[CRITICAL] DiskFull on db-1:9100"
	for name, tt := range map[string]struct {
		more, remark string
		summary      string
		details      map[string]any // of which these are checked
	}{
		"text":   {inline("text_template", "Hi {{ severity }}"), "", summary, map[string]any{"message": "Hi critical", "severity": "critical"}},
		"fields": {inline("payload_template", `{"summary":"S {{ severity }}","severity":"error","group":"g"}`), "", "S critical", map[string]any{"message": n.Text}},
		"other keys": {
			inline("payload_template", `{"a": {{ alerts | length }}, "q": "{{ labels.quote }}", "custom_details": {"b": 2}}`), "", summary,
			map[string]any{"a": 1.0, "b": 2.0, "q": n.Labels["quote"], "message": nil},
		},
		"details":        {inline("payload_template", `{"custom_details": {"b": 2}}`), "", summary, map[string]any{"b": 2.0, "message": nil}},
		"object by text": {inline("template", `{"a": "{{ labels.quote }}"}`), "", summary, map[string]any{"a": n.Labels["quote"], "message": nil}},
		"no JSON":        {inline("payload_template", `Hi`), "payload_template failed", summary, map[string]any{"message": n.Text}},
		"a list":         {inline("payload_template", `[1]`), "no JSON object", summary, map[string]any{"message": n.Text}},
		"both":           {inline("payload_template", `{`) + inline("template", "Hi"), "payload_template failed", summary, map[string]any{"message": "Hi"}},
		"too long":       {inline("payload_template", `{"x":"{% for i in range(1000) %}{% for j in range(20) %}{{ message }}{% endfor %}{% endfor %}"}`), "payload_template", summary, map[string]any{"message": n.Text}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, _ := channeltest.Object(t, send(t, tt.more, n))["payload"].(map[string]any)
			d, _ := p["custom_details"].(map[string]any)
			if p["summary"] != tt.summary {
				t.Errorf("summary %q, want %q", p["summary"], tt.summary)
			}
			for key, want := range tt.details {
				if diff := cmp.Diff(want, d[key]); diff != "" {
					t.Errorf("%s (-want +got):\n%s", key, diff)
				}
			}
			if want := map[string]any{"fields": "error"}[name]; want != nil && (p["severity"] != want || p["group"] != "g") || want == nil && p["severity"] != "critical" {
				t.Errorf("severity %v, group %v", p["severity"], p["group"])
			}
			r, err := channeltest.Open(t, pagerduty.New(nil, nil), `{"integration_key":"`+key+`"`+tt.more+`}`).Render(n)
			if err != nil || (r.Remark == "") != (tt.remark == "") || !strings.Contains(r.Remark, tt.remark) {
				t.Errorf("remark %q, want %q (%v)", r.Remark, tt.remark, err)
			}
		})
	}
}

// TestForeign: a message that could not be rendered triggers with its title, and an end ends.
func TestForeign(t *testing.T) {
	t.Parallel()
	pd := channeltest.NewPagerDuty(key)
	r := channeltest.Receive(t, pd.Step)
	c := channeltest.Open(t, pagerduty.New(channeltest.Client(t, r.Allow), nil), config(r.URL))
	o := channel.Outgoing{Kind: channel.KindFiring, Title: "[CRITICAL] DiskFull", Severity: "critical", IncidentID: "i", Body: []byte(`{"title":"x","message":"Disk full"}`)}
	if got := c.Send(t.Context(), o); got.Verdict != channel.Done {
		t.Fatal(got)
	}
	p, _ := pd.Alerts()[0].Last["payload"].(map[string]any)
	if d, _ := p["custom_details"].(map[string]any); p["summary"] != "[CRITICAL] DiskFull" || p["severity"] != "critical" || d["message"] != "Disk full" {
		t.Errorf("got %v", p)
	}
	o.Kind = channel.KindResolved
	if got := c.Send(t.Context(), o); got.Verdict != channel.Done || pd.Alerts()[0].State != channeltest.PagerDutyResolved {
		t.Errorf("%+v, %+v", got, pd.Alerts())
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		config string
		keys   []string
	}{
		"nothing":      {`{}`, []string{"integration_key"}},
		"short":        {`{"integration_key":"0123456789012345678"}`, []string{"integration_key"}},
		"20":           {`{"integration_key":"01234567890123456789"}`, nil},
		"odd":          {`{"integration_key":"0123456789 0123456789"}`, []string{"integration_key"}},
		"action":       {`{"integration_key":"` + key + `","event_action":"page"}`, []string{"event_action"}},
		"address":      {`{"integration_key":"` + key + `","base_url":"events.pagerduty.com"}`, []string{"base_url"}},
		"user":         {`{"integration_key":"` + key + `","base_url":"https://u:p@x.example"}`, []string{"base_url"}},
		"query":        {`{"integration_key":"` + key + `","base_url":"https://x.example?a=b"}`, []string{"base_url"}},
		"client_url":   {`{"integration_key":"` + key + `","client_url":"javascript:alert(1)"}`, []string{"client_url"}},
		"dedup_key":    {`{"integration_key":"` + key + `","dedup_key":"` + strings.Repeat("x", 256) + `"}`, []string{"dedup_key"}},
		"two texts":    {`{"integration_key":"` + key + `","template":"file:default","text_template":"file:slack"}`, []string{"template"}},
		"built-in":     {`{"integration_key":"` + key + `","template":"file:slack"}`, nil},
		"timeout":      {`{"integration_key":"` + key + `","timeout":0.1}`, []string{"timeout"}},
		"all at once":  {`{"base_url":"x","event_action":"y","timeout":500}`, []string{"integration_key", "event_action", "base_url", "timeout"}},
		"all of types": {`{"integration_key":1,"analysis":"no"}`, []string{"analysis", "integration_key"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			channeltest.Complaints(t, pagerduty.New(nil, nil), tt.config, tt.keys)
		})
	}
}

// TestAddresses: the path is added where there is none.
func TestAddresses(t *testing.T) {
	t.Parallel()
	for _, suffix := range []string{"", "/", "/v2", "/v2/enqueue", "/v2/enqueue/"} {
		pd := channeltest.NewPagerDuty(key)
		r := channeltest.Receive(t, pd.Step)
		c := channeltest.Open(t, pagerduty.New(channeltest.Client(t, r.Allow), nil), config(r.URL+suffix))
		if got := c.Send(t.Context(), channeltest.Rendered(t, c, channeltest.Notice())); got.Verdict != channel.Done {
			t.Errorf("%q: %+v", suffix, got)
		}
	}
}

func FuzzRender(f *testing.F) {
	pd := channeltest.NewPagerDuty("")
	c := channeltest.Open(f, pagerduty.New(nil, nil), `{"integration_key":"`+key+`"}`)
	channeltest.Fuzz(f, c, func(t *testing.T, _ channel.Notice, r channel.Rendered) {
		t.Helper()
		body := append([]byte(`{"routing_key":"",`), r.Body[1:]...)
		if err := pd.Refuses(channeltest.Request{Method: "POST", URL: mustPath, Body: body}); err != nil {
			t.Errorf("PagerDuty refuses it: %v", err)
		}
	})
}

var mustPath = url.URL{Path: "/v2/enqueue"}
