package slack_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/channeltest"
)

// withTemplate sends a notice through a webhook whose channel has a template.
func withTemplate(t *testing.T, key, template string, n channel.Notice, more string) (channel.Rendered, []channeltest.Request, *channeltest.Slack) {
	t.Helper()
	fake := channeltest.NewSlack()
	r := channeltest.Receive(t, fake.Step)
	c := channeltest.Open(t, newDriver(channeltest.Client(t, r.Allow)), fmt.Sprintf(`{"webhook_url":%q%s%s}`, r.URL+fake.Hook, channeltest.Inline(key, template), more))
	made, err := c.Render(n)
	if err != nil {
		t.Fatal(err)
	}
	channeltest.Attempt(t, c, channeltest.Rendered(t, c, n), channel.Done)
	return made, r.Requests(), fake
}

// TestOwnTemplate: a JSON object is sent as it is, an array as blocks, the rest as text (contract 8.2).
func TestOwnTemplate(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ key, template, want string }{
		"text":    {"template", "{{ severity }}: *{{ title }}*", `{"text":"critical: *[CRITICAL] DiskFull on db-1:9100*"}`},
		"object":  {"template", `{"text": "{{ title }}", "unfurl_links": false, "n": 1.50}`, `{"text":"[CRITICAL] DiskFull on db-1:9100","unfurl_links":false,"n":1.50}`},
		"array":   {"text_template", `[{"type":"divider"},{"type":"section","text":{"type":"plain_text","text":"{{ title }}"}}]`, `{"blocks":[{"type":"divider"},{"type":"section","text":{"type":"plain_text","text":"[CRITICAL] DiskFull on db-1:9100"}}]}`},
		"payload": {"payload_template", `{"text": {{ title|tojson }}}`, `{"text":"[CRITICAL] DiskFull on db-1:9100"}`},
		"no JSON": {"template", `{"text": {{ title }}}`, `{"text":"{\"text\": [CRITICAL] DiskFull on db-1:9100}"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made, got, _ := withTemplate(t, tt.key, tt.template, channeltest.Notice(), "")
			if made.Remark != "" || len(got) != 1 {
				t.Fatalf("remark %q, %d requests", made.Remark, len(got))
			}
			var want map[string]any
			if err := json.Unmarshal([]byte(tt.want), &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, channeltest.Object(t, got[0].Body)); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
		})
	}
}

// TestOwnBlocks: more blocks than Slack takes become several messages, in order.
func TestOwnBlocks(t *testing.T) {
	t.Parallel()
	template := `[{% for a in alerts %}{"type":"section","text":{"type":"plain_text","text":"alert {{ loop.index }}"}}{% if not loop.last %},{% endif %}{% endfor %}]`
	n := channeltest.Notice()
	for range 119 {
		n.Alerts = append(n.Alerts, n.Alerts[0])
	}
	made, got, fake := withTemplate(t, "template", template, n, "")
	if made.Parts != 3 || len(got) != 3 {
		t.Fatalf("%d parts, %d requests", made.Parts, len(got))
	}
	i := 0
	for _, m := range fake.Messages() {
		for line := range strings.Lines(m.Text) {
			if i++; strings.TrimSpace(line) != fmt.Sprintf("alert %d", i) {
				t.Fatalf("%q in the place of alert %d", line, i)
			}
		}
	}
	if i != 120 {
		t.Errorf("%d alerts", i)
	}
}

// TestOwnFails: no message is lost to a template.
func TestOwnFails(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 3001)
	for name, tt := range map[string]struct {
		template string
		requests int
		remark   string
	}{
		"at runtime":        {`{{ 1 // 0 }}`, 1, "template failed"},
		"a number":          {`[1]`, 1, "block 1 is no object"},
		"nothing in it":     {`{"blocks":[]}`, 1, "no text, blocks or attachments"},
		"a long section":    {`[{"type":"section","text":{"type":"mrkdwn","text":"` + long + `"}}]`, 1, "longer than 3000"},
		"blocks no list":    {`{"text":"a","blocks":{}}`, 1, "no list"},
		"Slack refuses it":  {`[{"type":"unheard_of"}]`, 2, ""},
		"and refuses these": {`{"text":"a","attachments":[{}]}`, 2, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made, got, fake := withTemplate(t, "template", tt.template, channeltest.Notice(), "")
			if len(got) != tt.requests || !strings.Contains(made.Remark, tt.remark) || (tt.remark == "") != (made.Remark == "") {
				t.Errorf("%d requests, remark %q", len(got), made.Remark)
			}
			if m := fake.Messages(); len(m) != 1 || !strings.Contains(m[0].Text, "Disk / on db-1 is 97% full") {
				t.Errorf("messages %+v", m)
			}
		})
	}
}

// TestMentions: nobody is called but whom the channel's owner configured, whatever alerts and templates say.
func TestMentions(t *testing.T) {
	t.Parallel()
	const all = `,"mention":["here","U0FAKE00001"]`
	for name, tt := range map[string]struct {
		key, template, more string
		n                   channel.Notice
		want                []string
	}{
		"built-in, none":        {"template", "", "", channeltest.HostileNotice(), nil},
		"built-in, configured":  {"template", "", all, channeltest.HostileNotice(), []string{"<!here>", "<@U0FAKE00001>"}},
		"not when it is over":   {"template", "", all, channeltest.Resolved(), nil},
		"text, none":            {"template", "<!channel> {{ message }}", "", channeltest.HostileNotice(), nil},
		"text, configured":      {"template", "{{ message }}", all, channeltest.HostileNotice(), []string{"<!here>", "<@U0FAKE00001>"}},
		"object, none":          {"payload_template", `{"text": {{ message|tojson }}}`, "", channeltest.HostileNotice(), nil},
		"object, configured":    {"payload_template", `{"text": "<!here> {{ message }}"}`, all, channeltest.HostileNotice(), []string{"<!here>"}},
		"array, non-configured": {"payload_template", `[{"type":"section","text":{"type":"mrkdwn","verbatim":true,"text":"<!subteam^S0FAKE00001|x> {{ title }}"}}]`, all, channeltest.HostileNotice(), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, fake := withTemplate(t, tt.key, tt.template, tt.n, tt.more)
			m := fake.Messages()
			if len(m) != 1 {
				t.Fatalf("%d messages", len(m))
			}
			if diff := cmp.Diff(tt.want, m[0].Mentions); diff != "" {
				t.Errorf("mentions (-want +got):\n%s%s", diff, m[0].Text)
			}
		})
	}
}
