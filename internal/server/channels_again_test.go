package server_test

import (
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/notify/channeltest"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

func discordRoom(name string) (*outside, *channeltest.Discord) {
	d := channeltest.NewDiscord()
	return &outside{
		name: name, driver: "discord", step: d.Step,
		config: func(url string) servertest.Map { return servertest.Map{"webhook_url": url + d.Hook} },
	}, d
}

// TestAgainInPlace: where an incident is one message, that message never stays at resolved while the incident is open: neither when it
// fires again, nor when somebody opens it again, which rings for nobody.
func TestAgainInPlace(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		chat, slack := slackBot("chat")
		phone, tg := telegram("phone")
		room, dc := discordRoom("room")
		mail := servertest.NewReceiver(t)
		h.Tell("mail", mail)
		places := []*outside{chat, phone, room}
		for _, o := range places {
			o.open(t, h, nil)
		}
		rung := func() int { return len(slack.Messages()) + len(tg.Messages()) + len(dc.Messages()) }
		first := func() []string {
			return []string{slack.Messages()[0].Text, tg.Messages()[0].Text, dc.Messages()[0].Text}
		}
		state := func(over bool, kinds string) {
			t.Helper()
			for _, o := range places {
				testkit.Eventually(t, time.Minute, func() bool { return len(h.Deliveries(o.name)) >= len(strings.Fields(kinds)) }, o.name+" is not told")
				var got []string
				for _, d := range o.over(t, h) {
					got = append(got, d.Kind)
				}
				if strings.Join(got, " ") != kinds {
					t.Errorf("%s heard %v, want %s", o.name, got, kinds)
				}
			}
			for i, text := range first() {
				if strings.Contains(text, "Resolved") != over {
					t.Errorf("%s, after %s, shows %s", places[i].name, kinds, text)
				}
			}
		}
		h.Send(servertest.Fire("Disk"))
		h.Rest()
		h.Send(servertest.Resolve("Disk"))
		h.Rest()
		state(true, "firing resolved")
		before := rung()
		h.Send(servertest.Fire("Disk"))
		h.Rest()
		state(false, "firing resolved firing")
		if n := rung() - before; n != 3 {
			t.Errorf("%d new messages when it fires again, want one each", n)
		}
		h.Act(h.Incident().ID, "resolve", nil)
		state(true, "firing resolved firing resolved")
		before = rung()
		h.Act(h.Incident().ID, "reopen", nil)
		state(false, "firing resolved firing resolved updated")
		if n := rung() - before; n != 0 {
			t.Errorf("%d new messages when somebody opens it again", n)
		}
		h.Act(h.Incident().ID, "resolve", nil)
		state(true, "firing resolved firing resolved updated resolved")
		h.Over("mail")
		told(t, mail, "firing", "resolved", "firing", "resolved")
		atRest(t, h, nil)
	})
}

// TestAgainByPipeline: a pipeline that tells of what is opened again is not told ahead of.
func TestAgainByPipeline(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		chat, slack := slackBot("chat")
		chat.open(t, h, nil)
		h.Only("page", servertest.Pipeline(nil, servertest.Ingest("tell"), servertest.Notify("tell", "chat")),
			"again", servertest.Pipeline(obj{"on": "incident", "events": []string{"opened"}}, servertest.Notify("tell", "chat")))
		h.Send(servertest.Fire("Disk"))
		h.Rest()
		h.Act(h.Incident().ID, "resolve", nil)
		chat.over(t, h)
		before := len(slack.Messages())
		h.Act(h.Incident().ID, "reopen", nil)
		testkit.Eventually(t, time.Minute, func() bool { return len(h.Deliveries("chat")) > 2 }, "what is opened again is not told")
		list := chat.over(t, h)
		if len(list) != 3 || list[2].Kind != "firing" || len(slack.Messages()) != before+1 || strings.Contains(slack.Messages()[0].Text, "Resolved") {
			t.Errorf("%+v; Slack shows %+v", list, slack.Messages())
		}
	})
}
