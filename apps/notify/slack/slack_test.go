package slack_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/channeltest"
	"github.com/incidenthub/incidenthub/apps/notify/slack"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func newDriver(c *httpclient.Client) channel.Driver { return slack.New(c, nil) }

func textOf(t *testing.T, r channeltest.Request) string {
	t.Helper()
	return channeltest.SlackText(channeltest.Object(t, r.Body))
}

func TestWebhookConformance(t *testing.T) {
	t.Parallel()
	fake := channeltest.NewSlack()
	channeltest.RunHTTP(t, channeltest.HTTP{
		New: newDriver,
		Config: func(url string) string {
			return fmt.Sprintf(`{"webhook_url":%q,"channel":"#ops","username":"Hub","icon_emoji":":fire:"}`, url+fake.Hook)
		},
		Secrets: []string{fake.Hook, strings.TrimPrefix(fake.Hook, "/services/")},
		Text:    textOf,
		KeyOf:   channeltest.HeaderKey("Idempotency-Key"),
		Rows: map[string]channeltest.Row{
			"200 and 10 MiB":       {Want: channel.Retry, Class: "bad_answer"},
			"200 and a page":       {Step: channeltest.Answer(200, "<html>welcome</html>"), Want: channel.Retry, Class: "bad_answer"},
			"200 and ok:true":      {Step: channeltest.Answer(200, `{"ok":true}`), Want: channel.Retry, Class: "bad_answer"},
			"200 and ok:false":     {Step: channeltest.Answer(200, `{"ok":false,"error":"channel_not_found"}`), Want: channel.Permanent, Class: "slack_channel_not_found"},
			"200 and rate limited": {Step: channeltest.Answer(200, `{"ok":false,"error":"ratelimited"}`, "Retry-After", "3"), Want: channel.Retry, Class: "slack_ratelimited", After: 3 * time.Second},
			"200, cut off":         {Step: channeltest.Answer(200, "o", "Content-Length", "2"), Want: channel.Retry, Class: "reset"},
			"410":                  {Step: channeltest.Answer(410, "channel_is_archived"), Want: channel.Permanent, Class: "http_410"},
		},
		SplitLines: 600,
		Refuses:    fake.Refuses,
		Plain:      true,
	})
}

func botConfig(fake *channeltest.Slack, url string) string {
	return fmt.Sprintf(`{"bot_token":%q,"channel":%q,"base_url":%q,"username":"Hub","icon_emoji":":fire:","mention":["here","S0FAKE00001"]}`, fake.Token, fake.Channel, url+"/api/")
}

func TestBotConformance(t *testing.T) {
	t.Parallel()
	fake := channeltest.NewSlack()
	channeltest.RunHTTP(t, channeltest.HTTP{
		New:     newDriver,
		Config:  func(url string) string { return botConfig(fake, url) },
		Secrets: []string{fake.Token},
		Text:    textOf,
		KeyOf: func(r channeltest.Request) string {
			var call struct {
				Metadata struct {
					Payload map[string]any `json:"event_payload"`
				} `json:"metadata"`
			}
			_ = json.Unmarshal(r.Body, &call)
			key, _ := call.Metadata.Payload["idempotency_key"].(string)
			return key
		},
		Accept: fake.Step,
		Rows: map[string]channeltest.Row{
			"200 and 10 MiB":       {Want: channel.Retry, Class: "bad_answer"},
			"200 and a page":       {Step: channeltest.Answer(200, "<html>welcome</html>"), Want: channel.Retry, Class: "bad_answer"},
			"200 and rate limited": {Step: channeltest.Answer(200, `{"ok":false,"error":"ratelimited"}`, "Retry-After", "3"), Want: channel.Retry, Class: "slack_ratelimited", After: 3 * time.Second},
			"429 as Slack says it": {Step: channeltest.Answer(429, `{"ok":false,"error":"ratelimited"}`, "Retry-After", "30"), Want: channel.Retry, Class: "http_429", After: 30 * time.Second},
			"internal_error":       {Step: channeltest.Answer(200, `{"ok":false,"error":"internal_error"}`), Want: channel.Retry, Class: "slack_internal_error"},
			"invalid_auth":         {Step: channeltest.Answer(200, `{"ok":false,"error":"invalid_auth"}`), Want: channel.Permanent, Class: "slack_invalid_auth"},
			"no error":             {Step: channeltest.Answer(200, `{"ok":false}`), Want: channel.Permanent, Class: "slack_unknown_error"},
		},
		SplitLines: 600,
		Refuses:    fake.Refuses,
		ThreadOf: func(r channeltest.Request) string {
			m := channeltest.Object(t, r.Body)
			ts, _ := m["ts"].(string)
			if thread, ok := m["thread_ts"].(string); ok {
				ts = thread
			}
			return ts
		},
	})
}

func TestBodies(t *testing.T) {
	t.Parallel()
	fake := channeltest.NewSlack()
	for name, config := range map[string]string{"webhook": `{"webhook_url":"https://hooks.slack.com/services/T0/B0/x"}`, "bot": botConfig(fake, "http://127.0.0.1:1")} {
		c := channeltest.Open(t, newDriver(channeltest.Client(t, "127.0.0.1")), config)
		channeltest.Goldens(t, *update, name+"_", func(t *testing.T, n channel.Notice) []byte {
			t.Helper()
			return channeltest.Rendered(t, c, n).Body
		}, "crowded", "none")
	}
}

