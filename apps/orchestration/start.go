package orchestration

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/orchestration/graph"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/trace"
)

// Start asks for a run that no push begins: by hand, by a schedule.
type Start struct {
	Tenant      string
	Route       *Route // of Catalog.Named, or of DefinitionService.Once
	Origin      string // OriginManual, OriginSchedule
	Source      string // what the run shows as its source: api, cli, schedule
	Environment string // "" is production
	TraceID     string // "" makes one
	By          string // who asked
	// Incident is what the run is about, zero for nothing. What it tells of it is an event of its own, so that it is told although
	// the incident was told of before.
	Incident id.ID
	// Fault is why there is nothing to take in: the ingest node fails with it.
	Fault string
	// Only is asked first, in the transaction; false: nothing begins. A schedule takes its slot here.
	Only func(tx *storage.Tx, run id.ID) (bool, error)
	// Slot is the time that a schedule fires for, and Late how much later that is; the ingest node gives them out.
	Slot time.Time
	Late time.Duration
}

// Starts begins runs that no push begins. Refusals wrap event.ErrRefused.
type Starts struct {
	runner *Runner
	queue  *storage.Queue[*startItem]
	do     Actor
}

type startItem struct {
	Start

	run     id.ID
	began   bool
	refused error
	session *session
}

// NewStarts starts the class of work; do records events of incidents.
func NewStarts(db *storage.DB, r *Runner, do Actor) *Starts {
	a := &Starts{runner: r, do: do}
	a.queue = storage.NewQueue(db, storage.QueueOptions{Name: "start", Max: actsAtOnce(db), Workers: 1}, func(tx *storage.Tx, items []*startItem) error {
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
func (a *Starts) Stop() { a.queue.Stop() }

// Start begins a run and returns its id when that is stored; zero when Only said no.
func (a *Starts) Start(ctx context.Context, st Start) (id.ID, error) {
	if st.Route == nil || st.Route.Graph.Entry() == nil {
		return id.ID{}, fmt.Errorf("the pipeline has no nodes, so there is nothing to run: %w", event.ErrRefused)
	}
	if st.Route.Shadow && !st.Incident.IsZero() {
		return id.ID{}, fmt.Errorf("a shadow tells nobody, so it is not started for an incident; start it without one: %w", event.ErrRefused)
	}
	if st.TraceID == "" {
		st.TraceID = trace.New()
	}
	if err := a.runner.current(ctx); err != nil {
		return id.ID{}, fmt.Errorf("look for a changed configuration: %w", err)
	}
	it := &startItem{Start: st, run: id.New()}
	err := a.queue.DoThen(ctx, it, func(err error) {
		if it.session.settled(err) && it.refused == nil && it.began && a.runner.changed != nil {
			a.runner.changed(st.Tenant, "run", it.run)
		}
	})
	if err != nil {
		return id.ID{}, fmt.Errorf("start a run of %s: %w", st.Route.Name, err)
	}
	if it.refused != nil || !it.began {
		return id.ID{}, it.refused
	}
	return it.run, nil
}

func (a *Starts) apply(tx *storage.Tx, it *startItem) error {
	it.session.dropped()
	s := a.runner.begin(tx)
	it.session, it.began, it.refused = s, false, nil
	if it.Only != nil {
		yes, err := it.Only(tx, it.run)
		if err != nil || !yes {
			return err
		}
	}
	x := &run{
		id: it.run, tenant: it.Tenant, trace: it.TraceID, definition: it.Route.ID, name: it.Route.Name, version: it.Route.Version, graph: it.Route.Graph,
		incidentID: it.Incident, source: it.Source, origin: it.Origin, environment: environment(it.Environment), createdAt: tx.Now(), fresh: true,
		state: graph.NewState(), fault: it.Fault,
		decisions: []event.Decision{{What: "start", Result: it.Origin, Why: "by " + it.By}},
	}
	if it.Route.Shadow {
		x.origin = OriginShadow
	}
	if !it.Incident.IsZero() {
		seq, err := retell(tx, a.do, it.Tenant, it.Incident, it.TraceID, it.By, "pipeline "+it.Route.Name+" was started for it")
		if errors.Is(err, event.ErrRefused) || errors.Is(err, storage.ErrNotFound) {
			it.refused = err
			return nil
		}
		if err != nil {
			return err
		}
		x.eventKind, x.eventSeq = event.EventRetold, seq
	}
	it.began = true
	s.add(x)
	out := &IngestOutput{Source: it.Source, Slot: it.Slot, Late: it.Late.Seconds()}
	if !it.Incident.IsZero() {
		out.IncidentID = it.Incident.String()
	}
	if err := (&walk{s: s, x: x, ingest: out}).step(graph.RunStarted{}); err != nil {
		return err
	}
	s.write()
	return s.failure
}

// retell gives an incident an event of its own, under which it can be told once more.
func retell(tx *storage.Tx, do Actor, tenant string, incident id.ID, traceID, by, why string) (int64, error) {
	acted, err := do(tx, event.Act{Tenant: tenant, Incident: incident, Kind: event.EventRetold, Actor: by, Text: why, TraceID: traceID})
	if err != nil {
		return 0, err
	}
	return acted.Seq, nil
}

// How often Wait looks whether a run has ended.
const (
	lookFirst = 5 * time.Millisecond
	lookLast  = 200 * time.Millisecond
)

// Wait returns when the runs have ended, with all that they began for further incidents; false when ctx ends first.
func (a *Starts) Wait(ctx context.Context, tenant string, runs []id.ID) (bool, error) {
	for pause := lookFirst; ; pause = min(2*pause, lookLast) {
		var open int64
		err := a.runner.db.Read(ctx).Table("runs").Where("tenant_id = ? AND id IN ? AND state IN ('pending', 'running', 'retrying')", tenant, runs).
			Count(&open).Error
		switch {
		case ctx.Err() != nil:
			return false, nil //nolint:nilerr // that it took too long is no failure
		case err != nil:
			return false, fmt.Errorf("wait for a run: %w", storage.Classify(err))
		case open == 0:
			return true, nil
		}
		if clock.Sleep(ctx, pause) != nil {
			return false, nil //nolint:nilerr // as above
		}
	}
}
