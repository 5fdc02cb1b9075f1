package notify

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/queue"
	s "github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Runs is told what became of deliveries, in the transaction that books it.
type Runs interface {
	// BeginOutcomes starts the work of one transaction.
	BeginOutcomes(tx *s.Tx, told *Batch, jobs *queue.Writes) RunBatch
}

// RunBatch is the runs' part of one transaction of outcomes.
type RunBatch interface {
	// Load queues the look-up of runs.
	Load(runs []id.ID)
	// Delivered brings a run up to date with its deliveries, by node.
	Delivered(run id.ID, told map[string][]event.Told) error
	// Tell is what a loaded run's notify node has to say, once more; nil when the run or its node is gone.
	Tell(run id.ID, node string) (*event.Tell, error)
	// Again takes back what the books say of a loaded run: one of its deliveries is tried again.
	Again(run id.ID)
	Write()
	Committed()
	Dropped()
}

var (
	deliveryRoutes = s.Lookup([]s.Column{s.Col("id", s.UUID)}, `
		SELECT d.id AS delivery_id, d.run_id FROM deliveries d WHERE d.id = v.id AND d.run_id IS NOT NULL
		UNION ALL SELECT r.delivery_id, r.run_id FROM delivery_routes r WHERE r.delivery_id = v.id`)

	// lockDelivery keeps others from planning behind a delivery while its end is booked: they would not be woken by it.
	lockDelivery = s.Lookup([]s.Column{s.Col("id", s.UUID)}, `SELECT t.id FROM deliveries t WHERE t.id = v.id LIMIT 1 {lock}`)

	// nextInLine is the first delivery that may have waited for this one: the others wait for it. One that waits for its next attempt did not. Those
	// that the transaction ends as well have no jobs any more.
	nextInLine = s.Lookup([]s.Column{s.Col("id", s.UUID)}, `
		SELECT f.id FROM (
			SELECT l.id, l.event_seq, l.next_at, l.own_seq FROM (
				SELECT o.id, o.event_seq, o.next_at, d.event_seq AS own_seq FROM deliveries d
				JOIN deliveries o ON o.incident_id = d.incident_id AND o.channel_id = d.channel_id
				WHERE d.id = v.id AND o.id <> d.id AND o.state = 'pending' ORDER BY o.event_seq LIMIT 100000
			) l WHERE COALESCE((SELECT true FROM jobs j WHERE j.kind = 'deliver' AND j.ref = l.id AND j.node = '' LIMIT 1), false) ORDER BY l.event_seq LIMIT 1
		) f WHERE f.event_seq > f.own_seq OR f.next_at IS NULL`)

	bookDelivery = s.Update("deliveries", []s.Column{
		s.Col("id", s.UUID), s.Col("state", s.Text), s.Col("reason", s.Text), s.Col("attempts", s.Int), s.Col("next_at", s.Time), s.Col("finished_at", s.Time), s.Col("detail", s.Text), s.Col("unsure", s.Bool),
	}, "state = v.state, reason = v.reason, detail = v.detail, attempts = v.attempts, next_at = v.next_at, sending_since = NULL, finished_at = v.finished_at, unsure = t.unsure OR v.unsure", "t.id = v.id", "")

	// nameMessage keeps the receiver's name for a message, of several parts that of the first.
	nameMessage = s.Update("messages", []s.Column{s.Col("id", s.UUID), s.Col("provider_ref", s.Text), s.Col("sent", s.Int)},
		`provider_ref = CASE WHEN v.provider_ref = '' OR t.sent > 0 AND t.provider_ref <> '' THEN t.provider_ref ELSE v.provider_ref END,
		sent = CASE WHEN v.sent > t.sent THEN v.sent ELSE t.sent END`, "t.id = v.id", "")

	insertAttempt = s.Insert("message_attempts", []s.Column{
		s.Col("message_id", s.UUID), s.Col("n", s.Int), s.Col("tenant_id", s.Text), s.Col("at", s.Time), s.Col("status", s.Int),
		s.Col("latency_us", s.Int), s.Col("verdict", s.Text), s.Col("error", s.Text), s.Col("response", s.Text),
	}, "ON CONFLICT (message_id, n) DO NOTHING")
)

// outcome is what became of one attempt, or of a delivery that needs none.
type outcome struct {
	job      queue.Job
	channel  id.ID
	message  id.ID
	n        int
	at       time.Time
	latency  time.Duration
	result   channel.Result
	state    string
	reason   string
	detail   string        // the reason in a sentence
	after    time.Duration // until the next attempt, when pending
	unsure   bool          // this attempt, or one before it, may have arrived all the same
	unsent   bool          // nothing was sent: only the books are settled
	undo     bool          // the books say that it is on the wire, and it is not
	returned bool          // cut off by the end of the process: handed back, no failure
	batch    *outcomes     // the last transaction that took it
	held     bool          // the fence held in it: what it says is stored
	tries    int           // of booking that failed
}

// outcomes is one transaction of outcomes; its members share it.
type outcomes struct {
	told   *Batch
	runs   RunBatch
	booked []queue.Job
	over   bool
}

func (o *outcomes) committed() {
	if !o.over {
		o.over = true
		for _, j := range o.booked {
			o.told.p.changed(j.Tenant, "delivery", j.Ref)
		}
		o.told.Committed()
		o.runs.Committed()
	}
}

func (o *outcomes) dropped() {
	if o != nil && !o.over {
		o.over = true
		o.told.Dropped()
		o.runs.Dropped()
	}
}

