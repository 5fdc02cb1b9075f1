package server_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// TestReceiverVerdicts: what a receiver's answer means.
func TestReceiverVerdicts(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		first  int // the first answer; then 200
		became string
		calls  int
	}{
		"200": {200, "delivered", 1}, "204": {204, "delivered", 1}, "500": {500, "delivered", 2}, "503": {503, "delivered", 2},
		"429": {429, "delivered", 2}, "408": {408, "delivered", 2}, "425": {425, "delivered", 2},
		"400": {400, "dead(http_400)", 1}, "401": {401, "dead(http_401)", 1}, "404": {404, "dead(http_404)", 1}, "501": {501, "dead(http_501)", 1},
		"302": {302, "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := servertest.Start(t, nil)
			r := servertest.NewReceiver(t).Answers(func(n int, w http.ResponseWriter, _ *servertest.Message) int {
				if n == 1 {
					w.Header().Set("Location", "/elsewhere")
					return tt.first
				}
				return 200
			})
			h.Tell("ops", r)
			got := h.Send(servertest.Fire("Disk"))
			h.Rest()
			result := h.Became(got.ReceiptID)
			if tt.became == "" && result[:4] != "dead" || tt.became != "" && result != tt.became {
				t.Errorf("became %s, want %s", result, tt.became)
			}
			all := r.All()
			if len(all) != tt.calls || all[0].Key != all[len(all)-1].Key || string(all[0].Raw) != string(all[len(all)-1].Raw) {
				t.Errorf("%d calls, want %d, alike to the byte and under one key", len(all), tt.calls)
			}
			d := h.Deliveries("ops")[0]
			if d.Count != tt.calls || len(d.Attempts) != tt.calls || d.Attempts[0].Status != tt.first {
				t.Errorf("delivery %+v", d)
			}
			atRest(t, h, nil)
		})
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		times := make(chan time.Time, 4)
		r := servertest.NewReceiver(t).Answers(func(n int, w http.ResponseWriter, _ *servertest.Message) int {
			times <- time.Now()
			if n == 1 {
				w.Header().Set("Retry-After", "3")
				return http.StatusTooManyRequests
			}
			return 200
		})
		h.Tell("ops", r)
		got := h.Send(servertest.Fire("Disk"))
		r.Waits(1)
		run := func() servertest.Run { return h.Run(*got.RunID) }
		testkit.Eventually(t, time.Minute, func() bool { return run().State != "running" }, "the notify node holds its run until the last try")
		if run().State != "succeeded" {
			t.Errorf("run %+v", run())
		}
		became(t, h, got, "delivered")
		if waited := (<-times).Sub(<-times).Abs(); waited < 2900*time.Millisecond || waited > 8*time.Second {
			t.Errorf("waited %s, the receiver asked for 3 s", waited)
		}
		atRest(t, h, map[string]int64{"delivered": 1})
	})
}

// TestBlockedAddress: the hub does not call where it must not, and says so.
func TestBlockedAddress(t *testing.T) {
	t.Parallel()
	engines(t, map[string]string{"HUB_EGRESS_ALLOW": "127.0.0.1:1"}, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t)
		for name, endpoint := range map[string]string{"loopback": r.URL, "metadata": "http://169.254.169.254/latest", "mapped": "http://[::ffff:127.0.0.1]/x", "number": "http://2130706433/"} {
			if status, raw := h.Do(http.MethodPost, "/api/v1/channels", obj{"name": name, "driver": "generic", "config": obj{"endpoint": endpoint}}); status != http.StatusUnprocessableEntity {
				t.Errorf("%s: %d %s", name, status, raw)
			}
		}
		// A name is resolved when it is dialled.
		if status, raw := h.Do(http.MethodPost, "/api/v1/channels", obj{"name": "named", "driver": "generic", "config": obj{"endpoint": "http://localhost:2/x"}}); status != http.StatusCreated && status != http.StatusUnprocessableEntity {
			t.Errorf("named: %d %s", status, raw)
		} else if status == http.StatusCreated {
			became(t, h, h.Send(servertest.Fire("Disk")), "dead(blocked_address)")
		}
		told(t, r)
		atRest(t, h, nil)
	})
}

// TestAllowedThenBlocked: a receiver that was allowed when the channel was saved.
func TestOwnListenerIsBlocked(t *testing.T) {
	t.Parallel()
	h := servertest.Start(t, nil)
	status, raw := h.Do(http.MethodPost, "/api/v1/channels", obj{"name": "self", "driver": "generic", "config": obj{"endpoint": h.URL + "/alerts/webhook/"}})
	switch status {
	case http.StatusUnprocessableEntity:
	case http.StatusCreated:
		became(t, h, h.Send(servertest.Fire("Disk")), "dead(blocked_address)")
	default:
		t.Errorf("%d %s", status, raw)
	}
}

