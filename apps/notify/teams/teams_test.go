package teams_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/channeltest"
	"github.com/incidenthub/incidenthub/apps/notify/teams"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const sig = "canary-sig/0123456789+abc="

func TestConformance(t *testing.T) {
	t.Parallel()
	ms := channeltest.NewTeams(sig)
	channeltest.RunHTTP(t, channeltest.HTTP{
		New:       func(c *httpclient.Client) channel.Driver { return teams.New(c, nil) },
		Config:    func(url string) string { return fmt.Sprintf(`{"webhook_url":%q}`, url+ms.Path()) },
		Secrets:   []string{sig, "canary-sig%2F0123456789%2Babc%3D"},
		Text:      func(_ *testing.T, r channeltest.Request) string { return channeltest.TeamsText(r.Body) },
		Accept:    ms.Accepted(),
		Shortened: "Shortened",
		Refuses:   ms.Refuses,
		Rows: map[string]channeltest.Row{
			"a connector's 1":     {Step: channeltest.Answer(200, "1"), Want: channel.Done},
			"throttled in a 200":  {Step: said(429), Want: channel.Retry, Class: "http_429"},
			"too long in a 200":   {Step: said(413), Want: channel.Permanent, Class: "http_413"},
			"broken in a 200":     {Step: said(502), Want: channel.Retry, Class: "http_502"},
			"413":                 {Step: channeltest.Answer(413, ""), Want: channel.Permanent, Class: "http_413"},
			"a flow switched off": {Step: channeltest.Answer(400, `{"error":{"code":"WorkflowTriggerIsNotEnabled","message":"off"}}`), Want: channel.Permanent, Class: "http_400"},
		},
	})
}

// said is how connectors put Teams' own answer.
func said(status int) channeltest.Step {
	return channeltest.Answer(200, fmt.Sprintf("Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error %d with ContextId x", status))
}

// send makes one attempt at the fake with a notice and returns the request and the card.
func send(t *testing.T, more string, n channel.Notice) (channeltest.Request, channeltest.TeamsCard) {
	t.Helper()
	ms := channeltest.NewTeams(sig)
	r := channeltest.Receive(t, ms.Step)
	c := channeltest.Open(t, teams.New(channeltest.Client(t, r.Allow), nil), fmt.Sprintf(`{"webhook_url":%q%s}`, r.URL+ms.Path(), more))
	got := c.Send(t.Context(), channeltest.Rendered(t, c, n))
	if got.Verdict != channel.Done || got.Status != 202 || got.ProviderRef != "run-1" {
		t.Fatalf("send: %+v", got)
	}
	return r.Requests()[0], ms.Cards()[0]
}

func TestBodies(t *testing.T) {
	t.Parallel()
	channeltest.Goldens(t, *update, "", func(t *testing.T, n channel.Notice) []byte {
		t.Helper()
		r, _ := send(t, "", n)
		return r.Body
	}, "crowded", "none")
}

// TestLook: colours, buttons, and no markup anywhere.
func TestLook(t *testing.T) {
	t.Parallel()
	for severity, want := range map[string]string{"critical": "attention", "warning": "warning", "info": "accent", "success": "good", "odd": "accent"} {
		n := channeltest.Notice()
		n.Severity = severity
		if _, card := send(t, "", n); card.Style != want || len(card.Links) != 2 || card.Links[1] != "https://runbooks.example/disk?a=1&b=2" {
			t.Errorf("%s: style %s, links %v", severity, card.Style, card.Links)
		}
	}
	r, _ := send(t, "", channeltest.HostileNotice())
	for _, word := range []string{`"TextBlock"`, `"FactSet"`, `"entities"`} {
		if strings.Contains(string(r.Body), word) {
			t.Errorf("%s reads Markdown or mentions", word)
		}
	}
}

