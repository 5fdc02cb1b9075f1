package server

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// define makes one more definition active.
func (c *core) define(t *testing.T, name, config string) {
	t.Helper()
	if _, err := c.definitions.Create(t.Context(), tenant, orchestration.DefinitionInput{
		Name: name, Config: json.RawMessage(config), IsActive: true,
	}); err != nil {
		t.Fatal(err)
	}
	if err := c.reload.now(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// runsOf are the runs of a definition, oldest first, when all of them have ended.
func (c *core) runsOf(t *testing.T, name string, want int) []orchestration.RunDetail {
	t.Helper()
	d, err := c.definitions.Get(t.Context(), tenant, name)
	if err != nil {
		t.Fatal(err)
	}
	var out []orchestration.RunDetail
	testkit.Eventually(t, 2*time.Minute, func() bool {
		page, err := c.flow.Runs(t.Context(), tenant, orchestration.RunFilter{Definition: d.ID}, storage.Paging{Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		out = nil
		for _, r := range page.Items {
			d, err := c.flow.Run(t.Context(), tenant, r.ID)
			if err != nil {
				t.Fatal(err)
			}
			if d.State == "succeeded" || d.State == "failed" || d.State == "canceled" {
				out = append(out, d)
			}
		}
		return len(out) == want
	}, name+" has not the runs that it should have, or they do not end")
	slices.Reverse(out)
	return out
}

const tellOps = `{"id":"tell","type":"notify","config":{"channels":["ops"],"on":["firing","updated","resolved"]}}`

// TestIncidentTrigger: a pipeline that waits for incidents runs at what happens to them, by pushes and by hand. Where it tells what another
// route tells too, nobody hears it twice.
func TestIncidentTrigger(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, url string) {
		c := startCore(t, url, nil)
		r := newReceiver(t)
		c.tells(t, r)
		c.pipelineOf(t, `[{"id":"in","type":"ingest","next":"tell"},`+tellOps+`]`)
		c.define(t, "on-open", `{"version":"1.0","trigger":{"on":"incident","events":["opened"],"when":"labels.instance == 'web-1' && incident.severity == 'critical'"},
			"nodes":[{"id":"in","type":"ingest","next":"what"},{"id":"what","type":"condition","config":{"expression":"alert.name == 'Disk' && incident.title == 'Disk'","then":["tell"],"else":["no"]}},
			`+tellOps+`,{"id":"no","type":"transform","config":{"source_node":"in"}}]}`)
		c.define(t, "on-ack", `{"version":"1.0","trigger":{"on":"incident","events":["acknowledged"],"match":[{"field":"label:instance","op":"is","value":"web-1"}]},
			"nodes":[`+tellOps+`]}`)
		c.define(t, "on-end", `{"version":"1.0","trigger":{"on":"incident","events":["resolved"],"continue":true},"nodes":[`+tellOps+`]}`)
		c.define(t, "never", `{"version":"1.0","trigger":{"on":"incident","when":"labels.instance == 'web-2'"},"nodes":[`+tellOps+`]}`)

		c.push(t, fire)
		d := c.runsOf(t, "on-open", 1)[0]
		if d.State != "succeeded" || d.Origin != orchestration.OriginIncident || d.IncidentID == nil || d.Status != "notified" {
			t.Errorf("run %s by %s, %+v", d.State, d.Origin, d.LastError)
		}
		c.rest(t)
		if told := r.titles(); len(told) != 1 {
			t.Fatalf("two routes told of one event: %v", told)
		}
		incident := *d.IncidentID
		if err := c.acts.Acknowledge(t.Context(), tenant, incident, "ada"); err != nil {
			t.Fatal(err)
		}
		c.runsOf(t, "on-ack", 1)
		c.rest(t)
		if told := r.titles(); len(told) != 2 {
			t.Fatalf("after the acknowledgement: %v", told)
		}
		c.push(t, strings.Replace(fire, `"status":"firing","labels"`, `"status":"resolved","labels"`, 1))
		end := c.runsOf(t, "on-end", 1)[0]
		c.rest(t)
		if told := r.titles(); len(told) != 3 || end.State != "succeeded" {
			t.Fatalf("the end: %v, run %s %+v", told, end.State, end.LastError)
		}
		c.push(t, fire)
		c.runsOf(t, "on-open", 2)
		c.rest(t) // who has not heard of it yet is not told of its end
		if err := c.acts.Resolve(t.Context(), tenant, incident, "ada", "done"); err != nil {
			t.Fatal(err)
		}
		c.runsOf(t, "on-end", 2)
		c.rest(t)
		if err := c.acts.Close(t.Context(), tenant, incident, "ada"); err != nil {
			t.Fatal(err)
		}
		c.rest(t)
		c.runsOf(t, "on-end", 2)
		if told := r.titles(); len(told) != 5 {
			t.Errorf("in all: %v", told)
		}
		c.runsOf(t, "never", 0)
	})
}

// TestShadow: a shadow sees what the others take, records what it would tell, and tells nobody.
func TestShadow(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, url string) {
		var calls atomic.Int64
		c := startCoreWith(t, url, nil, checks(func(*orchestration.NodeContext) orchestration.Result {
			calls.Add(1)
			return orchestration.Result{Output: map[string]any{"n": 1}}
		}))
		r := newReceiver(t)
		c.tells(t, r)
		c.pipelineOf(t, `[{"id":"in","type":"ingest","next":"tell"},`+tellOps+`]`)
		c.define(t, "candidate", `{"version":"1.0","shadow":true,"trigger":{"priority":1},"nodes":[{"id":"in","type":"ingest","next":"a"},
			{"id":"a","type":"context","next":"tell"},`+tellOps+`]}`)
		got := c.push(t, fire)
		if len(got.RunIDs) != 1 {
			t.Errorf("the sender hears of runs %v", got.RunIDs)
		}
		d := c.runsOf(t, "candidate", 1)[0]
		if d.Origin != orchestration.OriginShadow || d.State != "succeeded" || calls.Load() != 1 || len(d.Deliveries) != 1 {
			t.Fatalf("run %s by %s, %d calls, deliveries %v", d.State, d.Origin, calls.Load(), d.Deliveries)
		}
		one, err := c.deliveries.Delivery(t.Context(), tenant, d.Deliveries[0].DeliveryID)
		if err != nil || one.State != "suppressed" || one.Reason != event.ReasonDryRun {
			t.Errorf("its delivery: %+v, %v", one, err)
		}
		c.rest(t)
		c.push(t, fire)
		c.push(t, strings.Replace(fire, `"status":"firing","labels"`, `"status":"resolved","labels"`, 1))
		c.runsOf(t, "candidate", 3)
		c.rest(t)
		if told := r.titles(); len(told) != 2 {
			t.Errorf("told %v", told)
		}
		totals, err := c.totals.Totals(t.Context(), tenant)
		if err != nil || totals.ByReason[event.ReasonShadow] != 2 || totals.Counts.Delivered != 2 || totals.Counts.Suppressed != 4 || totals.Counts.Dead != 0 {
			t.Errorf("the ledger: %+v, %v", totals, err)
		}

		if _, err := c.definitions.SetActive(t.Context(), tenant, "slow", false, "test"); err != nil {
			t.Fatal(err)
		}
		if err := c.reload.now(t.Context()); err != nil {
			t.Fatal(err)
		}
		got = c.push(t, strings.ReplaceAll(fire, "f1", "f2"))
		if got.Outcome != orchestration.OutcomeNoRoute || len(got.RunIDs) != 0 {
			t.Errorf("a shadow alone took it: %+v", got)
		}
		c.runsOf(t, "candidate", 4)
	})
}

