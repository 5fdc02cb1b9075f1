package notify

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/period"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/trace"
)

// failed is a delivery that is dead, or takes longer than its channel may.
type failed struct {
	id, incident, channel, message, instead, other id.ID
	tenant, state, reason, detail, severity, trace string
	kind                                           channel.Kind
	name                                           string // of its channel
	seq, afterS                                    int64
	created                                        time.Time
	otherOpen                                      bool
	waits                                          []waiter
}

// waiter is a run that waits for a delivery.
type waiter struct {
	run, definition id.ID
	node            string
}

func (f *failed) unfinished() bool {
	return f.state == event.StatePending || f.state == event.StateSending
}

// wantFailed queues the look-up of a delivery; f.id stays zero when there is none.
func wantFailed(tx *storage.Tx, delivery id.ID, f *failed) {
	rows := failing.Rows()
	rows.Add(delivery)
	tx.Query(failing, rows, func(r storage.Row) error {
		f.id = delivery
		err := r.Scan(&f.tenant, &f.incident, &f.seq, &f.channel, &f.state, &f.reason, &f.detail, &f.created, &f.instead, &f.trace, &f.kind, &f.severity, &f.message, &f.name, &f.other,
			&f.afterS, &f.otherOpen)
		if err != nil {
			return fmt.Errorf("read a delivery: %w", err)
		}
		return nil
	})
}

// wantWaiters queues the look-up of the runs that wait for the delivery.
func (f *failed) wantWaiters(tx *storage.Tx) {
	f.waits = nil
	rows := whoWaits.Rows()
	rows.Add(f.id)
	tx.Query(whoWaits, rows, func(r storage.Row) error {
		var w waiter
		if err := r.Scan(&w.run, &w.definition, &w.node); err != nil {
			return fmt.Errorf("read who waits for a delivery: %w", err)
		}
		f.waits = append(f.waits, w)
		return nil
	})
}

// runs of the waiters, each once.
func (f *failed) runs() []id.ID {
	var out []id.ID
	for _, w := range f.waits {
		if !slices.Contains(out, w.run) {
			out = append(out, w.run)
		}
	}
	return out
}

// lock reads a delivery that nobody changes until the transaction ends, and its incident, which is nil when only a run is behind it.
func (w *Timers) lock(tx *storage.Tx, b *Batch, delivery id.ID, f *failed) (*Subject, error) {
	wantFailed(tx, delivery, f)
	if err := tx.Flush(); err != nil || f.id.IsZero() {
		return nil, err
	}
	var about *Subject
	if !f.incident.IsZero() {
		var err error
		if about, err = w.incidents.Look(tx, f.tenant, f.incident, f.seq); err != nil {
			return nil, fmt.Errorf("delivery %s: %w", delivery, err)
		}
		b.WantIncidents([]id.ID{f.incident}, nil)
	}
	rows := lockDelivery.Rows()
	rows.Add(delivery)
	tx.Query(lockDelivery, rows, func(storage.Row) error { return nil })
	wantFailed(tx, delivery, f) // as it is now
	f.wantWaiters(tx)
	return about, nil
}

// fallback tells another channel what a delivery did not: the same event, at once when the delivery is dead, after the time that its
// channel gives when it is not delivered by then. What the other channel is told of that event already is joined; where that is dead as
// well the chain ends.
func (w *Timers) fallback(tx *storage.Tx, it *timed) error {
	f := &failed{}
	about, err := w.lock(tx, it.tell.told, it.job.Ref, f)
	if errors.Is(err, storage.ErrNotFound) || err == nil && f.id.IsZero() {
		it.done(tx)
		return nil
	}
	if err != nil {
		return err
	}
	held, err := it.fence(tx)
	if err != nil || !held {
		return err
	}
	other := w.planner.channels.ByID(f.other)
	switch left := f.created.Add(seconds(f.afterS)).Sub(tx.Now()); {
	case f.state != event.StateDead && (!f.unfinished() || f.afterS == 0):
		it.done(tx)
		return nil
	case f.state != event.StateDead && left > 0:
		it.later(tx, left)
		return nil
	case other == nil && f.otherOpen: // this process has not heard of it yet
		it.later(tx, unheard)
		return nil
	}
	it.done(tx)
	hopeless := other == nil || !f.instead.IsZero() || it.job.Rescues > maxRescues || about != nil && !f.matters(about.Incident.Status)
	return w.replace(tx, it.tell, f, about, other, !hopeless)
}

// matters reports whether anybody still has to hear of it: not when the incident is over, and no news that should call somebody when somebody takes
// care of it.
func (f *failed) matters(s event.IncidentStatus) bool {
	switch f.kind {
	case channel.KindFiring, channel.KindUpdated, channel.KindReminder:
		return s == event.IncidentOpen
	default:
		return s.Active()
	}
}

