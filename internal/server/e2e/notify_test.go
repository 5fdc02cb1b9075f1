package e2e

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// TestNotify: what a notify node tells, to whom, and what an answer of the receiver means for the run.
func TestNotify(t *testing.T) {
	t.Parallel()
	inBothForms(t, map[string]feature{
		"min_severity of a channel": func(t *testing.T, begin func(setup) hub) { minSeverity(t, begin(setup{}), true) },
		"min_severity of a node":    func(t *testing.T, begin func(setup) hub) { minSeverity(t, begin(setup{}), false) },
		"on resolved":               onResolved,
		"when":                      whenFalse,
		"drivers":                   byDriver,
		"a receiver that recovers":  recovers,
		"all dead":                  allDead,
	})
}

// notifyWith is a notify node to one channel with further settings.
func notifyWith(id, channel string, config obj) obj {
	n := notify(id, channel)
	maps.Copy(n["config"].(obj), config)
	return n
}

// minSeverity: a channel or node that wants only the worst hears of it when it gets that bad, and then of the end.
func minSeverity(t *testing.T, h hub, ofChannel bool) {
	t.Helper()
	r := servertest.NewReceiver(t)
	node := notify("n", "ops")
	if ofChannel {
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
	books(t, h, nil)
}

// onResolved: a node may ask for ends; whoever it tells is told once.
func onResolved(t *testing.T, begin func(setup) hub) {
	h := begin(setup{})
	a, b, c := servertest.NewReceiver(t), servertest.NewReceiver(t), servertest.NewReceiver(t)
	h.Tell("a", a)
	h.Tell("b", b)
	h.Tell("c", c)
	h.Only("p", pipeline(nil, ingest([]string{"on", "off", "more"}), notify("on", "a"),
		notifyWith("off", "a", obj{"on": []string{"resolved"}, "channels": []string{"a", "b"}}), notifyWith("more", "c", obj{"on": "updated"})))
	became(t, h, h.Send(servertest.Push(alert{Name: "Disk", Severity: "warning"})), "delivered")
	told(t, c)
	became(t, h, h.Send(servertest.Fire("Disk")), "delivered") // worse
	told(t, c, "updated")
	became(t, h, h.Send(servertest.Resolve("Disk")), "delivered")
	told(t, a, "firing", "updated", "resolved")
	told(t, b, "resolved")
	told(t, c, "updated", "resolved")
	books(t, h, map[string]int64{"delivered": 3})
}

// whenFalse: held back on purpose, which a repeat does not undo; what cannot be evaluated tells.
func whenFalse(t *testing.T, begin func(setup) hub) {
	h := begin(setup{})
	when := func(expression string) obj {
		n := notify("n", "ops")
		n["when"] = expression
		return n
	}
	r := only(t, h, ingest("n"), when("labels.team == 'db'"))
	got := h.Send(servertest.Fire("Disk"))
	became(t, h, got, "suppressed(when)")
	want(t, "run", states(h.Run(*got.RunID)), map[string]string{"": "succeeded", "in": "succeeded", "n": "skipped: when"})
	became(t, h, h.Send(servertest.Fire("Disk")), "suppressed(duplicate)")
	told(t, r)
	if d := h.Deliveries("ops"); len(d) != 1 || d[0].State != "suppressed" || d[0].Reason != "when" {
		t.Errorf("deliveries %+v", d)
	}
	h.Want(http.StatusOK, http.MethodPatch, "/api/v1/definitions/p", obj{"config": pipeline(nil, ingest("n"), when("int(labels.team) > 3"))})
	other := h.Send(servertest.Fire("Net"))
	became(t, h, other, "delivered")
	told(t, r, "firing")
	trace := h.Outcomes(other.ReceiptID)[0][0].Trace
	if !slices.ContainsFunc(trace, func(d struct{ What, Name, Result, Why string }) bool {
		return d.What == "when" && strings.Contains(d.Why, "counts as true")
	}) {
		t.Errorf("no decision about it: %+v", trace)
	}
	books(t, h, nil)
}

// byDriver: a node may name drivers instead of channels.
func byDriver(t *testing.T, begin func(setup) hub) {
	h := begin(setup{})
	a, b := servertest.NewReceiver(t), servertest.NewReceiver(t)
	h.Tell("a", a)
	h.Tell("b", b)
	h.Only("p", pipeline(nil, ingest("n"), obj{"id": "n", "type": "notify", "config": obj{"drivers": []string{"generic"}}}))
	became(t, h, h.Send(servertest.Fire("Disk")), "delivered")
	told(t, a, "firing")
	told(t, b, "firing")
	if d := h.Deliveries("inbox"); len(d) != 0 {
		t.Errorf("the inbox was told: %+v", d)
	}
}

// recovers: a message that was refused goes again, the same one under the same key, and no run waits for that.
func recovers(t *testing.T, begin func(setup) hub) {
	h := begin(setup{})
	r := only(t, h, ingest("n"), notify("n", "ops"))
	r.Answers(func(n int, _ http.ResponseWriter, _ *servertest.Message) int {
		if n == 1 {
			return http.StatusServiceUnavailable
		}
		return http.StatusOK
	})
	got := h.Send(servertest.Fire("Disk"))
	became(t, h, got, "delivered")
	told(t, r, "firing")
	all := r.All()
	if len(all) != 2 || all[0].Key == "" || all[0].Key != all[1].Key || string(all[0].Raw) != string(all[1].Raw) {
		t.Errorf("%d calls, want two, alike to the byte and under one key", len(all))
	}
	if d := h.Deliveries("ops")[0]; d.Count != 2 || len(d.Attempts) != 2 || d.Attempts[0].Status != 503 || d.Attempts[1].Status != 200 {
		t.Errorf("delivery %+v", d)
	}
	if run := h.Run(*got.RunID); run.State != "succeeded" || run.Status != "notified" {
		t.Errorf("run %+v", run)
	}
	books(t, h, map[string]int64{"delivered": 1})
}

// allDead: a run fails when nobody at all could be told.
func allDead(t *testing.T, begin func(setup) hub) {
	h := begin(setup{})
	r := only(t, h, ingest("n"), notify("n", "ops"))
	r.Says(http.StatusBadRequest)
	got := h.Send(servertest.Fire("Disk"))
	became(t, h, got, "dead(http_400)")
	if run := ended(t, h, *got.RunID); run.State != "failed" || run.Status != "failed" || run.LastError == nil || run.LastError.Type != "all_deliveries_dead" {
		t.Errorf("run %+v", run)
	}
	books(t, h, map[string]int64{"dead": 1, "(http_400)": 1})
}
