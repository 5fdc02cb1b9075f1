package notify

import (
	"bytes"
	"maps"
	"slices"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/pack"
	"github.com/incidenthub/incidenthub/internal/platform/queue"
)

// Resolve tells the end of an incident by state, not by route: every channel that has, or may have, the news that it is on gets
// one delivery; what was never tried is held back. t names the incident and its resolving event. It returns how many are told.
func (b *Batch) Resolve(t *event.Tell, waiting []event.Waiter) int {
	incident := t.Incident.ID
	last := b.lastWords(t, false)
	for _, d := range b.live[incident] {
		if d.kind != channel.KindResolved && !d.mayHaveArrived() && d.state == event.StatePending {
			b.holdBack(d, event.ReasonResolvedFirst)
		}
	}
	n := 0
	var r *rendering
	for _, c := range slices.SortedFunc(maps.Keys(last), func(x, y id.ID) int { return bytes.Compare(x[:], y[:]) }) {
		l := b.p.channels.ByID(c)
		if !last[c].isOn() || l == nil {
			continue // it knows, will know, or is deleted since: nowhere to send it to
		}
		key := idemKey(t, c)
		d := b.keys[key]
		if d == nil {
			d = &planned{
				id: id.New(), channel: c, live: l, tell: t, key: key, kind: channel.KindResolved, seq: t.Seq, state: event.StatePending,
			}
			b.keys[key] = d
			b.fresh = append(b.fresh, d)
			r = b.plan(d, r)
		}
		for _, w := range waiting {
			b.join(w.RunID, t.Tenant, w.DefinitionID, "", d)
		}
		n++
	}
	return n
}

// holdBack suppresses a delivery that was never sent. Its job stays and is due now: whoever takes it settles the books of the runs
// that wait for it.
func (b *Batch) holdBack(d *planned, reason string) {
	d.state, d.reason, d.waits = event.StateSuppressed, reason, 0
	if d.tell == nil { // stored by an earlier transaction
		b.stopped.Add(d.id, reason, b.tx.Now())
		b.jobs.Wake(queue.Key{Kind: JobDeliver, Ref: d.id}, 0)
	}
	b.rung = true
}

// Write queues everything planned.
func (b *Batch) Write() {
	now := b.tx.Now()
	b.render()
	deliveries, revived, messages := insertDelivery.Rows(), reviveDelivery.Rows(), insertMessage.Rows()
	for _, d := range b.fresh {
		t := d.tell
		incident := id.ID{}
		if t.Incident != nil {
			incident = t.Incident.ID
		}
		var sending, finished time.Time
		switch d.state {
		case event.StateSending:
			sending = now
		case event.StateDelivered:
			finished = now
		case event.StateSuppressed:
			finished = now
		}
		lasts := worth(d.severity)
		d.expires = now.Add(lasts)
		b.watch(d)
		if d.revived {
			revived.Add(d.id, d.severity, d.message, d.state, d.reason, d.attempts, lasts, sending, finished, d.detail, d.heldBy)
		} else {
			deliveries.Add(d.id, t.Tenant, d.key, incident, d.run, d.definition, d.node, t.Seq, 0, d.channel, string(d.kind), d.severity, d.message, d.state, d.reason,
				d.attempts, t.TraceID, now, lasts, sending, finished, t.Cause, d.detail, d.heldBy)
		}
		if !d.message.IsZero() && !d.live.stays() && d.reason != event.ReasonDryRun { // what was never planned, or is there already, is nobody's work
			b.jobs.Insert(b.tx, queue.New{Kind: JobDeliver, Ref: d.id, Tenant: t.Tenant, Queue: QueueNotify, Token: d.token, After: d.waits})
		}
		if !d.message.IsZero() {
			encoding, body := pack.Pack(d.made.Body)
			messages.Add(d.message, t.Tenant, d.channel, d.live.Driver, d.key, incident, d.severity, d.title, encoding, body, max(1, d.made.Parts), d.made.Remark, now)
		}
	}
	b.tx.Exec(suppressDelivery, b.stopped)
	b.tx.Exec(insertDelivery, deliveries)
	b.tx.Exec(reviveDelivery, revived)
	b.tx.Exec(insertMessage, messages)
	b.tx.Exec(insertRoute, b.routes)
	b.writeHolds()
	b.writeWaits()
	b.writeLate()
	for _, do := range b.later {
		do()
	}
}

// Committed hands what was born leased to the sender.
func (b *Batch) Committed() {
	until := b.tx.Now().Add(b.p.lease)
	for _, d := range b.fresh {
		b.p.changed(d.tell.Tenant, "delivery", d.id)
		if d.live.Spec.Local && !d.message.IsZero() {
			b.p.changed(d.tell.Tenant, "message", d.message)
		}
		out := channel.Outgoing{IdemKey: d.key, TraceID: d.tell.TraceID, Title: d.title, Kind: d.kind, Severity: d.severity, Body: d.made.Body}
		if d.tell.Incident != nil {
			out.IncidentID = d.tell.Incident.ID.String()
		}
		switch {
		case !d.token.IsZero():
			b.p.sender.send(&sending{
				job:  queue.Job{Kind: JobDeliver, Ref: d.id, Tenant: d.tell.Tenant, Queue: QueueNotify, Attempt: 1, Token: d.token, Until: until},
				live: d.live, message: d.message, parts: max(1, d.made.Parts), pass: d.pass, lined: d.lined, expires: d.expires, out: out,
			})
		case !d.live.stays() && !d.message.IsZero() && d.reason != event.ReasonDryRun:
			b.p.sender.recall.keep(d.id, recalled{d.message, max(1, d.made.Parts), out})
		}
	}
	if b.rung {
		b.p.sender.bell.Ring(QueueNotify)
	}
	if len(b.owed) > 0 || len(b.late) > 0 {
		b.p.sender.bell.Ring(QueueTimers)
	}
}

// Dropped gives back what was reserved for a transaction that did not commit.
func (b *Batch) Dropped() {
	for _, d := range b.fresh {
		if !d.token.IsZero() {
			b.p.sender.unreserve(d.channel, d.pass, d.lined)
			d.token = id.ID{}
		}
	}
}
