package mattermost_test

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/channeltest"
	"github.com/incidenthub/incidenthub/apps/notify/mattermost"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func newDriver(c *httpclient.Client) channel.Driver { return mattermost.New(c, nil) }

func TestConformance(t *testing.T) {
	t.Parallel()
	fake := channeltest.NewMattermost()
	channeltest.RunHTTP(t, channeltest.HTTP{
		New: newDriver,
		Config: func(url string) string {
			return fmt.Sprintf(`{"webhook_url":%q,"channel":"town-square","username":"Hub","icon_url":"https://hub.example/a.png","icon_emoji":":fire:","mention":["here","alice"]}`, url+fake.Hook)
		},
		Secrets: []string{fake.Hook, strings.TrimPrefix(fake.Hook, "/hooks/")},
		Text: func(t *testing.T, r channeltest.Request) string {
			t.Helper()
			return channeltest.MattermostText(channeltest.Object(t, r.Body))
		},
		KeyOf: channeltest.HeaderKey("Idempotency-Key"),
		Rows: map[string]channeltest.Row{
			"200 and 10 MiB":   {Want: channel.Retry, Class: "bad_answer"},
			"200 and a page":   {Step: channeltest.Answer(200, "<html>welcome</html>"), Want: channel.Retry, Class: "bad_answer"},
			"200 and ok:false": {Step: channeltest.Answer(200, `{"ok":false}`), Want: channel.Retry, Class: "bad_answer"},
			"200, cut off":     {Step: channeltest.Answer(200, "o", "Content-Length", "2"), Want: channel.Retry, Class: "reset"},
			"no such webhook": {
				Step: channeltest.Answer(400, `{"id":"web.incoming_webhook.invalid.app_error","message":"Invalid webhook.","status_code":400}`),
				Want: channel.Permanent, Class: "http_400",
			},
		},
		SplitLines: 900,
		Refuses:    fake.Refuses,
	})
}

func TestBodies(t *testing.T) {
	t.Parallel()
	c := channeltest.Open(t, newDriver(channeltest.Client(t)), `{"webhook_url":"https://chat.example`+channeltest.NewMattermost().Hook+`","mention":["here","alice"]}`)
	channeltest.Goldens(t, *update, "", func(t *testing.T, n channel.Notice) []byte {
		t.Helper()
		return channeltest.Rendered(t, c, n).Body
	}, "crowded", "none")
}

// post sends a notice and returns what the server has.
func post(t *testing.T, more string, n channel.Notice, want channel.Verdict, change func(*channeltest.Mattermost, *channel.Outgoing)) (channel.Result, []channeltest.MattermostPost, *channeltest.Receiver) {
	t.Helper()
	fake := channeltest.NewMattermost()
	r := channeltest.Receive(t, fake.Step)
	c := channeltest.Open(t, newDriver(channeltest.Client(t, r.Allow)), fmt.Sprintf(`{"webhook_url":%q%s}`, r.URL+fake.Hook, more))
	o := channeltest.Rendered(t, c, n)
	if change != nil {
		change(fake, &o)
	}
	return channeltest.Attempt(t, c, o, want), fake.Posts(), r
}

func TestMentions(t *testing.T) {
	t.Parallel()
	hostile := channeltest.HostileNotice()
	hostile.Text += " @channel @all, (@here) mail@example.com <!here> <@u123> x@y @"
	for name, tt := range map[string]struct {
		more string
		n    channel.Notice
		want []string
	}{
		"none":                {"", hostile, nil},
		"configured":          {`,"mention":["channel","alice"]`, hostile, []string{"@channel", "@alice"}},
		"not when it is over": {`,"mention":["channel"]`, channeltest.Resolved(), nil},
		"text":                {channeltest.Inline("template", "@channel <!here> {{ message }}"), hostile, nil},
		"text, configured":    {`,"mention":["channel"]` + channeltest.Inline("template", "@channel @here {{ message }}"), hostile, []string{"@channel", "@channel"}},
		"object":              {channeltest.Inline("payload_template", `{"text":{{ message|tojson }},"attachments":[{"fields":[{"title":"x","value":{{ message|tojson }}}]}]}`), hostile, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, posts, _ := post(t, tt.more, tt.n, channel.Done, nil)
			if len(posts) != 1 {
				t.Fatalf("posts %+v", posts)
			}
			if diff := cmp.Diff(tt.want, posts[0].Mentions); diff != "" {
				t.Errorf("mentions (-want +got):\n%s%s", diff, posts[0].Text)
			}
		})
	}
}

// TestUnknown: what may be there already is repeated only if somebody must hear of it, and says so.
func TestUnknown(t *testing.T) {
	t.Parallel()
	unknown := func(_ *channeltest.Mattermost, o *channel.Outgoing) { o.Unknown = true }
	_, posts, r := post(t, `,"channel":"town-square","username":"Hub","mention":["here"]`, channeltest.Notice(), channel.Done, unknown)
	channeltest.Golden(t, *update, "request_may_repeat", r.Requests()[0].Body)
	if len(posts) != 1 || !strings.Contains(posts[0].Text, channel.MayRepeat) {
		t.Errorf("posts %+v", posts)
	}
	if _, posts, _ := post(t, "", channeltest.Acknowledged(), channel.Dropped, unknown); len(posts) != 0 {
		t.Errorf("posts %+v", posts)
	}
}

