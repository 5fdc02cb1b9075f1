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

// unknownOutcome is the reason on a pending delivery of which an attempt may have arrived.
const unknownOutcome = event.ReasonUnknown

// blocked is how long a delivery waits behind an earlier one of its incident and channel when nobody wakes it.
const blocked = 30 * time.Second

// How long a notification is worth sending.
const (
	expiry     = time.Hour
	expiryInfo = 15 * time.Minute
)

// worth is how long a notification of a severity is worth sending.
func worth(severity string) time.Duration {
	if severity == string(event.SeverityInfo) {
		return expiryInfo
	}
	return expiry
}

// Planner decides which deliveries an event makes, and writes them in the transaction of the event.
type Planner struct {
	channels *Channels
	notices  *Notices
	sender   *Sender
	lease    time.Duration
	hush     Hush
	pageURL  func(incident id.ID) string
	changed  func(tenant, kind string, i id.ID)
}

// Batch is the planning of one transaction. Its use: Want…, flush, then Tell and Resolve, then Write; Committed or Dropped at the end.
type Batch struct {
	p      *Planner
	tx     *storage.Tx
	jobs   *queue.Writes
	live   map[id.ID][]*planned     // by incident
	stored map[id.ID]bool           // those of them that earlier transactions stored
	ending map[id.ID]map[id.ID]word // incident to channels
	told   map[route]*heard
	keys   map[string]*planned
	byRun  map[id.ID][]nodeTold
	fresh  []*planned
	// renderings are the texts that Write makes.
	renderings []*rendering
	routes     *storage.Rows
	stopped    *storage.Rows
	quiet      map[*event.Tell]hushed
	late       map[late]lateBy     // what throttles hold back
	full       map[id.ID]time.Time // channels without room, and when there is some
	failed     error               // of a look-up in the middle of planning
	holds      map[held]heldBy
	rung       bool
	waits      []wait
	later      []func()       // what Write does after all else
	owed       map[id.ID]bool // dead deliveries that another channel may be told instead of
}

type route struct{ incident, definition id.ID }

// word is the last that a channel heard, or may hear: numbers of the events that said that it is on, and over.
type word struct{ on, over int64 }

func (w word) isOn() bool   { return w.on > w.over }
func (w word) isOver() bool { return w.over >= w.on && w.over > 0 }

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
	detail   string // the reason in a sentence
	heldBy   id.ID  // the silence
	instead  id.ID  // the delivery that tells another channel what this one did not
	owed     bool   // it is dead, and a job will decide whether another channel is told instead
	byState  bool   // told to those who were told, whatever routes and severities say
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
	made            channel.Rendered
	says            *rendering // makes its text; of several that a transaction began, the last one
	token           id.ID      // set: born leased by this process
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
	switch d.state {
	case event.StateSending, event.StateDelivered:
		return true
	case event.StatePending:
		return d.reason == unknownOutcome || d.reason == event.ReasonMayRepeat || d.reason == event.ReasonInPart
	default:
		return false
	}
}

// Begin starts planning in tx; jobs collects the queue's rows.
func (p *Planner) Begin(tx *storage.Tx, jobs *queue.Writes) *Batch {
	return &Batch{
		p: p, tx: tx, jobs: jobs, live: map[id.ID][]*planned{}, stored: map[id.ID]bool{}, ending: map[id.ID]map[id.ID]word{}, told: map[route]*heard{}, owed: map[id.ID]bool{}, keys: map[string]*planned{}, quiet: map[*event.Tell]hushed{}, holds: map[held]heldBy{},
		late: map[late]lateBy{}, full: map[id.ID]time.Time{},
		byRun: map[id.ID][]nodeTold{}, routes: insertRoute.Rows(), stopped: suppressDelivery.Rows(),
	}
}

// WantIncidents queues the look-ups for incidents that are told of; ending ones, which are among the known, may be resolved.
func (b *Batch) WantIncidents(known, ending []id.ID) {
	b.wantLive(known) // all at once: outcomes lock in this order
	if b.p.sender.db.Engine() == storage.Postgres {
		// An outcome that was booked meanwhile may have let a run go on and tell: what it told is there once its delivery was free.
		b.wantLive(ending)
	}
	rows := toldChannels.Rows()
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

// wantLive queues the look-up of what may still go out about incidents, and locks it. What is known already stays as it is known.
func (b *Batch) wantLive(incidents []id.ID) {
	rows := liveDeliveries.Rows()
	for _, i := range incidents {
		rows.Add(i)
	}
	b.tx.Query(liveDeliveries, rows, func(r storage.Row) error {
		d := &planned{}
		var incident id.ID
		if err := r.Scan(&d.id, &incident, &d.channel, &d.kind, &d.seq, &d.state, &d.reason, &d.attempts); err != nil {
			return fmt.Errorf("read a delivery: %w", err)
		}
		if !b.stored[d.id] {
			b.stored[d.id] = true
			b.live[incident] = append(b.live[incident], d)
		}
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

// Reaches reports whether the channels of t would bring its incident to somebody: one of them is on. The hub's own inbox counts until it has
// it from this route.
func (b *Batch) Reaches(t *event.Tell) bool {
	h := b.told[route{t.Incident.ID, t.DefinitionID}]
	return slices.ContainsFunc(b.p.pick(t), func(l *Live) bool { return l.Off == "" && (!l.Spec.Local || h == nil || !h.hub) })
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
		if err := r.Scan(&d.id, &d.key, &d.channel, &d.state, &d.reason, &d.detail, &d.attempts); err != nil {
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
		if err := r.Scan(&run, &n.node, &d.id, &d.channel, &d.state, &d.reason, &d.detail, &d.attempts, &d.instead, &d.owed, &n.shared); err != nil {
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

// HoldRun holds back what a run made and nobody has begun to send, unless another route waits for it as well; ends that go by state, and only
// have the run wait for them, are told all the same. The run's deliveries must have been looked up.
func (b *Batch) HoldRun(run id.ID, reason string) {
	for _, n := range b.byRun[run] {
		if n.node != "" && n.d.tell == nil && n.d.state == event.StatePending && n.d.attempts == 0 && !n.shared {
			b.holdBack(n.d, reason)
		}
	}
}

func (b *Batch) view(d *planned) event.Told {
	t := event.Told{DeliveryID: d.id, Status: d.state, Reason: d.reason, Detail: d.detail, Attempts: d.attempts, Instead: d.instead, Owed: d.owed}
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
