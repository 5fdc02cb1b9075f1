package server

import (
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

func (c *core) books(t *testing.T) string {
	t.Helper()
	got, err := c.totals.Totals(t.Context(), tenant)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for reason := range got.ByReason {
		out = append(out, reason)
	}
	switch {
	case got.Counts.Delivered == 1:
		return "delivered"
	case got.Counts.Suppressed == 1:
		return "suppressed " + strings.Join(out, " ")
	case got.Counts.Dead == 1:
		return "dead " + strings.Join(out, " ")
	default:
		return "pending"
	}
}

// TestCancel: a run that is ended by hand stops what works for it, tells nobody, and says so; taken up again, it tells.
func TestCancel(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, url string) {
		var calls atomic.Int64
		stopped := make(chan struct{})
		c := startCoreWith(t, url, map[string]string{"HUB_LEASE": "6s"}, checks(func(c *orchestration.NodeContext) orchestration.Result {
			if calls.Add(1) == 1 {
				<-c.Ctx.Done()
				close(stopped)
				return orchestration.Result{Err: c.Ctx.Err()}
			}
			return orchestration.Result{Output: map[string]any{"n": 2}}
		}))
		r := newReceiver(t)
		c.tells(t, r)
		c.pipelineOf(t, `[{"id":"in","type":"ingest","next":"a"},{"id":"a","type":"context","next":"tell"},{"id":"tell","type":"notify","config":{"channels":["ops"]}}]`)
		run := c.push(t, fire).RunIDs[0]
		testkit.Eventually(t, time.Minute, func() bool { return calls.Load() == 1 }, "nobody began")
		if err := c.runActs.Cancel(t.Context(), tenant, run, "ada"); err != nil {
			t.Fatal(err)
		}
		<-stopped
		d, nodes := c.finished(t, run)
		if d.State != "canceled" || nodes["a"].State != "canceled" || nodes["tell"].State != "canceled" || d.LastError.Message != "canceled by ada" {
			t.Errorf("run %s, a %s, tell %s, %+v", d.State, nodes["a"].State, nodes["tell"].State, d.LastError)
		}
		if got := c.books(t); got != "suppressed canceled" {
			t.Errorf("the ledger says %s", got)
		}
		if err := c.runActs.Cancel(t.Context(), tenant, run, "ada"); !errors.Is(err, event.ErrRefused) {
			t.Errorf("a second time: %v", err)
		}
		for _, where := range []string{tenant, "other"} {
			if err := c.runActs.Cancel(t.Context(), where, id.New(), "ada"); !errors.Is(err, storage.ErrNotFound) {
				t.Errorf("an unknown run: %v", err)
			}
		}
		if err := c.runActs.Cancel(t.Context(), "other", run, "ada"); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("another tenant's run: %v", err)
		}
		time.Sleep(200 * time.Millisecond)
		if told := r.titles(); len(told) != 0 {
			t.Errorf("told %v", told)
		}

		if err := c.runActs.Resume(t.Context(), tenant, run, "ada"); err != nil {
			t.Fatal(err)
		}
		testkit.Eventually(t, time.Minute, func() bool { return c.books(t) == "delivered" }, "nobody is told after it was resumed")
		d, nodes = c.finished(t, run)
		if d.State != "succeeded" || d.TotalAttempts != 2 || nodes["a"].Attempt != 2 || d.LastError != nil {
			t.Errorf("run %s, %d attempts, a %d, %+v", d.State, d.TotalAttempts, nodes["a"].Attempt, d.LastError)
		}
		if told := r.titles(); len(told) != 1 {
			t.Errorf("told %v", told)
		}
	})
}

// TestResume: a failed run goes on where it failed. What succeeded is not done again, nobody is told twice, and every try stays on record.
func TestResume(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, url string) {
		var first, second atomic.Int64
		c := startCoreWith(t, url, nil, checks(func(c *orchestration.NodeContext) orchestration.Result {
			if c.Node.ID == "a" {
				return orchestration.Result{Output: map[string]any{"n": first.Add(1)}}
			}
			if n := second.Add(1); n <= 2 {
				return orchestration.Result{Err: errors.New("away"), Type: "away", Retry: true, Input: map[string]int64{"call": n}}
			}
			return orchestration.Result{Output: map[string]any{"a": string(c.Outputs["a"])}}
		}))
		r := newReceiver(t)
		c.tells(t, r)
		c.pipelineOf(t, `[{"id":"in","type":"ingest","next":"a"},{"id":"a","type":"context","next":"b"},
			{"id":"b","type":"context","required":true,"max_retries":2,"next":"after"},{"id":"after","type":"transform","config":{"source_node":"b"},"next":"tell"},
			{"id":"tell","type":"notify","config":{"channels":["ops"]}}]`)
		run := c.push(t, fire).RunIDs[0]
		d, nodes := c.finished(t, run)
		if d.State != "failed" || nodes["after"].State != "skipped" || nodes["tell"].State != "succeeded" {
			t.Fatalf("run %s, after %s, tell %s", d.State, nodes["after"].State, nodes["tell"].State)
		}
		testkit.Eventually(t, time.Minute, func() bool { return c.books(t) == "delivered" }, "a failed run tells all the same")
		if err := c.runActs.Resume(t.Context(), tenant, run, "ada"); err != nil {
			t.Fatal(err)
		}
		d, nodes = c.finished(t, run)
		if d.State != "succeeded" || d.LastError != nil || d.TotalAttempts != 2 {
			t.Errorf("run %s, %+v, %d attempts", d.State, d.LastError, d.TotalAttempts)
		}
		var tries []string
		for _, a := range nodes["b"].Attempts {
			tries = append(tries, a.State+" "+a.ErrorType)
		}
		if strings.Join(tries, ", ") != "failed away, failed away, succeeded " || nodes["after"].State != "succeeded" {
			t.Errorf("b: %v, after %s", tries, nodes["after"].State)
		}
		if first.Load() != 1 {
			t.Errorf("what had succeeded was done %d times", first.Load())
		}
		time.Sleep(200 * time.Millisecond)
		if told := r.titles(); len(told) != 1 {
			t.Errorf("told %v", told)
		}
		if err := c.runActs.Resume(t.Context(), tenant, run, "ada"); !errors.Is(err, event.ErrRefused) {
			t.Errorf("a run that succeeded: %v", err)
		}
	})
}

