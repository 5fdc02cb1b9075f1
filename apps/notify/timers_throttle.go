package notify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/queue"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/trace"
)

// JobThrottle tells a channel (ref) what its throttle held back, one incident in each transaction.
const JobThrottle = "throttle"

const (
	// throttleHush is how soon an incident is looked at again that is silenced when the channel would have room for it. The end of the
	// silence does not tell it, unless something happened since: other channels may have heard of it before the silence.
	throttleHush = 15 * time.Second
	// throttlePage is how many incidents that are over are forgotten at once.
	throttlePage = 500
)

// limited is a channel with a throttle in the transaction of its job.
type limited struct {
	job    queue.Job
	limit  Throttle
	active bool
	// What is told next; the zero incident: nothing is.
	incident id.ID
	seq      int64
	since    time.Time
	about    *Subject
	heard    bool
	quiet    map[id.ID]bool // alerts that a silence holds back, and whether its end will tell the channel of them
	gone     *storage.Rows  // that it need not hear of
	off      *storage.Rows  // that it is not told now
}

// throttle tells a channel of the next incident that it had no room for, if that is open, unacknowledged and firing, and ends or sets its clock
// anew. The job is taken away before what is left is read: whoever holds something back meanwhile makes it again.
func (w *Timers) throttle(tx *storage.Tx, it *timed) error {
	c := &limited{job: it.job, gone: dropLate.Rows(), off: putOffLate.Rows()}
	if err := w.lookLate(tx, it, c); err != nil {
		return err
	}
	held := false
	queue.Finish(tx, []queue.Job{it.job}, func(queue.Key) { held = true })
	if err := tx.Flush(); err != nil || !held || !c.active { // what an idle channel was not told waits until somebody activates it
		return err
	}
	rows := overLate.Rows()
	rows.Add(c.job.Ref, throttlePage)
	tx.Query(overLate, rows, func(r storage.Row) error {
		var ch, incident id.ID
		var seq int64
		if err := r.Scan(&ch, &incident, &seq); err != nil {
			return fmt.Errorf("read a throttled incident: %w", err)
		}
		c.gone.Add(ch, incident, seq)
		return nil
	})
	if err := tx.Flush(); err != nil {
		return err
	}
	live := w.planner.channels.ByID(c.job.Ref)
	if live == nil || live.Throttle != c.limit { // this process has not heard of it yet
		it.tell.jobs.Insert(tx, c.again(unheard))
		return nil
	}
	if !c.incident.IsZero() {
		if err := w.tellLate(tx, it, c, live); err != nil {
			return err
		}
	}
	tx.Exec(dropLate, c.gone)
	tx.Exec(putOffLate, c.off)
	return w.nextLate(tx, it, c)
}

// lookLate reads what the channel wants, and what it is told next with the incident locked.
func (w *Timers) lookLate(tx *storage.Tx, it *timed, c *limited) error {
	rows := throttleOf.Rows()
	rows.Add(c.job.Ref, c.job.Tenant)
	tx.Query(throttleOf, rows, func(r storage.Row) error {
		var per int64
		if err := r.Scan(&c.limit.Messages, &per); err != nil {
			return fmt.Errorf("read a throttle: %w", err)
		}
		c.limit.Per, c.active = seconds(per), true
		return nil
	})
	var used time.Time
	rows = oldestSlot.Rows()
	rows.Add(c.job.Ref)
	tx.Query(oldestSlot, rows, scanHere(tx, &used))
	rows = nextLate.Rows()
	rows.Add(c.job.Ref)
	tx.Query(nextLate, rows, func(r storage.Row) error {
		if err := r.Scan(&c.incident, &c.seq, &c.since); err != nil {
			return fmt.Errorf("read a throttled incident: %w", err)
		}
		return nil
	})
	if err := tx.Flush(); err != nil || c.incident.IsZero() {
		return err
	}
	if c.limit.Messages > 0 && used.Add(c.limit.Per).After(tx.Now()) || !c.active { // nothing to lock for
		c.incident = id.ID{}
		return nil
	}
	var err error
	if c.about, err = w.incidents.Look(tx, c.job.Tenant, c.incident, 0); err != nil && !errors.Is(err, storage.ErrNotFound) {
		return fmt.Errorf("throttled incident %s: %w", c.incident, err)
	}
	it.tell.told.WantIncidents([]id.ID{c.incident}, nil)
	rows = heardSince.Rows()
	rows.Add(c.incident, c.job.Ref, c.seq)
	tx.Query(heardSince, rows, func(storage.Row) error {
		c.heard = true
		return nil
	})
	c.quiet = map[id.ID]bool{}
	rows = quietLate.Rows()
	rows.Add(c.incident, c.job.Ref)
	tx.Query(quietLate, rows, func(r storage.Row) error {
		var alert id.ID
		var held, seq int64
		if err := r.Scan(&alert, &held, &seq); err != nil {
			return fmt.Errorf("read a silenced alert: %w", err)
		}
		if _, known := c.quiet[alert]; !known {
			c.quiet[alert] = held > 0
		}
		return nil
	})
	return nil
}

