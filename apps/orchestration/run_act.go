package orchestration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/orchestration/graph"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/trace"
)

// lastExecutions are the records that a run's nodes carry; a node that is executed again hands its own over to node_attempts.
var lastExecutions = storage.Lookup([]storage.Column{storage.Col("run_id", storage.UUID)}, `
	SELECT t.node, t.attempt, t.state, CAST(t.input AS text) AS input, t.error_type, t.error, t.retryable, t.finished_at, t.duration_us
	FROM node_runs t WHERE t.run_id = v.run_id AND t.attempt > 0 AND t.finished_at IS NOT NULL`)

// anotherTry counts a resumed run.
var anotherTry = storage.Update("runs", []storage.Column{storage.Col("id", storage.UUID)}, "total_attempts = t.total_attempts + 1", "t.id = v.id", "")

// RunActs is what people do to runs. Refusals wrap event.ErrRefused.
type RunActs struct {
	runner *Runner
	queue  *storage.Queue[*runAct]
	do     Actor
}

type runAct struct {
	tenant  string
	run     id.ID
	do      func(s *session, x *run) error
	refused error
	session *session
}

// NewRunActs starts the class of work; do records events of incidents.
func NewRunActs(db *storage.DB, r *Runner, do Actor) *RunActs {
	a := &RunActs{runner: r, do: do}
	a.queue = storage.NewQueue(db, storage.QueueOptions{Name: "run act", Max: actsAtOnce(db), Workers: 1}, func(tx *storage.Tx, items []*runAct) error {
		for _, it := range items {
			if err := a.apply(tx, it); err != nil {
				return err
			}
		}
		return nil
	})
	return a
}

// Stop ends the class.
func (a *RunActs) Stop() { a.queue.Stop() }

// Cancel ends a run by hand: nothing more is done, and what it had planned and nobody has begun to send is not sent.
func (a *RunActs) Cancel(ctx context.Context, tenant string, which id.ID, by string) error {
	return a.act(ctx, tenant, which, func(s *session, x *run) error { //nolint:contextcheck // the transaction has its own
		if x.state.Run.Final() {
			return fmt.Errorf("the run has ended already (%s): %w", x.state.Run, event.ErrRefused)
		}
		x.decisions = append(x.decisions, event.Decision{What: "cancel", Result: "canceled", Why: "by " + by})
		x.errType, x.errMessage = event.ReasonCanceled, "canceled by "+by
		s.told.HoldRun(x.id, event.ReasonCanceled)
		return (&walk{s: s, x: x}).step(graph.Canceled{})
	})
}

// Resume takes a failed run up again from where it failed; what succeeded is not done again. Attempt numbers go on.
func (a *RunActs) Resume(ctx context.Context, tenant string, which id.ID, by string) error {
	return a.act(ctx, tenant, which, func(s *session, x *run) error { //nolint:contextcheck // the transaction has its own
		if x.state.Run != graph.RunFailed && x.state.Run != graph.RunCanceled {
			return fmt.Errorf("only a failed or canceled run can be resumed, this one is %s: %w", x.state.Run, event.ErrRefused)
		}
		if err := s.kept(x, "resumed"); err != nil {
			return err
		}
		before := map[string]graph.NodeStatus{}
		for n, st := range x.state.Nodes {
			before[n] = st.Status
		}
		records, err := s.records(x)
		if err != nil {
			return err
		}
		x.fault = x.nothingTaken()
		x.errType, x.errMessage, x.errRetryable, x.finishedAt = "", "", false, time.Time{}
		x.decisions = append(x.decisions, event.Decision{What: "resume", Result: "resumed", Why: "by " + by})
		s.ledger.Reopen(x.receipt, x.id)
		if err := (&walk{s: s, x: x}).step(graph.Resumed{}); err != nil {
			return err
		}
		attempts := insertAttempt.Rows()
		for n, status := range before {
			if r := records[n]; r != nil && status.Final() && x.dirty[n] {
				attempts.Add(x.id, n, r.number, x.tenant, r.state, r.input, r.errType, r.err, r.retryable, r.at, r.us)
			}
		}
		s.tx.Exec(insertAttempt, attempts)
		one := anotherTry.Rows()
		one.Add(x.id)
		s.tx.Exec(anotherTry, one)
		return nil
	})
}

// Replay asks for a replay.
type Replay struct {
	From   string // node to begin with; "": all but the entry
	Newest bool   // by the newest version of the definition instead of the run's own
	// Send tells for real, as an event of its own: whoever was told hears it again.
	Send bool
}

