package notify

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/queue"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// The queue of deliveries: one job of kind deliver per delivery that is not over.
const (
	JobDeliver  = "deliver"
	QueueNotify = "notify"
)

// unknownOutcome is the reason on a pending delivery whose last attempt may have arrived.
const unknownOutcome = "unknown_outcome"

// blocked is how long a delivery waits behind an earlier one of its incident and channel when nobody wakes it.
const blocked = 30 * time.Second

// How long a notification is worth sending.
const (
	expiry     = time.Hour
	expiryInfo = 15 * time.Minute
)

// Planner decides which deliveries an event makes, and writes them in the transaction of the event.
type Planner struct {
	channels *Channels
	notices  *Notices
	sender   *Sender
	lease    time.Duration
	pageURL  func(incident id.ID) string
	changed  func(tenant, kind string, i id.ID)
}

// Batch is the planning of one transaction. Its use: Want…, flush, then Tell and Resolve, then Write; Committed or Dropped at the end.
type Batch struct {
	p      *Planner
	tx     *storage.Tx
	jobs   *queue.Writes
	live   map[id.ID][]*planned     // by incident
	ending map[id.ID]map[id.ID]word // incident to channels
	told   map[route]*heard
	keys   map[string]*planned
	byRun  map[id.ID][]nodeTold
	fresh  []*planned
	// renderings are the texts that Write makes.
	renderings []*rendering
	routes     *storage.Rows
	stopped    *storage.Rows
	rung       bool
}

type route struct{ incident, definition id.ID }

// word is the last that a channel heard, or may hear: numbers of the events that said that it is on, and over.
type word struct{ on, over int64 }

// heard is what became of the last event that a route told.
type heard struct {
	seq         int64
	people, hub bool // whether a channel, the hub's own inbox heard of it
	elsewhere   bool // whether it was meant for others than the inbox
}

type nodeTold struct {
	node   string
	d      *planned
	shared bool // another run waits for it too
}

// planned is a delivery as this transaction knows it.
type planned struct {
	id       id.ID
	channel  id.ID
	state    string
	reason   string
	attempts int
	live     *Live
	tell     *event.Tell // nil: stored by an earlier transaction
	// The run that makes it, and for which definition and node; zero where none waits for it.
	run, definition id.ID
	node            string
	kind            channel.Kind
	seq             int64 // of the event
	key             string
	message         id.ID
	title           string
	body            []byte
	token           id.ID // set: born leased by this process
	pass            httpclient.Pass
	lined           bool          // it has a place in line instead of a slot
	waits           time.Duration // behind an earlier one
	revived         bool          // it has a row, as held back
	severity        string
	expires         time.Time
}

func (d *planned) unfinished() bool {
	return d.state == event.StatePending || d.state == event.StateSending
}

// mayHaveArrived reports whether the receiver may know of it.
func (d *planned) mayHaveArrived() bool {
	return d.state == event.StateSending || d.state == event.StateDelivered || d.state == event.StatePending && d.reason == unknownOutcome
}

// Begin starts planning in tx; jobs collects the queue's rows.
func (p *Planner) Begin(tx *storage.Tx, jobs *queue.Writes) *Batch {
	return &Batch{
		p: p, tx: tx, jobs: jobs, live: map[id.ID][]*planned{}, ending: map[id.ID]map[id.ID]word{}, told: map[route]*heard{}, keys: map[string]*planned{},
		byRun: map[id.ID][]nodeTold{}, routes: insertRoute.Rows(), stopped: suppressDelivery.Rows(),
	}
}

// WantIncidents queues the look-ups for incidents that are told of; ending ones may be resolved.
func (b *Batch) WantIncidents(known, ending []id.ID) {
	rows := liveDeliveries.Rows()
	for _, i := range known {
		rows.Add(i)
	}
	b.tx.Query(liveDeliveries, rows, func(r storage.Row) error {
		d := &planned{}
		var incident id.ID
		if err := r.Scan(&d.id, &incident, &d.channel, &d.kind, &d.seq, &d.state, &d.reason, &d.attempts); err != nil {
			return fmt.Errorf("read a delivery: %w", err)
		}
		b.live[incident] = append(b.live[incident], d)
		return nil
	})
	rows = toldChannels.Rows()
	for _, i := range ending {
		rows.Add(i)
	}
	b.tx.Query(toldChannels, rows, func(r storage.Row) error {
		var incident, ch id.ID
		var w word
		if err := r.Scan(&incident, &ch, &w.on, &w.over); err != nil {
			return fmt.Errorf("read a told channel: %w", err)
		}
		if b.ending[incident] == nil {
			b.ending[incident] = map[id.ID]word{}
		}
		b.ending[incident][ch] = w
		return nil
	})
}

