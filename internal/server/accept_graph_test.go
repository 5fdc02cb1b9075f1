package server_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// node finds a run's node by its id.
func node(t *testing.T, r servertest.Run, id string) (state, reason string, output obj, tries int) {
	t.Helper()
	for _, n := range r.Nodes {
		if n.Node == id {
			if len(n.Output) > 0 {
				if err := json.Unmarshal(n.Output, &output); err != nil {
					t.Fatal(err)
				}
			}
			return n.State, n.Reason, output, len(n.Attempts)
		}
	}
	t.Fatalf("the run has no node %s: %+v", id, r)
	return "", "", nil, 0
}

// TestGraph executes a pipeline with every kind of node of this release; what they gave is in the run.
func TestGraph(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		bad, mild := servertest.NewReceiver(t), servertest.NewReceiver(t)
		h.Tell("bad", bad)
		h.Tell("mild", mild)
		h.Only("p", pipeline(nil,
			ingest([]string{"shape", "choose"}),
			obj{"id": "shape", "type": "transform", "config": obj{
				"source_node": "in", "mapping": obj{"sev": "severity", "n": "alerts_created", "none": "a.b.c"}, "set": obj{"team": "db"},
			}, "next": "after"},
			obj{"id": "choose", "type": "condition", "config": obj{"expression": "incident.severity == 'critical'", "then": []string{"page"}, "else": []string{"mail"}}},
			notify("page", "bad"), notify("mail", "mild"),
			obj{"id": "after", "type": "transform", "when": "nodes.shape.output.transformed.n > 0", "config": obj{"source_node": "shape", "extract": "transformed.sev"}},
		))
		lint := h.Want(200, http.MethodPost, "/api/v1/definitions/lint", h.Want(200, http.MethodGet, "/api/v1/definitions/p", nil)["config"])
		t.Logf("lint: %v", lint)
		got := h.Send(servertest.Fire("Disk"))
		became(t, h, got, "delivered")
		told(t, bad, "firing")
		told(t, mild)
		run := h.Run(*got.RunID)
		if run.State != "succeeded" || run.Status != "notified" {
			t.Errorf("run %+v", run)
		}
		_, _, in, _ := node(t, run, "in")
		want := obj{
			"alerts_created": 1.0, "alerts_updated": 0.0, "alerts_resolved": 0.0, "incidents_created": 1.0, "incidents_updated": 0.0, "source": "alertmanager",
			"incident_id": *run.IncidentID, "alert_fingerprint": "Disk/web-01", "severity": "critical",
		}
		if diff := cmp.Diff(want, in); diff != "" {
			t.Errorf("ingest (-want +got):\n%s", diff)
		}
		_, _, shaped, _ := node(t, run, "shape")
		if diff := cmp.Diff(obj{"transformed": obj{"sev": "critical", "n": 1.0, "none": nil, "team": "db"}, "source_node": "in"}, shaped); diff != "" {
			t.Errorf("transform (-want +got):\n%s", diff)
		}
		if _, _, after, _ := node(t, run, "after"); after["transformed"] != "critical" {
			t.Errorf("second transform: %v", after)
		}
		if _, _, chosen, _ := node(t, run, "choose"); chosen["result"] != true {
			t.Errorf("condition: %v", chosen)
		}
		if state, reason, _, _ := node(t, run, "mail"); state != "skipped" || reason != "not_reached" {
			t.Errorf("the other branch: %s %s", state, reason)
		}
		state, _, page, _ := node(t, run, "page")
		if state != "succeeded" || page["channels_attempted"] != 1.0 || page["channels_failed"] != 0.0 {
			t.Errorf("notify: %s %v", state, page)
		}
		for _, n := range run.Nodes {
			if n.State == "succeeded" && (len(n.Attempts) != 1 || n.Attempts[0].State != "succeeded") {
				t.Errorf("node %s: attempts %+v", n.Node, n.Attempts)
			}
		}
		// A warning goes the other way.
		got = h.Send(servertest.Push(alert{Name: "Net", Severity: "warning"}))
		became(t, h, got, "delivered")
		told(t, bad, "firing")
		told(t, mild, "firing")
		// What changes nothing runs nothing further.
		got = h.Send(servertest.Push(alert{Name: "Net", Severity: "warning"}))
		became(t, h, got, "suppressed(duplicate)")
		run = h.Run(*got.RunID)
		if state, _, _, _ := node(t, run, "in"); run.State != "succeeded" || state != "succeeded" {
			t.Errorf("repeat: %+v", run)
		}
		if state, reason, _, _ := node(t, run, "choose"); state != "skipped" || reason == "" {
			t.Errorf("repeat went on: %s %s", state, reason)
		}
		atRest(t, h, nil)
	})
}