// TestOrder: a slow receiver gets the resolve after what it resolves.
func TestOrder(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		open := make(chan struct{})
		r := servertest.NewReceiver(t).Answers(func(n int, _ http.ResponseWriter, _ *servertest.Message) int {
			if n == 1 {
				<-open
			}
			return 200
		})
		h.Tell("ops", r)
		h.Send(servertest.Push(alert{Name: "Disk", Severity: "warning"}))
		r.Called()
		h.Send(servertest.Push(alert{Name: "Disk", Severity: "critical"})) // waits behind the first, never tried
		got := h.Send(servertest.Resolve("Disk"))
		if states := statesOf(h, "ops"); !slices.Equal(states, []string{"sending", "suppressed(resolved_first)", "pending"}) {
			t.Errorf("while the first is on the wire: %q", states)
		}
		close(open)
		became(t, h, got, "delivered")
		told(t, r, "firing", "resolved")
		atRest(t, h, map[string]int64{"delivered": 2, "suppressed": 1, "(resolved_first)": 1})
	})
}

func statesOf(h hub, channel string) []string {
	var out []string
	for _, d := range h.Deliveries(channel) {
		s := d.State
		if d.Reason != "" {
			s += "(" + d.Reason + ")"
		}
		out = append(out, s)
	}
	return out
}

// TestResolvedFirst: nobody is told of the end of what nobody was told of.
func TestResolvedFirst(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t).Answers(func(_ int, w http.ResponseWriter, _ *servertest.Message) int {
			w.Header().Set("Retry-After", "600") // it is not tried again before the end comes, however long that takes
			return http.StatusServiceUnavailable
		})
		h.Tell("ops", r)
		fire := h.Send(servertest.Fire("Disk"))
		r.Waits(1) // answered 503: it certainly has nothing
		testkit.Eventually(t, time.Minute, func() bool { return h.Deliveries("ops")[0].State == "pending" }, "the first try is not booked")
		r.Says(http.StatusOK)
		end := h.Send(servertest.Resolve("Disk"))
		h.Rest()
		if s := statesOf(h, "ops"); len(s) != 1 || s[0] != "suppressed(resolved_first)" {
			t.Errorf("deliveries %q", s)
		}
		told(t, r)
		if got := h.Became(fire.ReceiptID); got != "suppressed(resolved_first)" {
			t.Errorf("the firing one became %s", got)
		}
		// The inbox was told of both.
		if got := h.Became(end.ReceiptID); got != "delivered" {
			t.Errorf("the end became %s", got)
		}
		atRest(t, h, nil)
	})
}

// TestBrokenChannelCostsNobodyElse: one dead, one delivered; the ledger says the worst.
func TestWorstOfChannels(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		good, bad := servertest.NewReceiver(t), servertest.NewReceiver(t).Says(http.StatusGone)
		h.Tell("good", good)
		h.Tell("bad", bad)
		got := h.Send(servertest.Fire("Disk"))
		became(t, h, got, "dead(http_410)")
		told(t, good, "firing")
		if run := h.Run(*got.RunID); run.State != "succeeded" {
			t.Errorf("a notify node fails only when all are dead: %+v", run)
		}
		became(t, h, h.Send(servertest.Fire("Disk")), "suppressed(duplicate)") // somebody was told
		became(t, h, h.Send(servertest.Resolve("Disk")), "delivered")          // to exactly who was
		told(t, good, "firing", "resolved")
		if n := len(bad.All()); n != 1 {
			t.Errorf("the dead one was called %d times", n)
		}
		atRest(t, h, nil)
	})
}

// TestAllDead: the run fails when nobody at all could be told.
func TestAllDead(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t).Says(http.StatusBadRequest)
		h.Tell("ops", r)
		h.Only("p", pipeline(nil, ingest("n"), notify("n", "ops")))
		got := h.Send(servertest.Fire("Disk"))
		became(t, h, got, "dead(http_400)")
		testkit.Eventually(t, time.Minute, func() bool { return h.Run(*got.RunID).State == "failed" }, "the run did not fail")
		if run := h.Run(*got.RunID); run.LastError == nil || run.LastError.Type != "all_deliveries_dead" || run.Status != "failed" {
			t.Errorf("run %+v", run)
		}
		atRest(t, h, map[string]int64{"dead": 1, "(http_400)": 1})
	})
}
