package server_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// TestLifeOfAnIncident walks one alert through everything that can happen to it.
func TestLifeOfAnIncident(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		with := func(severity, status string) string {
			return servertest.Push(alert{Name: "Disk", Severity: severity, Status: status})
		}

		got := h.Send(with("warning", "firing"))
		if got.AlertsCreated != 1 || got.IncidentsCreated != 1 || got.AlertsUpdated+got.AlertsResolved+got.IncidentsUpdated != 0 {
			t.Errorf("first: %+v", got)
		}
		became(t, h, got, "delivered")
		m := r.Last()
		i := h.Incident()
		if m.Event != "firing" || m.Severity != "warning" || m.IncidentID != i.ID || m.Key == "" || m.Tags["idempotency_key"] != m.Key {
			t.Errorf("message %+v", m)
		}

		got = h.Send(with("warning", "firing"))
		if got.AlertsUpdated != 1 || got.AlertsCreated != 0 {
			t.Errorf("repeat: %+v", got)
		}
		became(t, h, got, "suppressed(duplicate)")
		told(t, r, "firing")

		became(t, h, h.Send(with("critical", "firing")), "delivered") // raised
		told(t, r, "firing", "updated")
		if m := r.Last(); m.Severity != "critical" || h.Incident().Severity != "critical" {
			t.Errorf("raise told as %s", m.Severity)
		}

		became(t, h, h.Send(with("info", "firing")), "delivered") // lowered: told, but the incident stays as bad as it was
		if got := h.Incident().Severity; got != "critical" {
			t.Errorf("the incident's severity was lowered to %s", got)
		}
		told(t, r, "firing", "updated", "updated")

		got = h.Send(with("-", "resolved"))
		if got.AlertsResolved != 1 || got.IncidentsUpdated != 1 {
			t.Errorf("resolve: %+v", got)
		}
		became(t, h, got, "delivered")
		told(t, r, "firing", "updated", "updated", "resolved")
		if m := r.Last(); m.Severity != "success" {
			t.Errorf("a resolve is told with severity %s", m.Severity)
		}
		if i = h.Incident(); i.Status != "resolved" || i.Severity != "critical" || i.ResolvedAt == nil || i.Summary == "" {
			t.Errorf("resolved: %+v", i)
		}
		if a := h.Alerts()[0]; a.Severity != "info" || a.EndedAt == nil {
			t.Errorf("a resolution changed the severity or left the end open: %+v", a)
		}

		h.Send(with("-", "resolved")) // again: nothing happens
		told(t, r, "firing", "updated", "updated", "resolved")

		became(t, h, h.Send(with("info", "firing")), "delivered") // refire
		if again := h.Incident(); again.ID != i.ID || again.Status != "open" || again.ResolvedAt != nil {
			t.Errorf("refire: %+v", again)
		}
		told(t, r, "firing", "updated", "updated", "resolved", "firing")
		if a := h.Alerts()[0]; a.EndedAt != nil || a.Status != "firing" {
			t.Errorf("refired: %+v", a)
		}
		h.Send(with("-", "resolved"))
		h.Rest()
		told(t, r, "firing", "updated", "updated", "resolved", "firing", "resolved")
		keys := map[string]bool{}
		for _, m := range r.All() {
			keys[m.Key] = true
		}
		if len(keys) != 6 {
			t.Errorf("%d keys for 6 messages", len(keys))
		}
		atRest(t, h, nil)
	})
}

func TestPartialResolve(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		one, two := alert{Name: "Disk", Labels: map[string]string{"disk": "a"}}, alert{Name: "Disk", Labels: map[string]string{"disk": "b"}}
		// The fingerprints differ, the group (name and instance) is one.
		push := func(alerts ...alert) servertest.Accepted {
			return h.SendTo("generic/?sync=1", servertest.Generic(alerts...))
		}
		push(one)
		h.Rest()
		push(two)
		h.Rest()
		told(t, r, "firing", "updated")
		one.Status, two.Status = "resolved", "resolved"
		got := push(one)
		h.Rest()
		if got.AlertsResolved != 1 {
			t.Errorf("%+v", got)
		}
		told(t, r, "firing", "updated")
		if i := h.Incident(); i.Status != "open" || i.AlertCount != 2 || i.Firing != 1 {
			t.Errorf("half resolved: %+v", i)
		}
		if o := h.Became(got.ReceiptID); o[:10] != "suppressed" {
			t.Errorf("a resolve that nobody is told of became %s", o)
		}
		became(t, h, push(two), "delivered")
		told(t, r, "firing", "updated", "resolved")
		atRest(t, h, map[string]int64{"delivered": 3, "suppressed": 1, "(not_material)": 1})
	})
}