// TestStart: a run by hand needs no push; about an incident it tells of it once more, unless that has ended.
func TestStart(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, url string) {
		c := startCore(t, url, nil)
		r := newReceiver(t)
		c.tells(t, r)
		c.pipelineOf(t, `[{"id":"in","type":"ingest","next":"tell"},`+tellOps+`]`)
		route := c.catalog.Named(tenant, "slow")
		start := func(st orchestration.Start) (id.ID, error) {
			st.Tenant, st.Route, st.Origin, st.Source, st.By = tenant, route, orchestration.OriginManual, "cli", "ada"
			return c.starts.Start(t.Context(), st)
		}
		wait := func(run id.ID) orchestration.RunDetail {
			if over, err := c.starts.Wait(t.Context(), tenant, []id.ID{run}); !over || err != nil {
				t.Fatalf("wait: %v, %v", over, err)
			}
			c.rest(t)
			d, err := c.flow.Run(t.Context(), tenant, run)
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
		run, err := start(orchestration.Start{})
		if err != nil {
			t.Fatal(err)
		}
		if d := wait(run); d.State != "succeeded" || d.Source != "cli" || d.Environment != "production" || d.IncidentID != nil || len(r.titles()) != 1 {
			t.Errorf("run %s from %s, told %v, %+v", d.State, d.Source, r.titles(), d.LastError)
		}
		run, err = start(orchestration.Start{Fault: "could not detect a driver"})
		if err != nil {
			t.Fatal(err)
		}
		d := wait(run)
		if d.State != "failed" || d.LastError.Type != "ingest" || !strings.Contains(d.LastError.Message, "could not detect a driver") {
			t.Errorf("run %s %+v", d.State, d.LastError)
		}
		told := len(r.titles())
		c.push(t, fire)
		c.rest(t)
		incident := *c.runsOf(t, "slow", 3)[2].IncidentID
		run, err = start(orchestration.Start{Incident: incident})
		if err != nil {
			t.Fatal(err)
		}
		if d := wait(run); d.State != "succeeded" || d.EventKind != string(event.EventRetold) || len(r.titles()) != told+2 {
			t.Errorf("run %s of %s, told %v", d.State, d.EventKind, r.titles())
		}
		no, err := start(orchestration.Start{Only: func(*storage.Tx, id.ID) (bool, error) { return false, nil }})
		if err != nil || !no.IsZero() {
			t.Errorf("a taken slot: %v, %v", no, err)
		}
		if _, err = start(orchestration.Start{Incident: id.New()}); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("an unknown incident: %v", err)
		}
		if err := c.acts.Resolve(t.Context(), tenant, incident, "ada", "done"); err != nil {
			t.Fatal(err)
		}
		if _, err = start(orchestration.Start{Incident: incident}); !errors.Is(err, event.ErrRefused) {
			t.Errorf("an incident that has ended: %v", err)
		}
	})
}

