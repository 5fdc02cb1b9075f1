package orchestration

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/orchestration/graph"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
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
}

type runAct struct {
	tenant  string
	run     id.ID
	do      func(s *session, x *run) error
	refused error
	session *session
}

// NewRunActs starts the class of work.
func NewRunActs(db *storage.DB, r *Runner) *RunActs {
	a := &RunActs{runner: r}
	a.queue = storage.NewQueue(db, storage.QueueOptions{Name: "run act", Max: 20, Workers: 1}, func(tx *storage.Tx, items []*runAct) error {
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
	return a.act(ctx, tenant, which, func(s *session, x *run) error {
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
	return a.act(ctx, tenant, which, func(s *session, x *run) error {
		if x.state.Run != graph.RunFailed && x.state.Run != graph.RunCanceled {
			return fmt.Errorf("only a failed or canceled run can be resumed, this one is %s: %w", x.state.Run, event.ErrRefused)
		}
		before := map[string]graph.NodeStatus{}
		for n, st := range x.state.Nodes {
			before[n] = st.Status
		}
		records, err := s.records(x)
		if err != nil {
			return err
		}
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
	it := &runAct{tenant: tenant, run: which, do: do}
	if err := a.queue.Do(ctx, it); err != nil {
		it.session.dropped()
		return err
	}
	it.session.committed()
	if it.refused == nil && a.runner.changed != nil {
		a.runner.changed(tenant, "run", which)
	}
	return it.refused
}

func (a *RunActs) apply(tx *storage.Tx, it *runAct) error {
	it.session.dropped()
	s := a.runner.begin(tx)
	it.session, it.refused = s, nil
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
	if !x.incidentID.IsZero() {
		s.told.WantIncidents([]id.ID{x.incidentID}, nil) // nobody begins to send them meanwhile
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
