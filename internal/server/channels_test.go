package server_test

import (
	"cmp"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/channeltest"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// outside is a channel of the product's, and the fake service at its other end.
type outside struct {
	name, driver string
	step         channeltest.Step
	config       func(url string) servertest.Map
	// seen are the messages as people see them: one for each that called somebody.
	seen func() []string
	// wait is for how many seconds the channel waits for an answer; 0: as long as it may, since a slow machine is no verdict.
	wait int
	at   *channeltest.Receiver
}

const pagerKey = "0123456789abcdef0123456789abcdef"

func pagerDuty(name string) (*outside, *channeltest.PagerDuty) {
	pd := channeltest.NewPagerDuty(pagerKey)
	return &outside{
		name: name, driver: "pagerduty", step: pd.Step,
		config: func(url string) servertest.Map {
			return servertest.Map{"integration_key": pagerKey, "base_url": url}
		},
		seen: func() (out []string) {
			for _, a := range pd.Alerts() {
				for range a.Notified {
					out = append(out, a.DedupKey)
				}
			}
			return out
		},
	}, pd
}

func slackBot(name string) (*outside, *channeltest.Slack) {
	s := channeltest.NewSlack()
	s.Epoch = time.Now().Unix()
	return &outside{
		name: name, driver: "slack", step: s.Step,
		config: func(url string) servertest.Map {
			return servertest.Map{"bot_token": s.Token, "channel": s.Channel, "base_url": url + "/api"}
		},
		seen: func() (out []string) {
			for _, m := range s.Messages() {
				if m.Thread == "" {
					out = append(out, m.Text)
				}
			}
			return out
		},
	}, s
}

func slackHook(name string) (*outside, *channeltest.Slack) {
	s := channeltest.NewSlack()
	return &outside{
		name: name, driver: "slack", step: s.Step,
		config: func(url string) servertest.Map { return servertest.Map{"webhook_url": url + s.Hook} },
		seen: func() (out []string) {
			for _, m := range s.Messages() {
				out = append(out, m.Text)
			}
			return out
		},
	}, s
}

func telegram(name string) (*outside, *channeltest.Telegram) {
	f := &channeltest.Telegram{Token: "123456:canary-token-of-a-bot-0123456789abc", Chats: []string{"-1001"}}
	return &outside{
		name: name, driver: "telegram", step: f.Step,
		config: func(url string) servertest.Map {
			return servertest.Map{"bot_token": f.Token, "chat_id": "-1001", "server": url}
		},
		seen: func() (out []string) {
			for _, m := range f.Messages() {
				if m.ReplyTo == 0 {
					out = append(out, m.Text)
				}
			}
			return out
		},
	}, f
}

// open makes the channel in a hub; step, when set, stands before the service.
func (o *outside) open(t *testing.T, h hub, step channeltest.Step) {
	t.Helper()
	if step == nil {
		step = o.step
	}
	o.at = channeltest.Receive(t, step)
	config := o.config(o.at.URL)
	config["timeout"] = cmp.Or(o.wait, int(channel.MaxTimeout.Seconds()))
	h.Want(http.StatusCreated, http.MethodPost, "/api/v1/channels", servertest.Map{"name": o.name, "driver": o.driver, "config": config})
}

// over waits until the channel has nothing left to send, and returns its deliveries.
func (o *outside) over(t *testing.T, h hub) []servertest.Delivery {
	t.Helper()
	return h.With(t).Over(o.name)
}

// TestRealChannels walks an incident through its life on channels whose other end knows incidents too.
func TestRealChannels(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		pager, pd := pagerDuty("pager")
		chat, slack := slackBot("chat")
		phone, tg := telegram("phone")
		for _, o := range []*outside{pager, chat, phone} {
			o.open(t, h, nil)
		}
		h.Send(servertest.Push(alert{Name: "Disk", Severity: "warning"}))
		h.Rest()
		h.Act(h.Incident().ID, "acknowledge", nil)
		for _, o := range []*outside{pager, chat, phone} {
			if list := o.over(t, h); len(list) != 2 || list[1].Kind != "acknowledged" || list[1].State != "delivered" {
				t.Errorf("%s: %+v", o.name, list)
			}
		}
		if a := pd.Alerts(); len(a) != 1 || a[0].State != channeltest.PagerDutyAcknowledged {
			t.Errorf("PagerDuty has %+v", a)
		}
		h.Send(servertest.Push(alert{Name: "Disk"})) // raised
		h.Rest()
		h.Send(servertest.Resolve("Disk"))
		h.Rest()
		for _, o := range []*outside{pager, chat, phone} {
			list := o.over(t, h)
			var kinds []string
			for _, d := range list {
				kinds = append(kinds, d.Kind)
				if d.State != "delivered" || d.Count != 1 {
					t.Errorf("%s: %+v", o.name, d)
				}
			}
			if got := strings.Join(kinds, " "); got != "firing acknowledged updated resolved" {
				t.Errorf("%s heard %s", o.name, got)
			}
			if n := len(o.seen()); n != 1 {
				t.Errorf("%s shows %d messages for one incident: %q", o.name, n, o.seen())
			}
		}
		if a := pd.Alerts(); len(a) != 1 || a[0].State != channeltest.PagerDutyResolved || a[0].Notified != 1 || a[0].DedupKey == "" {
			t.Errorf("PagerDuty has %+v", a)
		}
		if m := slack.Messages(); m[0].Edits == 0 || !strings.Contains(strings.ToLower(m[0].Text), "resolved") {
			t.Errorf("Slack shows %+v", m)
		}
		for _, m := range slack.Messages()[1:] {
			if m.Thread != slack.Messages()[0].TS {
				t.Errorf("beside the thread: %+v", m)
			}
		}
		if m := tg.Messages(); m[0].Edits == 0 || !strings.Contains(strings.ToLower(m[0].Text), "resolved") {
			t.Errorf("Telegram shows %+v", m)
		}
		atRest(t, h, nil)
	})
}