func TestPost(t *testing.T) {
	t.Parallel()
	n := channeltest.Notice()
	_, posts, _ := post(t, `,"channel":"town-square","username":"Hub"`, n, channel.Done, nil)
	hub := map[string]any{"incidenthub": map[string]any{
		"idempotency_key": n.IdemKey, "incident_id": n.IncidentID, "event": "firing", "severity": "critical", "part": 1., "parts": 1.,
	}}
	if diff := cmp.Diff(hub, posts[0].Props); diff != "" {
		t.Errorf("props (-want +got):\n%s", diff)
	}
	if p := posts[0]; p.Channel != "town-square" || p.Username != "Hub" || p.Color != "#dc3545" {
		t.Errorf("post %+v", p)
	}
	got, _, _ := post(t, `,"channel":"no-such"`, n, channel.Permanent, nil)
	if !strings.Contains(got.Error, "no such channel") || got.Class != "http_404" {
		t.Errorf("%+v", got)
	}
}

// TestUnderlines: a line below another one makes no heading of it, and is not lost.
func TestUnderlines(t *testing.T) {
	t.Parallel()
	n := channeltest.Notice()
	n.Text = "Disk report\n===========\na == b\n  ==  \nInodes\n------"
	_, posts, r := post(t, "", n, channel.Done, nil)
	if !strings.Contains(posts[0].Text, n.Text) {
		t.Errorf("%q cannot be read in %q", n.Text, posts[0].Text)
	}
	want := `Disk report\n\u200b===========\na == b\n  \u200b==  \nInodes\n\\------`
	if body := string(r.Requests()[0].Body); !strings.Contains(body, want) {
		t.Errorf("got %s, want %s", body, want)
	}
}

func TestOwnTemplate(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		key, template, want string
		requests            int
	}{
		"text":               {"template", "**{{ severity }}** {{ title }}", "**critical** [CRITICAL]", 1},
		"object":             {"payload_template", `{"text":"O {{ title }}"}`, "O [CRITICAL]", 1},
		"array":              {"text_template", `[{"text":"A {{ severity }}"}]`, "A critical", 1},
		"fails":              {"template", "{{ 1 // 0 }}", "Disk / on db-1 is 97% full", 1},
		"nothing in it":      {"template", `{"text":" "}`, "Disk / on db-1 is 97% full", 1},
		"too long":           {"template", `{"text":"{% for i in range(500) %}` + strings.Repeat("x", 40) + `{% endfor %}"}`, "Disk / on db-1 is 97% full", 1},
		"the server refuses": {"template", `{"text":"a","props":[]}`, "Disk / on db-1 is 97% full", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, posts, r := post(t, channeltest.Inline(tt.key, tt.template), channeltest.Notice(), channel.Done, nil)
			if len(posts) != 1 || !strings.Contains(posts[0].Text, tt.want) || len(r.Requests()) != tt.requests {
				t.Errorf("%d requests, posts %+v", len(r.Requests()), posts)
			}
		})
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	const hook = `"webhook_url":"https://chat.example/hooks/abcdefgh12345678"`
	for name, tt := range map[string]struct {
		config string
		keys   []string
	}{
		"least":          {`{` + hook + `}`, nil},
		"below a path":   {`{"webhook_url":"http://chat.lan:8065/team/hooks/abcdefgh12345678"}`, nil},
		"all":            {`{` + hook + `,"channel":"@alice","username":"Hub","icon_url":"https://a.example/x.png","icon_emoji":"fire","mention":["here","dev-team"],"timeout":5}`, nil},
		"nothing":        {`{}`, []string{"webhook_url"}},
		"no webhook":     {`{"webhook_url":"https://chat.example/team/channels/town-square"}`, []string{"webhook_url"}},
		"scheme":         {`{"webhook_url":"ftp://chat.example/hooks/abcdefgh12345678"}`, []string{"webhook_url"}},
		"user":           {`{"webhook_url":"https://u:p@chat.example/hooks/abcdefgh12345678"}`, []string{"webhook_url"}},
		"all that is no": {`{` + hook + `,"channel":"Town Square","username":"a\nb","icon_url":"x","icon_emoji":"a b","mention":["@here"]}`, []string{"channel", "username", "icon_url", "icon_emoji", "mention"}},
		"two templates":  {`{` + hook + `,"template":{"type":"inline","template":"a"},"text_template":{"type":"inline","template":"b"}}`, []string{"text_template"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			channeltest.Complaints(t, newDriver(nil), tt.config, tt.keys)
		})
	}
}

func FuzzRender(f *testing.F) {
	fake := channeltest.NewMattermost()
	c := channeltest.Open(f, newDriver(nil), `{"webhook_url":"https://chat.example`+fake.Hook+`"}`)
	channeltest.FuzzMessages(f, c, fake.Hook, fake.Refuses)
}