// TestRequiredFailure: the run fails, and people hear of the alert all the same (I23).
func TestRequiredFailure(t *testing.T) {
	t.Parallel()
	failing := func(required any) obj {
		n := obj{"id": "break", "type": "condition", "config": obj{"expression": "int(labels.team) > 3", "then": []string{"n"}}}
		if required != nil {
			n["required"] = required
		}
		return n
	}
	for name, tt := range map[string]struct {
		required any
		state    string
	}{"required": {nil, "failed"}, "not required": {false, "succeeded"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			engines(t, nil, func(t *testing.T, h hub) {
				r := servertest.NewReceiver(t)
				h.Tell("ops", r)
				h.Only("p", pipeline(nil, ingest("break"), failing(tt.required), notify("n", "ops")))
				got := h.Send(servertest.Fire("Disk"))
				became(t, h, got, "delivered")
				told(t, r, "firing")
				run := h.Run(*got.RunID)
				if run.State != tt.state {
					t.Errorf("run %+v, want it %s", run, tt.state)
				}
				if state, _, _, tries := node(t, run, "break"); state != "failed" || tries != 1 {
					t.Errorf("node break: %s after %d tries", state, tries)
				}
				if tt.state == "failed" && (run.LastError == nil || run.Status != "failed") {
					t.Errorf("run %+v", run)
				}
				atRest(t, h, map[string]int64{"delivered": 1})
			})
		})
	}
}

// TestNoNotify: a pipeline that tells nobody says so in the books.
func TestNoNotify(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		h.Only("p", pipeline(nil, obj{"id": "in", "type": "ingest", "config": obj{}}))
		became(t, h, h.Send(servertest.Fire("Disk")), "suppressed(no_notify)")
		h.Want(200, http.MethodPatch, "/api/v1/definitions/p", obj{"config": pipeline(nil, ingest("n"), notify("n", "gone"))})
		got := h.Send(servertest.Fire("Net"))
		became(t, h, got, "dead(run_failed)")
		if run := h.Run(*got.RunID); run.State != "failed" || run.LastError == nil || run.LastError.Type != "no_channel" {
			t.Errorf("run %+v", run)
		}
		atRest(t, h, map[string]int64{"suppressed": 1, "dead": 1, "(no_notify)": 1, "(run_failed)": 1})
	})
}

// TestVersions: what began with a version shows that version.
func TestVersions(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		h.Only("p", pipeline(nil, ingest("n"), notify("n", "ops")))
		first := h.Send(servertest.Fire("Disk"))
		h.Want(200, http.MethodPatch, "/api/v1/definitions/p", obj{"config": pipeline(nil, ingest("m"), notify("m", "ops"))})
		second := h.Send(servertest.Fire("Net"))
		h.Rest()
		var a, b struct {
			Version int `json:"definition_version"`
			Config  struct {
				Nodes []struct {
					ID string `json:"id"`
				} `json:"nodes"`
			} `json:"config"`
		}
		h.Get("/api/v1/runs/"+*first.RunID, &a)
		h.Get("/api/v1/runs/"+*second.RunID, &b)
		if a.Version != 1 || b.Version != 2 || a.Config.Nodes[1].ID != "n" || b.Config.Nodes[1].ID != "m" {
			t.Errorf("%+v, %+v", a, b)
		}
	})
}
