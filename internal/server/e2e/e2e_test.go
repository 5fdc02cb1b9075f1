// Package e2e drives both forms of a hub by HTTP, with a real receiver: each preset, and each thing that a definition can say.
package e2e

import (
	"encoding/json"
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

func TestMain(m *testing.M) { testkit.Main(m) }

type (
	hub   = *servertest.Hub
	alert = servertest.Alert
	obj   = servertest.Map
	setup = servertest.Setup
	// feature is a test of one thing; begin starts its hub.
	feature = func(t *testing.T, begin func(setup) hub)
)

var (
	pipeline = servertest.Pipeline
	ingest   = servertest.Ingest
	notify   = servertest.Notify
)

// inBothForms runs each feature on both forms of a hub.
func inBothForms(t *testing.T, features map[string]feature) {
	t.Helper()
	for name, f := range features {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			servertest.Forms(t, f)
		})
	}
}

// does executes a node by a function.
type does func(c *orchestration.NodeContext) orchestration.Result

// Run implements orchestration.Handler.
func (d does) Run(c *orchestration.NodeContext) orchestration.Result { return d(c) }

// contexts is a setup whose context nodes are executed by d: the slow ones, each a job of its own.
func contexts(d does) setup {
	return setup{Handlers: map[string]orchestration.Handler{"context": d}}
}

// gives is the result of a node that succeeds.
func gives(output any) orchestration.Result { return orchestration.Result{Output: output} }

// fails is the result of one that does not.
func fails(class string, retry bool) orchestration.Result {
	return orchestration.Result{Err: errors.New("it is away"), Type: class, Retry: retry}
}

// wait returns when what happens; false: the node was stopped first.
func wait(c *orchestration.NodeContext, what <-chan struct{}) bool {
	select {
	case <-what:
		return true
	case <-c.Ctx.Done():
		return false
	}
}

// check is a context node.
func check(id string, next any, more obj) obj {
	n := obj{"id": id, "type": "context", "config": obj{}}
	if next != nil {
		n["next"] = next
	}
	maps.Copy(n, more)
	return n
}

// only makes one pipeline and a channel "ops" to a new receiver.
func only(t *testing.T, h hub, nodes ...obj) *servertest.Receiver {
	t.Helper()
	r := servertest.NewReceiver(t)
	h.Tell("ops", r)
	h.Only("p", pipeline(obj{}, nodes...))
	return r
}

// ended waits for the end of a run.
func ended(t *testing.T, h hub, id string) servertest.Run {
	t.Helper()
	var r servertest.Run
	testkit.Eventually(t, 2*time.Minute, func() bool {
		r = h.Run(id)
		return r.State == "succeeded" || r.State == "failed" || r.State == "canceled"
	}, "the run does not end")
	return r
}

// ran sends an alert and waits for the end of its run.
func ran(t *testing.T, h hub, body string) servertest.Run {
	t.Helper()
	got := h.Send(body)
	if len(got.RunIDs) != 1 {
		t.Fatalf("%d runs: %+v", len(got.RunIDs), got)
	}
	return ended(t, h, got.RunIDs[0])
}

// states lists what became of a run and its nodes: the state, or the reason for which a node was skipped.
func states(r servertest.Run) map[string]string {
	out := map[string]string{"": r.State}
	for _, n := range r.Nodes {
		out[n.Node] = n.State
		if n.State == "skipped" {
			out[n.Node] = "skipped: " + n.Reason
		}
	}
	return out
}

func want(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// output is what a node gave.
func output(t *testing.T, r servertest.Run, id string) (out obj) {
	t.Helper()
	for _, n := range r.Nodes {
		if n.Node == id && len(n.Output) > 0 {
			if err := json.Unmarshal(n.Output, &out); err != nil {
				t.Fatal(err)
			}
		}
	}
	return out
}

// tries lists the attempts of a node as state, or state and class of the error.
func tries(r servertest.Run, id string) []string {
	out := []string{}
	for _, n := range r.Nodes {
		if n.Node != id {
			continue
		}
		for _, a := range n.Attempts {
			if a.Type != "" {
				a.State += " " + a.Type
			}
			out = append(out, a.State)
		}
	}
	return out
}

// told compares the events that a receiver took.
func told(t *testing.T, r *servertest.Receiver, events ...string) {
	t.Helper()
	want(t, "told", r.Told(), append([]string{}, events...))
}

// became waits until nothing is pending and compares what the ledger says of a push's first alert.
func became(t *testing.T, h hub, a servertest.Accepted, state string) {
	t.Helper()
	h.Rest()
	if got := h.Became(a.ReceiptID); got != state {
		t.Errorf("became %s, want %s", got, state)
	}
}

// books waits until nothing is pending and compares the ledger: states, and reasons in brackets.
func books(t *testing.T, h hub, states map[string]int64) {
	t.Helper()
	l := h.Rest()
	if !l.Balanced || l.Problem != "" {
		t.Errorf("not balanced: %s", l.Problem)
	}
	got := map[string]int64{}
	for state, n := range l.Counts {
		if n > 0 {
			got[state] = n
		}
	}
	for reason, n := range l.ByReason {
		got["("+reason+")"] = n
	}
	if states != nil {
		want(t, "ledger", got, states)
	}
}
