package e2e

import (
	"maps"
	"sync/atomic"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// TestGraph: the ways through a graph.
func TestGraph(t *testing.T) {
	t.Parallel()
	inBothForms(t, map[string]feature{
		"branches at the same time": branches,
		"join all":                  joinAll,
		"join any":                  joinAny,
		"conditional edges":         conditionalEdges,
		"condition":                 condition,
		"a condition that fails":    conditionFails,
		"skip_if_errors":            skipIfErrors,
		"skip_if_condition":         skipIfCondition,
		"when of a node":            whenOfNode,
		"document order":            documentOrder,
		"every kind of node":        everyKind,
	})
}

// branches: each of two nodes waits until the other one is at work.
func branches(t *testing.T, begin func(setup) hub) {
	at := map[string]chan struct{}{"a": make(chan struct{}), "b": make(chan struct{})}
	other := map[string]string{"a": "b", "b": "a"}
	h := begin(contexts(func(c *orchestration.NodeContext) orchestration.Result {
		close(at[c.Node.ID])
		if !wait(c, at[other[c.Node.ID]]) {
			return fails("alone", false)
		}
		return gives(obj{"node": c.Node.ID})
	}))
	r := only(t, h, ingest([]string{"a", "b"}), check("a", "tell", nil), check("b", "tell", nil), notify("tell", "ops"))
	run := ran(t, h, servertest.Fire("Disk"))
	want(t, "run", states(run), map[string]string{"": "succeeded", "in": "succeeded", "a": "succeeded", "b": "succeeded", "tell": "succeeded"})
	want(t, "output", output(t, run, "b"), obj{"node": "b"})
	told(t, r, "firing")
	books(t, h, map[string]int64{"delivered": 1})
}

// joinAll: a node waits until all its ways in are decided, and starts once, also if not all of them are taken.
func joinAll(t *testing.T, begin func(setup) hub) {
	var joined atomic.Int64
	slow := make(chan struct{})
	h := begin(contexts(func(c *orchestration.NodeContext) orchestration.Result {
		switch c.Node.ID {
		case "slow":
			wait(c, slow)
		case "joined":
			joined.Add(1)
			return gives(obj{"seen": len(c.Outputs)})
		}
		return gives(obj{})
	}))
	r := only(t, h,
		ingest([]any{"quick", "slow", obj{"to": "never", "when": "severity == 'info'"}}),
		check("quick", "joined", nil), check("slow", "joined", nil), check("never", "joined", nil),
		check("joined", "tell", nil), notify("tell", "ops"))
	got := h.Send(servertest.Fire("Disk"))
	testkit.Eventually(t, time.Minute, func() bool { return states(h.Run(got.RunIDs[0]))["quick"] == "succeeded" }, "the quick branch does not end")
	if n := joined.Load(); n != 0 {
		t.Errorf("the join started before all its ways in were decided")
	}
	close(slow)
	run := ended(t, h, got.RunIDs[0])
	want(t, "run", states(run), map[string]string{
		"": "succeeded", "in": "succeeded", "quick": "succeeded", "slow": "succeeded", "never": "skipped: not_reached", "joined": "succeeded", "tell": "succeeded",
	})
	if n := joined.Load(); n != 1 {
		t.Errorf("the join was executed %d times", n)
	}
	want(t, "what the join saw", output(t, run, "joined"), obj{"seen": 3.0}) // ingest and two checks
	h.Rest()
	told(t, r, "firing")
}

// joinAny: a node starts with the first way in that is taken, once.
func joinAny(t *testing.T, begin func(setup) hub) {
	var joined atomic.Int64
	slow := make(chan struct{})
	h := begin(contexts(func(c *orchestration.NodeContext) orchestration.Result {
		switch c.Node.ID {
		case "slow":
			wait(c, slow)
		case "joined":
			joined.Add(1)
		}
		return gives(obj{})
	}))
	r := only(t, h, ingest([]string{"quick", "slow"}), check("quick", "joined", nil), check("slow", "joined", nil),
		check("joined", "shape", obj{"join": "any"}),
		obj{"id": "shape", "type": "transform", "config": obj{"source_node": "in", "extract": "severity"}})
	got := h.Send(servertest.Fire("Disk"))
	testkit.Eventually(t, time.Minute, func() bool { return states(h.Run(got.RunIDs[0]))["shape"] == "succeeded" }, "the join waits for the slow branch")
	if run := h.Run(got.RunIDs[0]); run.State != "running" {
		t.Errorf("the run is %s while a node is at work", run.State)
	}
	close(slow)
	want(t, "run", states(ended(t, h, got.RunIDs[0])), map[string]string{
		"": "succeeded", "in": "succeeded", "quick": "succeeded", "slow": "succeeded", "joined": "succeeded", "shape": "succeeded",
	})
	if n := joined.Load(); n != 1 {
		t.Errorf("the join was executed %d times", n)
	}
	told(t, r)
	books(t, h, map[string]int64{"suppressed": 1, "(no_notify)": 1})
}

func conditionalEdges(t *testing.T, begin func(setup) hub) {
	h := begin(setup{})
	bad, mild, odd := servertest.NewReceiver(t), servertest.NewReceiver(t), servertest.NewReceiver(t)
	h.Tell("bad", bad)
	h.Tell("mild", mild)
	h.Tell("odd", odd)
	h.Only("p", pipeline(nil,
		ingest([]any{
			obj{"to": "page", "when": "nodes.in.output.severity == 'critical' && labels.env == 'prod'"},
			obj{"to": "mail", "when": "incident.severity != 'critical'"},
			obj{"to": "log", "when": "int(labels.env) > 3"}, // cannot be evaluated: rather told than not
		}),
		notify("page", "bad"), notify("mail", "mild"), notify("log", "odd"),
	))
	prod := map[string]string{"env": "prod"}
	for _, tt := range []struct {
		severity         string
		page, mail, tell string
	}{
		{"critical", "succeeded", "skipped: not_reached", "succeeded"},
		{"warning", "skipped: not_reached", "succeeded", "succeeded"},
	} {
		run := ran(t, h, servertest.Push(alert{Name: "Disk " + tt.severity, Severity: tt.severity, Labels: prod}))
		want(t, tt.severity, states(run), map[string]string{"": "succeeded", "in": "succeeded", "page": tt.page, "mail": tt.mail, "log": tt.tell})
	}
	h.Rest()
	told(t, bad, "firing")
	told(t, mild, "firing")
	told(t, odd, "firing", "firing")
	books(t, h, map[string]int64{"delivered": 2})
}

// condition: the branch that was not chosen is closed, also for what lies behind it, and what both lead to is open.
func condition(t *testing.T, begin func(setup) hub) {
	h := begin(setup{})
	r := only(t, h, ingest("choose"),
		obj{"id": "choose", "type": "condition", "config": obj{"expression": "labels.team in ['db', 'net'] and alerts[0].severity == 'critical'", "then": "yes", "else": []string{"no"}}},
		shape("yes", "severity", "after"), shape("no", "severity", "behind"), shape("behind", "severity", "after"),
		notify("after", "ops"))
	for team, tt := range map[string]struct {
		result                 bool
		yes, no, behind, after string
	}{
		"db":  {true, "succeeded", "skipped: not_reached", "skipped: not_reached", "succeeded"},
		"web": {false, "skipped: not_reached", "succeeded", "succeeded", "succeeded"},
	} {
		run := ran(t, h, servertest.Push(alert{Name: "Disk " + team, Labels: map[string]string{"team": team}}))
		want(t, team, states(run), map[string]string{
			"": "succeeded", "in": "succeeded", "choose": "succeeded", "yes": tt.yes, "no": tt.no, "behind": tt.behind, "after": tt.after,
		})
		want(t, "result", output(t, run, "choose"), obj{"result": tt.result})
	}
	h.Rest()
	told(t, r, "firing", "firing")
}

// conditionFails: a required node that fails ends the run, and people hear of the alert all the same (I23); one that is not required does
// not.
func conditionFails(t *testing.T, begin func(setup) hub) {
	h := begin(setup{})
	failing := func(more obj) obj {
		n := obj{"id": "break", "type": "condition", "config": obj{"expression": "int(labels.team) > 3", "then": []string{"between"}}}
		maps.Copy(n, more)
		return n
	}
	r := servertest.NewReceiver(t)
	h.Tell("ops", r)
	h.Only(
		"default", pipeline(obj{"match": []any{obj{"field": "name", "op": "is", "value": "A"}}}, ingest("break"), failing(nil), shape("between", "severity", "tell"), notify("tell", "ops")),
		"lenient", pipeline(obj{"match": []any{obj{"field": "name", "op": "is", "value": "B"}}}, ingest("break"), failing(obj{"required": false}), shape("between", "severity", "tell"), notify("tell", "ops")),
	)
	run := ran(t, h, servertest.Fire("A"))
	want(t, "required", states(run), map[string]string{"": "failed", "in": "succeeded", "break": "failed", "between": "skipped: run_failed", "tell": "succeeded"})
	if run.Status != "failed" || run.LastError == nil || run.LastError.Type != "expression" {
		t.Errorf("run %s %+v", run.Status, run.LastError)
	}
	want(t, "tries", tries(run, "break"), []string{"failed expression"}) // a second one would be no better
	run = ran(t, h, servertest.Fire("B"))
	want(t, "not required", states(run), map[string]string{"": "succeeded", "in": "succeeded", "break": "failed", "between": "succeeded", "tell": "succeeded"})
	if run.Status != "notified" {
		t.Errorf("run %s %+v", run.Status, run.LastError)
	}
	h.Rest()
	told(t, r, "firing", "firing")
	books(t, h, map[string]int64{"delivered": 2})
}

// failsFor is a setup whose context nodes fail for alerts of one name.
func failsFor(name string) setup {
	return contexts(func(c *orchestration.NodeContext) orchestration.Result {
		if c.Run.Alerts[0].Name == name {
			return fails("away", false)
		}
		return gives(obj{"checks_failed": 0})
	})
}

func skipIfErrors(t *testing.T, begin func(setup) hub) {
	h := begin(failsFor("Bad"))
	r := only(t, h, ingest("facts"), check("facts", "deep", nil),
		check("deep", "tell", obj{"skip_if_errors": []string{"facts"}}), notify("tell", "ops"))
	run := ran(t, h, servertest.Fire("Good"))
	want(t, "no errors", states(run), map[string]string{"": "succeeded", "in": "succeeded", "facts": "succeeded", "deep": "succeeded", "tell": "succeeded"})
	run = ran(t, h, servertest.Fire("Bad"))
	want(t, "errors", states(run), map[string]string{"": "succeeded", "in": "succeeded", "facts": "failed", "deep": "skipped: skip_if:facts", "tell": "succeeded"})
	h.Rest()
	told(t, r, "firing", "firing")
}

func skipIfCondition(t *testing.T, begin func(setup) hub) {
	h := begin(failsFor("Bad"))
	r := only(t, h, ingest("facts"), check("facts", []string{"one", "two", "three"}, nil),
		obj{"id": "one", "type": "transform", "skip_if_condition": "facts.has_errors", "config": obj{"source_node": "in"}, "next": "tell"},
		obj{"id": "two", "type": "transform", "skip_if_condition": "facts.checks_failed == 0", "config": obj{"source_node": "in"}, "next": "tell"},
		obj{"id": "three", "type": "transform", "skip_if_condition": "nodes.facts.status == 'failed' or severity == 'info'", "config": obj{"source_node": "in"}, "next": "tell"},
		notify("tell", "ops"))
	run := ran(t, h, servertest.Fire("Good"))
	const skipped = "skipped: skip_if:condition"
	want(t, "no errors", states(run), map[string]string{
		"": "succeeded", "in": "succeeded", "facts": "succeeded", "one": "succeeded", "two": skipped, "three": "succeeded", "tell": "succeeded",
	})
	run = ran(t, h, servertest.Fire("Bad"))
	want(t, "errors", states(run), map[string]string{
		"": "succeeded", "in": "succeeded", "facts": "failed", "one": skipped, "two": "succeeded", "three": skipped, "tell": "succeeded",
	})
	h.Rest()
	told(t, r, "firing", "firing")
}

// whenOfNode: a node whose when is false is passed over; in a notify node that is a decision not to tell, and what cannot be evaluated tells.
func whenOfNode(t *testing.T, begin func(setup) hub) {
	h := begin(setup{})
	a, b, c := servertest.NewReceiver(t), servertest.NewReceiver(t), servertest.NewReceiver(t)
	h.Tell("a", a)
	h.Tell("b", b)
	h.Tell("c", c)
	tell := func(channel, when string) obj {
		n := notify("tell_"+channel, channel)
		n["when"] = when
		return n
	}
	passed := shape("passed", "severity", []string{"tell_a", "tell_b", "tell_c"})
	passed["when"] = "nodes.in.output.severity == 'info'"
	h.Only("p", pipeline(nil, ingest("passed"), passed, tell("a", "nodes.passed.status == 'skipped'"), tell("b", "labels.team == 'db'"), tell("c", "int(labels.team) > 3")))
	run := ran(t, h, servertest.Fire("Disk"))
	want(t, "run", states(run), map[string]string{
		"": "succeeded", "in": "succeeded", "passed": "skipped: when", "tell_a": "succeeded", "tell_b": "skipped: when", "tell_c": "succeeded",
	})
	h.Rest()
	told(t, a, "firing")
	told(t, b)
	told(t, c, "firing")
	books(t, h, map[string]int64{"delivered": 1})
}

// documentOrder: without any next, nodes run in the order in which they stand.
func documentOrder(t *testing.T, begin func(setup) hub) {
	h := begin(setup{})
	r := only(t, h, obj{"id": "in", "type": "ingest"}, shape("first", "severity", nil),
		obj{"id": "second", "type": "transform", "config": obj{"source_node": "first", "extract": "transformed"}}, notify("tell", "ops"))
	run := ran(t, h, servertest.Fire("Disk"))
	want(t, "run", states(run), map[string]string{"": "succeeded", "in": "succeeded", "first": "succeeded", "second": "succeeded", "tell": "succeeded"})
	want(t, "the second", output(t, run, "second"), obj{"source_node": "first", "transformed": "critical"})
	h.Rest()
	told(t, r, "firing")
}

// shape is a transform node that extracts a path of the ingest node's output.
func shape(id, extract string, next any) obj {
	n := obj{"id": id, "type": "transform", "config": obj{"source_node": "in", "extract": extract}}
	if next != nil {
		n["next"] = next
	}
	return n
}

// everyKind: what the nodes gave is in the run, and what changes nothing runs nothing further.
func everyKind(t *testing.T, begin func(setup) hub) {
	h := begin(contexts(func(*orchestration.NodeContext) orchestration.Result { return gives(obj{"checks_failed": 2}) }))
	r := only(t, h, ingest("facts"), check("facts", "how_bad", nil),
		obj{"id": "how_bad", "type": "condition", "config": obj{"expression": "facts.checks_failed > 1", "then": "shape", "else": "tell"}},
		obj{"id": "shape", "type": "transform", "config": obj{"source_node": "facts", "set": obj{"team": "db"}}, "next": "tell"}, notify("tell", "ops"))
	run := ran(t, h, servertest.Fire("Disk"))
	want(t, "run", states(run), map[string]string{
		"": "succeeded", "in": "succeeded", "facts": "succeeded", "how_bad": "succeeded", "shape": "succeeded", "tell": "succeeded",
	})
	want(t, "ingest", output(t, run, "in"), obj{
		"alerts_created": 1.0, "alerts_updated": 0.0, "alerts_resolved": 0.0, "incidents_created": 1.0, "incidents_updated": 0.0, "source": "alertmanager",
		"incident_id": *run.IncidentID, "alert_fingerprint": "Disk/web-01", "severity": "critical",
	})
	want(t, "transform", output(t, run, "shape"), obj{"source_node": "facts", "transformed": obj{"checks_failed": 2.0, "team": "db"}})
	if tell := output(t, run, "tell"); tell["channels_attempted"] != 1.0 || tell["channels_succeeded"] != 1.0 || tell["channels_failed"] != 0.0 {
		t.Errorf("notify: %v", tell)
	}
	for _, n := range run.Nodes {
		if len(n.Attempts) != 1 || n.Attempts[0].State != "succeeded" || n.Attempts[0].Completed.Before(n.Attempts[0].Started) {
			t.Errorf("attempts of %s: %+v", n.Node, n.Attempts)
		}
	}
	again := h.Send(servertest.Fire("Disk"))
	became(t, h, again, "suppressed(duplicate)")
	if s := states(ended(t, h, again.RunIDs[0])); s["in"] != "succeeded" || s["facts"] == "succeeded" || s["tell"] == "succeeded" {
		t.Errorf("a repeat went on: %v", s)
	}
	told(t, r, "firing")
	books(t, h, map[string]int64{"delivered": 1, "suppressed": 1, "(duplicate)": 1})
}
