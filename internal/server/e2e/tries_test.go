package e2e

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// TestTries: what a node's tries come to, as GET /api/v1/runs/{id} shows them, and what becomes of the run.
func TestTries(t *testing.T) {
	t.Parallel()
	type result = orchestration.Result
	features := map[string]feature{}
	for name, tt := range map[string]struct {
		node  obj
		do    func(c *orchestration.NodeContext, n int64) result
		tries []string
		state string // of the run
	}{
		"the second try": {obj{"max_retries": 3}, func(_ *orchestration.NodeContext, n int64) result {
			if n == 1 {
				return fails("away", true)
			}
			return gives(obj{"n": n})
		}, []string{"failed away", "succeeded"}, "succeeded"},
		"no more tries": {
			obj{"max_retries": 2},
			func(*orchestration.NodeContext, int64) result { return fails("away", true) },
			[]string{"failed away", "failed away"},
			"succeeded",
		},
		"not worth another": {
			obj{"max_retries": 3},
			func(*orchestration.NodeContext, int64) result { return fails("unknown", false) },
			[]string{"failed unknown"},
			"succeeded",
		},
		"a required one": {
			obj{"max_retries": 1, "required": true},
			func(*orchestration.NodeContext, int64) result { return fails("away", true) },
			[]string{"failed away"},
			"failed",
		},
		"too late, then in time": {obj{"max_retries": 2, "timeout_seconds": 2}, func(c *orchestration.NodeContext, n int64) result {
			if n == 1 {
				wait(c, nil)
				return result{Err: c.Ctx.Err()}
			}
			return gives(obj{"n": n})
		}, []string{"failed timeout", "succeeded"}, "succeeded"},
		"always too late": {obj{"max_retries": 1, "timeout_seconds": 0.2, "required": true}, func(c *orchestration.NodeContext, _ int64) result {
			wait(c, nil)
			return result{Err: c.Ctx.Err()}
		}, []string{"failed timeout"}, "failed"},
		"a node that breaks": {
			obj{"max_retries": 3},
			func(*orchestration.NodeContext, int64) result { panic("a bug") },
			[]string{"failed panic"},
			"succeeded",
		},
	} {
		tt.node["backoff_factor"] = 1 // between half a second and one
		features[name] = func(t *testing.T, begin func(setup) hub) {
			var n atomic.Int64
			h := begin(contexts(func(c *orchestration.NodeContext) result { return tt.do(c, n.Add(1)) }))
			r := only(t, h, ingest("facts"), check("facts", "tell", tt.node), notify("tell", "ops"))
			run := ran(t, h, servertest.Fire("Disk"))
			want(t, "tries", tries(run, "facts"), tt.tries)
			attempts(t, run, "facts")
			if run.State != tt.state || run.State == "succeeded" && run.Status != "notified" {
				t.Errorf("run %s %s %+v", run.State, run.Status, run.LastError)
			}
			if run.State == "failed" && (run.LastError == nil || run.LastError.Message == "") {
				t.Errorf("a failed run without an error: %+v", run)
			}
			// Whatever becomes of checks, people are told.
			h.Rest()
			told(t, r, "firing")
			books(t, h, map[string]int64{"delivered": 1})
		}
	}
	inBothForms(t, features)
}

// attempts checks numbers, times and texts of a node's attempts.
func attempts(t *testing.T, run servertest.Run, id string) {
	t.Helper()
	for _, n := range run.Nodes {
		if n.Node != id {
			continue
		}
		if n.Attempt != len(n.Attempts) {
			t.Errorf("attempt %d of %d", n.Attempt, len(n.Attempts))
		}
		for i, a := range n.Attempts {
			if a.Attempt != i+1 || (a.State == "failed") != (a.Error != "") || a.Completed.Before(a.Started) {
				t.Errorf("attempt %d: %+v", i+1, a)
			}
			if i == 0 {
				continue
			}
			if waited := a.Started.Sub(n.Attempts[i-1].Completed); waited < 450*time.Millisecond {
				t.Errorf("attempt %d came %s after the one before", i+1, waited)
			}
		}
	}
}
