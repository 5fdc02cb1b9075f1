package server_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/notify/channeltest"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// lives takes an incident through its life: it begins, gets worse, is acknowledged, ends.
func lives(t *testing.T, h hub) (incident string) {
	t.Helper()
	with := func(severity, status string) string {
		return servertest.Push(alert{Name: "Disk", Severity: severity, Status: status})
	}
	became(t, h, h.Send(with("warning", "firing")), "delivered")
	became(t, h, h.Send(with("critical", "firing")), "delivered")
	i := h.Incident()
	h.Act(i.ID, "acknowledge", servertest.Map{})
	h.Over() // else the end may come first, and nobody is told of what is over
	became(t, h, h.Send(with("-", "resolved")), "delivered")
	h.Rest()
	return i.ID
}

// TestSlackBot: an incident is one message that shows how it stands; answers that are lost repeat nothing.
func TestSlackBot(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		slack := channeltest.NewSlack()
		slack.Epoch = time.Now().Unix()
		slack.Then(channeltest.Reset())
		r := channeltest.Receive(t, channeltest.Answer(http.StatusOK, `{"ok":false,"error":"ratelimited"}`, "Retry-After", "1"), slack.Step)
		h.Want(http.StatusCreated, http.MethodPost, "/api/v1/channels", servertest.Map{
			"name": "room", "driver": "slack", "config": servertest.Map{
				"bot_token": slack.Token, "channel": slack.Channel, "base_url": r.URL + "/api", "mention": []string{"here"},
			},
		})
		if status, raw := h.Do(http.MethodGet, "/api/v1/channels", nil); status != http.StatusOK || strings.Contains(string(raw), "canary") {
			t.Errorf("the token is shown: %s", raw)
		}
		id := lives(t, h)
		var got []string
		for _, m := range slack.Messages() {
			title, _, _ := strings.Cut(m.Text, "\n")
			got = append(got, fmt.Sprintf("thread=%v shown=%v edits=%d %s %v %s", m.Thread != "", m.Broadcast, m.Edits, m.Color, m.Mentions, title))
		}
		want := []string{
			"thread=false shown=false edits=3 #28a745 [<!here>] *Resolved: Disk* — `SUCCESS` | #" + id + " | alertmanager",
			"thread=true shown=true edits=0  [<!here>] <!here> *[CRITICAL] Disk*",
			"thread=true shown=false edits=0  [] *Resolved: Disk*",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
		var calls []string
		for _, q := range r.Requests() {
			calls = append(calls, strings.TrimPrefix(q.URL.Path, "/api/"))
		}
		if at := slices.Index(calls, "conversations.history"); at != 2 {
			t.Errorf("the lost message was not looked for: %q", calls)
		}
	})
}

// TestDiscord: an incident is one message that is edited; what gets worse is said beside it.
func TestDiscord(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		discord := channeltest.NewDiscord()
		r := channeltest.Receive(t, channeltest.DiscordLimited(300*time.Millisecond), discord.Step, discord.Step, discord.Step, channeltest.Reset(), discord.Step)
		h.Want(http.StatusCreated, http.MethodPost, "/api/v1/channels", servertest.Map{
			"name": "room", "driver": "discord", "config": servertest.Map{"webhook_url": r.URL + discord.Hook},
		})
		if status, raw := h.Do(http.MethodGet, "/api/v1/channels", nil); status != http.StatusOK || strings.Contains(string(raw), "canary") {
			t.Errorf("the address is shown: %s", raw)
		}
		lives(t, h)
		m := discord.Messages()
		if len(m) != 2 || m[0].Edits != 3 || m[0].Color != 0x28a745 || !strings.HasPrefix(strings.TrimSpace(m[0].Text), "Resolved: Disk") {
			t.Fatalf("messages %+v", m)
		}
		if !strings.Contains(m[1].Text, "[CRITICAL] Disk") || strings.Contains(m[0].Text+m[1].Text, "(may repeat)") {
			t.Errorf("messages %+v", m)
		}
	})
}

// TestMattermost: each message is a post; one that may be there already says so.
func TestMattermost(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		mm := channeltest.NewMattermost()
		mm.Then(channeltest.Reset())
		r := channeltest.Receive(t, mm.Step)
		h.Want(http.StatusCreated, http.MethodPost, "/api/v1/channels", servertest.Map{
			"name": "room", "driver": "mattermost", "config": servertest.Map{"webhook_url": r.URL + mm.Hook},
		})
		lives(t, h)
		var got []string
		for _, p := range mm.Posts() {
			title, _, _ := strings.Cut(strings.TrimSpace(strings.TrimPrefix(p.Text, "(may repeat)")), "\n")
			got = append(got, fmt.Sprintf("%s %v %s", p.Color, strings.Contains(p.Text, "(may repeat)"), title))
		}
		want := []string{"#ffc107 false [WARNING] Disk", "#ffc107 true [WARNING] Disk", "#dc3545 false [CRITICAL] Disk", "#28a745 false Resolved: Disk"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("posts (-want +got):\n%s", diff)
		}
	})
}