// TestOnce: the card does not say twice what is a fact or a button, and says all else.
func TestOnce(t *testing.T) {
	t.Parallel()
	n := channeltest.Notice()
	n.Text = "Disk full\n\nSeverity: critical\nSeverity: low\nWhere: db-1\nSince: 2026-03-01 10:00:00 UTC\n\nLinks:\n- runbook: https://runbooks.example/disk?a=1&b=2\n\n" +
		"Links:\n- runbook: https://runbooks.example/disk?a=1&b=2\n- other: https://x.example"
	_, card := send(t, "", n)
	want := "[CRITICAL] DiskFull on db-1:9100\nStatus: open\nSeverity: critical\nEnvironment: production\nSource: alertmanager\nSince: 2026-03-01 10:00:00 UTC\n" +
		"Labels: alertname=DiskFull, instance=db-1:9100, team=storage\nDisk full\nSeverity: low\nWhere: db-1\nLinks:\n- other: https://x.example\n"
	if diff := cmp.Diff(want, strings.ReplaceAll(card.Text, "• ", "- ")); diff != "" {
		t.Errorf("card (-want +got):\n%s", diff)
	}
}

// TestTemplates: a text of one's own, a card of one's own, and what is sent instead of one that does not do.
func TestTemplates(t *testing.T) {
	t.Parallel()
	inline := func(key, text string) string { return fmt.Sprintf(`,%q:{"type":"inline","template":%q}`, key, text) }
	for name, tt := range map[string]struct{ more, want, remark string }{
		"text": {inline("text_template", "Help: {{ title }}\n- now"), "Help: [CRITICAL] DiskFull on db-1:9100\n• now\n", ""},
		"card": {
			inline("payload_template", `{"type":"AdaptiveCard","version":"1.4","body":[{"type":"TextBlock","text":"{{ title }}"}]}`),
			"[CRITICAL] DiskFull on db-1:9100\n", "",
		},
		"message": {
			inline("payload_template", `{"type":"message","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive","content":`+
				`{"type":"AdaptiveCard","version":"1.4","body":[{"type":"TextBlock","text":"whole"}]}}]}`), "whole\n", "",
		},
		"no card":  {inline("payload_template", `{"text":"x"}`), "Disk / on db-1 is 97% full\n", "made no Adaptive Card"},
		"no JSON":  {inline("payload_template", `x {{ title }}`), "Disk / on db-1 is 97% full\n", "payload_template failed"},
		"too long": {inline("payload_template", `{"type":"AdaptiveCard","body":[{"type":"TextBlock","text":"`+strings.Repeat("x", 15_000)+`"}]}`), "Disk / on db-1 is 97% full\n", "28 KB"},
		"broken":   {inline("template", `{{ title | min }}`), "Disk / on db-1 is 97% full\n", "template failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := `{"webhook_url":"https://a.example"` + tt.more + `}`
			c, err := teams.New(nil, nil).New(json.RawMessage(config))
			if err != nil { // a template that cannot be read is refused when the channel is saved
				if keys := channel.KeyErrors(err); name != "broken" || len(keys) != 1 || keys[0].Key != "template" {
					t.Fatal(err)
				}
				return
			}
			r, err := c.Render(channeltest.Notice())
			if err != nil || (r.Remark == "") != (tt.remark == "") || !strings.Contains(r.Remark, tt.remark) {
				t.Errorf("remark %q, want %q (%v)", r.Remark, tt.remark, err)
			}
			if text := channeltest.TeamsText(r.Body); !strings.Contains(text, tt.want) {
				t.Errorf("text %q, want %q", text, tt.want)
			}
			if _, card := send(t, tt.more, channeltest.Notice()); !strings.Contains(card.Text, tt.want) {
				t.Errorf("posted %q", card.Text)
			}
		})
	}
	c := channeltest.Open(t, teams.New(nil, nil), `{"webhook_url":"https://a.example"`+inline("text_template", "{{ nobody }} {{ title }}")+`}`)
	if r, _ := c.Render(channeltest.Notice()); !slices.Equal(r.Missing, []string{"nobody"}) {
		t.Errorf("missing %q", r.Missing)
	}
}

// TestLimits: whatever the size, Teams takes it, and the card says what is left out.
func TestLimits(t *testing.T) {
	t.Parallel()
	wide := channeltest.CrowdedNotice(3)
	wide.Title, wide.Source, wide.Status = strings.Repeat("<", 5000), strings.Repeat("\u202e", 5000), strings.Repeat("😀", 5000)
	oneLine := channeltest.Notice()
	oneLine.Text = strings.Repeat("漢", 100_000)
	for name, tt := range map[string]struct {
		n    channel.Notice
		want string
	}{
		"lines":    {channeltest.LongNotice(1000), "left out: "},
		"links":    {channeltest.CrowdedNotice(3), " of 32 links"},
		"wide":     {wide, "… (shortened)"},
		"one line": {oneLine, "漢… (shortened)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, card := send(t, "", tt.n); !strings.Contains(card.Text, tt.want) {
				t.Errorf("%q does not say %q", card.Text, tt.want)
			}
		})
	}
}

