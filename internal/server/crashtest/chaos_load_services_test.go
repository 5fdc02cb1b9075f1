//go:build unix

package crashtest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/channeltest"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// lostAnswer lets a service take its first call and never answer it.
func lostAnswer(service channeltest.Step, taken *atomic.Int64) channeltest.Step {
	var calls atomic.Int64
	return func(w http.ResponseWriter, r *http.Request, gone <-chan struct{}) {
		if calls.Add(1) > 1 {
			service(w, r, gone)
			return
		}
		service(httptest.NewRecorder(), r, gone)
		taken.Add(1)
		select {
		case <-r.Context().Done():
		case <-gone:
		}
	}
}

// TestKilledWhileServicesHaveIt kills the hub when services have a message and their answer is on its way. The next process does not know
// what became of it: it looks where it can, repeats under the same key where that is harmless, and says so where it can do neither.
func TestKilledWhileServicesHaveIt(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: waits for a lease")
	}
	engines(t, func(t *testing.T, engine, url string) {
		c := row(t, "C18", engine, "killed while services have the message")
		h := newHub(t, url, nil)
		h.start()
		var taken atomic.Int64
		const key = "0123456789abcdef0123456789abcdef"
		pd, slack := channeltest.NewPagerDuty(key), channeltest.NewSlack()
		slack.Epoch = time.Now().Unix()
		tg := &channeltest.Telegram{Token: "123456:canary-token-of-a-bot-0123456789abc", Chats: []string{"-1001"}}
		add := func(driver string, service channeltest.Step, config map[string]any, address, path string) {
			config[address] = channeltest.Receive(t, lostAnswer(service, &taken)).URL + path
			h.must(http.StatusCreated, http.MethodPost, "/api/v1/channels", map[string]any{"name": driver, "driver": driver, "config": config})
		}
		add("pagerduty", pd.Step, map[string]any{"integration_key": key}, "base_url", "")
		add("slack", slack.Step, map[string]any{"bot_token": slack.Token, "channel": slack.Channel}, "base_url", "/api")
		add("telegram", tg.Step, map[string]any{"bot_token": tg.Token, "chat_id": "-1001"}, "server", "")
		h.deliver(push(alert{name: "Lost"}))
		testkit.Eventually(t, patience, func() bool { return taken.Load() == 3 }, "the services do not have it")
		h.kill()
		h.start()
		began := time.Now()
		db := h.open(t)
		l, rest := settle(t, h, db, began)
		if n := number(t, db, `SELECT count(*) FROM`+toldElsewhere+`WHERE d.state = 'delivered'`); n != 3 || l.Counts["delivered"] != 1 {
			t.Errorf("%d are delivered, ledger %+v\n%s", n, l.Counts, dump(t, db))
		}
		if a := pd.Alerts(); len(a) != 1 || a[0].Notified != 1 || len(a[0].Actions) != 2 {
			t.Errorf("PagerDuty has %+v", a)
		}
		if m := slack.Messages(); len(m) != 1 {
			t.Errorf("Slack shows %d messages: the first was not found: %+v", len(m), m)
		}
		if m := tg.Messages(); len(m) != 2 || strings.Contains(m[0].Text, channel.MayRepeat) || !strings.Contains(m[1].Text, channel.MayRepeat) {
			t.Errorf("Telegram shows %+v", m)
		}
		c.faults(1)
		c.count(found(l, 1))
		c.within("at rest", rest, 0)
	})
}
