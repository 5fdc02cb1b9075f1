package server

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// handler executes a node kind by a function.
type handler func(c *orchestration.NodeContext) orchestration.Result

func (h handler) Run(c *orchestration.NodeContext) orchestration.Result { return h(c) }

func checks(h handler) coreOptions {
	return coreOptions{handlers: map[string]orchestration.Handler{"context": h}}
}

// pipelineOf makes one definition the only active one.
func (c *core) pipelineOf(t *testing.T, nodes string) {
	t.Helper()
	all, err := c.definitions.List(t.Context(), tenant, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		if _, err := c.definitions.SetActive(t.Context(), tenant, d.Name, false, "test"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.definitions.Create(t.Context(), tenant, orchestration.DefinitionInput{
		Name: "slow", Config: json.RawMessage(`{"version":"1.0","defaults":{"backoff_factor":1},"nodes":` + nodes + `}`), IsActive: true,
	}); err != nil {
		t.Fatal(err)
	}
	if err := c.reload.now(t.Context()); err != nil {
		t.Fatal(err)
	}
}

const fire = `{"version":"4","status":"firing","receiver":"x","groupLabels":{},"alerts":[{"status":"firing","labels":{"alertname":"Disk","instance":"web-1",
	"severity":"critical"},"annotations":{},"startsAt":"2026-11-21T00:00:00Z","fingerprint":"f1"}]}`

// finished waits for a run's end and returns its nodes.
func (c *core) finished(t *testing.T, run id.ID) (orchestration.RunDetail, map[string]orchestration.NodeRun) {
	t.Helper()
	var d orchestration.RunDetail
	testkit.Eventually(t, 2*time.Minute, func() bool {
		var err error
		d, err = c.flow.Run(t.Context(), tenant, run)
		return err == nil && (d.State == "succeeded" || d.State == "failed" || d.State == "canceled")
	}, "the run does not end")
	nodes := map[string]orchestration.NodeRun{}
	for _, n := range d.Nodes {
		nodes[n.Node] = n
	}
	return d, nodes
}

const twoChecks = `[{"id":"in","type":"ingest","next":["a","b"]},{"id":"a","type":"context","next":"tell"},{"id":"b","type":"context","next":"tell"},
	{"id":"tell","type":"notify","config":{"channels":["inbox"]}}]`

const oneCheck = `[{"id":"in","type":"ingest","next":"a"},{"id":"a","type":"context","next":"tell"},{"id":"tell","type":"notify","config":{"channels":["inbox"]}}]`

// TestBranchesAtOnce: two slow nodes of a run work at the same time, and the node behind both sees both.
func TestBranchesAtOnce(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, url string) {
		var both sync.WaitGroup
		both.Add(2)
		c := startCoreWith(t, url, nil, checks(func(c *orchestration.NodeContext) orchestration.Result {
			both.Done()
			met := make(chan struct{})
			go func() { both.Wait(); close(met) }()
			select {
			case <-met:
			case <-c.Ctx.Done():
				return orchestration.Result{Err: errors.New("the other branch did not run meanwhile"), Type: "alone"}
			}
			alerts, _ := c.Vars()["alerts"].([]any)
			return orchestration.Result{Output: map[string]any{"node": c.Node.ID, "alerts": len(alerts), "incident": c.Run.Incident.Title}}
		}))
		c.pipelineOf(t, twoChecks)
		d, nodes := c.finished(t, c.push(t, fire).RunIDs[0])
		if d.State != "succeeded" || d.Status != "notified" {
			t.Errorf("run %s %s %+v", d.State, d.Status, d.LastError)
		}
		for _, n := range []string{"a", "b"} {
			var out struct {
				Node, Incident string
				Alerts         int
			}
			if err := json.Unmarshal(nodes[n].Output, &out); err != nil || out.Node != n || out.Alerts != 1 || out.Incident != "Disk" {
				t.Errorf("%s gave %s, %v", n, nodes[n].Output, err)
			}
			if len(nodes[n].Attempts) != 1 || nodes[n].Attempts[0].State != "succeeded" {
				t.Errorf("%s: attempts %+v", n, nodes[n].Attempts)
			}
		}
	})
}

