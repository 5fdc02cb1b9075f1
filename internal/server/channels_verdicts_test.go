package server_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/notify/channeltest"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// spoiled answers the first calls with something else, after the service took them or without it.
func spoiled(step channeltest.Step, calls int, taken bool, instead channeltest.Step) channeltest.Step {
	var mu sync.Mutex
	return func(w http.ResponseWriter, r *http.Request, gone <-chan struct{}) {
		mu.Lock()
		calls--
		bad := calls >= 0
		mu.Unlock()
		switch {
		case !bad:
			step(w, r, gone)
		case taken:
			step(httptest.NewRecorder(), r, gone)
			fallthrough
		default:
			instead(w, r, gone)
		}
	}
}

// TestRealVerdicts (C18): whatever a service does at first, the message gets there or is dead for a reason, and who can tell a repeat from
// news shows it once.
func TestRealVerdicts(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: takes seconds")
	}
	makers := map[string]struct {
		make func(name string) *outside
		sure bool // a repeat is seen as one
	}{
		"pagerduty": {func(n string) *outside { o, _ := pagerDuty(n); return o }, true},
		"bot":       {func(n string) *outside { o, _ := slackBot(n); return o }, true},
		"hook":      {func(n string) *outside { o, _ := slackHook(n); return o }, false},
		"telegram":  {func(n string) *outside { o, _ := telegram(n); return o }, false},
	}
	no := map[string]channeltest.Step{
		"pagerduty": channeltest.Answer(400, `{"status":"invalid event","errors":["Invalid routing key"]}`),
		"bot":       channeltest.Answer(200, `{"ok":false,"error":"channel_not_found"}`, "Content-Type", "application/json"),
		"hook":      channeltest.Answer(404, "no_service"),
		"telegram":  channeltest.Answer(403, `{"ok":false,"error_code":403,"description":"Forbidden: bot was kicked"}`, "Content-Type", "application/json"),
	}
	hows := map[string]struct {
		taken   bool
		instead channeltest.Step
		least   time.Duration // before the next try
		unknown bool
	}{
		"500":   {false, channeltest.Answer(500, "broken"), 0, false},
		"429":   {false, channeltest.Answer(429, `{"ok":false,"error_code":429,"description":"slow","parameters":{"retry_after":2}}`, "Retry-After", "2"), 2 * time.Second, false},
		"hang":  {true, channeltest.Hang(), 0, true},
		"reset": {true, channeltest.Reset(), 0, true},
		"drip":  {true, channeltest.Drip(), 0, true},
	}
	engines(t, nil, func(t *testing.T, h hub) {
		all := map[string]*outside{}
		for driver, m := range makers {
			for how, x := range hows {
				o := m.make(driver + "-" + how)
				o.wait = 5 // some never answer
				all[o.name] = o
				o.open(t, h, spoiled(o.step, 1, x.taken, x.instead))
			}
			o := m.make(driver + "-no")
			all[o.name] = o
			o.open(t, h, no[driver])
		}
		h.Send(servertest.Fire("Disk"))
		for name, o := range all {
			driver, how, _ := strings.Cut(name, "-")
			list := o.over(t, h)
			if len(list) != 1 {
				t.Errorf("%s: %d deliveries", name, len(list))
				continue
			}
			d := list[0]
			if how == "no" {
				if d.State != "dead" || d.Count != 1 || d.Reason == "" {
					t.Errorf("%s: %+v", name, d)
				}
				continue
			}
			x := hows[how]
			if d.State != "delivered" || x.unknown && d.Count > 3 || !x.unknown && d.Count != 2 {
				t.Errorf("%s: it is %s(%s) after %d attempts: %+v", name, d.State, d.Reason, d.Count, d.Attempts)
			}
			seen := o.seen()
			if len(seen) == 0 || makers[driver].sure && len(seen) != 1 || len(seen) > d.Count {
				t.Errorf("%s: seen %d times after %d attempts: %q", name, len(seen), d.Count, seen)
			}
			for _, s := range seen[1:] {
				if !strings.Contains(s, "(may repeat)") {
					t.Errorf("%s: a repeat does not say so: %q", name, s)
				}
			}
			if len(d.Attempts) > 1 && d.Attempts[1].At.Sub(d.Attempts[0].At) < x.least {
				t.Errorf("%s: the next try came %s after the first", name, d.Attempts[1].At.Sub(d.Attempts[0].At))
			}
		}
		l := h.Rest()
		if l.Counts["dead"] != 1 || !l.Balanced {
			t.Errorf("ledger %+v", l)
		}
	})
}
