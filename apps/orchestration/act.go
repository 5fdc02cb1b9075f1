package orchestration

import (
	"context"
	"errors"
	"slices"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/trace"
)

// Acted is what an act did to an incident.
type Acted struct {
	Incident *event.Incident
	Seq      int64
	Ended    bool // whoever was told must hear of the end
	Alerts   []*event.Alert
}

// Actor does what a person asked for in a transaction; internal/server fits apps/alerts to it.
type Actor func(tx *storage.Tx, a event.Act) (*Acted, error)

type actItem struct {
	act     event.Act
	refused error
	session *session
	acted   *Acted
}

// Acts lets people work on incidents. Ends are told to whoever was told of the beginning, in the same transaction.
type Acts struct {
	runner *Runner
	queue  *storage.Queue[*actItem]
}

// NewActs starts the class of work.
func NewActs(db *storage.DB, r *Runner, do Actor) *Acts {
	a := &Acts{runner: r}
	most := 20
	if db.Engine() == storage.Postgres {
		most = 1 // folds lock incidents in the order of their groups: who holds one, and waits for another, may wait for a fold that waits for him
	}
	a.queue = storage.NewQueue(db, storage.QueueOptions{Name: "act", Max: most, Workers: 1}, func(tx *storage.Tx, items []*actItem) error {
		for _, it := range items {
			if err := a.apply(tx, it, do); err != nil {
				return err
			}
		}
		return nil
	})
	return a
}

func (a *Acts) apply(tx *storage.Tx, it *actItem, do Actor) error {
	it.session.dropped()
	it.session, it.refused = a.runner.begin(tx), nil
	acted, err := do(tx, it.act)
	if errors.Is(err, event.ErrRefused) || errors.Is(err, storage.ErrNotFound) {
		it.refused = err
		return nil
	}
	if err != nil {
		return err
	}
	it.acted = acted
	if acted.Seq == 0 {
		return nil
	}
	slices.SortFunc(acted.Alerts, bySeverity)
	if acted.Ended {
		if err := it.resolve(tx); err != nil {
			return err
		}
	}
	if err := it.happened(); err != nil {
		return err
	}
	it.session.write()
	return it.session.failure
}

// happened starts the pipelines that wait for what was done.
func (it *actItem) happened() error {
	h := happening{
		tenant: it.act.Tenant, trace: it.act.TraceID, origin: OriginManual, incident: it.acted.Incident, kind: it.act.Kind, seq: it.acted.Seq,
		alerts: it.acted.Alerts,
	}
	if it.act.Kind == event.EventClosed && !it.acted.Ended {
		return nil // its end was told already
	}
	if len(h.alerts) > 0 {
		h.source = h.alerts[0].Source
	}
	return it.session.happened(&h)
}

// resolve tells the end to whoever was told.
func (it *actItem) resolve(tx *storage.Tx) error {
	acted := it.acted
	ids := []id.ID{acted.Incident.ID}
	it.session.told.WantIncidents(ids, ids)
	if err := tx.Flush(); err != nil {
		return err
	}
	source := ""
	if len(acted.Alerts) > 0 {
		source = acted.Alerts[0].Source // as the firing message said
	}
	it.session.told.Resolve(&event.Tell{
		Tenant: it.act.Tenant, TraceID: it.act.TraceID, Source: source, Incident: acted.Incident, Event: event.EventResolved, Seq: acted.Seq, Alerts: acted.Alerts,
	}, nil)
	return nil
}

// Do runs one act. Doing what is done already is no error; refusals wrap event.ErrRefused.
func (a *Acts) Do(ctx context.Context, act event.Act) error {
	ctx, act.TraceID = trace.Ensure(ctx)
	it := &actItem{act: act}
	err := a.queue.DoThen(ctx, it, func(err error) {
		if it.session.settled(err) && it.refused == nil && a.runner.changed != nil {
			a.runner.changed(act.Tenant, "incident", act.Incident)
		}
	})
	if err != nil {
		return err
	}
	return it.refused
}

// Stop ends the class.
func (a *Acts) Stop() { a.queue.Stop() }

// Acknowledge marks an incident as taken care of.
func (a *Acts) Acknowledge(ctx context.Context, tenant string, incident id.ID, by string) error {
	return a.Do(ctx, event.Act{Tenant: tenant, Incident: incident, Kind: event.EventAcknowledged, Actor: by})
}

// Resolve ends an incident and tells so.
func (a *Acts) Resolve(ctx context.Context, tenant string, incident id.ID, by, summary string) error {
	return a.Do(ctx, event.Act{Tenant: tenant, Incident: incident, Kind: event.EventResolved, Actor: by, Text: summary})
}

// Close ends an incident for good; one that still was active is told as resolved.
func (a *Acts) Close(ctx context.Context, tenant string, incident id.ID, by string) error {
	return a.Do(ctx, event.Act{Tenant: tenant, Incident: incident, Kind: event.EventClosed, Actor: by})
}

// Reopen takes an incident up again.
func (a *Acts) Reopen(ctx context.Context, tenant string, incident id.ID, by string) error {
	return a.Do(ctx, event.Act{Tenant: tenant, Incident: incident, Kind: event.EventReopened, Actor: by})
}

// Note adds a note.
func (a *Acts) Note(ctx context.Context, tenant string, incident id.ID, author, text string) error {
	return a.Do(ctx, event.Act{Tenant: tenant, Incident: incident, Kind: event.EventNote, Actor: author, Text: text})
}
