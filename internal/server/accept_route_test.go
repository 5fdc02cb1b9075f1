package server_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

var (
	pipeline = servertest.Pipeline
	ingest   = servertest.Ingest
	notify   = servertest.Notify
)

// notifyWith is a notify node to one channel with further settings.
func notifyWith(id, channel string, more obj) obj {
	n := notify(id, channel)
	for k, v := range more {
		if k == "when" {
			n[k] = v
			continue
		}
		n["config"].(obj)[k] = v
	}
	return n
}

func TestNoRoute(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		h.Only(
			"db", pipeline(obj{"match": []any{obj{"field": "label:team", "op": "is", "value": "db"}}}, ingest("n"), notify("n", "*")),
			"night", pipeline(obj{"when": "severity == 'info'", "priority": 50}, ingest("n"), notify("n", "*")),
		)
		got := h.Send(servertest.Fire("Disk"))
		if got.Outcome != "no_route" || got.RunID != nil || got.PipelineID != nil || got.RunIDs == nil || len(got.RunIDs) != 0 {
			t.Errorf("%+v", got)
		}
		if got.AlertsCreated != 1 || got.IncidentsCreated != 1 {
			t.Errorf("what nobody routes is folded all the same: %+v", got)
		}
		o := h.Outcomes(got.ReceiptID)[0]
		if len(o) != 1 || o[0].State != "no_route" || o[0].Definition != "" || o[0].RunID != nil {
			t.Fatalf("outcome %+v", o)
		}
		var tried []string
		for _, d := range o[0].Trace {
			if d.What == "route" && d.Result == "miss" {
				tried = append(tried, d.Name)
				if d.Why == "" {
					t.Errorf("%s missed without a reason", d.Name)
				}
			}
		}
		if !slices.Equal(tried, []string{"night", "db"}) {
			t.Errorf("tried %q, want each definition by priority", tried)
		}
		told(t, r)
		atRest(t, h, map[string]int64{"no_route": 1})
	})
}

func TestRouting(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		a, b := servertest.NewReceiver(t), servertest.NewReceiver(t)
		h.Tell("a", a)
		h.Tell("b", b)
		h.Only(
			"drop", pipeline(obj{"priority": 10, "when": "labels.env == 'test'", "discard": true}),
			"copy", pipeline(obj{"priority": 20, "when": "severity == 'critical'", "continue": true}, ingest("n"), notify("n", "a")),
			"bare", pipeline(obj{"priority": 30, "match": []any{obj{"field": "label:team", "op": "in", "value": []string{"x", "y"}}}}, notify("n", "b")),
			"all", pipeline(obj{"priority": 40}, ingest("n"), notify("n", "a", "b")),
		)
		dropped := h.Send(servertest.Push(alert{Name: "T", Labels: map[string]string{"env": "test"}}))
		if dropped.Outcome != "queued" || dropped.RunID != nil || len(dropped.RunIDs) != 0 { // no_route is what nobody decided about
			t.Errorf("discarded: %+v", dropped)
		}
		became(t, h, dropped, "suppressed(discarded)")
		told(t, a)

		// Both definitions want channel a for one event: one delivery, and both know of it.
		both := h.Send(servertest.Push(alert{Name: "Both"}))
		if len(both.RunIDs) != 2 {
			t.Errorf("%+v", both)
		}
		h.Rest()
		told(t, a, "firing")
		told(t, b, "firing")
		o := h.Outcomes(both.ReceiptID)[0]
		if len(o) != 2 || o[0].State != "delivered" || o[1].State != "delivered" || o[0].Definition == o[1].Definition {
			t.Errorf("outcomes %+v", o)
		}
		d := h.Deliveries("a")
		if len(d) != 1 {
			t.Fatalf("%d deliveries", len(d))
		}
		var detail struct {
			Routes []struct {
				RunID string `json:"run_id"`
			} `json:"routes"`
		}
		h.Get("/api/v1/deliveries/"+d[0].ID, &detail)
		if len(detail.Routes) != 2 || detail.Routes[0].RunID == detail.Routes[1].RunID {
			t.Errorf("routes of the one delivery: %+v", detail)
		}

		// A definition without an ingest node: the fold is the same, the run says what it did.
		bare := h.Send(servertest.Push(alert{Name: "Bare", Severity: "warning", Labels: map[string]string{"team": "y"}}))
		became(t, h, bare, "delivered")
		told(t, a, "firing")
		told(t, b, "firing", "firing")
		if run := h.Run(*bare.RunID); run.Definition != "bare" || run.State != "succeeded" || run.Status != "notified" || len(run.Nodes) != 1 {
			t.Errorf("run %+v", run)
		}
		if got := h.Send(servertest.Push(alert{Name: "Bare", Severity: "warning", Labels: map[string]string{"team": "y"}})); len(got.RunIDs) != 1 {
			t.Errorf("%+v", got)
		} else {
			became(t, h, got, "suppressed(duplicate)")
		}

		// One push over several routes.
		mixed := h.Send(servertest.Push(
			alert{Name: "M1", Labels: map[string]string{"env": "test"}}, alert{Name: "M2"}, alert{Name: "M3", Severity: "info"},
		))
		h.Rest()
		var states []string
		for _, o := range h.Outcomes(mixed.ReceiptID) {
			for _, x := range o {
				states = append(states, x.String())
			}
		}
		if want := []string{"suppressed(discarded)", "delivered", "delivered", "delivered"}; !slices.Equal(states, want) {
			t.Errorf("mixed: %q, want %q", states, want)
		}
		atRest(t, h, nil)
	})
}