// replace plans the delivery to another channel, unless there is nothing to plan, and brings the runs that wait up to date.
func (w *Timers) replace(tx *storage.Tx, t *telling, f *failed, about *Subject, other *Live, tells bool) error {
	t.runs.Load(f.runs())
	t.told.WantRuns(f.runs())
	if err := tx.Flush(); err != nil {
		return err
	}
	if tells {
		to, err := w.instead(tx, t, f, about, other)
		if err != nil {
			return err
		}
		if f.instead = to; !to.IsZero() {
			rows := markInstead.Rows()
			rows.Add(f.id, to)
			t.told.afterwards(markInstead, rows)
		}
	}
	t.told.settle(f.id, func(d *planned) { d.owed, d.instead = false, f.instead })
	for _, run := range f.runs() {
		if err := t.runs.Delivered(run, t.told.OfRun(run)); err != nil {
			return err
		}
	}
	return nil
}

// instead plans or joins the delivery to the other channel; zero when that cannot help.
func (w *Timers) instead(tx *storage.Tx, t *telling, f *failed, about *Subject, other *Live) (id.ID, error) {
	tell, err := w.again(tx, t, f, about)
	if err != nil || tell == nil {
		return id.ID{}, err
	}
	tell.Channels, tell.Cause, tell.Lead = []string{other.Name}, causeFallback, f.why()
	t.told.WantKeys([]*event.Tell{tell})
	if err := tx.Flush(); err != nil {
		return id.ID{}, err
	}
	if d := t.told.keys[idemKey(tell, other.ID)]; d != nil && d.state == event.StateDead {
		return id.ID{}, nil
	}
	told, err := t.told.Tell(tell)
	if err != nil || len(told) == 0 {
		return id.ID{}, err
	}
	t.told.joinAll(f, tell, other)
	return told[0].DeliveryID, nil
}

// again is what a delivery has to say, for another one: as its node said it, else what there is to say of its incident. Nil when there is
// neither.
func (w *Timers) again(tx *storage.Tx, t *telling, f *failed, about *Subject) (*event.Tell, error) {
	var tell *event.Tell
	for _, r := range f.waits {
		if r.node == "" {
			continue
		}
		var err error
		if tell, err = t.runs.Tell(r.run, r.node); err != nil {
			return nil, err
		}
		if tell != nil && tell.Seq == f.seq && len(tell.Alerts) > 0 == (about != nil) {
			break
		}
		tell = nil
	}
	switch {
	case tell == nil && about == nil:
		return nil, nil //nolint:nilnil // nothing to say
	case tell == nil:
		tell = &event.Tell{Tenant: f.tenant, TraceID: f.trace, Event: about.Kind, Alerts: about.told(), Source: sourceName(about.told())}
		if len(f.waits) > 0 {
			tell.RunID, tell.DefinitionID, tell.Node = f.waits[0].run, f.waits[0].definition, f.waits[0].node
		}
		var err error
		if tell.Outputs, err = w.incidents.Known(tx, f.tenant, f.incident); err != nil {
			return nil, fmt.Errorf("delivery %s: %w", f.id, err)
		}
	}
	if tell.Seq = f.seq; about != nil {
		tell.Incident = about.Incident
		tell.Alerts = (&Subject{Alerts: tell.Alerts}).told()
	}
	if tell.TraceID == "" {
		tell.TraceID = trace.New()
	}
	return tell, nil
}

// why is the sentence in front of what the other channel is told.
func (f *failed) why() string {
	name := line(f.name, maxValue)
	if f.unfinished() {
		return fmt.Sprintf("This came here because channel %q has not been reached for %s.", name, period.Text(seconds(f.afterS)))
	}
	return fmt.Sprintf("This came here because channel %q could not be told: %s.", name, plainReason(f.reason))
}

// settle changes what is known of a delivery in every run that waits for it.
func (b *Batch) settle(delivery id.ID, change func(d *planned)) {
	for _, list := range b.byRun {
		for _, n := range list {
			if n.d.id == delivery {
				change(n.d)
			}
		}
	}
}

// joinAll lets everybody who waits for a delivery wait for the one that takes its place.
func (b *Batch) joinAll(f *failed, tell *event.Tell, other *Live) {
	d := b.keys[idemKey(tell, other.ID)]
	for _, w := range f.waits {
		b.join(w.run, f.tenant, w.definition, w.node, d)
		if !f.incident.IsZero() {
			b.hear(route{f.incident, w.definition}, d)
		}
	}
}

// afterwards queues a statement behind the deliveries that Write writes.
func (b *Batch) afterwards(s *storage.Statement, rows *storage.Rows) {
	b.later = append(b.later, func() { b.tx.Exec(s, rows) })
}
