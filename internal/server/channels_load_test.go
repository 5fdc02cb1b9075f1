package server_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/notify/channeltest"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// TestRealFlips (C17): 8 connections fire and resolve one alert a hundred times; every service hears it in order, and believes what is true
// in the end.
func TestRealFlips(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: takes seconds")
	}
	const connections, flips = 8, 100
	engines(t, nil, func(t *testing.T, h hub) {
		pager, pd := pagerDuty("pager")
		chat, slack := slackBot("chat")
		phone, tg := telegram("phone")
		all := []*outside{pager, chat, phone}
		for _, o := range all {
			o.open(t, h, slower(o.step, 5*time.Millisecond))
		}
		// The first is told before it begins to flip: on a slow machine each may end before anybody has heard of it.
		h.Send(servertest.Fire("Flip"))
		h.Rest()
		var wg sync.WaitGroup
		for n := range connections {
			wg.Go(func() {
				for i := n; i < flips; i += connections {
					body := servertest.Fire("Flip")
					if i%2 == 1 {
						body = servertest.Resolve("Flip")
					}
					if a, err := h.Try(http.MethodPost, "/alerts/webhook/", body); err != nil || a.Status != http.StatusAccepted {
						t.Errorf("push: %d %v", a.Status, err)
					}
					time.Sleep(20 * time.Millisecond)
				}
			})
		}
		wg.Wait()
		h.Rest()
		firing := h.Alerts()[0].Status == "firing"
		for _, o := range all {
			list := o.over(t, h)
			on, told := false, 0
			var last *servertest.Delivery
			for i := range list {
				d := &list[i]
				switch {
				case d.State == "dead":
					t.Errorf("%s: dead: %+v", o.name, d)
				case d.State != "delivered":
					continue
				case d.Kind == "resolved" && !on:
					t.Errorf("%s: an end without a beginning: %s", o.name, d.Key)
				}
				told++
				on, last = d.Kind != "resolved", d
			}
			if told == 0 || on != firing {
				t.Errorf("%s was told %d times and believes that it is on: %t; it is: %t (%+v)", o.name, told, on, firing, last)
			}
			if n := len(o.at.Requests()); o == pager && n != told || n < told {
				t.Errorf("%s got %d calls for %d messages", o.name, n, told)
			}
		}
		alerts := pd.Alerts()
		for n, a := range alerts {
			over := a.Actions[len(a.Actions)-1] == "resolve"
			if a.Actions[0] != "trigger" || a.Notified != 1 || over != (n < len(alerts)-1 || !firing) {
				t.Errorf("alert %d of %d, while it is on: %t: %+v", n, len(alerts), firing, a)
			}
		}
		shown := map[bool]string{true: "something is wrong", false: "resolved"}[firing]
		if m := slack.Messages(); len(m) == 0 || !strings.Contains(strings.ToLower(m[0].Text), shown) || firing == strings.Contains(strings.ToLower(m[0].Text), "resolved") {
			t.Errorf("Slack shows %+v while it is on: %t", m, firing)
		}
		if m := tg.Messages(); len(m) == 0 || firing == strings.Contains(strings.ToLower(m[len(m)-1].Text), "resolved") {
			t.Errorf("Telegram's messages are %+v while it is on: %t", m, firing)
		}
		atRest(t, h, nil)
	})
}

// slower answers a little later.
func slower(step channeltest.Step, by time.Duration) channeltest.Step {
	return func(w http.ResponseWriter, r *http.Request, gone <-chan struct{}) {
		time.Sleep(by)
		step(w, r, gone)
	}
}

var hangName = regexp.MustCompile(`Hang[0-9]{4}`)

// TestRealHang (C20): one service hangs with a thousand messages waiting for it; the others are told as fast as ever. It measures, so nothing
// else runs beside it.
func TestRealHang(t *testing.T) { //nolint:paralleltest // see above
	if testing.Short() {
		t.Skip("-short: takes seconds")
	}
	const alerts = 1000
	engines(t, nil, func(t *testing.T, h hub) {
		stuck, _ := slackBot("stuck")
		stuck.wait = 5
		pager, _ := pagerDuty("pager")
		phone, _ := telegram("phone")
		var mu sync.Mutex
		sent, heard := map[string]time.Time{}, map[string]map[string]time.Duration{"pager": {}, "phone": {}}
		listen := func(o *outside) channeltest.Step {
			return func(w http.ResponseWriter, r *http.Request, gone <-chan struct{}) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				at := time.Now()
				r.Body = io.NopCloser(bytes.NewReader(body))
				o.step(w, r, gone)
				mu.Lock()
				defer mu.Unlock()
				if name := hangName.FindString(string(body)); name != "" && heard[o.name][name] == 0 {
					heard[o.name][name] = at.Sub(sent[name])
				}
			}
		}
		stuck.open(t, h, channeltest.Hang())
		for _, o := range []*outside{pager, phone} {
			o.open(t, h, listen(o))
		}
		slots := make(chan struct{}, 8)
		var wg sync.WaitGroup
		for n := range alerts {
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				name := fmt.Sprintf("Hang%04d", n)
				mu.Lock()
				sent[name] = time.Now()
				mu.Unlock()
				if a, err := h.Try(http.MethodPost, "/alerts/webhook/", servertest.Fire(name)); err != nil || a.Status != http.StatusAccepted {
					t.Errorf("push: %d %v", a.Status, err)
				}
				time.Sleep(40 * time.Millisecond)
			})
		}
		wg.Wait()
		for _, o := range []*outside{pager, phone} {
			testkit.Eventually(t, 3*time.Minute, func() bool { mu.Lock(); defer mu.Unlock(); return len(heard[o.name]) == alerts }, o.name+" is not told of all")
			mu.Lock()
			var took []time.Duration
			for _, d := range heard[o.name] {
				took = append(took, d)
			}
			mu.Unlock()
			slices.Sort(took)
			p99 := took[len(took)*99/100]
			t.Logf("%s: p50 %s, p99 %s", o.name, took[len(took)/2].Round(time.Millisecond), p99.Round(time.Millisecond))
			if p99.Seconds() > 5*min(testkit.Slower, 4) { // with the race detector the hub itself is that much slower
				t.Errorf("%s: p99 %s", o.name, p99)
			}
			if n := len(o.seen()); n != alerts {
				t.Errorf("%s shows %d messages", o.name, n)
			}
		}
		waiting := 0
		for _, d := range h.Deliveries("stuck") {
			if d.State == "pending" || d.State == "sending" {
				waiting++
			}
		}
		if waiting != alerts {
			t.Errorf("%d wait for the one that hangs", waiting)
		}
	})
}