// WantTold queues the question whether a route told an incident already.
func (b *Batch) WantTold(pairs [][2]id.ID) {
	rows := routeTold.Rows()
	for _, p := range pairs {
		rows.Add(p[0], p[1])
	}
	b.tx.Query(routeTold, rows, func(r storage.Row) error {
		var k route
		d := &planned{}
		if err := r.Scan(&k.incident, &k.definition, &d.channel, &d.seq, &d.state, &d.reason); err != nil {
			return fmt.Errorf("read what a route told: %w", err)
		}
		b.hear(k, d)
		return nil
	})
}

// hear notes what became of a route's delivery; those of its newest event count.
func (b *Batch) hear(k route, d *planned) {
	h := b.told[k]
	if h == nil || d.seq > h.seq {
		h = &heard{seq: d.seq}
		b.told[k] = h
	}
	if d.seq < h.seq {
		return
	}
	if l := b.p.channels.ByID(d.channel); l != nil && l.Spec.Local {
		h.hub = h.hub || d.tells()
		return
	}
	h.elsewhere = true
	h.people = h.people || d.tells()
}

// Told reports whether the route's last word on the incident reached somebody, or was held back on purpose. As in the ledger the
// inbox counts only when it is alone: nobody is paged by it.
func (b *Batch) Told(incident, definition id.ID) bool {
	h := b.told[route{incident, definition}]
	return h != nil && (h.people || h.hub && !h.elsewhere)
}

// WantKeys queues the look-up of deliveries that these tells would make, for runs that come later than their event.
func (b *Batch) WantKeys(tells []*event.Tell) {
	rows := sameKey.Rows()
	for _, t := range tells {
		for _, l := range b.p.pick(t) {
			rows.Add(idemKey(t, l.ID))
		}
	}
	b.tx.Query(sameKey, rows, func(r storage.Row) error {
		d := &planned{}
		if err := r.Scan(&d.id, &d.key, &d.channel, &d.state, &d.reason, &d.attempts); err != nil {
			return fmt.Errorf("read a delivery: %w", err)
		}
		b.keys[d.key] = d
		return nil
	})
}

// WantRuns queues the look-up of the deliveries that runs wait for.
func (b *Batch) WantRuns(runs []id.ID) {
	rows := runDeliveries.Rows()
	for _, r := range runs {
		rows.Add(r)
	}
	b.tx.Query(runDeliveries, rows, func(r storage.Row) error {
		d := &planned{}
		var run id.ID
		n := nodeTold{d: d}
		if err := r.Scan(&run, &n.node, &d.id, &d.channel, &d.state, &d.reason, &d.attempts, &n.shared); err != nil {
			return fmt.Errorf("read a run's delivery: %w", err)
		}
		b.byRun[run] = append(b.byRun[run], n)
		return nil
	})
}

// OfRun returns what a run caused so far, by node; resolves that went by state have node "".
func (b *Batch) OfRun(run id.ID) map[string][]event.Told {
	out := map[string][]event.Told{}
	for _, n := range b.byRun[run] {
		out[n.node] = append(out[n.node], b.view(n.d))
	}
	return out
}

// HoldRun holds back what a run made and nobody has begun to send, unless another route waits for it as well. The run's deliveries
// must have been looked up.
func (b *Batch) HoldRun(run id.ID, reason string) {
	for _, n := range b.byRun[run] {
		if n.d.tell == nil && n.d.state == event.StatePending && n.d.attempts == 0 && !n.shared {
			b.holdBack(n.d, reason)
		}
	}
}

func (b *Batch) view(d *planned) event.Told {
	t := event.Told{DeliveryID: d.id, Status: d.state, Reason: d.reason, Attempts: d.attempts}
	l := d.live
	if l == nil {
		l = b.p.channels.ByID(d.channel)
	}
	if l != nil {
		t.Channel, t.Driver, t.Aside = l.Name, l.Driver, l.Spec.Local
	}
	return t
}

func idemKey(t *event.Tell, ch id.ID) string {
	subject := t.RunID
	if t.Incident != nil {
		subject = t.Incident.ID
	}
	prefix := ""
	if t.Dry {
		prefix = "dry:" + t.RunID.String() + ":"
	}
	return prefix + subject.String() + ":" + strconv.FormatInt(t.Seq, 10) + ":0:" + ch.String()
}

// pick chooses the channels of a tell, each once, in the order of their names.
func (p *Planner) pick(t *event.Tell) []*Live {
	active := p.channels.Active(t.Tenant)
	var out []*Live
	for _, l := range active {
		if slices.Contains(t.Channels, "*") || slices.Contains(t.Channels, l.Name) || slices.Contains(t.Drivers, l.Driver) {
			out = append(out, l)
		}
	}
	if len(out) == 0 && len(t.Drivers) > 0 && len(active) > 0 {
		out = active[:1] // contract: a driver without an active channel falls back to the first active channel
	}
	return out
}
