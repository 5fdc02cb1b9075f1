package notify

import (
	"context"
	"errors"
	"fmt"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/failpoint"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/queue"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/trace"
)

// resendDelivery makes a dead delivery pending as if it were new; its attempts stay, and so does that one of them may have arrived.
var resendDelivery = storage.Update("deliveries", []storage.Column{
	storage.Col("id", storage.UUID), storage.Col("detail", storage.Text), storage.Col("expires_at", storage.After),
}, `state = 'pending', reason = CASE WHEN t.unsure THEN 'may_repeat' ELSE '' END, detail = v.detail, expires_at = v.expires_at, next_at = NULL, sending_since = NULL, finished_at = NULL`,
	"t.id = v.id AND t.state || '' = 'dead'", "")

// again is one delivery to be sent again.
type again struct {
	tenant, by string
	delivery   id.ID
	to         *Live // nil: its own channel
	trace      string

	tell    *telling
	refused error
	sent    id.ID
}

// Resend tells again: a dead delivery is tried again as it is, with its key; of a delivered one the incident gets a new event, which
// is told to its channel alone. With a channel, by id or name, that channel is told instead. It returns the delivery that is on its way
// now. Refusals wrap event.ErrRefused and say what to do; a missing delivery or channel is storage.ErrNotFound.
func (s *Service) Resend(ctx context.Context, tenant string, delivery id.ID, channelRef, by string) (id.ID, error) {
	it := &again{tenant: tenant, by: by, delivery: delivery}
	ctx, it.trace = trace.Ensure(ctx)
	if channelRef != "" {
		to, err := s.Timers.active(ctx, tenant, channelRef)
		if err != nil {
			return id.ID{}, fmt.Errorf("send delivery %s again: %w", delivery, err)
		}
		it.to = to
	}
	err := s.Timers.acts.DoThen(ctx, it, func(err error) { //nolint:contextcheck // sending has its own
		it.tell.settled(err)
		if err == nil && it.refused == nil {
			s.Planner.changed(tenant, "delivery", it.sent)
			s.Planner.sender.bell.Ring(QueueNotify)
		}
	})
	if err == nil {
		err = it.refused
	}
	if err != nil {
		return id.ID{}, fmt.Errorf("send delivery %s again: %w", delivery, err)
	}
	return it.sent, nil
}

// active finds an active channel by id or name.
func (w *Timers) active(ctx context.Context, tenant, ref string) (*Live, error) {
	for _, l := range w.planner.channels.Active(tenant) {
		if l.Name == ref || l.ID.String() == ref {
			if l.Off != "" {
				return nil, l.isOff()
			}
			return l, nil
		}
	}
	c, err := find(w.db.Read(ctx), tenant, ref)
	if err != nil {
		return nil, err
	}
	if c.IsActive {
		return nil, refuse("channel %q was changed a moment ago; try again in a second", line(c.Name, maxName))
	}
	return nil, refuse("channel %q is not active; activate it first, or name another one", line(c.Name, maxName))
}

// isOff refuses to send by a channel that sends nothing.
func (l *Live) isOff() error {
	return refuse("channel %q sends nothing: %s; change them first, or name another channel", line(l.Name, maxName), l.Off)
}

func refuse(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, event.ErrRefused)...)
}

func (w *Timers) resend(tx *storage.Tx, it *again) error {
	it.tell.settled(errAgain)
	it.tell, it.refused, it.sent = w.begin(tx), nil, id.ID{}
	err := w.resent(tx, it)
	if errors.Is(err, event.ErrRefused) || errors.Is(err, storage.ErrNotFound) {
		it.refused = err
		return nil
	}
	if err == nil {
		it.tell.write(tx)
		failpoint.Hit(failpoint.Deciding)
	}
	return err
}

func (w *Timers) resent(tx *storage.Tx, it *again) error {
	f := &failed{}
	about, err := w.lock(tx, it.tell.told, it.delivery, f)
	if err == nil && (f.id.IsZero() || f.tenant != it.tenant) {
		err = fmt.Errorf("delivery %s: %w", it.delivery, storage.ErrNotFound)
	}
	if err == nil {
		err = tx.Flush()
	}
	if err != nil {
		return err
	}
	own := w.planner.channels.ByID(f.channel)
	switch {
	case f.kind == channel.KindTest || f.kind == channel.KindSent:
		return refuse("it was sent by hand: send it by hand once more, as a test of its channel or as a message")
	case f.unfinished():
		return refuse("it is on its way already; wait until it is delivered or dead")
	case f.state == event.StateSuppressed:
		return f.suppressed()
	case f.state == event.StateDelivered:
		if it.to != nil {
			own = it.to
		}
		return w.anew(tx, it, f, about, own)
	case on(f.kind) && about != nil && !about.Incident.Status.Active():
		return refuse("the incident is %s, so nobody needs to hear that it is on; reopen it to tell it again", about.Incident.Status)
	case f.kind == channel.KindResolved && about != nil && about.Incident.Status.Active():
		return refuse("the incident is %s again, so nobody should hear that it is over; its next end is told by itself", about.Incident.Status)
	case f.kind == channel.KindAcknowledged && about != nil && about.Incident.Status != event.IncidentAcknowledged:
		return refuse("the incident is %s now, so nobody should hear that somebody takes care of it", about.Incident.Status)
	case it.to != nil && it.to.ID != f.channel:
		return w.elsewhere(tx, it, f, about)
	case own != nil && own.Off != "":
		return own.isOff()
	case own == nil:
		return refuse("channel %q is not active; activate it, or name another channel", line(f.name, maxName))
	case f.message.IsZero():
		return refuse("nothing was written that could be sent; replay its run to tell it")
	default:
		return w.revive(tx, it, f)
	}
}

