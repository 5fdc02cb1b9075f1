package server_test

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// TestDoorAnswers: the exact keys of the answer, at both forms of both addresses.
func TestDoorAnswers(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		keys := []string{"duplicate", "outcome", "pipeline_id", "receipt_id", "run_id", "run_ids", "status", "trace_id"}
		for _, path := range []string{"/alerts/webhook", "/alerts/webhook/", "/alerts/webhook/alertmanager", "/alerts/webhook/alertmanager/"} {
			a := h.Ask(http.MethodPost, path, servertest.Fire("Disk"))
			b := a.JSON()
			if a.Status != http.StatusAccepted || a.Header.Get("Content-Type") != "application/json; charset=utf-8" {
				t.Fatalf("POST %s: %d %s", path, a.Status, a.Body)
			}
			if diff := cmp.Diff(keys, slices.Sorted(maps.Keys(b))); diff != "" {
				t.Errorf("POST %s: keys\n%s", path, diff)
			}
			runs, _ := b["run_ids"].([]any)
			if b["status"] != "queued" || b["outcome"] != "queued" || b["duplicate"] != false || len(runs) != 1 || b["run_id"] != runs[0] || b["pipeline_id"] != b["run_id"] {
				t.Errorf("POST %s: %s", path, a.Body)
			}
			if !uuid.MatchString(b["receipt_id"].(string)) || !uuid.MatchString(b["run_id"].(string)) || len(b["trace_id"].(string)) < 16 {
				t.Errorf("POST %s: ids %s", path, a.Body)
			}
			var receipt, run obj
			h.Get("/api/v1/receipts/"+b["receipt_id"].(string), &receipt)
			h.Get("/api/v1/runs/"+b["run_id"].(string), &run)
			if receipt["driver"] != "alertmanager" || receipt["trace_id"] != b["trace_id"] || run["trace_id"] != b["trace_id"] || run["receipt_id"] != b["receipt_id"] {
				t.Errorf("what is stored: %v, %v", receipt, run)
			}

			g := h.Ask(http.MethodGet, path, nil)
			want := "auto-detect"
			if strings.Contains(path, "alertmanager") {
				want = "alertmanager"
			}
			if b := g.JSON(); g.Status != http.StatusOK || b["status"] != "ok" || b["driver"] != want || b["message"] == "" {
				t.Errorf("GET %s: %d %s", path, g.Status, g.Body)
			}
		}
		a := h.Ask(http.MethodPost, door+"?sync=1", servertest.Fire("Disk"))
		counters := []string{"alerts_created", "alerts_resolved", "alerts_updated", "incidents_created", "incidents_updated"}
		want := append(slices.Clone(keys), counters...)
		slices.Sort(want)
		if b := a.JSON(); a.Status != http.StatusOK || b["status"] != "success" || b["alerts_updated"] != 1.0 || b["alerts_created"] != 0.0 || b["outcome"] != "queued" {
			t.Errorf("?sync=1: %d %s", a.Status, a.Body)
		} else if diff := cmp.Diff(want, slices.Sorted(maps.Keys(b))); diff != "" {
			t.Errorf("?sync=1: keys\n%s", diff)
		}
		// One bad item does not cost its neighbours: partial.
		a = h.Ask(http.MethodPost, door+"generic?sync=1", `{"alerts":[{"name":"A"},"no alert",{"name":"B"}]}`)
		if b := a.JSON(); a.Status != http.StatusOK || b["status"] != "partial" || b["alerts_created"] != 2.0 || len(b["errors"].([]any)) != 1 {
			t.Errorf("partial: %d %s", a.Status, a.Body)
		}
		// Nobody's alert.
		a = h.Ask(http.MethodPost, door+"opsgenie/", `{"action":"Create","alert":{}}`)
		if a.Status != http.StatusUnprocessableEntity {
			t.Logf("empty opsgenie alert: %d %s", a.Status, a.Body)
		}
		h.Rest()
		atRest(t, h, nil)
	})
}

// TestIgnored: a good body without an alert is no error.
func TestIgnored(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		for _, query := range []string{"", "?sync=1"} {
			a := h.Ask(http.MethodPost, door+query, `{"event":{"id":"x`+query+`","event_type":"pagey.ping","resource_type":"pagey","occurred_at":"2026-11-20T10:00:00Z","data":{"message":"Hello","type":"ping"}}}`)
			b := a.JSON()
			if a.Status != http.StatusAccepted || b["status"] != "queued" || b["outcome"] != "ignored" || b["run_id"] != nil || b["pipeline_id"] != nil || b["reason"] == "" {
				t.Errorf("%d %s", a.Status, a.Body)
			}
			if runs, ok := b["run_ids"].([]any); !ok || len(runs) != 0 {
				t.Errorf("run_ids is %v, want an empty list", b["run_ids"])
			}
		}
		if len(h.Alerts()) != 0 {
			t.Error("a ping made an alert")
		}
		atRest(t, h, map[string]int64{})
	})
}

// TestUnusable: an object that nobody can use is kept, visible, and makes nothing.
func TestUnusable(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		for name, tt := range map[string]struct{ path, body string }{
			"nobody's":      {"", `{"hello":"world"}`},
			"wrong driver":  {"pagerduty/", servertest.Fire("Disk")},
			"only bad ones": {"alertmanager/", `{"version":"4","status":"firing","receiver":"x","groupKey":"g","alerts":["a",7,null]}`},
		} {
			a := h.Ask(http.MethodPost, door+tt.path, tt.body)
			refused(t, name, a, http.StatusUnprocessableEntity)
			receipt, _ := a.JSON()["receipt_id"].(string)
			if receipt == "" {
				t.Errorf("%s: no receipt in %s", name, a.Body)
				continue
			}
			for _, o := range h.Outcomes(receipt) {
				if len(o) != 1 || o[0].State != "rejected" {
					t.Errorf("%s: outcome %+v", name, o)
				}
			}
			var rec struct{ Outcome, Reason, Body string }
			h.Get("/api/v1/receipts/"+receipt, &rec)
			if rec.Outcome != "rejected" || rec.Reason == "" || rec.Body != tt.body {
				t.Errorf("%s: receipt %+v", name, rec)
			}
		}
		if len(h.Alerts()) != 0 || count(t, h, "runs") != 0 {
			t.Error("something was made of it")
		}
		atRest(t, h, nil)
	})
}