// TestForcedPipeline: ?pipeline= wins over routing.
func TestForcedPipeline(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		a, b := servertest.NewReceiver(t), servertest.NewReceiver(t)
		h.Tell("a", a)
		h.Tell("b", b)
		h.Only(
			"all", pipeline(nil, ingest("n"), notify("n", "a")),
			"special", pipeline(obj{"when": "severity == 'info'"}, ingest("n"), notify("n", "b")),
		)
		got := h.SendTo("?pipeline=special&sync=1", servertest.Fire("Disk"))
		became(t, h, got, "delivered")
		told(t, a)
		told(t, b, "firing")
		if h.Run(*got.RunID).Definition != "special" {
			t.Error("another definition ran")
		}
		for name, query := range map[string]string{"unknown": "nobody", "inactive": "direct"} {
			nothingWritten(t, h, func() {
				refused(t, name, h.Ask(http.MethodPost, door+"?pipeline="+query, servertest.Fire("Disk")), http.StatusUnprocessableEntity)
			})
		}
	})
}

func TestDefaultPipeline(t *testing.T) {
	t.Parallel()
	engines(t, map[string]string{"DEFAULT_PIPELINE": "rest"}, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		h.Only("rest", pipeline(obj{"when": "severity == 'nothing'"}, ingest("n"), notify("n", "ops")))
		became(t, h, h.Send(servertest.Fire("Disk")), "delivered")
		told(t, r, "firing")
	})
}

// TestMinSeverity: a channel or node that wants only the worst hears of it when it gets that bad.
func TestMinSeverity(t *testing.T) {
	t.Parallel()
	for name, where := range map[string]string{"channel": "channel", "node": "node"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			engines(t, nil, func(t *testing.T, h hub) {
				r := servertest.NewReceiver(t)
				node := notify("n", "ops")
				if where == "channel" {
					h.Tell("ops", r, "min_severity", "critical")
				} else {
					h.Tell("ops", r)
					node = notifyWith("n", "ops", obj{"min_severity": "critical"})
				}
				h.Only("p", pipeline(nil, ingest("n"), node))
				warn := servertest.Push(alert{Name: "Disk", Severity: "warning"})
				became(t, h, h.Send(warn), "suppressed(below_min_severity)")
				became(t, h, h.Send(warn), "suppressed(duplicate)")
				told(t, r)
				became(t, h, h.Send(servertest.Fire("Disk")), "delivered")
				told(t, r, "updated")
				became(t, h, h.Send(servertest.Resolve("Disk")), "delivered")
				told(t, r, "updated", "resolved")

				// Never told, so not told of the end.
				h.Send(servertest.Push(alert{Name: "Net", Severity: "info"}))
				h.Rest()
				became(t, h, h.Send(servertest.Push(alert{Name: "Net", Status: "resolved"})), "suppressed(nobody_was_told)")
				told(t, r, "updated", "resolved")
				atRest(t, h, nil)
			})
		})
	}
}

// TestWhenFalse: held back on purpose, which a repeat does not undo.
func TestWhenFalse(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		h.Only("p", pipeline(nil, ingest("n"), notifyWith("n", "ops", obj{"when": "labels.team == 'db'"})))
		got := h.Send(servertest.Fire("Disk"))
		became(t, h, got, "suppressed(when)")
		run := h.Run(*got.RunID)
		if run.State != "succeeded" || run.Nodes[1].State != "skipped" || run.Nodes[1].Reason != "when" {
			t.Errorf("run %+v", run)
		}
		became(t, h, h.Send(servertest.Fire("Disk")), "suppressed(duplicate)")
		told(t, r)
		if d := h.Deliveries("ops"); len(d) != 1 || d[0].State != "suppressed" || d[0].Reason != "when" {
			t.Errorf("deliveries %+v", d)
		}
		// A condition that cannot be evaluated counts as true.
		h.Want(200, http.MethodPatch, "/api/v1/definitions/p", obj{"config": pipeline(nil, ingest("n"),
			notifyWith("n", "ops", obj{"when": "int(labels.team) > 3"}))})
		other := h.Send(servertest.Fire("Net"))
		became(t, h, other, "delivered")
		told(t, r, "firing")
		trace := h.Outcomes(other.ReceiptID)[0][0].Trace
		if !slices.ContainsFunc(trace, func(d struct{ What, Name, Result, Why string }) bool {
			return d.What == "when" && strings.Contains(d.Why, "counts as true")
		}) {
			t.Errorf("no decision about it: %+v", trace)
		}
		atRest(t, h, nil)
	})
}

// TestOnResolved: a node may ask for ends; whoever it tells is told once.
func TestOnResolved(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		a, b := servertest.NewReceiver(t), servertest.NewReceiver(t)
		h.Tell("a", a)
		h.Tell("b", b)
		h.Only("p", pipeline(nil, ingest([]string{"on", "off"}), notify("on", "a"), notifyWith("off", "a", obj{
			"on": []string{"resolved"}, "channels": []string{"a", "b"},
		})))
		became(t, h, h.Send(servertest.Fire("Disk")), "delivered")
		became(t, h, h.Send(servertest.Resolve("Disk")), "delivered")
		told(t, a, "firing", "resolved")
		told(t, b, "resolved")
		atRest(t, h, map[string]int64{"delivered": 2})
	})
}