// suppressed refuses to send what was held back on purpose.
func (f *failed) suppressed() error {
	switch f.reason {
	case event.ReasonSilenced, event.ReasonMaintenance:
		return refuse("a silence holds or held it back: what still fires at the end of the silence is told by another delivery, so end the silence, or send that one again")
	case event.ReasonChannelOff:
		return refuse("the settings of its channel said to send nothing; change them and replay its run, or wait for its next report: then it is told")
	case event.ReasonThrottled:
		return refuse("the throttle of its channel held it back; a later delivery tells its incident as soon as there is room, or has told it: send that one again")
	case event.ReasonResolvedFirst:
		return refuse("the incident was over before anybody was told, so there is nothing to send")
	case unknownOutcome:
		return refuse("it may have arrived, and the channel could not tell a repeat from news; look there first, or name another channel for a later message")
	default:
		return refuse("it was never sent (%s); to tell it all the same, replay its run", line(f.reason, maxValue))
	}
}

// revive makes the dead delivery pending again: the same row, the same key, the same message.
func (w *Timers) revive(tx *storage.Tx, it *again, f *failed) error {
	lasts := worth(f.severity)
	rows := resendDelivery.Rows()
	rows.Add(f.id, "sent again by "+line(it.by, maxValue), lasts)
	tx.Exec(resendDelivery, rows)
	it.tell.jobs.Insert(tx, queue.New{Kind: JobDeliver, Ref: f.id, Tenant: f.tenant, Queue: QueueNotify})
	it.tell.runs.Load(f.runs())
	it.tell.told.WantRuns(f.runs())
	if err := tx.Flush(); err != nil {
		return err
	}
	it.tell.told.settle(f.id, func(d *planned) { d.state, d.reason, d.owed = event.StatePending, "", false })
	it.reopen(f)
	it.sent = f.id
	return nil
}

// reopen takes back what the books say of those who wait for the delivery.
func (it *again) reopen(f *failed) {
	for _, run := range f.runs() {
		it.tell.runs.Again(run)
	}
}

// elsewhere tells the event of a dead delivery to another channel.
func (w *Timers) elsewhere(tx *storage.Tx, it *again, f *failed, about *Subject) error {
	it.tell.runs.Load(f.runs())
	it.tell.told.WantRuns(f.runs())
	if err := tx.Flush(); err != nil {
		return err
	}
	tell, err := w.again(tx, it.tell, f, about)
	if err != nil {
		return err
	}
	if tell == nil {
		return refuse("what it said is not stored any more; replay its run to tell it")
	}
	tell.Channels, tell.Cause = []string{it.to.Name}, causeResend
	tell.Lead = fmt.Sprintf("%s Sent by %s.", f.why(), line(it.by, maxValue))
	it.tell.told.WantKeys([]*event.Tell{tell})
	if err := tx.Flush(); err != nil {
		return err
	}
	if d := it.tell.told.keys[idemKey(tell, it.to.ID)]; d != nil {
		if d.unfinished() {
			return refuse("channel %q is being told of it already, by delivery %s", it.to.Name, d.id)
		}
		if d.state == event.StateDelivered || d.state == event.StateDead {
			return refuse("channel %q has a delivery of its own of this event, %s, which is %s; send that one again", it.to.Name, d.id, d.state)
		}
	}
	told, err := it.tell.told.Tell(tell)
	if err != nil {
		return err
	}
	if one := told[0]; one.Status == event.StateSuppressed { // its own, given up before
		return refuse("channel %q has a delivery of its own of this event, %s, which is not sent any more (%s); replay the run to tell it", it.to.Name, one.DeliveryID, one.Because())
	}
	it.sent = told[0].DeliveryID
	it.tell.told.joinAll(f, tell, it.to)
	rows := markInstead.Rows()
	rows.Add(f.id, it.sent)
	it.tell.told.afterwards(markInstead, rows)
	it.tell.told.settle(f.id, func(d *planned) { d.owed, d.instead = false, it.sent })
	it.reopen(f)
	return nil
}

// anew gives the incident a new event, which one channel is told.
func (w *Timers) anew(tx *storage.Tx, it *again, f *failed, about *Subject, to *Live) error {
	switch {
	case about == nil:
		return refuse("no incident is behind it that could be told again; replay its run")
	case to != nil && to.Off != "":
		return to.isOff()
	case to == nil:
		return refuse("channel %q is not active; activate it, or name another channel", line(f.name, maxName))
	}
	it.tell.runs.Load(f.runs())
	if err := tx.Flush(); err != nil {
		return err
	}
	tell, err := w.again(tx, it.tell, f, about)
	if err != nil {
		return err
	}
	acted, err := w.incidents.Act(tx, event.Act{
		Tenant: f.tenant, Incident: f.incident, Kind: event.EventRetold, Actor: it.by, Text: "delivery " + f.id.String() + " is sent again", TraceID: it.trace,
	})
	if err != nil {
		return err
	}
	tell.Incident, tell.Event, tell.Seq, tell.TraceID = acted.Incident, event.EventRetold, acted.Seq, it.trace
	tell.RunID, tell.DefinitionID, tell.Node = id.ID{}, id.ID{}, "" // the books of its run are closed
	tell.Channels, tell.Cause, tell.Lead = []string{to.Name}, causeResend, "Sent again by "+line(it.by, maxValue)+"."
	told, err := it.tell.told.Tell(tell)
	if err != nil {
		return err
	}
	it.sent = told[0].DeliveryID
	return nil
}