// TestTries: what is worth another try gets one, after a while and on record; what is not ends at once; no answer in time is an error.
func TestTries(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		node   string
		do     func(n int64, ctx context.Context) error
		retry  bool
		states []string
		class  string
	}{
		"second try": {`"max_retries":3`, func(n int64, _ context.Context) error {
			if n == 1 {
				return errors.New("not yet")
			}
			return nil
		}, true, []string{"failed", "succeeded"}, ""},
		"not worth it": {`"max_retries":3`, func(int64, context.Context) error { return errors.New("no such checker") }, false, []string{"failed"}, "test"},
		"tries are up": {`"max_retries":2`, func(int64, context.Context) error { return errors.New("never") }, true, []string{"failed", "failed"}, "test"},
		"too late": {`"max_retries":1,"timeout_seconds":0.2`, func(_ int64, ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}, false, []string{"failed"}, "timeout"},
		"panic": {`"max_retries":1`, func(int64, context.Context) error { panic("a bug") }, false, []string{"failed"}, "panic"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			engines(t, func(t *testing.T, url string) {
				var calls atomic.Int64
				c := startCoreWith(t, url, nil, checks(func(c *orchestration.NodeContext) orchestration.Result {
					if err := tt.do(calls.Add(1), c.Ctx); err != nil {
						return orchestration.Result{Err: err, Type: "test", Retry: tt.retry, Input: map[string]int64{"call": calls.Load()}}
					}
					return orchestration.Result{Output: map[string]any{"ok": true}}
				}))
				c.pipelineOf(t, `[{"id":"in","type":"ingest","next":"a"},{"id":"a","type":"context",`+tt.node+`,"next":"tell"},
					{"id":"tell","type":"notify","config":{"channels":["inbox"]}}]`)
				d, nodes := c.finished(t, c.push(t, fire).RunIDs[0])
				var states []string
				for i, a := range nodes["a"].Attempts {
					states = append(states, a.State)
					if a.Attempt != int64(i+1) {
						t.Errorf("attempt %d is number %d", i+1, a.Attempt)
					}
				}
				if !slices.Equal(states, tt.states) {
					t.Errorf("attempts %v, want %v", states, tt.states)
				}
				last := nodes["a"].Attempts[len(nodes["a"].Attempts)-1]
				if last.ErrorType != tt.class {
					t.Errorf("ended with %q (%s), want %q", last.ErrorType, last.Error, tt.class)
				}
				// Checks are not required: whatever becomes of them, people are told.
				if d.State != "succeeded" || nodes["tell"].State != "succeeded" {
					t.Errorf("run %s, tell %s", d.State, nodes["tell"].State)
				}
			})
		})
	}
}

// TestLeaseIsRenewed: work that takes longer than a lease is done once.
func TestLeaseIsRenewed(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, url string) {
		var calls atomic.Int64
		c := startCoreWith(t, url, map[string]string{"HUB_LEASE": "6s"}, checks(func(c *orchestration.NodeContext) orchestration.Result {
			calls.Add(1)
			select {
			case <-time.After(14 * time.Second):
			case <-c.Ctx.Done():
			}
			return orchestration.Result{Output: map[string]any{}, Err: c.Ctx.Err()}
		}))
		c.pipelineOf(t, oneCheck)
		_, nodes := c.finished(t, c.push(t, fire).RunIDs[0])
		if n := nodes["a"]; n.State != "succeeded" || n.Rescues != 0 || calls.Load() != 1 {
			t.Errorf("%s after %d calls, %d rescues", n.State, calls.Load(), n.Rescues)
		}
	})
}

// TestLostLease: whoever has lost the job to another worker is stopped, and what it did does not count.
func TestLostLease(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, url string) {
		var calls atomic.Int64
		stopped := make(chan struct{})
		c := startCoreWith(t, url, map[string]string{"HUB_LEASE": "6s"}, checks(func(c *orchestration.NodeContext) orchestration.Result {
			if calls.Add(1) > 1 {
				return orchestration.Result{Output: map[string]any{"by": "the second"}}
			}
			<-c.Ctx.Done()
			close(stopped)
			return orchestration.Result{Output: map[string]any{"by": "the first"}}
		}))
		c.pipelineOf(t, oneCheck)
		run := c.push(t, fire).RunIDs[0]
		testkit.Eventually(t, time.Minute, func() bool { return calls.Load() == 1 }, "nobody began")
		err := c.db.From(t.Context()).Exec("UPDATE jobs SET lease_token = ?, due_at = ? WHERE kind = 'node' AND ref = ?", id.New(), c.db.Now().Add(-time.Hour), run).Error
		if err != nil {
			t.Fatal(err)
		}
		<-stopped
		_, nodes := c.finished(t, run)
		if n := nodes["a"]; n.Rescues != 1 || string(n.Output) != `{"by":"the second"}` && string(n.Output) != `{"by": "the second"}` {
			t.Errorf("%d rescues, output %s", n.Rescues, n.Output)
		}
	})
}

// TestHandBack: a process that ends gives back what it had not finished, as if it had never begun.
func TestHandBack(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, url string) {
		begun := make(chan struct{})
		env := map[string]string{"HUB_DATA_DIR": t.TempDir()}
		first := startCoreWith(t, url, env, checks(func(c *orchestration.NodeContext) orchestration.Result {
			close(begun)
			<-c.Ctx.Done()
			return orchestration.Result{Err: c.Ctx.Err(), Type: "cut"}
		}))
		first.pipelineOf(t, oneCheck)
		run := first.push(t, fire).RunIDs[0]
		<-begun
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		first.engine.Stop(ctx)

		second := startCoreWith(t, url, env, checks(func(*orchestration.NodeContext) orchestration.Result {
			return orchestration.Result{Output: map[string]any{"by": "the second"}}
		}))
		_, nodes := second.finished(t, run)
		if n := nodes["a"]; n.State != "succeeded" || n.Failures != 0 || n.Rescues != 0 || n.Attempt != 2 {
			t.Errorf("%s, %d failures, %d rescues, attempt %d", n.State, n.Failures, n.Rescues, n.Attempt)
		}
	})
}
