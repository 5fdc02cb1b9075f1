package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/incidenthub/incidenthub/internal/server/servertest"
	"github.com/incidenthub/incidenthub/providers"
)

// TestHealthChecked: an alert by webhook, checks of this machine, and a message with what they found at a real receiver.
func TestHealthChecked(t *testing.T) {
	t.Parallel()
	servertest.Forms(t, func(t *testing.T, begin func(setup) hub) {
		h := begin(setup{})
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		activate(t, h, "health-checked")
		h.Want(http.StatusCreated, http.MethodPost, "/api/v1/changes", obj{"title": "api 2.4.1", "kind": "deploy", "service": "api", "labels": obj{}})
		run := ran(t, h, `{"alerts":[{"name":"Slow","severity":"critical","status":"firing","description":"p99 is 3 s; token=hunter2hunter2",
			"labels":{"service":"api","instance":"web-1","runbook_url":"https://wiki.example.com/slow"}}]}`)
		if run.State != "succeeded" {
			t.Fatalf("run: %s %+v", run.State, run.LastError)
		}
		out := output(t, run, "check_health")
		results, _ := out["results"].(map[string]any)
		if out["checks_run"] != 3.0 || len(results) != 3 || out["checks_passed"].(float64)+out["checks_failed"].(float64) != 3 {
			t.Errorf("checks: %v", out)
		}
		for _, name := range []string{"cpu", "memory", "disk"} {
			one, _ := results[name].(map[string]any)
			if metrics, _ := one["metrics"].(map[string]any); one["status"] == nil || one["message"] == "" || len(metrics) == 0 {
				t.Errorf("%s: %v", name, one)
			}
		}
		var e providers.Evidence
		raw, err := json.Marshal(out["evidence"])
		if err != nil || json.Unmarshal(raw, &e) != nil {
			t.Fatal(err)
		}
		if len(e.Alerts) != 1 || e.Alerts[0].ID != "A1" || strings.Contains(string(raw), "hunter2") || len(e.Checks) != 3 || e.Checks[2].ID != "C3" ||
			len(e.Changes) != 1 || e.Changes[0].ID != "R1" || e.Changes[0].Title != "api 2.4.1" || len(e.Runbook) != 1 {
			t.Errorf("evidence: %s", raw)
		}
		h.Rest()
		told(t, r, "firing")
		text := r.Last().Text
		if !strings.Contains(text, "which is not web-1: ") || !strings.Contains(text, "cpu") || !strings.Contains(text, "memory") || !strings.Contains(text, "disk") {
			t.Errorf("the message has no checks in it:\n%s", text)
		}
	})
}

// TestChecksAreShared: many alerts at once cost a few looks at the machine, and each run knows what they found.
func TestChecksAreShared(t *testing.T) {
	t.Parallel()
	servertest.Forms(t, func(t *testing.T, begin func(setup) hub) {
		h := begin(setup{})
		h.Only("p", pipeline(obj{}, ingest("look"), obj{"id": "look", "type": "context", "config": obj{"checker_names": []string{"cpu", "memory"}}, "next": "tell"},
			notify("tell", "inbox")))
		const n = 40
		var all sync.WaitGroup
		for i := range n {
			all.Go(func() {
				if a, err := h.Try(http.MethodPost, "/alerts/webhook/", servertest.Fire("Alert "+string(rune('a'+i%26))+string(rune('a'+i/26)))); err != nil || a.Status != http.StatusAccepted {
					t.Errorf("push: %d %v", a.Status, err)
				}
			})
		}
		all.Wait()
		h.Rest()
		runs := h.Runs("")
		if len(runs) != n {
			t.Errorf("%d runs", len(runs))
		}
		for _, r := range runs {
			if out := output(t, ended(t, h, r.ID), "look"); out["checks_run"] != 2.0 {
				t.Errorf("run %s: %v", r.ID, out)
			}
		}
		var kept struct {
			Items []struct {
				Name string `json:"checker_name"`
			} `json:"items"`
		}
		h.Get("/api/v1/checks?limit=200", &kept)
		if len(kept.Items) == 0 || len(kept.Items) > n/4 {
			t.Errorf("%d checks were run for %d alerts", len(kept.Items), n)
		}
	})
}

// TestToldBefore: whoever resolves an incident with a word tells it to the next one who gets the same alert.
func TestToldBefore(t *testing.T) {
	t.Parallel()
	servertest.Forms(t, func(t *testing.T, begin func(setup) hub) {
		h := begin(setup{Acts: true})
		h.Only("p", pipeline(obj{}, ingest("look"), obj{"id": "look", "type": "context", "config": obj{"checker_names": []string{"memory"}}, "next": "tell"}, notify("tell", "inbox")))
		first := ran(t, h, servertest.Fire("Disk"))
		h.Want(http.StatusOK, http.MethodPost, "/api/v1/incidents/"+*first.IncidentID+"/resolve", obj{"summary": "grew the volume"})
		h.Send(servertest.Resolve("Disk"))
		out := output(t, ran(t, h, servertest.Fire("Disk")), "look")
		raw, _ := json.Marshal(out)
		var got struct {
			Evidence providers.Evidence
			Earlier  struct {
				Week int `json:"last_7_days"`
			}
		}
		if err := json.Unmarshal(raw, &got); err != nil || len(got.Evidence.History) != 1 || got.Earlier.Week != 1 {
			t.Fatalf("%v: %s", err, raw)
		}
		if p := got.Evidence.History[0]; p.ID != "H1" || p.IncidentID != *first.IncidentID || !strings.Contains(p.Summary, "grew the volume") || p.Similarity != 1 {
			t.Errorf("%+v", p)
		}
	})
}
