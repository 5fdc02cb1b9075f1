package web_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// TestFailingChannels: a channel that tells nobody is on top of every page, in the list and on its own page.
func TestFailingChannels(t *testing.T) {
	t.Parallel()
	h := emptyHub(now())
	h.channels = []notify.Channel{
		{ID: id.New(), Name: "ops <b>", Driver: "bridge", Config: storage.Doc(json.RawMessage(`{}`)), IsActive: true, Version: 1, Standing: notify.Standing{State: notify.ChannelFailing, Why: "3 tries failed; the last said: <i>gone</i>"}},
		{ID: id.New(), Name: "muted", Driver: "bridge", Config: storage.Doc(json.RawMessage(`{}`)), IsActive: true, Version: 1, Standing: notify.Standing{State: notify.ChannelOff, Why: "nothing is sent: its settings say disabled"}},
		{ID: id.New(), Name: "phone", Driver: "bridge", Config: storage.Doc(json.RawMessage(`{}`)), Version: 1, Standing: notify.Standing{State: notify.ChannelInactive, FallbackFor: []string{"ops", "dev"}}},
	}
	v := visit(t, serve(t, h)).signIn(readToken)
	for path, wants := range map[string][]string{
		"/health-line":                           {"Channel ops &lt;b&gt; is failing: 3 tries failed", `href="/channels/` + h.channels[0].ID.String()},
		"/runs":                                  {"Channel ops &lt;b&gt; is failing"},
		"/channels":                              {"Failing", "Sends nothing", "Inactive"},
		"/channels/" + h.channels[0].ID.String(): {"Failing", "the last said: &lt;i&gt;gone&lt;/i&gt;"},
		"/channels/" + h.channels[1].ID.String(): {"Sends nothing", "its settings say disabled"},
		"/channels/" + h.channels[2].ID.String(): {"Channels &#34;ops&#34; and &#34;dev&#34; fall back on it"},
	} {
		got := v.get(path).text
		for _, want := range wants {
			if !strings.Contains(got, want) {
				t.Errorf("%s: no %q", path, want)
			}
		}
	}
	h.mu.Lock()
	h.channels[1].State = notify.ChannelFailing
	h.mu.Unlock()
	if got := v.get("/health-line").text; !strings.Contains(got, "Channels are failing") || !strings.Contains(got, "ops &lt;b&gt;, muted") {
		t.Errorf("two of them: %s", got)
	}
}

// TestDeliveriesSayWhy: what waits says what for, and the log keeps the names of those who are gone.
func TestDeliveriesSayWhy(t *testing.T) {
	t.Parallel()
	h := demo(now())
	waits := notify.DeliveryView{ID: id.New(), ChannelName: "ops", State: "pending", Kind: channel.KindFiring, Severity: "critical", CreatedAt: now(), Waits: "the channel is left alone until 12:00, since it fails"}
	gone := notify.DeliveryView{ID: id.New(), ChannelName: "old", ChannelGone: true, State: "delivered", Kind: channel.KindFiring, Severity: "critical", CreatedAt: now()}
	hand := notify.DeliveryView{ID: id.New(), Driver: "bridge", Cause: "sent", State: "delivered", Kind: channel.KindSent, Severity: "info", CreatedAt: now()}
	off := notify.DeliveryView{ID: id.New(), ChannelName: "muted", State: "suppressed", Reason: "channel_off", Detail: "its settings say disabled", Kind: channel.KindFiring, Severity: "info", CreatedAt: now()}
	h.told = []notify.DeliveryView{off, hand, gone, waits} // the newest first
	v := visit(t, serve(t, h)).signIn(readToken)
	for path, wants := range map[string][]string{
		"/deliveries":                      {"the channel is left alone until 12:00", "old (deleted)", "by hand: bridge", "the channel sends nothing: its settings say disabled"},
		"/deliveries/" + waits.ID.String(): {"The channel is left alone until 12:00", "It was not tried yet"},
		"/deliveries/" + gone.ID.String():  {"old (deleted)"},
	} {
		got := v.get(path).text
		for _, want := range wants {
			if !strings.Contains(got, want) {
				t.Errorf("%s: no %q", path, want)
			}
		}
	}
}
