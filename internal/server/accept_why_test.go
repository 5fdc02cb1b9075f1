package server_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/apps/ledger"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// explained asks why and checks what every answer has: steps in order of time, and nothing left out.
func explained(t *testing.T, h hub, about string) ledger.Explanation {
	t.Helper()
	var e ledger.Explanation
	h.Get("/api/v1/why/"+about, &e)
	if len(e.Steps) == 0 || len(e.Left) > 0 || e.Subject.ID == "" || e.Subject.Title == "" {
		t.Errorf("%+v", e)
	}
	if !slices.IsSortedFunc(e.Steps, func(a, b ledger.WhyStep) int { return a.At.Compare(b.At) }) {
		t.Errorf("not in order of time: %+v", e.Steps)
	}
	return e
}

// says fails the test unless the verdict matches, a * standing for anything, and the steps "what name result why" hold those wanted in
// their order.
func says(t *testing.T, e ledger.Explanation, verdict string, want ...string) {
	t.Helper()
	if !like(verdict, e.Verdict) {
		t.Errorf("verdict %q, want %q", e.Verdict, verdict)
	}
	var got []string
	n := 0
	for _, s := range e.Steps {
		line := strings.Join([]string{s.What, s.Name, s.Result, s.Why}, "|")
		got = append(got, line)
		if n < len(want) && like(want[n], line) {
			n++
		}
	}
	if n < len(want) {
		t.Errorf("%s: no step %q after the others in\n%s", e.Subject.Title, want[n], strings.Join(got, "\n"))
	}
}

func like(pattern, s string) bool {
	parts := strings.Split(pattern, "*")
	rest, ok := strings.CutPrefix(s, parts[0])
	for _, p := range parts[1:] {
		if !ok {
			return false
		}
		_, rest, ok = strings.Cut(rest, p)
	}
	return ok && (rest == "" || strings.HasSuffix(pattern, "*"))
}

// alertID finds the id of the only alert.
func alertID(t *testing.T, h hub) string {
	t.Helper()
	var page struct {
		Items []struct {
			ID string `json:"id"`
		} `json:"items"`
	}
	h.Get("/api/v1/alerts", &page)
	if len(page.Items) != 1 {
		t.Fatalf("%d alerts", len(page.Items))
	}
	return page.Items[0].ID
}

// TestWhy: whatever is asked about, the answer names what was decided, with what it was decided from, and who heard of it.
func TestWhy(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		h.Only(
			"other", pipeline(obj{"priority": 10, "when": "labels.env == 'never'"}, ingest("n"), notify("n", "ops")),
			"page", pipeline(obj{"priority": 20}, ingest("n"), notify("n", "ops")),
		)
		first := h.Send(servertest.Fire("Disk"))
		h.Rest()
		told := []string{
			"receipt|default|queued|1 alert, read as *", "route|other|miss|*env*never*", "route|page|match|", "fold|Disk|created|the hub had not seen this alert",
			"channel|ops|to_be_told|the firing: *", "attempt|ops|done|try 1: answer 200 after *", "channel|ops|told|of the firing at *", "run|page v1|succeeded|",
		}
		const was = "Channel ops was told of the firing at *"
		says(t, explained(t, h, first.ReceiptID), was, append(told[:4:4], told[4], told[5], told[6])...)
		says(t, explained(t, h, *first.RunID), was, told[:7]...)
		says(t, explained(t, h, h.Deliveries("ops")[0].ID), was, told[:7]...)
		says(t, explained(t, h, alertID(t, h)), was, told[:7]...)
		e := explained(t, h, h.Incident().ID)
		says(t, e, was, "receipt|*", "fold|*", "incident||opened|", "channel|ops|told|*")
		for _, s := range e.Steps {
			if s.What == "attempt" && (s.Links.Delivery != h.Deliveries("ops")[0].ID || s.Links.Run != *first.RunID || s.Values["status"] != 200.0) {
				t.Errorf("attempt %+v", s)
			}
		}

		// A repeat tells nobody, and says since when who knows.
		again := h.Send(servertest.Fire("Disk"))
		h.Rest()
		const repeat = "Nobody was told: the alert repeats a firing that channel ops was told of at *"
		says(t, explained(t, h, again.ReceiptID), repeat, "receipt|*", "route|page|match|", "fold|Disk|updated|it fires already; nothing material changed*",
			"ledger|Disk|suppressed(duplicate)|the alert repeats a firing that channel ops was told of at *")
		says(t, explained(t, h, alertID(t, h)), repeat, append(told[:7:7], "ledger|Disk|delivered|*", "receipt|*", "ledger|Disk|suppressed(duplicate)|*")...)
		says(t, explained(t, h, *again.RunID), repeat, "ledger|Disk|suppressed(duplicate)|*")

		// The end goes to whoever was told.
		end := h.Send(servertest.Resolve("Disk"))
		h.Rest()
		says(t, explained(t, h, end.ReceiptID), "Channel ops was told of the end at *", "fold|Disk|resolved|it ends the alert*", "resolve|Disk|resolved|*", "channel|ops|told|of the end at *")
		says(t, explained(t, h, h.Incident().ID), "Channel ops was told of the end at *", "incident||opened|", "channel|ops|told|of the firing*", "incident||resolved|*", "channel|ops|told|of the end*")

		for _, id := range []string{"nonsense", "0190a6c1-7c4e-7b1a-9d0e-5b8f3c2a1d4e"} {
			h.Want(http.StatusNotFound, http.MethodGet, "/api/v1/why/"+id, nil)
		}
	})
}

