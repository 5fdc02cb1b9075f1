package server_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/retention"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// TestPrunedParts: what is no longer kept of a push and a run is marked, and what needs it is refused in plain words.
func TestPrunedParts(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		sent := h.Send(servertest.Push(alert{Name: "Disk"}))
		h.Rest()
		run := h.Runs("")[0].ID
		for _, sql := range []string{
			"DELETE FROM receipt_bodies", "UPDATE node_runs SET input = NULL, output = NULL, pruned = true",
		} {
			if err := h.Server.DB().From(t.Context()).Exec(sql).Error; err != nil {
				t.Fatal(err)
			}
		}
		var receipt struct {
			Body   string `json:"body"`
			Pruned bool   `json:"body_pruned"`
		}
		if h.Get("/api/v1/receipts/"+sent.ReceiptID, &receipt); !receipt.Pruned || receipt.Body != "" {
			t.Errorf("%+v", receipt)
		}
		var shown struct {
			Nodes []struct {
				Pruned   bool `json:"pruned"`
				Attempts []struct {
					Pruned bool `json:"pruned"`
				} `json:"attempts"`
			} `json:"nodes"`
		}
		h.Get("/api/v1/runs/"+run, &shown)
		for _, n := range shown.Nodes {
			if !n.Pruned || len(n.Attempts) > 0 && !n.Attempts[0].Pruned {
				t.Errorf("%+v", n)
			}
		}
		if err := h.Server.DB().From(t.Context()).Exec("UPDATE runs SET state = 'failed'").Error; err != nil {
			t.Fatal(err)
		}
		for path, want := range map[string]string{
			"receipts/" + sent.ReceiptID + "/reprocess": "the body of this push is no longer kept (HUB_KEEP_BODY_DAYS), so it cannot be taken in again",
			"runs/" + run + "/replay":                   "what its nodes gave out is no longer kept (HUB_KEEP_SNAPSHOT_DAYS), so the run cannot be replayed",
			"runs/" + run + "/resume":                   "so the run cannot be resumed",
		} {
			if a := h.Ask(http.MethodPost, "/api/v1/"+path, obj{}); a.Status != http.StatusConflict || !strings.Contains(string(a.Body), want) {
				t.Errorf("%s: %d %s", path, a.Status, a.Body)
			}
		}
	})
}

// TestPruneByHand asks for it as an operator does.
func TestPruneByHand(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		h.Send(servertest.Push(alert{Name: "Disk"}))
		h.Rest()
		const path = "/api/v1/retention/prune"
		var state retention.State
		if h.Get("/api/v1/retention", &state); state.BeganAt != nil || state.Oldest == nil {
			t.Errorf("before the first time: %+v", state)
		}
		if got := h.Want(http.StatusOK, http.MethodPost, path, obj{"dry_run": true, "older_than_days": 1}); got["would_remove"] != nil {
			t.Errorf("a dry run: %v", got)
		}
		for _, body := range []obj{{"older_than_days": -1}, {"older_than_days": 1e9}, {"older_than_days": "30d"}} {
			h.Want(http.StatusUnprocessableEntity, http.MethodPost, path, body)
		}
		h.Want(http.StatusAccepted, http.MethodPost, path, obj{"older_than_days": 1})
		testkit.Eventually(t, time.Minute, func() bool { h.Get("/api/v1/retention", &state); return state.EndedAt != nil }, "it does not end")
		if state.Problem != "" || len(state.Removed) != 0 || count(t, h, "receipts") != 1 {
			t.Errorf("%+v", state)
		}
		a := h.Ask(http.MethodGet, "/metrics", nil)
		for _, name := range []string{"incidenthub_pruned_timestamp_seconds", "incidenthub_oldest_push_seconds"} {
			if !strings.Contains(string(a.Body), "\n"+name+" ") {
				t.Errorf("no %s", name)
			}
		}
	})
}
