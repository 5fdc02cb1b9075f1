package e2e

import (
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// TestActs: what people do to runs, and to the definition of a run that is under way.
func TestActs(t *testing.T) {
	t.Parallel()
	inBothForms(t, map[string]feature{
		"cancel":                    cancel,
		"resume":                    resume,
		"replay":                    replay,
		"a definition that changes": versions,
	})
}

// cancel stops what works for a run; nobody is told, and the books say so. Taken up again, it tells.
func cancel(t *testing.T, begin func(setup) hub) {
	var calls atomic.Int64
	begun, stopped := make(chan struct{}), make(chan struct{})
	s := contexts(func(c *orchestration.NodeContext) orchestration.Result {
		if calls.Add(1) > 1 {
			return gives(obj{})
		}
		close(begun)
		<-c.Ctx.Done()
		close(stopped)
		return orchestration.Result{Err: c.Ctx.Err()}
	})
	s.Acts, s.Env = true, map[string]string{"HUB_LEASE": "6s"} // whoever works for it notices within a third of that
	h := begin(s)
	r := only(t, h, ingest("slow"), check("slow", "tell", nil), notify("tell", "ops"))
	got := h.Send(servertest.Fire("Disk"))
	<-begun
	path := "/api/v1/runs/" + got.RunIDs[0]
	h.Want(http.StatusOK, http.MethodPost, path+"/cancel", nil)
	<-stopped
	want(t, "run", states(ended(t, h, got.RunIDs[0])), map[string]string{"": "canceled", "in": "succeeded", "slow": "canceled", "tell": "canceled"})
	became(t, h, got, "suppressed(canceled)")
	h.Want(http.StatusConflict, http.MethodPost, path+"/cancel", nil)
	told(t, r)

	h.Want(http.StatusOK, http.MethodPost, path+"/resume", nil)
	became(t, h, got, "delivered")
	run := ended(t, h, got.RunIDs[0])
	want(t, "run", states(run), map[string]string{"": "succeeded", "in": "succeeded", "slow": "succeeded", "tell": "succeeded"})
	if run.Attempts != 2 || run.Status != "notified" {
		t.Errorf("%d attempts, %s", run.Attempts, run.Status)
	}
	told(t, r, "firing")
	books(t, h, map[string]int64{"delivered": 1})
}

// resume goes on where a run failed: what succeeded is not done again, attempt numbers go on, and nobody is told twice.
func resume(t *testing.T, begin func(setup) hub) {
	var first, second atomic.Int64
	s := contexts(func(c *orchestration.NodeContext) orchestration.Result {
		if c.Node.ID == "first" {
			return gives(obj{"n": first.Add(1)})
		}
		if second.Add(1) < 3 {
			return fails("away", true)
		}
		return gives(obj{"n": second.Load()})
	})
	s.Acts = true
	h := begin(s)
	r := only(t, h, ingest("first"), check("first", "second", nil),
		check("second", "shape", obj{"required": true, "max_retries": 2, "backoff_factor": 1}),
		obj{"id": "shape", "type": "transform", "config": obj{"source_node": "second", "extract": "n"}, "next": "tell"}, notify("tell", "ops"))
	got := h.Send(servertest.Fire("Disk"))
	run := ended(t, h, got.RunIDs[0])
	want(t, "failed", states(run), map[string]string{
		"": "failed", "in": "succeeded", "first": "succeeded", "second": "failed", "shape": "skipped: run_failed", "tell": "succeeded",
	})
	became(t, h, got, "delivered") // plain
	h.Want(http.StatusOK, http.MethodPost, "/api/v1/runs/"+run.ID+"/resume", nil)
	run = ended(t, h, run.ID)
	want(t, "resumed", states(run), map[string]string{
		"": "succeeded", "in": "succeeded", "first": "succeeded", "second": "succeeded", "shape": "succeeded", "tell": "succeeded",
	})
	want(t, "tries", tries(run, "second"), []string{"failed away", "failed away", "succeeded"})
	want(t, "behind it", output(t, run, "shape"), obj{"source_node": "second", "transformed": 3.0})
	if first.Load() != 1 || run.Attempts != 2 || run.LastError != nil {
		t.Errorf("what had succeeded was done %d times; %d attempts, %+v", first.Load(), run.Attempts, run.LastError)
	}
	h.Want(http.StatusConflict, http.MethodPost, "/api/v1/runs/"+run.ID+"/resume", nil)
	told(t, r, "firing")
	books(t, h, map[string]int64{"delivered": 1})
}

// replay does a run again and sends nothing: what would be told is on record.
func replay(t *testing.T, begin func(setup) hub) {
	var calls atomic.Int64
	s := contexts(func(*orchestration.NodeContext) orchestration.Result { return gives(obj{"n": calls.Add(1)}) })
	s.Acts = true
	h := begin(s)
	night := servertest.NewReceiver(t)
	h.Tell("night", night)
	r := only(t, h, ingest("facts"), check("facts", "tell", nil), notify("tell", "ops"))
	run := ran(t, h, servertest.Fire("Disk"))
	h.Rest()
	h.Want(http.StatusOK, http.MethodPatch, "/api/v1/definitions/p", obj{"config": pipeline(nil, ingest("facts"), check("facts", "tell", nil), notify("tell", "night"))})
	for _, tt := range []struct {
		name    string
		ask     obj
		calls   int64 // of the check, in all
		version int
		channel string
	}{
		{"from the notify node", obj{"from": "tell"}, 1, 1, "ops"},
		{"by the newest version", obj{"from": "tell", "version": "newest"}, 1, 2, "night"},
		{"all of it", nil, 2, 1, "ops"},
	} {
		var body any
		if tt.ask != nil {
			body = tt.ask
		}
		id, ok := h.Want(http.StatusOK, http.MethodPost, "/api/v1/runs/"+run.ID+"/replay", body)["run_id"].(string)
		if !ok {
			t.Fatalf("%s: no run", tt.name)
		}
		again := ended(t, h, id)
		want(t, tt.name, states(again), map[string]string{"": "succeeded", "in": "succeeded", "facts": "succeeded", "tell": "succeeded"})
		if again.Origin != "replay" || again.Parent == nil || *again.Parent != run.ID || again.Version != tt.version || calls.Load() != tt.calls {
			t.Errorf("%s: %s of %v by version %d; the check was done %d times", tt.name, again.Origin, again.Parent, again.Version, calls.Load())
		}
		if len(again.Deliveries) != 1 {
			t.Fatalf("%s: %d deliveries", tt.name, len(again.Deliveries))
		}
		var d servertest.Delivery
		h.Get("/api/v1/deliveries/"+again.Deliveries[0].ID, &d)
		if d.State != "suppressed" || d.Reason != "dry_run" || d.Channel != tt.channel {
			t.Errorf("%s: %+v", tt.name, d)
		}
	}
	h.Want(http.StatusConflict, http.MethodPost, "/api/v1/runs/"+run.ID+"/replay", obj{"from": "nowhere"})
	told(t, r, "firing")
	told(t, night)
	books(t, h, map[string]int64{"delivered": 1})
}

// versions: a run that is under way when its definition changes goes on with what it began with.
func versions(t *testing.T, begin func(setup) hub) {
	begun, on := make(chan struct{}), make(chan struct{})
	h := begin(contexts(func(c *orchestration.NodeContext) orchestration.Result {
		close(begun)
		wait(c, on)
		return gives(obj{})
	}))
	newer := servertest.NewReceiver(t)
	h.Tell("newer", newer)
	r := only(t, h, ingest("slow"), check("slow", "old", nil), notify("old", "ops"))
	first := h.Send(servertest.Fire("Disk"))
	<-begun
	h.Want(http.StatusOK, http.MethodPatch, "/api/v1/definitions/p", obj{"config": pipeline(nil, ingest("new"), notify("new", "newer"))})
	second := ran(t, h, servertest.Fire("Net"))
	want(t, "the second run", states(second), map[string]string{"": "succeeded", "in": "succeeded", "new": "succeeded"})
	close(on)
	run := ended(t, h, first.RunIDs[0])
	want(t, "the first run", states(run), map[string]string{"": "succeeded", "in": "succeeded", "slow": "succeeded", "old": "succeeded"})
	if run.Version != 1 || second.Version != 2 {
		t.Errorf("versions %d and %d", run.Version, second.Version)
	}
	h.Rest()
	told(t, r, "firing")
	told(t, newer, "firing")
	if a, b := r.Last().Alerts[0].Name, newer.Last().Alerts[0].Name; a != "Disk" || b != "Net" {
		t.Errorf("told of %s and %s", a, b)
	}
	books(t, h, map[string]int64{"delivered": 2})
}
