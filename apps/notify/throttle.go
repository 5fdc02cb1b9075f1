package notify

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/period"
	"github.com/incidenthub/incidenthub/internal/platform/queue"
)

// causeThrottle is the cause of deliveries that tell what a throttle held back.
const causeThrottle = "throttle"

// Throttle is how many messages a channel takes in how long, of those that say that something is on: firing, updated, reminder. In any
// time that long no more are planned. The zero value is any number.
type Throttle struct {
	Messages int
	Per      time.Duration
}

// Text is the throttle as commands take it, 5/10m, "" for none.
func (l Throttle) Text() string {
	if l == (Throttle{}) {
		return ""
	}
	return strconv.Itoa(l.Messages) + "/" + period.Text(l.Per)
}

// Words say what the throttle is: at most 5 messages in 10m; "" for none.
func (l Throttle) Words() string {
	switch l.Messages {
	case 0:
		return ""
	case 1:
		return "at most one message in " + period.Text(l.Per)
	default:
		return fmt.Sprintf("at most %d messages in %s", l.Messages, period.Text(l.Per))
	}
}

// late is an incident that a channel is not told of yet.
type late struct{ channel, incident id.ID }

type lateBy struct {
	tenant string
	seq    int64     // of the newest event that it is not told
	room   time.Time // when the channel takes the next message at the earliest
}

// throttled holds a delivery back whose channel has had its messages. Ends, and what people did, pass; so do late analyses, which change a
// message that is there, whoever sends again, and what no incident is behind: nothing could tell that later.
func (b *Batch) throttled(d *planned) bool {
	t, l := d.tell, d.live
	if l.Throttle.Messages == 0 || l.stays() || !on(d.kind) || d.byState || t.Dry || t.Incident == nil || t.Cause == causeThrottle {
		return false
	}
	took, room := b.turn(l, false, t.Incident.ID)
	if took || b.failed != nil {
		return false
	}
	d.state, d.reason = event.StateSuppressed, event.ReasonThrottled
	d.detail = fmt.Sprintf("the channel takes %s; it is told as soon as there is room if this still fires then, at the earliest %s",
		l.Throttle.Words(), room.UTC().Format("2006-01-02 15:04:05 UTC"))
	k := late{l.ID, t.Incident.ID}
	b.late[k] = lateBy{t.Tenant, max(t.Seq, b.late[k].seq), room}
	return true
}

// turn takes one of the messages that a channel may have; without one it says when there is the next. Those that were held back before go
// first: others have a turn only when nobody waits, unless they are first. News of an incident, unless that is zero, has none as long as the
// incident waits, even where a silence has it wait longer: the channel would count as told of what it has not heard.
func (b *Batch) turn(l *Live, first bool, incident id.ID) (took bool, room time.Time) {
	if at, full := b.full[l.ID]; full {
		return false, at
	}
	slot, used := int64(-1), time.Time{}
	rows := freeSlot.Rows()
	rows.Add(l.ID, -l.Throttle.Per, first)
	b.tx.Query(freeSlot, rows, scanOne(&slot))
	rows = oldestSlot.Rows()
	rows.Add(l.ID)
	b.tx.Query(oldestSlot, rows, scanHere(b.tx, &used))
	joins := int64(-1)
	if rows = isLate.Rows(); !first && !incident.IsZero() {
		rows.Add(l.ID, incident)
	}
	b.tx.Query(isLate, rows, scanOne(&joins))
	if err := b.tx.Flush(); err != nil {
		b.failed = cmp.Or(b.failed, fmt.Errorf("look at the throttle of channel %q: %w", l.Name, err))
		return false, b.tx.Now()
	}
	if slot >= 0 && joins < 0 {
		rows = useSlot.Rows()
		rows.Add(l.ID, slot)
		b.tx.Exec(useSlot, rows)
		return true, time.Time{}
	}
	room = used.Add(l.Throttle.Per)
	if room.Before(b.tx.Now()) { // others wait for it, or are about to use it
		room = b.tx.Now()
	}
	if slot < 0 { // for nobody
		b.full[l.ID] = room
	}
	return false, room
}

// writeLate queues what throttles hold back, and the jobs that tell it, in the order in which everybody writes them.
func (b *Batch) writeLate() {
	if len(b.late) == 0 {
		return
	}
	now, atOnce := b.tx.Now(), time.Duration(0)
	holds := insertLate.Rows()
	var rings []queue.New
	for _, k := range slices.SortedFunc(maps.Keys(b.late), func(x, y late) int {
		return cmp.Or(bytes.Compare(x.channel[:], y.channel[:]), bytes.Compare(x.incident[:], y.incident[:]))
	}) {
		h := b.late[k]
		holds.Add(k.channel, k.incident, h.tenant, h.seq, atOnce, atOnce)
		after := max(h.room.Sub(now), 0)
		if n := len(rings) - 1; n >= 0 && rings[n].Ref == k.channel {
			rings[n].After = min(rings[n].After, after)
			continue
		}
		rings = append(rings, queue.New{Kind: JobThrottle, Ref: k.channel, Tenant: h.tenant, Queue: QueueTimers, After: after})
	}
	b.tx.Exec(insertLate, holds)
	for _, r := range rings {
		b.jobs.Ring(b.tx, r)
	}
}

// busyUntil says when a channel takes a message that can wait, by its throttle; the zero time: it has taken one.
func (b *Batch) busyUntil(l *Live) (time.Time, error) {
	if l.Throttle.Messages == 0 || l.stays() {
		return time.Time{}, nil
	}
	took, room := b.turn(l, false, id.ID{})
	if took || b.failed != nil {
		return time.Time{}, b.failed
	}
	return room, nil
}