// TestReplaySends: a replay that is asked to tells for real, whoever was told hears it again, and the end goes to each once.
func TestReplaySends(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, url string) {
		c := startCore(t, url, nil)
		r := newReceiver(t)
		c.tells(t, r)
		c.pipelineOf(t, `[{"id":"in","type":"ingest","next":"tell"},`+tellOps+`]`)
		run := c.push(t, fire).RunIDs[0]
		c.finished(t, run)
		again, err := c.runActs.Replay(t.Context(), tenant, run, orchestration.Replay{From: "tell", Send: true}, "ada")
		if err != nil {
			t.Fatal(err)
		}
		d, nodes := c.finished(t, again)
		c.rest(t)
		if d.State != "succeeded" || d.Origin != orchestration.OriginAgain || d.EventKind != string(event.EventRetold) || len(r.titles()) != 2 {
			t.Errorf("run %s by %s, told %v, %+v", d.State, d.Origin, r.titles(), nodes["tell"])
		}
		c.push(t, strings.Replace(fire, `"status":"firing","labels"`, `"status":"resolved","labels"`, 1))
		c.rest(t)
		if told := r.titles(); len(told) != 3 {
			t.Errorf("the end: %v", told)
		}
		if _, err := c.runActs.Replay(t.Context(), tenant, run, orchestration.Replay{From: "tell", Send: true}, "ada"); !errors.Is(err, event.ErrRefused) {
			t.Errorf("of an incident that has ended: %v", err)
		}
	})
}

