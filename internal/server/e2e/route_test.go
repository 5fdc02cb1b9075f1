package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// TestRoutes: which definitions take an alert.
func TestRoutes(t *testing.T) {
	t.Parallel()
	inBothForms(t, map[string]feature{
		"no route":         noRoute,
		"priority":         priority,
		"several routes":   severalRoutes,
		"match":            matchFields,
		"sources":          bySources,
		"forced":           forced,
		"DEFAULT_PIPELINE": defaultPipeline,
		"no notify node":   noNotify,
	})
}

// noRoute: what nobody takes is folded all the same, counted, and says why each definition did not want it. When one
// wants it later, a repeat is told.
func noRoute(t *testing.T, begin func(setup) hub) {
	h := begin(setup{})
	r := servertest.NewReceiver(t)
	h.Tell("ops", r)
	h.Only(
		"db", pipeline(obj{"match": []any{obj{"field": "label:team", "op": "is", "value": "db"}}}, ingest("n"), notify("n", "*")),
		"night", pipeline(obj{"when": "severity == 'info'", "priority": 50}, ingest("n"), notify("n", "*")),
		"odd", pipeline(obj{"when": "int(labels.team) > 3", "priority": 60}, ingest("n"), notify("n", "*")), // cannot be evaluated: no match
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
	want(t, "tried, by priority", tried, []string{"night", "odd", "db"})
	told(t, r)
	books(t, h, map[string]int64{"no_route": 1})
	// Nobody heard of it: once somebody wants it, a repeat is told.
	h.Only("all", pipeline(obj{}, ingest("n"), notify("n", "*")))
	h.Send(servertest.Fire("Disk"))
	h.Rest()
	told(t, r, "firing")
	books(t, h, map[string]int64{"no_route": 1, "delivered": 1})
}

// priority: the first that matches takes an alert, lower numbers first, then names; with continue, later ones are asked too.
func priority(t *testing.T, begin func(setup) hub) {
	h := begin(setup{})
	of := func(trigger obj) obj { return pipeline(trigger, ingest(nil)) }
	h.Only(
		"z-first", of(obj{"priority": 10, "continue": true}),
		"critical", of(obj{"priority": 20, "when": "severity == 'critical'"}),
		"a", of(obj{"priority": 30}),
		"b", of(obj{"priority": 30, "continue": true}), // behind a, by name
		"last", of(obj{}),
	)
	for severity, takers := range map[string][]string{"critical": {"z-first", "critical"}, "info": {"z-first", "a"}} {
		got := h.Send(servertest.Push(alert{Name: "Disk " + severity, Severity: severity}))
		want(t, severity, definitions(h, got), takers)
		if got.RunID == nil || *got.RunID != got.RunIDs[0] || got.PipelineID == nil || *got.PipelineID != *got.RunID {
			t.Errorf("answer %+v", got)
		}
	}
	books(t, h, map[string]int64{"suppressed": 4, "(no_notify)": 4})
}

// definitions are those of a push's runs, in the order of the answer.
func definitions(h hub, got servertest.Accepted) []string {
	out := []string{}
	for _, id := range got.RunIDs {
		out = append(out, h.Run(id).Definition)
	}
	return out
}

func severalRoutes(t *testing.T, begin func(setup) hub) {
	h := begin(setup{})
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
	h.Rest()
	want(t, "takers", definitions(h, both), []string{"copy", "all"})
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
	y := servertest.Push(alert{Name: "Bare", Severity: "warning", Labels: map[string]string{"team": "y"}})
	bare := h.Send(y)
	became(t, h, bare, "delivered")
	told(t, a, "firing")
	told(t, b, "firing", "firing")
	if run := h.Run(*bare.RunID); run.Definition != "bare" || run.State != "succeeded" || run.Status != "notified" || len(run.Nodes) != 1 {
		t.Errorf("run %+v", run)
	}
	became(t, h, h.Send(y), "suppressed(duplicate)")

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
	want(t, "mixed", states, []string{"suppressed(discarded)", "delivered", "delivered", "delivered"})
	books(t, h, nil)
}

// matchFields: each field and operator of a route, on one alert that all are asked about.
func matchFields(t *testing.T, begin func(setup) hub) {
	h := begin(setup{})
	type list = []string
	rules := []struct {
		field, op string
		value     any
		takes     bool
	}{
		{"source", "is", "alertmanager", true},
		{"source", "is-not", "alertmanager", false},
		{"severity", "in", list{"warning", "critical"}, true},
		{"severity", "not-in", list{"warning", "critical"}, false},
		{"severity", "is", "info", false},
		{"status", "is", "firing", true},
		{"status", "is", "resolved", false},
		{"instance", "is", "db-7", true},
		{"instance", "in", list{"db-8", "db-9"}, false},
		{"origin", "is", "incoming_webhook", true},
		{"origin", "is", "checker_generated", false},
		{"entry", "is", "default", true},
		{"entry", "is-not", "default", false},
		{"name", "is", "Disk", true},
		{"name", "matches", "^D.sk$", true},
		{"name", "not-matches", "^D", false},
		{"label:team", "is", "db", true},
		{"label:team", "in", list{"net", "db"}, true},
		{"label:team", "not-in", list{"net"}, true},
		{"label:team", "is-not", "db", false},
		{"label:none", "is-not", "db", true},
		{"label:none", "is", "db", false},
	}
	var takers []string
	var defs []any
	for n, m := range rules {
		name := string(rune('a'+n)) + " " + m.field + " " + m.op
		name = strings.NewReplacer(" ", "-", ":", "-").Replace(name)
		defs = append(defs, name, pipeline(obj{"continue": true, "match": []any{obj{"field": m.field, "op": m.op, "value": m.value}}}, ingest(nil)))
		if m.takes {
			takers = append(takers, name)
		}
	}
	both := []any{obj{"field": "label:team", "op": "is", "value": "db"}, obj{"field": "severity", "op": "is", "value": "info"}}
	h.Only(append(defs, "z-all-must-hold", pipeline(obj{"match": both}, ingest(nil)))...)
	got := h.Send(servertest.Push(alert{Name: "Disk", Instance: "db-7", Severity: "critical", Labels: map[string]string{"team": "db"}}))
	want(t, "takers", definitions(h, got), takers)
	books(t, h, map[string]int64{"suppressed": int64(len(takers)), "(no_notify)": int64(len(takers))})
	for _, bad := range []obj{{"field": "colour", "op": "is", "value": "red"}, {"field": "severity", "op": "like", "value": "c"}} {
		a := h.Ask(http.MethodPost, "/api/v1/definitions", obj{"name": "bad", "config": pipeline(obj{"match": []any{bad}}, ingest(nil))})
		if a.Status != http.StatusUnprocessableEntity {
			t.Errorf("%v is taken: %d %s", bad, a.Status, a.Body)
		}
	}
}

// bySources: a definition may be for some source entries only.
func bySources(t *testing.T, begin func(setup) hub) {
	h := begin(setup{})
	h.Want(http.StatusCreated, http.MethodPost, "/api/v1/sources", obj{"name": "plant"})
	h.Only("p", pipeline(obj{"sources": []string{"plant"}}, ingest(nil)), "rest", pipeline(nil, ingest(nil)))
	want(t, "by the entry", definitions(h, h.SendTo("?sync=1&source=plant", servertest.Fire("A"))), []string{"p"})
	want(t, "by the default one", definitions(h, h.Send(servertest.Fire("B"))), []string{"rest"})
	books(t, h, nil)
}

// forced: ?pipeline= wins over routing. One that is not there, or not active, is refused, and nothing is stored.
func forced(t *testing.T, begin func(setup) hub) {
	h := begin(setup{})
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
	want(t, "taker", definitions(h, got), []string{"special"})
	for _, name := range []string{"nobody", "direct"} {
		answer := h.Ask(http.MethodPost, "/alerts/webhook/?pipeline="+name, servertest.Fire("Net"))
		if answer.Status != http.StatusUnprocessableEntity || answer.JSON()["status"] != "error" {
			t.Errorf("?pipeline=%s: %d %s", name, answer.Status, answer.Body)
		}
	}
	var receipts struct {
		Items []any `json:"items"`
	}
	h.Get("/api/v1/receipts", &receipts)
	if len(receipts.Items) != 1 {
		t.Errorf("%d receipts, the refused ones among them", len(receipts.Items))
	}
	books(t, h, map[string]int64{"delivered": 1})
}

func defaultPipeline(t *testing.T, begin func(setup) hub) {
	h := begin(setup{Env: map[string]string{"DEFAULT_PIPELINE": "rest"}})
	r := servertest.NewReceiver(t)
	h.Tell("ops", r)
	h.Only(
		"rest", pipeline(obj{"when": "severity == 'nothing'"}, ingest("n"), notify("n", "ops")),
		"info", pipeline(obj{"when": "severity == 'info'"}, ingest(nil)),
	)
	got := h.Send(servertest.Fire("Disk"))
	became(t, h, got, "delivered")
	if trace := h.Outcomes(got.ReceiptID)[0][0].Trace; !slices.ContainsFunc(trace, func(d struct{ What, Name, Result, Why string }) bool {
		return d.Name == "rest" && d.Result == "default"
	}) {
		t.Errorf("no decision about it: %+v", trace)
	}
	want(t, "what a route takes", definitions(h, h.Send(servertest.Push(alert{Name: "Net", Severity: "info"}))), []string{"info"})
	books(t, h, map[string]int64{"delivered": 1, "suppressed": 1, "(no_notify)": 1})
	told(t, r, "firing")
}

// noNotify: a pipeline that tells nobody says so in the books, and so does one that names a channel that is not there.
func noNotify(t *testing.T, begin func(setup) hub) {
	h := begin(setup{})
	h.Only("p", pipeline(nil, obj{"id": "in", "type": "ingest", "config": obj{}}))
	became(t, h, h.Send(servertest.Fire("Disk")), "suppressed(no_notify)")
	h.Want(http.StatusOK, http.MethodPatch, "/api/v1/definitions/p", obj{"config": pipeline(nil, ingest("n"), notify("n", "gone"))})
	got := h.Send(servertest.Fire("Net"))
	became(t, h, got, "dead(run_failed)")
	if run := h.Run(*got.RunID); run.State != "failed" || run.LastError == nil || run.LastError.Type != "no_channel" {
		t.Errorf("run %+v", run)
	}
	books(t, h, map[string]int64{"suppressed": 1, "dead": 1, "(no_notify)": 1, "(run_failed)": 1})
}
