package ntfy_test

import (
	"encoding/json"
	"flag"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/channeltest"
	"github.com/incidenthub/incidenthub/apps/notify/ntfy"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func driver(c *httpclient.Client) channel.Driver { return ntfy.New(c, nil) }

func TestConformance(t *testing.T) {
	t.Parallel()
	fake := &channeltest.Ntfy{Authorization: "Bearer tk_canarycanary"}
	channeltest.RunHTTP(t, channeltest.HTTP{
		New:     driver,
		Config:  func(url string) string { return `{"server":"` + url + `","topic":"ops","token":"tk_canarycanary"}` },
		Secrets: []string{"tk_canarycanary"},
		Text: func(t *testing.T, r channeltest.Request) string {
			t.Helper()
			var m channeltest.NtfyMessage
			if err := json.Unmarshal(r.Body, &m); err != nil {
				t.Fatal(err)
			}
			return m.Title + "\n" + m.Message
		},
		Accept: fake.Step, Refuses: fake.Refuses, SplitLines: 300,
		Rows: map[string]channeltest.Row{
			"401 with the service's words": {
				Step: channeltest.Answer(403, `{"code":40301,"http":403,"error":"forbidden"}`), Want: channel.Permanent, Class: "http_403",
			},
			"429 of the daily quota": {
				Step: channeltest.Answer(429, `{"code":42908,"http":429,"error":"limit reached: daily message quota reached"}`, "Retry-After", "30"),
				Want: channel.Retry, Class: "http_429", After: 30 * time.Second,
			},
		},
	})
}

func TestBodies(t *testing.T) {
	t.Parallel()
	channeltest.Goldens(t, *update, "", func(t *testing.T, n channel.Notice) []byte {
		t.Helper()
		r := channeltest.Receive(t)
		c := channeltest.Open(t, driver(channeltest.Client(t, r.Allow)), `{"server":"`+r.URL+`","topic":"ops","tags":["prod"]}`)
		channeltest.Attempt(t, c, channeltest.Rendered(t, c, n), channel.Done)
		return r.Requests()[0].Body
	})
}

// publish sends one notice to a fake server and returns what that took.
func publish(t *testing.T, fake *channeltest.Ntfy, config string, n channel.Notice) ([]channeltest.NtfyMessage, channel.Result) {
	t.Helper()
	r := channeltest.Receive(t, fake.Step)
	c := channeltest.Open(t, driver(channeltest.Client(t, r.Allow)), strings.ReplaceAll(config, "URL", r.URL))
	got := c.Send(t.Context(), channeltest.Rendered(t, c, n))
	return fake.Messages(), got
}

func TestLogins(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		config, header string
		want           channel.Verdict
	}{
		"open":           {`{"server":"URL","topic":"t"}`, "", channel.Done},
		"token":          {`{"server":"URL/","topic":"t","token":"tk_abc"}`, "Bearer tk_abc", channel.Done},
		"basic":          {`{"server":"URL","topic":"t","username":"u","password":"p"}`, "Basic dTpw", channel.Done},
		"another token":  {`{"server":"URL","topic":"t","token":"tk_other"}`, "Bearer tk_abc", channel.Permanent},
		"without a word": {`{"server":"URL","topic":"t"}`, "Bearer tk_abc", channel.Permanent},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, got := publish(t, &channeltest.Ntfy{Authorization: tt.header}, tt.config, channeltest.Notice())
			if got.Verdict != tt.want || (got.Verdict == channel.Done) != (got.ProviderRef == "msg000000001") {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestPriorities(t *testing.T) {
	t.Parallel()
	raised := channeltest.Updated()
	raised.Event = "severity_raised"
	for name, tt := range map[string]struct {
		n        channel.Notice
		config   string
		priority int
		tag      string
	}{
		"critical":        {channeltest.Notice(), `{"server":"URL","topic":"t"}`, 5, "rotating_light"},
		"as configured":   {channeltest.Notice(), `{"server":"URL","topic":"t","priorities":{"critical":"4"}}`, 4, "rotating_light"},
		"update":          {channeltest.Updated(), `{"server":"URL","topic":"t"}`, 3, "rotating_light"},
		"worse":           {raised, `{"server":"URL","topic":"t"}`, 5, "rotating_light"},
		"acknowledged":    {channeltest.Acknowledged(), `{"server":"URL","topic":"t"}`, 2, "eyes"},
		"resolved":        {channeltest.Resolved(), `{"server":"URL","topic":"t"}`, 3, "white_check_mark"},
		"of no such word": {channel.Notice{Severity: "apocalypse", Title: "x"}, `{"server":"URL","topic":"t"}`, 3, "information_source"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, _ := publish(t, &channeltest.Ntfy{}, tt.config, tt.n)
			if len(got) != 1 || got[0].Priority != tt.priority || got[0].Tags[0] != tt.tag {
				t.Errorf("%+v", got)
			}
		})
	}
}

// TestParts: a long message is numbered, rings once, and cuts no character in two.
func TestParts(t *testing.T) {
	t.Parallel()
	n := channeltest.Notice()
	n.Text = strings.Repeat("ö", 5000)
	got, result := publish(t, &channeltest.Ntfy{}, `{"server":"URL","topic":"t"}`, n)
	var text strings.Builder
	for i, m := range got {
		text.WriteString(m.Message)
		if want := map[bool]int{true: 5, false: 2}[i == 0]; m.Priority != want {
			t.Errorf("part %d has the priority %d", i+1, m.Priority)
		}
	}
	if len(got) != 3 || !strings.HasSuffix(got[2].Title, " (3/3)") || !strings.Contains(text.String(), strings.Repeat("ö", 5000)) {
		t.Errorf("%d parts, %q", len(got), text.String())
	}
	if result.Sent != 3 || result.ProviderRef != "msg000000001" {
		t.Errorf("%+v", result)
	}
}

// TestLongTitle: what a title has no room for is in the text.
func TestLongTitle(t *testing.T) {
	t.Parallel()
	n := channeltest.Notice()
	n.Title = strings.Repeat("long title ", 40)
	got, _ := publish(t, &channeltest.Ntfy{}, `{"server":"URL","topic":"t"}`, n)
	if len(got) != 1 || len(got[0].Title) > 250 || !strings.Contains(got[0].Message, strings.TrimSpace(n.Title)) {
		t.Errorf("%+v", got)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		config string
		keys   []string
	}{
		"none":         {`{}`, []string{"topic"}},
		"an address":   {`{"topic":"https://ntfy.sh/x"}`, []string{"topic"}},
		"a page":       {`{"topic":"docs"}`, []string{"topic"}},
		"server":       {`{"topic":"t","server":"ntfy.sh"}`, []string{"server"}},
		"with a user":  {`{"topic":"t","server":"https://u:p@h"}`, []string{"server"}},
		"with a query": {`{"topic":"t","server":"https://h/?a=b"}`, []string{"server"}},
		"two logins":   {`{"topic":"t","token":"x","username":"u","password":"p"}`, []string{"token"}},
		"half a login": {`{"topic":"t","password":"p"}`, []string{"password"}},
		"token":        {`{"topic":"t","token":"a b"}`, []string{"token"}},
		"priorities":   {`{"topic":"t","priorities":{"critical":"9","worst":"1"}}`, []string{"priorities.critical", "priorities"}},
		"tags":         {`{"topic":"t","tags":["a b"]}`, []string{"tags"}},
		"templates":    {`{"topic":"t","template":{"type":"inline","template":"a"},"text_template":{"type":"inline","template":"b"}}`, []string{"text_template"}},
		"all at once":  {`{"topic":"","server":"x","timeout":-1}`, []string{"topic", "server", "timeout"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			channeltest.Complaints(t, driver(nil), tt.config, tt.keys)
		})
	}
}

func TestFollows(t *testing.T) {
	t.Parallel()
	for config, want := range map[string]bool{`{"topic":"t"}`: false, `{"topic":"t","acknowledged":true}`: true} {
		f, ok := channeltest.Open(t, driver(nil), config).(channel.Follower)
		if !ok || f.Follows() != (channel.Follows{Acknowledged: want}) {
			t.Errorf("%s: %+v", config, f)
		}
	}
}

func FuzzRender(f *testing.F) {
	c := channeltest.Open(f, driver(nil), `{"topic":"t"}`)
	channeltest.Fuzz(f, c, func(t *testing.T, _ channel.Notice, r channel.Rendered) {
		t.Helper()
		var m struct{ Parts []string }
		if err := json.Unmarshal(r.Body, &m); err != nil || len(m.Parts) != r.Parts {
			t.Fatalf("%d parts: %v", r.Parts, err)
		}
		for _, p := range m.Parts {
			if len(p) > 4096 || strings.TrimSpace(p) == "" {
				t.Errorf("a part of %d bytes", len(p))
			}
		}
	})
}