// TestWebhookWords: a webhook has no token, so nobody is sent to look for one.
func TestWebhookWords(t *testing.T) {
	t.Parallel()
	for _, answer := range []channeltest.Step{
		channeltest.Answer(200, `{"ok":false,"error":"invalid_auth"}`), channeltest.Answer(401, "invalid_auth"), channeltest.Answer(403, "token_revoked"),
	} {
		r := channeltest.Receive(t, answer)
		c := channeltest.Open(t, slack.New(channeltest.Client(t, r.Allow), nil), `{"webhook_url":"`+r.URL+`/services/T/B/x"}`)
		got := c.Send(t.Context(), channeltest.Rendered(t, c, channeltest.Notice()))
		if got.Verdict != channel.Permanent || strings.Contains(got.Error, "bot token") || !strings.Contains(got.Error, "make a new webhook") {
			t.Errorf("%+v", got)
		}
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	const hook = `"webhook_url":"https://hooks.slack.com/services/T0/B0/x"`
	const bot = `"bot_token":"xoxb-1234567890-abc","channel":"C0123456789"`
	for name, tt := range map[string]struct {
		config string
		keys   []string
	}{
		"webhook":             {`{` + hook + `}`, nil},
		"webhook, gov":        {`{"webhook_url":"https://hooks.slack-gov.com/services/T0/B0/x"}`, nil},
		"webhook, listed":     {`{"webhook_url":"http://slack.lan:9000/services/T0/B0/x"}`, nil},
		"all of a webhook":    {`{` + hook + `,"channel":"#ops","username":"Hub","icon_emoji":":fire:","mention":["here","U0123456789","S0123456789"],"timeout":30}`, nil},
		"bot":                 {`{` + bot + `}`, nil},
		"bot, gov":            {`{` + bot + `,"base_url":"https://slack-gov.com/api"}`, nil},
		"nothing":             {`{}`, []string{"webhook_url"}},
		"both":                {`{` + hook + `,` + bot + `}`, []string{"bot_token"}},
		"another host":        {`{"webhook_url":"https://hooks.example/services/T0/B0/x"}`, []string{"webhook_url"}},
		"a host that begins":  {`{"webhook_url":"https://hooks.slack.com.evil.example/services/T0/B0/x"}`, []string{"webhook_url"}},
		"a user that looks":   {`{"webhook_url":"https://hooks.slack.com@evil.example/x"}`, []string{"webhook_url"}},
		"not sealed":          {`{"webhook_url":"http://hooks.slack.com/services/T0/B0/x"}`, []string{"webhook_url"}},
		"another port":        {`{"webhook_url":"https://hooks.slack.com:8443/services/T0/B0/x"}`, []string{"webhook_url"}},
		"unreadable":          {`{"webhook_url":"http://a b/%zz"}`, []string{"webhook_url"}},
		"base of a webhook":   {`{` + hook + `,"base_url":"https://slack.com/api"}`, []string{"base_url"}},
		"another token":       {`{"bot_token":"xoxp-1234567890-abc","channel":"C0123456789"}`, []string{"bot_token"}},
		"no channel":          {`{"bot_token":"xoxb-1234567890-abc"}`, []string{"channel"}},
		"name of a channel":   {`{"bot_token":"xoxb-1234567890-abc","channel":"#ops"}`, []string{"channel"}},
		"base elsewhere":      {`{` + bot + `,"base_url":"https://evil.example/api"}`, []string{"base_url"}},
		"emoji":               {`{` + hook + `,"icon_emoji":"fire"}`, []string{"icon_emoji"}},
		"name of two lines":   {`{` + hook + `,"username":"a\nb"}`, []string{"username"}},
		"mention of a name":   {`{` + hook + `,"mention":["@alice"]}`, []string{"mention"}},
		"mention of too many": {`{` + hook + `,"mention":["here","here","here","here","here","here","here","here","here","here","here"]}`, []string{"mention"}},
		"two templates": {
			`{` + hook + `,"template":{"type":"inline","template":"a"},"text_template":{"type":"inline","template":"b"}}`, []string{"text_template"},
		},
		"a broken template": {`{` + hook + `,"template":{"type":"inline","template":"{% if %}"}}`, []string{"template"}},
		"all at once":       {`{"icon_emoji":"x","timeout":-1,"mention":"here"}`, []string{"mention"}},
		"all of them":       {`{"icon_emoji":"x","timeout":-1}`, []string{"webhook_url", "timeout", "icon_emoji"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			channeltest.Complaints(t, newDriver(channeltest.Client(t, "slack.lan:9000")), tt.config, tt.keys)
		})
	}
}

func FuzzRender(f *testing.F) {
	fake := channeltest.NewSlack()
	c := channeltest.Open(f, newDriver(channeltest.Client(f, "127.0.0.1")), botConfig(fake, "http://127.0.0.1:1"))
	channeltest.FuzzMessages(f, c, fake.Hook, fake.Refuses)
}
