package server_test

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// line is one line of the books.
type line struct {
	Alert    string `json:"alert"`
	Status   string `json:"status"`
	State    string `json:"state"`
	Reason   string `json:"reason"`
	Channels []struct {
		Channel, State, Reason string
	} `json:"channels"`
}

// lines reads the whole table.
func lines(h hub, query string) (out []line) {
	for cursor := ""; ; {
		var page struct {
			Items []line `json:"items"`
			Next  string `json:"next_cursor"`
		}
		h.Get("/api/v1/ledger/lines?limit=200&cursor="+cursor+query, &page)
		out = append(out, page.Items...)
		if cursor = page.Next; cursor == "" {
			return out
		}
	}
}

// TestMixed: the ledger explains each of 1,000 mixed alerts in one table, and the sums match.
func TestMixed(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		good, gone := servertest.NewReceiver(t), servertest.NewReceiver(t).Says(http.StatusNotFound)
		slow := servertest.NewReceiver(t).Answers(func(_ int, w http.ResponseWriter, _ *servertest.Message) int {
			w.Header().Set("Retry-After", "600")
			return http.StatusServiceUnavailable
		})
		h.Tell("good", good)
		h.Tell("gone", gone)
		h.Tell("grave", good, "min_severity", "critical")
		h.Tell("slow", slow)
		h.Only(
			"good", pipeline(obj{"priority": 10, "when": "labels.env in ['told', 'quiet']"}, ingest("n"), notify("n", "good")),
			"grave", pipeline(obj{"priority": 20, "when": "labels.env == 'mild'"}, ingest("n"), notify("n", "grave")),
			"gone", pipeline(obj{"priority": 30, "when": "labels.env == 'dead'"}, ingest("n"), notify("n", "gone")),
			"slow", pipeline(obj{"priority": 40, "when": "labels.env == 'early'"}, ingest("n"), notify("n", "slow")),
		)
		h.Want(http.StatusCreated, http.MethodPost, "/api/v1/silences", obj{"matchers": []string{"env=quiet"}, "comment": "planned", "duration": "1h"})
		// Of each kind: how many, and what becomes of each.
		want := map[string]string{}
		n := map[string]int{"told": 250, "quiet": 200, "mild": 150, "dead": 150}
		push := func(env, status string, from, to int) string {
			var list []alert
			for i := from; i < to; i++ {
				list = append(list, alert{Name: fmt.Sprintf("%s %03d", env, i), Status: status, Severity: "warning", Labels: map[string]string{"env": env, "instance": strconv.Itoa(i)}})
			}
			return servertest.Push(list...)
		}
		for env, word := range map[string]string{
			"told": "delivered", "quiet": "suppressed(silenced)", "mild": "suppressed(below_min_severity)", "dead": "dead(http_404)",
		} {
			for i := 0; i < n[env]; i += 50 {
				h.Send(push(env, "firing", i, i+50))
			}
			for i := range n[env] {
				want[fmt.Sprintf("%s %03d firing %s", env, i, word)] = "1"
			}
		}
		h.Rest()
		// 100 of those that were told come once more; 50 of them end.
		h.Send(push("told", "firing", 0, 100))
		h.Rest()
		h.Send(push("told", "resolved", 0, 50))
		for i := range 100 {
			want[fmt.Sprintf("told %03d firing suppressed(duplicate)", i)] = "1"
		}
		for i := range 50 {
			want[fmt.Sprintf("told %03d resolved delivered", i)] = "1"
		}
		h.Rest()
		// 50 end before their receiver, which is out of order, has taken one in.
		h.Send(push("early", "firing", 0, 50))
		testkit.Eventually(t, 2*time.Minute, func() bool {
			waiting := 0
			for _, d := range h.Deliveries("slow") {
				if d.State == "pending" {
					waiting++
				}
			}
			return waiting == 50
		}, "not all deliveries wait for the receiver to come back")
		h.Send(push("early", "resolved", 0, 50))
		for i := range 50 {
			want[fmt.Sprintf("early %03d firing suppressed(resolved_first)", i)] = "1"
			want[fmt.Sprintf("early %03d resolved suppressed(nobody_was_told)", i)] = "1"
		}
		atRest(t, h, nil)
		got := map[string]string{}
		for _, l := range lines(h, "") {
			key := fmt.Sprintf("%s %s %s", l.Alert, l.Status, l.State)
			if l.Reason != "" {
				key += "(" + l.Reason + ")"
			}
			got[key] += "1"
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the table (-want +got):\n%s", diff)
		}
		if len(got) != 1000 {
			t.Errorf("%d lines", len(got))
		}
		if n := len(good.All()); n != 250+50 {
			t.Errorf("%d messages arrived, want 300", n)
		}
	})
}
