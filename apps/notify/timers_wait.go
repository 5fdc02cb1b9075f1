package notify

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/queue"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Causes of deliveries that no pipeline made.
const (
	causeReminder = "reminder"
	causeFallback = "fallback"
	causeResend   = "resend"
	causeTest     = "test"
	causeSent     = "sent"
)

// byHand reports whether a tell goes to whom it names whatever severities and silences say: to remind is decided before, and who sends
// again means it.
func byHand(t *event.Tell) bool { return t.Cause == causeReminder || t.Cause == causeResend }

// wait is a reminder that will be due.
type wait struct {
	incident, channel id.ID
	tenant            string
	after             time.Duration
}

// await notes a reminder; one that is noted in the table already stays as it is.
func (b *Batch) await(w wait) { b.waits = append(b.waits, w) }

// writeWaits queues the jobs of reminders, in the order in which everybody writes them.
func (b *Batch) writeWaits() {
	slices.SortFunc(b.waits, func(x, y wait) int {
		return cmp.Or(bytes.Compare(x.incident[:], y.incident[:]), bytes.Compare(x.channel[:], y.channel[:]))
	})
	for _, w := range b.waits {
		b.jobs.Insert(b.tx, queue.New{
			Kind: JobRemind, Ref: w.incident, Node: w.channel.String(), Tenant: w.tenant, Queue: QueueTimers, After: w.after,
		})
	}
	b.waits = nil
}

// on reports whether a kind says that something is on: what is reminded of, and what another channel is told instead.
func on(k channel.Kind) bool {
	return k == channel.KindFiring || k == channel.KindUpdated || k == channel.KindReminder
}

// inPlace reports whether a cause changes messages that are there already and wakes nobody: nothing is told elsewhere instead.
func inPlace(cause string) bool { return cause == causeAnalysis || cause == causeReopened }

// watch sets the clock on a new delivery: for the reminder after one that is told already, and for the other channel when it takes too
// long.
func (b *Batch) watch(d *planned) {
	if d.tell.Dry || d.live.Pretend != nil || !on(d.kind) {
		return
	}
	switch {
	case d.state == event.StateDelivered && d.live.Renotify > 0 && d.tell.Incident != nil:
		b.await(wait{d.tell.Incident.ID, d.channel, d.tell.Tenant, d.live.Renotify})
	case d.unfinished() && !d.live.Fallback.IsZero() && d.live.FallbackAfter > 0 && !inPlace(d.tell.Cause):
		b.jobs.Insert(b.tx, queue.New{Kind: JobFallback, Ref: d.id, Tenant: d.tell.Tenant, Queue: QueueTimers, After: d.live.FallbackAfter})
	}
}

// followUp sets the clock by what became of deliveries. What it looks up is there after the next flush.
func (b *Batch) followUp(items []*outcome, held map[id.ID]bool) {
	delivered, dead := remindable.Rows(), replaceable.Rows()
	for _, o := range items {
		if !held[o.job.Ref] {
			continue
		}
		l := b.p.channels.ByID(o.channel)
		switch {
		case o.state == event.StateDead:
			dead.Add(o.job.Ref)
		case o.state != event.StateDelivered || l == nil:
		default:
			if l.Renotify > 0 {
				delivered.Add(o.job.Ref)
			}
			if !l.Fallback.IsZero() && l.FallbackAfter > 0 {
				b.jobs.Remove(queue.Key{Kind: JobFallback, Ref: o.job.Ref})
			}
		}
	}
	b.tx.Query(remindable, delivered, func(r storage.Row) error {
		var w wait
		if err := r.Scan(&w.incident, &w.channel, &w.tenant); err != nil {
			return fmt.Errorf("read what to remind of: %w", err)
		}
		if l := b.p.channels.ByID(w.channel); l != nil && !w.incident.IsZero() {
			w.after = l.Renotify
			b.await(w)
		}
		return nil
	})
	b.tx.Query(replaceable, dead, func(r storage.Row) error {
		var d id.ID
		var tenant string
		if err := r.Scan(&d, &tenant); err != nil {
			return fmt.Errorf("read what to tell elsewhere: %w", err)
		}
		b.jobs.Wake(queue.Key{Kind: JobFallback, Ref: d}, 0)
		b.jobs.Insert(b.tx, queue.New{Kind: JobFallback, Ref: d, Tenant: tenant, Queue: QueueTimers})
		b.owed[d] = true
		return nil
	})
}

// Reopened sets the clock anew for those who were told of an incident that is open again.
func (b *Batch) Reopened(tenant string, incident id.ID) error {
	rows := everTold.Rows()
	rows.Add(incident)
	b.tx.Query(everTold, rows, func(r storage.Row) error {
		var ch id.ID
		if err := r.Scan(&ch); err != nil {
			return fmt.Errorf("read who was told: %w", err)
		}
		if l := b.p.channels.ByID(ch); l != nil && l.Renotify > 0 {
			b.await(wait{incident, ch, tenant, l.Renotify})
		}
		return nil
	})
	return b.tx.Flush()
}

// windowChanged has the reminders of a channel brought in step with its window, in the transaction that changes it.
func (s *ChannelService) windowChanged(ctx context.Context, was, c Channel) error {
	if !c.IsActive || c.RenotifyS == 0 || was.IsActive && was.RenotifyS == c.RenotifyS {
		return nil // reminders that nobody wants any more end by themselves
	}
	return s.lookAgain(ctx, jobWindow, c)
}
