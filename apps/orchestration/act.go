package orchestration

import (
	"context"
	"errors"
	"fmt"
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
	a.queue = storage.NewQueue(db, storage.QueueOptions{Name: "act", Max: actsAtOnce(db), Workers: 1}, func(tx *storage.Tx, items []*actItem) error {
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
	if it.act.Kind == event.EventReopened {
		if err := it.session.told.Reopened(it.act.Tenant, acted.Incident.ID); err != nil {
			return err
		}
	}
	if it.act.Kind == event.EventAcknowledged {
		if err := it.acknowledge(tx); err != nil {
			return err
		}
	}
	started, err := it.happened()
	if err == nil && it.act.Kind == event.EventReopened && started == 0 { // pipelines tell it in their own way
		err = it.reopen(tx)
	}
	if err != nil {
		return err
	}
	it.session.write()
	return it.session.failure
}

// happened starts the pipelines that wait for what was done, and says how many.
func (it *actItem) happened() (started int, err error) {
	h := happening{
		tenant: it.act.Tenant, trace: it.act.TraceID, origin: OriginManual, incident: it.acted.Incident, kind: it.act.Kind, seq: it.acted.Seq,
		alerts: it.acted.Alerts,
	}
	if it.act.Kind == event.EventClosed && !it.acted.Ended {
		return 0, nil // its end was told already
	}
	if len(h.alerts) > 0 {
		h.source = h.alerts[0].Source
	}
	return it.session.happened(&h)
}

// resolve tells the end to whoever was told.
func (it *actItem) resolve(tx *storage.Tx) error {
	t, err := it.told(tx, event.EventResolved)
	if err == nil {
		it.session.told.Resolve(t, nil)
	}
	return err
}

// acknowledge tells that somebody takes care of it to those of the told who want to know.
func (it *actItem) acknowledge(tx *storage.Tx) error {
	t, err := it.told(tx, event.EventAcknowledged)
	if err == nil {
		it.session.told.Acknowledge(t)
	}
	return err
}

// reopen has messages that say that it is over say that it is not.
func (it *actItem) reopen(tx *storage.Tx) error {
	t, err := it.told(tx, event.EventReopened)
	if err == nil {
		it.session.told.Reopen(t)
	}
	return err
}

// told looks up who was told of the incident, and returns what they are to hear.
func (it *actItem) told(tx *storage.Tx, kind event.EventKind) (*event.Tell, error) {
	acted := it.acted
	ids := []id.ID{acted.Incident.ID}
	it.session.told.WantIncidents(ids, ids)
	t := &event.Tell{
		Tenant: it.act.Tenant, TraceID: it.act.TraceID, Incident: acted.Incident, Event: kind, Seq: acted.Seq, Alerts: acted.Alerts, By: it.act.Actor,
	}
	if len(acted.Alerts) > 0 {
		t.Source = acted.Alerts[0].Source // as the firing message said
	}
	return t, tx.Flush()
}

// Do runs one act. Doing what is done already is no error; refusals wrap event.ErrRefused.
func (a *Acts) Do(ctx context.Context, act event.Act) error {
	ctx, act.TraceID = trace.Ensure(ctx)
	if err := a.runner.current(ctx); err != nil { // it tells, and another process may have made a channel
		return fmt.Errorf("look for a changed configuration: %w", err)
	}
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