// TestForeign: a message that could not be rendered is a card with its title and text.
func TestForeign(t *testing.T) {
	t.Parallel()
	ms := channeltest.NewTeams(sig)
	r := channeltest.Receive(t, ms.Step)
	c := channeltest.Open(t, teams.New(channeltest.Client(t, r.Allow), nil), fmt.Sprintf(`{"webhook_url":%q}`, r.URL+ms.Path()))
	got := c.Send(t.Context(), channel.Outgoing{Title: "[CRITICAL] DiskFull", Severity: "critical", Body: []byte(`{"title":"x","message":"Disk full"}`), Unknown: true})
	want := channel.MayRepeat + "\n[CRITICAL] DiskFull\nSeverity: critical\nDisk full\n"
	if cards := ms.Cards(); got.Verdict != channel.Done || len(cards) != 1 || cards[0].Text != want || cards[0].Style != "attention" {
		t.Errorf("%+v, %+v", got, cards)
	}
}

// TestRefusals: what the workflow says is in the error, without the address.
func TestRefusals(t *testing.T) {
	t.Parallel()
	ms := channeltest.NewTeams(sig)
	r := channeltest.Receive(t, ms.Step)
	c := channeltest.Open(t, teams.New(channeltest.Client(t, r.Allow), nil), fmt.Sprintf(`{"webhook_url":%q}`, r.URL+channeltest.NewTeams("other").Path()))
	got := c.Send(t.Context(), channeltest.Rendered(t, c, channeltest.Notice()))
	if got.Verdict != channel.Permanent || got.Class != "http_401" || !strings.Contains(got.Error, "DirectApiAuthorizationRequired") {
		t.Errorf("got %+v", got)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		config string
		keys   []string
	}{
		"nothing":     {`{}`, []string{"webhook_url"}},
		"scheme":      {`{"webhook_url":"ftp://a.example"}`, []string{"webhook_url"}},
		"no host":     {`{"webhook_url":"https:///x"}`, []string{"webhook_url"}},
		"unreadable":  {`{"webhook_url":"https://a b/%zz"}`, []string{"webhook_url"}},
		"user":        {`{"webhook_url":"https://u:p@a.example"}`, []string{"webhook_url"}},
		"two texts":   {`{"webhook_url":"https://a.example","template":"file:default","text_template":"file:slack"}`, []string{"template"}},
		"timeout":     {`{"webhook_url":"https://a.example","timeout":500}`, []string{"timeout"}},
		"all at once": {`{"webhook_url":"x","timeout":-1}`, []string{"webhook_url", "timeout"}},
		"types":       {`{"webhook_url":1,"acknowledged":"no"}`, []string{"acknowledged", "webhook_url"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			channeltest.Complaints(t, teams.New(nil, nil), tt.config, tt.keys)
		})
	}
}

func TestFollows(t *testing.T) {
	t.Parallel()
	for more, want := range map[string]channel.Follows{
		``: {}, `,"acknowledged":true`: {Acknowledged: true}, `,"analysis":true`: {Analysis: true},
	} {
		f, ok := channeltest.Open(t, teams.New(nil, nil), `{"webhook_url":"https://a.example"`+more+`}`).(channel.Follower)
		if !ok || f.Follows() != want {
			t.Errorf("%s: want %+v", more, want)
		}
	}
}

func FuzzRender(f *testing.F) {
	ms := channeltest.NewTeams("")
	c := channeltest.Open(f, teams.New(nil, nil), `{"webhook_url":"https://a.example"}`)
	request := channeltest.Request{Method: "POST", Header: map[string][]string{"Content-Type": {"application/json"}}}
	request.URL.Path, _, _ = strings.Cut(ms.Path(), "?")
	channeltest.Fuzz(f, c, func(t *testing.T, _ channel.Notice, r channel.Rendered) {
		t.Helper()
		q := request
		q.Body = r.Body
		if err := ms.Refuses(q); err != nil {
			t.Errorf("Teams refuses it: %v", err)
		}
	})
}