// TestRunDeadline: a run that takes too long gives up what works for it, tells plainly, and has failed.
func TestRunDeadline(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, url string) {
		stopped := make(chan struct{}, 10)
		c := startCoreWith(t, url, map[string]string{"HUB_LEASE": "6s"}, checks(func(c *orchestration.NodeContext) orchestration.Result {
			<-c.Ctx.Done()
			stopped <- struct{}{}
			return orchestration.Result{Err: c.Ctx.Err()}
		}))
		r := newReceiver(t)
		c.tells(t, r)
		c.pipelineOf(t, `[{"id":"in","type":"ingest","next":"tell"},`+tellOps+`]`)
		if _, err := c.definitions.SetActive(t.Context(), tenant, "slow", false, "test"); err != nil {
			t.Fatal(err)
		}
		c.define(t, "late", `{"version":"1.0","limits":{"deadline_seconds":4},"nodes":[{"id":"in","type":"ingest","next":"a"},
			{"id":"a","type":"context","next":"b"},{"id":"b","type":"transform","config":{"source_node":"in"},"next":"tell"},`+tellOps+`]}`)
		d, nodes := c.finished(t, c.push(t, fire).RunIDs[0])
		<-stopped
		c.rest(t)
		if d.State != "failed" || d.LastError.Type != "deadline" || nodes["a"].State != "canceled" || nodes["tell"].State != "succeeded" {
			t.Errorf("run %s %+v, a %s, tell %s", d.State, d.LastError, nodes["a"].State, nodes["tell"].State)
		}
		if told := r.titles(); len(told) != 1 {
			t.Errorf("told %v", told)
		}
		if got := c.books(t); got != "delivered" {
			t.Errorf("the ledger says %s", got)
		}
	})
}

// TestMaxConcurrency: no more runs than allowed work on slow nodes at once, each gets its turn, and nobody's message waits for it.
func TestMaxConcurrency(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, url string) {
		var now, most atomic.Int64
		hold := make(chan struct{})
		c := startCoreWith(t, url, nil, checks(func(*orchestration.NodeContext) orchestration.Result {
			n := now.Add(1)
			defer now.Add(-1)
			raise(&most, n)
			<-hold
			return orchestration.Result{Output: map[string]any{"n": n}}
		}))
		r := newReceiver(t)
		c.tells(t, r)
		c.pipelineOf(t, `[{"id":"in","type":"ingest"}]`)
		if _, err := c.definitions.SetActive(t.Context(), tenant, "slow", false, "test"); err != nil {
			t.Fatal(err)
		}
		c.define(t, "few", `{"version":"1.0","limits":{"max_concurrency":2},"nodes":[{"id":"in","type":"ingest","next":["a","b"]},
			{"id":"a","type":"context","next":"c"},{"id":"c","type":"context","next":"tell"},{"id":"b","type":"context","next":"tell"},`+tellOps+`]}`)
		var runs []id.ID
		for _, n := range []string{"1", "2", "3", "4", "5", "6"} {
			runs = append(runs, c.push(t, strings.NewReplacer("f1", "f"+n, "web-1", "web-"+n).Replace(fire)).RunIDs[0])
		}
		testkit.Eventually(t, 2*time.Minute, func() bool { return len(r.titles()) == 6 }, "messages waited for their turn")
		if n := most.Load(); n > 4 { // two runs with two branches each
			t.Errorf("%d nodes at once", n)
		}
		close(hold)
		for _, run := range runs {
			if d, nodes := c.finished(t, run); d.State != "succeeded" || nodes["c"].Attempt != 1 {
				t.Errorf("run %s, c %+v", d.State, nodes["c"])
			}
		}
		if n := most.Load(); n > 4 {
			t.Errorf("%d nodes at once", n)
		}
		testkit.Eventually(t, time.Minute, func() bool {
			left := int64(-1)
			if err := c.db.Read(t.Context()).Table("run_slots").Count(&left).Error; err != nil {
				t.Fatal(err)
			}
			return left == 0
		}, "places are left")
	})
}