// TestWhyNot: everything that keeps a message from going out is named.
func TestWhyNot(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		ops, bad := servertest.NewReceiver(t), servertest.NewReceiver(t).Says(http.StatusNotFound)
		h.Tell("ops", ops)
		h.Tell("calm", ops, "min_severity", "critical")
		h.Tell("bad", bad)
		on := func(name string, more ...obj) obj {
			return pipeline(obj{"when": "alert.name == '" + name + "'"}, append([]obj{ingest("n")}, more...)...)
		}
		h.Only(
			"when", on("When", notifyWith("n", "ops", obj{"when": "labels.team == 'db'"})),
			"mild", on("Mild", notify("n", "calm")),
			"dead", on("Dead", notify("n", "bad")),
			"drop", pipeline(obj{"when": "alert.name == 'Drop'", "discard": true}),
		)
		one := `{"status":"firing","labels":{"alertname":"Lost"},"startsAt":"2026-11-20T10:00:00Z","fingerprint":"f1"}`
		for name, tt := range map[string]struct {
			body    string
			verdict string
			steps   []string
		}{
			"no route": {
				servertest.Fire("Lost"), "Nobody was told: no pipeline wanted it; 4 pipelines tried",
				[]string{"receipt|default|no_route|*", "route|dead|miss|*", "ledger|Lost|no_route|no pipeline wanted it*"},
			},
			"when": {
				servertest.Fire("When"), "Nobody was told: channel ops was held back: the when of node n is false: labels.team == 'db'",
				[]string{"route|when|match|", "node|n|skipped|its when is false: labels.team == 'db'", "channel|ops|held_back|*", "ledger|When|suppressed(when)|*"},
			},
			"severity": {
				servertest.Push(alert{Name: "Mild", Severity: "warning"}),
				"Nobody was told: channel calm was held back: severity warning is less than the channel wants, critical",
				[]string{"route|mild|match|", "fold|Mild|created|*", "channel|calm|held_back|*", "ledger|Mild|suppressed(below_min_severity)|*"},
			},
			"dead": {
				servertest.Fire("Dead"), "Nobody was told: channel bad was given up after 1 try: the receiver answered 404*",
				[]string{"channel|bad|to_be_told|*", "attempt|bad|permanent|try 1: answer 404 after *", "channel|bad|given_up|*", "ledger|Dead|dead(http_404)|*"},
			},
			"discarded": {
				servertest.Fire("Drop"), "Nobody was told: pipeline drop is set to discard it",
				[]string{"route|drop|discard|", "ledger|Drop|suppressed(discarded)|*"},
			},
		} {
			t.Run(name, func(t *testing.T) {
				h := h.With(t)
				got := h.Send(tt.body)
				h.Rest()
				says(t, explained(t, h, got.ReceiptID), tt.verdict, tt.steps...)
			})
		}
		mixed := h.SendTo("alertmanager/", `{"version":"4","status":"firing","receiver":"r","groupKey":"g","alerts":[7,`+one+`]}`)
		h.Rest()
		says(t, explained(t, h, mixed.ReceiptID), "Nobody was told: no pipeline wanted it; 4 pipelines tried; in all 1 no_route, 1 rejected(bad_item)",
			"parse|item 0|rejected|*", "route|dead|miss|*", "ledger|item 0|rejected(bad_item)|the hub could not use it: *")
		answer := h.Ask(http.MethodPost, "/alerts/webhook/alertmanager/", obj{"version": "4", "status": "firing", "receiver": "r", "groupKey": "g", "alerts": nil})
		unusable, _ := answer.JSON()["receipt_id"].(string)
		says(t, explained(t, h, unusable), "Nobody was told: the hub could not use it: *", "receipt|default|rejected|*", "ledger|item 0|rejected(unusable)|*")
	})
}

// TestWhyNotYet: what is under way says what it waits for, and what came too late says that.
func TestWhyNotYet(t *testing.T) {
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
		h.Only("p", pipeline(nil, ingest("n"), notify("n", "ops")))
		first := h.Send(servertest.Push(alert{Name: "Disk", Severity: "warning"}))
		r.Called()
		second := h.Send(servertest.Fire("Disk"))
		says(t, explained(t, h, first.ReceiptID), "Nobody has been told yet: channel ops is on the wire since *", "channel|ops|sending|*", "ledger|Disk|pending|*")
		says(t, explained(t, h, second.ReceiptID), "Nobody has been told yet: channel ops waits until the firing has gone out, which is sending",
			"fold|Disk|updated|*changed: severity*", "channel|ops|waiting|*", "ledger|Disk|pending|*")
		end := h.Send(servertest.Resolve("Disk"))
		says(t, explained(t, h, second.ReceiptID), "Nobody was told: channel ops was held back: it ended before this could be sent", "channel|ops|held_back|*")
		close(open)
		h.Rest()
		says(t, explained(t, h, end.ReceiptID), "Channel ops was told of the end at *")
		says(t, explained(t, h, h.Incident().ID), "Channel ops was told of the end at *", "channel|ops|held_back|it ended before*", "channel|ops|told|of the end*")
	})
}