// tellLate tells the next incident, if there is room, unless nobody needs to hear of it any more. It leaves out what the end of a silence will
// tell.
func (w *Timers) tellLate(tx *storage.Tx, it *timed, c *limited, live *Live) error {
	b := it.tell.told
	if c.about == nil || c.heard || c.about.Incident.Status != event.IncidentOpen || !slices.ContainsFunc(c.about.Alerts, firing) {
		c.gone.Add(c.job.Ref, c.incident, c.seq)
		return nil
	}
	tell := &event.Tell{
		Tenant: c.job.Tenant, TraceID: trace.New(), Incident: c.about.Incident, Event: event.EventRetold, Cause: causeThrottle,
		Alerts:   slices.DeleteFunc(c.about.told(), func(a *event.Alert) bool { return c.quiet[a.ID] }),
		Channels: []string{live.Name}, Lead: c.why(tx.Now()),
	}
	d := &planned{live: live, tell: tell, kind: channel.KindFiring}
	if err := w.pastSilences(tx, b, d, c.quiet); err != nil {
		return err
	}
	tell.Source = sourceName(tell.Alerts)
	switch reason, _ := b.heldBack(d); {
	case reason == event.ReasonSilenced || reason == event.ReasonMaintenance:
		c.off.Add(c.job.Ref, c.incident, throttleHush)
		return nil
	case reason != "": // the channel does not want it any more
		c.gone.Add(c.job.Ref, c.incident, c.seq)
		return nil
	case !slices.ContainsFunc(tell.Alerts, firing): // all of it is told at the end of silences
		c.off.Add(c.job.Ref, c.incident, throttleHush)
		return nil
	case c.job.Rescues > maxRescues: // it has cost too many processes
		c.gone.Add(c.job.Ref, c.incident, c.seq)
		w.log.ErrorContext(context.Background(), "give up telling a throttled incident", "incident_id", c.incident, "channel_id", c.job.Ref)
		return nil
	}
	if c.limit.Messages > 0 {
		if took, _ := b.turn(live, true, c.incident); !took {
			return b.failed
		}
	}
	acted, err := w.incidents.Act(tx, event.Act{
		Tenant: c.job.Tenant, Incident: c.incident, Kind: event.EventRetold, Text: fmt.Sprintf("channel %q has room again for what its throttle held back", live.Name),
		TraceID: tell.TraceID,
	})
	if err != nil {
		return fmt.Errorf("tell the throttled incident %s: %w", c.incident, err)
	}
	if tell.Outputs, err = w.incidents.Known(tx, c.job.Tenant, c.incident); err != nil {
		return fmt.Errorf("tell the throttled incident %s: %w", c.incident, err)
	}
	tell.Incident, tell.Seq = acted.Incident, acted.Seq
	told, err := b.Tell(tell)
	if err != nil {
		return err
	}
	c.gone.Add(c.job.Ref, c.incident, c.seq)
	rows := markLate.Rows()
	rows.Add(c.incident, c.job.Ref, told[0].DeliveryID)
	b.afterwards(markLate, rows)
	return nil
}

// why is the sentence in front of what is told late.
func (c *limited) why(now time.Time) string {
	if c.limit.Messages == 0 {
		return lateSince(c.since, now) + " The channel took no more messages then."
	}
	return lateSince(c.since, now) + " The channel takes " + c.limit.Words() + "."
}

// nextLate sets the clock for what is left.
func (w *Timers) nextLate(tx *storage.Tx, it *timed, c *limited) error {
	var look, used time.Time
	rows := leftLate.Rows()
	rows.Add(c.job.Ref)
	tx.Query(leftLate, rows, scanHere(tx, &look))
	rows = oldestSlot.Rows()
	rows.Add(c.job.Ref)
	tx.Query(oldestSlot, rows, scanHere(tx, &used))
	if err := tx.Flush(); err != nil || look.IsZero() {
		return err
	}
	due := look
	if room := used.Add(c.limit.Per); c.limit.Messages > 0 && room.After(due) {
		due = room
	}
	after := due.Sub(tx.Now())
	if _, full := it.tell.told.full[c.job.Ref]; full { // others are about to use what seems free
		after = max(after, locked)
	}
	it.tell.jobs.Insert(tx, c.again(max(after, 0)))
	return nil
}

// again is the job once more.
func (c *limited) again(after time.Duration) queue.New {
	return queue.New{Kind: JobThrottle, Ref: c.job.Ref, Tenant: c.job.Tenant, Queue: QueueTimers, After: after}
}