// applyOutcomes books a batch: fence first, then only what is still ours.
func (p *Planner) applyOutcomes(tx *s.Tx, runs Runs, items []*outcome) error {
	jobs := queue.NewWrites(p.lease)
	b := &outcomes{told: p.Begin(tx, jobs)}
	b.runs = runs.BeginOutcomes(tx, b.told, jobs)
	byID := make(map[id.ID]*outcome, len(items))
	var done []queue.Job
	var back []queue.Back
	routes, locks := deliveryRoutes.Rows(), lockDelivery.Rows()
	for _, i := range sortedRefs(items) {
		locks.Add(i)
	}
	for _, o := range items {
		o.batch.dropped()
		o.batch, o.held = b, false
		byID[o.job.Ref] = o
		b.booked = append(b.booked, o.job)
		routes.Add(o.job.Ref)
		if o.state == event.StatePending {
			back = append(back, queue.Back{Job: o.job, After: o.after, Failed: !o.returned})
		} else {
			done = append(done, o.job)
		}
	}
	held := map[id.ID]bool{}
	hold := func(k queue.Key) { held[k.Ref], byID[k.Ref].held = true, true }
	queue.Finish(tx, done, hold)
	queue.GiveBack(tx, back, hold)
	if p.sender.db.Engine() == s.Postgres {
		tx.Query(lockDelivery, locks, func(s.Row) error { return nil })
	}
	waiting := map[id.ID][]id.ID{} // run to deliveries
	tx.Query(deliveryRoutes, routes, func(r s.Row) error {
		var delivery, run id.ID
		if err := r.Scan(&delivery, &run); err != nil {
			return fmt.Errorf("read a route: %w", err)
		}
		waiting[run] = append(waiting[run], delivery)
		return nil
	})
	if err := tx.Flush(); err != nil {
		return err
	}
	runIDs := make([]id.ID, 0, len(waiting))
	for run, deliveries := range waiting {
		for _, d := range deliveries {
			if held[d] {
				runIDs = append(runIDs, run)
				break
			}
		}
	}
	b.told.WantRuns(runIDs)
	b.runs.Load(runIDs)
	b.told.wakeNext(items, held)
	b.told.followUp(items, held)
	if err := tx.Flush(); err != nil {
		return err
	}
	b.told.overlay(byID, held)
	for _, run := range runIDs {
		if err := b.runs.Delivered(run, b.told.OfRun(run)); err != nil {
			return err
		}
	}
	writeOutcomes(tx, items, held)
	b.runs.Write()
	b.told.Write()
	jobs.Queue(tx)
	return nil
}

// sortedRefs are the deliveries of a batch in the order in which everybody locks them.
func sortedRefs(items []*outcome) []id.ID {
	out := make([]id.ID, 0, len(items))
	for _, o := range items {
		out = append(out, o.job.Ref)
	}
	slices.SortFunc(out, func(x, y id.ID) int { return bytes.Compare(x[:], y[:]) })
	return out
}

// wakeNext makes the next delivery due that waited behind one that is over.
func (b *Batch) wakeNext(items []*outcome, held map[id.ID]bool) {
	rows := nextInLine.Rows()
	for _, o := range items {
		if held[o.job.Ref] && o.state != event.StatePending {
			rows.Add(o.job.Ref)
		}
	}
	b.tx.Query(nextInLine, rows, func(r s.Row) error {
		var next id.ID
		if err := r.Scan(&next); err != nil {
			return fmt.Errorf("read a waiting delivery: %w", err)
		}
		if !held[next] {
			b.jobs.Wake(queue.Key{Kind: JobDeliver, Ref: next}, 0)
			b.rung = true
		}
		return nil
	})
}

// overlay puts the new states over what the look-ups found.
func (b *Batch) overlay(items map[id.ID]*outcome, held map[id.ID]bool) {
	for _, list := range b.byRun {
		for _, n := range list {
			if o := items[n.d.id]; o != nil && held[n.d.id] {
				n.d.state, n.d.attempts, n.d.owed = o.state, max(n.d.attempts, o.n), b.owed[n.d.id]
				if !o.unsent || o.reason != "" {
					n.d.reason, n.d.detail = o.reason, o.detail
				}
			}
		}
	}
}

func writeOutcomes(tx *s.Tx, items []*outcome, held map[id.ID]bool) {
	deliveries, names, attempts := bookDelivery.Rows(), nameMessage.Rows(), insertAttempt.Rows()
	for _, o := range items {
		if !held[o.job.Ref] || o.unsent && o.reason == "" && !o.undo {
			continue
		}
		next, finished := time.Time{}, tx.Now()
		if o.state == event.StatePending {
			next, finished = tx.Now().Add(o.after), time.Time{}
		}
		n := o.n
		deliveries.Add(o.job.Ref, o.state, o.reason, n, next, finished, o.detail, o.unsure)
		if !o.unsent {
			if o.result.ProviderRef != "" || o.result.Sent > 0 {
				names.Add(o.message, o.result.ProviderRef, o.result.Sent)
			}
			attempts.Add(o.message, o.n, o.job.Tenant, o.at, o.result.Status, int(o.latency.Microseconds()), string(o.result.Verdict),
				o.result.Error, o.result.Response)
		}
	}
	tx.Exec(bookDelivery, deliveries)
	tx.Exec(nameMessage, names)
	tx.Exec(insertAttempt, attempts)
}
