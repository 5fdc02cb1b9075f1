package server

import (
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/apps/rehearsal"
)

// TestRehearsedNodes: slow nodes give out in a back-test what they gave out then; a dry run executes those that only look.
func TestRehearsedNodes(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, url string) {
		var calls, asked atomic.Int64
		c := startCoreWith(t, url, nil, coreOptions{handlers: map[string]orchestration.Handler{
			"context": handler(func(c *orchestration.NodeContext) orchestration.Result {
				calls.Add(1)
				if c.Node.ID == "b" {
					return orchestration.Result{Err: errors.New("no"), Type: "no"}
				}
				return orchestration.Result{Output: map[string]any{"load": 7}}
			}),
			"intelligence": handler(func(*orchestration.NodeContext) orchestration.Result {
				asked.Add(1)
				return orchestration.Result{Output: map[string]any{"summary": "full disk"}}
			}),
		}})
		nodes := func(load string) string {
			return `[{"id":"in","type":"ingest","next":["a","b"]},{"id":"a","type":"context","max_retries":1,"next":"think"},
				{"id":"b","type":"context","max_retries":1,"next":"think"},{"id":"think","type":"intelligence","config":{"provider":"active"},"next":"tell"},
				{"id":"tell","type":"notify","when":"nodes.a.output.load > ` + load + `","config":{"channels":["inbox"]}}]`
		}
		c.pipelineOf(t, nodes("5"))
		c.finished(t, c.push(t, fire).RunIDs[0])
		config := func(load string) json.RawMessage {
			return json.RawMessage(`{"version":"1.0","nodes":` + nodes(load) + `}`)
		}
		before, looked := asked.Load(), calls.Load()

		try := func(load string) *rehearsal.Report {
			t.Helper()
			b := rehearsal.Backtest{Candidate: &rehearsal.Candidate{Name: "slow", Config: config(load)}, Since: c.clock.Now().Add(-time.Hour)}
			if err := c.Check(t.Context(), tenant, &b); err != nil {
				t.Fatal(err)
			}
			r, err := c.Backtest(t.Context(), tenant, b, func(string, int, int) {})
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		if r := try("5"); r.Fewer.Total+r.More.Total != 0 || len(r.Notes) != 1 || !strings.HasPrefix(r.Notes[0], "One context or intelligence node had no recorded output") {
			t.Errorf("unchanged: %+v", r)
		}
		if r := try("8"); r.Fewer.Total != 1 || r.Nowhere.Total != 1 {
			t.Errorf("a higher limit: %+v", r)
		}
		if calls.Load() != looked || asked.Load() != before {
			t.Error("a back-test ran a node")
		}

		out, err := c.DryRun(t.Context(), tenant, rehearsal.DryRun{Body: []byte(strings.ReplaceAll(fire, "f1", "f2"))})
		if err != nil {
			t.Fatal(err)
		}
		state := map[string]string{}
		for _, n := range out.Runs[0].Nodes {
			state[n.Node] = n.State + " " + n.ErrorType
		}
		if calls.Load() != looked+2 || asked.Load() != before || state["a"] != "succeeded " || state["b"] != "failed no" || state["think"] != "succeeded " ||
			len(out.Messages) != 1 || out.Messages[0].State != rehearsal.WouldSend {
			t.Errorf("dry run: %v, %+v", state, out.Messages)
		}
	})
}
