package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/failpoint"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/queue"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// The queue of what is told by the clock. A job's due time is when it is looked at: whether it is to be told is decided then, by what
// the tables say, in the transaction that tells it.
const (
	QueueTimers = "timers"
	// JobRemind reminds a channel (node) of an incident (ref). It lives for as long as there may be something to remind of.
	JobRemind = "remind"
	// JobFallback tells another channel what a delivery (ref) did not, or not in time.
	JobFallback = "fallback"
	// jobWindow brings the reminders of a channel (ref) in step with its window; node is the last incident that was looked at.
	jobWindow = "window"
	// jobHand ends an attempt by hand (ref is its delivery) whose process did not come back.
	jobHand = "hand"
)

// timerSlots is how many jobs of this queue a process works on at once.
const timerSlots = 64

// Incidents is what telling by the clock needs of incidents; internal/server fits apps/alerts to it.
type Incidents interface {
	// Look reads an incident with its alerts and keeps it as it is until tx ends; seq is the number of the event whose kind is asked for.
	// A missing one is storage.ErrNotFound.
	Look(tx *storage.Tx, tenant string, incident id.ID, seq int64) (*Subject, error)
	// Act gives an incident an event; refusals wrap event.ErrRefused. The subject's Seq is the event's number.
	Act(tx *storage.Tx, a event.Act) (*Subject, error)
	// Known is what pipelines have found out about an incident, as Tell.Outputs has it; nil when that is nothing.
	Known(tx *storage.Tx, tenant string, incident id.ID) (map[string]any, error)
}

// Subject is an incident to tell of.
type Subject struct {
	Incident *event.Incident
	Alerts   []*event.Alert // in no order
	Kind     event.EventKind
	Seq      int64
}

// Timers tells what the clock asks for: reminders, and other channels instead of those that cannot be reached.
type Timers struct {
	db        *storage.DB
	log       *slog.Logger
	planner   *Planner
	incidents Incidents
	runs      Runs
	lease     time.Duration
	poller    *queue.Poller
	items     *storage.Queue[*timed]
	acts      *storage.Queue[*again]

	mu   sync.Mutex
	used int
	wg   sync.WaitGroup
}

// timed is one job on its way, or the work of one transaction by hand.
type timed struct {
	job  queue.Job
	tell *telling
}

// telling is what one transaction tells beside pipelines, and what it does to the runs that wait for it.
type telling struct {
	told *Batch
	runs RunBatch
	jobs *queue.Writes
	over bool
}

func (w *Timers) begin(tx *storage.Tx) *telling {
	jobs := queue.NewWrites(w.lease)
	t := &telling{told: w.planner.Begin(tx, jobs), jobs: jobs}
	t.runs = w.runs.BeginOutcomes(tx, t.told, jobs)
	return t
}

func (t *telling) write(tx *storage.Tx) {
	t.runs.Write()
	t.told.Write()
	t.jobs.Queue(tx)
}

// settled ends the telling of a transaction, by what became of it.
func (t *telling) settled(err error) {
	if t == nil || t.over {
		return
	}
	t.over = true
	if err != nil {
		t.told.Dropped()
		t.runs.Dropped()
		return
	}
	failpoint.Hit(failpoint.Decided)
	t.told.Committed()
	t.runs.Committed()
}

var errAgain = errors.New("the transaction is done again")

// attach makes the classes of work. On Postgres a transaction holds one incident at most: folds lock several in an order of their own.
func (w *Timers) attach(runs Runs) {
	w.runs = runs
	most := 20
	if w.db.Engine() == storage.Postgres {
		most = 1
	}
	w.items = storage.NewQueue(w.db, storage.QueueOptions{Name: "timer", Max: most, Workers: 1}, func(tx *storage.Tx, items []*timed) error {
		for _, it := range items {
			if err := w.apply(tx, it); err != nil {
				return err
			}
		}
		return nil
	})
	w.acts = storage.NewQueue(w.db, storage.QueueOptions{Name: "resend", Max: most, Workers: 1}, func(tx *storage.Tx, items []*again) error {
		for _, it := range items {
			if err := w.resend(tx, it); err != nil {
				return err
			}
		}
		return nil
	})
}

// Start begins to take jobs that are due.
func (w *Timers) Start() { w.poller.Start() }

func (w *Timers) stop() {
	w.poller.Stop()
	w.wg.Wait()
	w.items.Stop()
	w.acts.Stop()
}

func (w *Timers) room() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return min(timerSlots-w.used, claimMax)
}

func (w *Timers) use(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.used += n
}

// do starts what the poller claimed.
func (w *Timers) do(jobs []queue.Job) {
	for _, j := range jobs {
		w.use(1)
		w.wg.Add(1)
		it := &timed{job: j}
		w.items.Submit(it, func(err error) {
			defer w.wg.Done()
			defer w.use(-1)
			it.tell.settled(err)
			if err != nil { // the lease runs out and somebody tries again
				w.log.WarnContext(context.Background(), "tell by the clock", "kind", j.Kind, "ref", j.Ref, "node", j.Node, "error", err)
			}
		})
	}
}

// apply does one job. The job is fenced after the incident and its deliveries are locked, in the order in which everybody locks them, and
// before anything is written.
func (w *Timers) apply(tx *storage.Tx, it *timed) error {
	it.tell.settled(errAgain)
	it.tell = w.begin(tx)
	var err error
	switch it.job.Kind {
	case JobRemind:
		err = w.remind(tx, it)
	case JobFallback:
		err = w.fallback(tx, it)
	case jobWindow:
		err = w.window(tx, it)
	case jobAfter:
		err = w.after(tx, it)
	case JobThrottle:
		err = w.throttle(tx, it)
	case jobHand:
		err = w.abandoned(tx, it)
	default:
		err = fmt.Errorf("timers do not know jobs of kind %q", it.job.Kind)
	}
	if err != nil {
		return err
	}
	it.tell.write(tx)
	failpoint.Hit(failpoint.Deciding)
	return nil
}

// fence sends what is queued and reports whether the job is still ours.
func (it *timed) fence(tx *storage.Tx) (held bool, err error) {
	queue.Hold(tx, []queue.Job{it.job}, func(queue.Key) { held = true })
	err = tx.Flush()
	return held, err
}

// done ends the job.
func (it *timed) done(tx *storage.Tx) { queue.Finish(tx, []queue.Job{it.job}, nil) }

// later puts the job off, by one that begins anew: it may live for as long as its incident, and the leases that it lost in all that time do
// not make it one that nobody can do.
func (it *timed) later(tx *storage.Tx, after time.Duration) {
	it.done(tx)
	j := it.job
	it.tell.jobs.Insert(tx, queue.New{Kind: j.Kind, Ref: j.Ref, Node: j.Node, Tenant: j.Tenant, Queue: QueueTimers, After: max(after, 0)})
}