// TestReplay: a run that has ended is done again from a node on, by its own version or the newest. What would be told is on record with
// its text, nothing is sent, and what really happened stays as it was.
func TestReplay(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, url string) {
		var calls atomic.Int64
		c := startCoreWith(t, url, nil, checks(func(*orchestration.NodeContext) orchestration.Result {
			return orchestration.Result{Output: map[string]any{"n": calls.Add(1)}}
		}))
		r, other := newReceiver(t), newReceiver(t)
		c.tells(t, r)
		raw, err := json.Marshal(map[string]any{"endpoint": other.URL})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.channels.Create(t.Context(), tenant, notify.ChannelInput{Name: "night", Driver: "generic", Config: raw, IsActive: true}); err != nil {
			t.Fatal(err)
		}
		const one = `[{"id":"in","type":"ingest","next":"a"},{"id":"a","type":"context","next":"tell"},{"id":"tell","type":"notify","config":{"channels":["ops"]}}]`
		c.pipelineOf(t, one)
		run := c.push(t, fire).RunIDs[0]
		c.finished(t, run)
		testkit.Eventually(t, time.Minute, func() bool { return c.books(t) == "delivered" }, "not told")
		if _, err := c.definitions.Update(t.Context(), tenant, "slow", 0, orchestration.DefinitionInput{
			Name: "slow", Config: json.RawMessage(`{"version":"1.0","nodes":` + strings.Replace(one, `["ops"]`, `["night"]`, 1) + `}`), IsActive: true,
		}); err != nil {
			t.Fatal(err)
		}
		for name, tt := range map[string]struct {
			ask     orchestration.Replay
			calls   int64 // of the check, in all, at least
			channel string
			version int64
		}{
			"from the message":   {orchestration.Replay{From: "tell"}, 1, "ops", 1},
			"newest":             {orchestration.Replay{From: "tell", Newest: true}, 1, "night", 2},
			"all but the intake": {orchestration.Replay{}, 2, "ops", 1},
		} {
			again, err := c.runActs.Replay(t.Context(), tenant, run, tt.ask, "ada")
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			d, nodes := c.finished(t, again)
			if d.State != "succeeded" || d.Origin != orchestration.OriginReplay || d.ParentRunID == nil || *d.ParentRunID != run || d.DefinitionVersion != tt.version {
				t.Errorf("%s: run %s %s of %v, version %d", name, d.State, d.Origin, d.ParentRunID, d.DefinitionVersion)
			}
			if calls.Load() < tt.calls || nodes["a"].State != "succeeded" {
				t.Errorf("%s: the check was done %d times, is %s", name, calls.Load(), nodes["a"].State)
			}
			if len(d.Deliveries) != 1 {
				t.Fatalf("%s: %d deliveries", name, len(d.Deliveries))
			}
			got, err := c.deliveries.Delivery(t.Context(), tenant, d.Deliveries[0].DeliveryID)
			if err != nil || got.State != "suppressed" || got.Reason != "dry_run" || got.ChannelName != tt.channel || !strings.Contains(string(got.Body), "Disk") {
				t.Errorf("%s: %s %s to %s: %s %v", name, got.State, got.Reason, got.ChannelName, got.Body, err)
			}
		}
		if _, err := c.runActs.Replay(t.Context(), tenant, run, orchestration.Replay{From: "nowhere"}, "ada"); !errors.Is(err, event.ErrRefused) {
			t.Errorf("from an unknown node: %v", err)
		}
		if _, err := c.runActs.Replay(t.Context(), "other", run, orchestration.Replay{}, "ada"); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("another tenant's run: %v", err)
		}
		// A repeat of the alert is still a repeat: a rehearsal told nobody and hid nothing.
		c.push(t, fire)
		time.Sleep(300 * time.Millisecond)
		if told := r.titles(); len(told) != 1 || len(other.titles()) != 0 {
			t.Errorf("told %v and %v", told, other.titles())
		}
	})
}