// Replay does again what a run that has ended did, from a node on, as a run of its own: what came before is taken over as it was
// recorded, and what would be told is written down and, without Send, not sent. It returns the new run.
func (a *RunActs) Replay(ctx context.Context, tenant string, which id.ID, r Replay, by string) (id.ID, error) {
	var of struct {
		DefinitionID      id.ID
		DefinitionVersion int64
	}
	db := a.runner.db.Read(ctx)
	if err := db.Table("runs").Select("definition_id, definition_version").Where("tenant_id = ? AND id = ?", tenant, which).Take(&of).Error; err != nil {
		return id.ID{}, storage.Missing(err, "run "+which.String())
	}
	version := of.DefinitionVersion
	if r.Newest {
		err := db.Table("definitions").Select("version").Where("tenant_id = ? AND id = ? AND deleted_at IS NULL", tenant, of.DefinitionID).Take(&version).Error
		if err != nil {
			return id.ID{}, storage.Missing(err, "definition "+of.DefinitionID.String())
		}
	}
	g, err := a.runner.catalog.Graph(ctx, of.DefinitionID, version)
	if err != nil {
		return id.ID{}, err
	}
	live := map[string]bool{}
	for _, n := range g.Nodes[1:] {
		live[n.ID] = true
	}
	if r.From != "" {
		if live, err = g.From(r.From); err != nil {
			return id.ID{}, fmt.Errorf("replay from %q: %w: %w", r.From, err, event.ErrRefused)
		}
	}
	replay := id.New()
	return replay, a.act(ctx, tenant, which, func(s *session, was *run) error { //nolint:contextcheck // the transaction has its own
		if !was.state.Run.Final() {
			return fmt.Errorf("the run has not ended yet (%s): %w", was.state.Run, event.ErrRefused)
		}
		if err := s.kept(was, "replayed"); err != nil {
			return err
		}
		s.facts(was)
		x := &run{
			id: replay, tenant: was.tenant, trace: trace.New(), definition: was.definition, name: was.name, version: version, graph: g,
			receipt: was.receipt, parent: was.id, incidentID: was.incidentID, incident: was.incident, alerts: was.alerts, loaded: true, fresh: true,
			eventKind: was.eventKind, eventSeq: was.eventSeq, source: was.source, origin: OriginReplay, environment: was.environment,
			fingerprint: was.fingerprint, createdAt: s.tx.Now(), state: graph.NewState(), recorded: map[string]json.RawMessage{},
			decisions: []event.Decision{{What: "replay", Result: "dry", Why: "by " + by}},
		}
		x.fault = was.nothingTaken()
		if r.Send {
			x.origin, x.decisions[0].Result = OriginAgain, "sent"
			if err := a.again(s, x, by); err != nil {
				return err
			}
		}
		for n, st := range was.state.Nodes {
			if st.Status == graph.NodeSucceeded && !live[n] {
				x.recorded[n] = st.Output
			}
		}
		s.add(x)
		return (&walk{s: s, x: x}).step(graph.RunStarted{})
	})
}

// again gives a run that tells for real an event to tell of.
func (a *RunActs) again(s *session, x *run, by string) error {
	if x.incidentID.IsZero() {
		return nil // it tells under its own id
	}
	seq, err := retell(s.tx, a.do, x.tenant, x.incidentID, x.trace, by, "run "+x.parent.String()+" is done again")
	if err != nil {
		return err
	}
	x.eventKind, x.eventSeq = event.EventRetold, seq
	return nil
}

// nothingTaken is why a run that no push is behind had nothing to take in, "" for others: another try finds the same.
func (x *run) nothingTaken() string {
	for _, n := range x.graph.Nodes {
		if st := x.state.Nodes[n.ID]; x.receipt.IsZero() && n.Spec.Type == "ingest" && st != nil && st.Status == graph.NodeFailed && st.Err != nil {
			return st.Err.Message
		}
	}
	return ""
}

type record struct {
	number         int
	state          string
	input          []byte
	errType, err   string
	retryable      bool
	at, finishedAt time.Time
	us             int64
}

func (s *session) records(x *run) (map[string]*record, error) {
	rows := lastExecutions.Rows()
	rows.Add(x.id)
	out := map[string]*record{}
	s.tx.Query(lastExecutions, rows, func(r storage.Row) error {
		var node string
		rec := &record{}
		if err := r.Scan(&node, &rec.number, &rec.state, &rec.input, &rec.errType, &rec.err, &rec.retryable, &rec.finishedAt, &rec.us); err != nil {
			return fmt.Errorf("read a node: %w", err)
		}
		rec.at = rec.finishedAt.Add(-time.Duration(rec.us) * time.Microsecond)
		out[node] = rec
		return nil
	})
	return out, s.tx.Flush()
}

func (a *RunActs) act(ctx context.Context, tenant string, which id.ID, do func(s *session, x *run) error) error {
	if err := a.runner.current(ctx); err != nil {
		return fmt.Errorf("look for a changed configuration: %w", err)
	}
	it := &runAct{tenant: tenant, run: which, do: do}
	err := a.queue.DoThen(ctx, it, func(err error) {
		if it.session.settled(err) && it.refused == nil && a.runner.changed != nil {
			a.runner.changed(tenant, "run", which)
		}
	})
	if err != nil {
		return err
	}
	return it.refused
}

func (a *RunActs) apply(tx *storage.Tx, it *runAct) error {
	it.session.dropped()
	s := a.runner.begin(tx)
	it.session, it.refused = s, nil
	if err := s.holdIncidents([]id.ID{it.run}, lockIncidentOfRun); err != nil { // nobody begins to send its messages meanwhile
		return err
	}
	s.load([]id.ID{it.run})
	if err := tx.Flush(); err != nil {
		return err
	}
	x := s.runs[it.run]
	if x == nil || x.tenant != it.tenant {
		it.refused = fmt.Errorf("run %s: %w", it.run, storage.ErrNotFound)
		return nil
	}
	if err := s.ready(); err != nil {
		return err
	}
	s.told.WantRuns([]id.ID{it.run})
	if err := tx.Flush(); err != nil {
		return err
	}
	err := it.do(s, x)
	if errors.Is(err, event.ErrRefused) {
		it.refused = err
		return nil
	}
	if err != nil {
		return err
	}
	s.write()
	return s.failure
}