// TestOnePush: what a single push of several alerts makes.
func TestOnePush(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		var five []alert
		for _, disk := range []string{"a", "b", "c", "d", "e"} {
			five = append(five, alert{Name: "Disk", Labels: map[string]string{"disk": disk}})
		}
		got := h.SendTo("generic/?sync=1", servertest.Generic(five...))
		if got.AlertsCreated != 5 || got.IncidentsCreated != 1 || len(got.RunIDs) != 1 {
			t.Errorf("five alerts of one group: %+v", got)
		}
		h.Rest()
		told(t, r, "firing")
		if m := r.Last(); len(m.Alerts) != 5 {
			t.Errorf("the message has %d alerts", len(m.Alerts))
		}

		got = h.Send(servertest.Push(alert{Name: "A", Severity: "info"}, alert{Name: "B", Severity: "critical"}, alert{Name: "C", Severity: "warning"}))
		h.Rest()
		told(t, r, "firing", "firing", "firing", "firing")
		if len(got.RunIDs) != 1 || got.RunID == nil || *got.RunID != got.RunIDs[0] || *got.PipelineID != *got.RunID {
			t.Errorf("run ids %+v", got)
		}
		runs := h.Runs("receipt=" + got.ReceiptID)
		if len(runs) != 3 {
			t.Fatalf("%d runs for three incidents", len(runs))
		}
		titles := map[string]string{}
		for _, i := range h.Incidents() {
			titles[i.ID] = i.Title
		}
		for _, run := range runs {
			first := run.ID == *got.RunID
			if run.TraceID != got.TraceID || run.State != "succeeded" || run.Status != "notified" || run.IncidentID == nil {
				t.Errorf("run %+v", run)
				continue
			}
			if first != (run.Parent == nil) || first != (titles[*run.IncidentID] == "B") {
				t.Errorf("the first run keeps the worst incident, the others name it as parent: %+v of %s", run, titles[*run.IncidentID])
			}
		}
		if kids := h.Run(*got.RunID).Children; len(kids) != 2 {
			t.Errorf("children %q", kids)
		}
		atRest(t, h, map[string]int64{"delivered": 8})
		// The same three again: the first run and its ledger rows are the answer to a repeat of the delivery, too.
		for _, o := range h.Outcomes(got.ReceiptID) {
			if len(o) != 1 || o[0].State != "delivered" {
				t.Errorf("outcome %+v", o)
			}
		}
	})
}

// TestMixedPush: an incident that ends and one that begins in one push are booked apart.
func TestMixedPush(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		good, bad := servertest.NewReceiver(t), servertest.NewReceiver(t).Says(404)
		h.Tell("good", good)
		h.Only("all", servertest.Pipeline(nil, servertest.Ingest("n"), servertest.Notify("n", "good", "bad")))
		h.Send(servertest.Push(alert{Name: "Old"}, alert{Name: "Older"}))
		h.Rest()
		h.Tell("bad", bad)
		got := h.Send(servertest.Push(alert{Name: "Old", Status: "resolved"}, alert{Name: "New"}, alert{Name: "Older", Status: "resolved"}))
		h.Rest()
		got5 := good.Told() // of different incidents: in any order
		slices.Sort(got5)
		if diff := cmp.Diff([]string{"firing", "firing", "firing", "resolved", "resolved"}, got5); diff != "" {
			t.Error(diff)
		}
		var states []string
		for _, o := range h.Outcomes(got.ReceiptID) {
			states = append(states, o[0].State)
		}
		if len(states) != 3 || states[0] != "delivered" || states[1] != "dead" || states[2] != "delivered" {
			t.Errorf("the resolved ones reached all who were told, the new one not: %q", states)
		}
	})
}

// TestWithinOnePush: the same alert several times in one body goes by body order.
func TestWithinOnePush(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		h.SendTo("generic/?sync=1", servertest.Generic(alert{Name: "Disk", Labels: map[string]string{"disk": "a"}}))
		h.Rest()
		b := alert{Name: "Disk", Labels: map[string]string{"disk": "b"}}
		gone := b
		gone.Status = "resolved"
		h.SendTo("generic/?sync=1", servertest.Generic(b, gone))
		h.Rest()
		if i := h.Incident(); i.Status != "open" || i.Firing != 1 {
			t.Errorf("an alert that came and went took the incident with it, though another one fires: %+v", i)
		}
		told(t, r, append([]string{"firing"}, r.Told()[1:]...)...)
		for _, e := range r.Told() {
			if e == "resolved" {
				t.Error("an incident that is on was told as resolved")
			}
		}
		atRest(t, h, nil)
	})
}
