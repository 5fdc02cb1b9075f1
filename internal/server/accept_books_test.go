package server_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// TestBackAndGone: a person ended the incident; one push says that the alert is on and then off.
func TestBackAndGone(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		h.Send(servertest.Fire("Disk"))
		h.Rest()
		h.Act(h.Incident().ID, "close", nil)
		r.Waits(2)
		h.Send(servertest.Push(alert{Name: "Disk"}, alert{Name: "Disk", Status: "resolved"}))
		h.Rest()
		if i := h.Incident(); i.Status != "resolved" || i.Firing != 0 {
			t.Errorf("nothing fires, and the incident is %+v", i)
		}
		atRest(t, h, nil)
	})
}

// TestSuperseded: what comes late by the database's numbers goes to history and changes nothing.
func TestSuperseded(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		h.Send(servertest.Fire("Disk"))
		h.Rest()
		// As if a later observation had been folded first.
		if err := h.Server.DB().From(t.Context()).Exec(`UPDATE alerts SET last_seq = last_seq + 1000`).Error; err != nil {
			t.Fatal(err)
		}
		got := h.Send(servertest.Push(alert{Name: "Disk", Status: "resolved"}))
		became(t, h, got, "suppressed(superseded)")
		if a := h.Alerts()[0]; a.Status != "firing" || a.Occurrences != 2 || h.Incident().Status != "open" {
			t.Errorf("alert %+v", a)
		}
		told(t, r, "firing")
		var events []string
		if err := h.Server.DB().Read(t.Context()).Raw(`SELECT event FROM alert_history ORDER BY id`).Scan(&events).Error; err != nil {
			t.Fatal(err)
		}
		if len(events) != 2 || events[1] != "superseded" {
			t.Errorf("history %q", events)
		}
		atRest(t, h, map[string]int64{"delivered": 1, "suppressed": 1, "(superseded)": 1})
	})
}

// TestBooks: every word of the ledger, and the hub's own check once it has looked at all of it.
func TestBooks(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		good, bad := servertest.NewReceiver(t), servertest.NewReceiver(t).Says(http.StatusNotFound)
		h.Tell("good", good)
		h.Tell("bad", bad)
		h.Only(
			"drop", pipeline(obj{"priority": 10, "when": "labels.env == 'test'", "discard": true}),
			"dead", pipeline(obj{"priority": 20, "when": "labels.env == 'dead'"}, ingest("n"), notify("n", "bad")),
			"mute", pipeline(obj{"priority": 30, "when": "labels.env == 'mute'"}, ingest("n"), notifyWith("n", "good", obj{"when": "false"})),
			"none", pipeline(obj{"priority": 40, "when": "labels.env == 'none'"}, obj{"id": "in", "type": "ingest"}),
			"fail", pipeline(obj{"priority": 50, "when": "labels.env == 'fail'"}, ingest("n"), notify("n", "nobody")),
			"good", pipeline(obj{"priority": 60, "when": "labels.env == 'good'", "continue": true}, ingest("n"), notify("n", "good")),
			"more", pipeline(obj{"priority": 70, "when": "labels.env == 'good'"}, ingest("n"), notify("n", "good")),
			"bad only", pipeline(obj{"priority": 80, "when": "labels.env == 'mild'"}, ingest("n"), notifyWith("n", "good", obj{"min_severity": "critical"})),
		)
		in := func(env, status string) alert {
			return alert{Name: "In " + env, Status: status, Severity: "warning", Labels: map[string]string{"env": env}}
		}
		all := func(status string) string {
			var alerts []alert
			for _, env := range []string{"test", "dead", "mute", "none", "fail", "good", "mild", "nowhere"} {
				alerts = append(alerts, in(env, status))
			}
			return servertest.Push(alerts...)
		}
		for _, status := range []string{"firing", "firing", "resolved", "resolved"} {
			h.Send(all(status))
			h.Rest()
		}
		h.Do(http.MethodPost, door+"generic", `{"alerts":[{"name":"In good","labels":{"env":"good"}},5]}`)
		h.Do(http.MethodPost, door, `{"nothing":1}`)
		h.Rest()
		l := h.Rest()
		t.Logf("%+v", l)
		var rows int64
		for _, n := range l.Counts {
			rows += n
		}
		// 4 pushes of 8, one of them on two routes; one good and one bad item, the good one on two routes; one unusable body.
		if want := int64(4*9 + 3 + 1); rows != want {
			t.Errorf("%d rows, want %d", rows, want)
		}
		for _, word := range []string{"discarded", "http_404", "when", "no_notify", "run_failed", "below_min_severity", "duplicate", "nobody_was_told", "bad_item", "unusable"} {
			if l.ByReason[word] == 0 {
				t.Errorf("no row is %s: %v", word, l.ByReason)
			}
		}
		if l.Counts["no_route"] != 4 || l.Counts["rejected"] != 2 {
			t.Errorf("%+v", l.Counts)
		}
		atRest(t, h, nil)
		// The check leaves out what is young; wait until it has looked at everything.
		observations := count(t, h, "observations")
		testkit.Eventually(t, 3*time.Minute, func() bool {
			if now := h.Rest(); !now.Balanced {
				t.Fatalf("not balanced: %s", now.Problem)
			}
			var checked int64
			if err := h.Server.DB().Read(t.Context()).Raw(`SELECT recorded FROM ledger_checks`).Scan(&checked).Error; err != nil {
				t.Fatal(err)
			}
			return checked == observations
		}, "the check does not come to an end")
	})
}

// TestSecondRoute: what one route holds back for a reason of its own another one may tell, by the same channel, once.
func TestSecondRoute(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]obj{
		"when":         notifyWith("n", "ops", obj{"when": "false"}),
		"min_severity": notifyWith("n", "ops", obj{"min_severity": "critical"}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			engines(t, nil, func(t *testing.T, h hub) {
				r := servertest.NewReceiver(t)
				h.Tell("ops", r)
				h.Only(
					"first", pipeline(obj{"priority": 10, "continue": true}, ingest("n"), first),
					"second", pipeline(obj{"priority": 20, "continue": true}, ingest("n"), notify("n", "ops")),
					"third", pipeline(obj{"priority": 30}, ingest("n"), first),
				)
				warn := servertest.Push(alert{Name: "Disk", Severity: "warning"})
				became(t, h, h.Send(warn), "delivered")
				told(t, r, "firing")
				became(t, h, h.Send(warn), "suppressed(duplicate)")
				became(t, h, h.Send(servertest.Resolve("Disk")), "delivered")
				told(t, r, "firing", "resolved")
				if d := h.Deliveries("ops"); len(d) != 2 || d[0].State != "delivered" {
					t.Errorf("deliveries %+v", d)
				}
				atRest(t, h, map[string]int64{"delivered": 6, "suppressed": 3, "(duplicate)": 3})
			})
		})
	}
}
