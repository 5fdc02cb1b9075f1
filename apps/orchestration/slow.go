package orchestration

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/incidenthub/incidenthub/apps/orchestration/graph"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/queue"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// The queues of nodes that take their time: they run outside of every transaction, so that none waits for them.
const (
	QueueContext      = "context"
	QueueIntelligence = "intelligence"
)

// slowSlots is how many slow nodes of one queue run at once when nobody says otherwise.
const slowSlots = 128

// slow executes the nodes of one queue: begin marks a node as running, its handler works with a lease that is renewed meanwhile, and
// end books what came of it. Each of the three asks first whether the job is still held.
type slow struct {
	r      *Runner
	queue  string
	slots  int
	log    *slog.Logger
	begins *storage.Queue[*slowItem]
	ends   *storage.Queue[*slowItem]
	beats  *storage.Queue[*beat]
	poller *queue.Poller

	life context.Context // of executions; it ends when stopping has waited long enough
	cut  context.CancelFunc
	mu   sync.Mutex
	used int
	wg   sync.WaitGroup
}

// slowItem is one execution of a slow node.
type slowItem struct {
	job     queue.Job
	session *session
	held    bool
	do      *NodeContext // set by begin: execute it
	number  int          // of the execution
	at      time.Time
	took    time.Duration
	result  Result
	back    bool // handed back unharmed
}

type beat struct {
	job  queue.Job
	held bool
}

func (r *Runner) newSlow(c Config, name string) *slow {
	w := &slow{r: r, queue: name, slots: c.Slots, log: r.log.With("queue", name)}
	if w.slots <= 0 {
		w.slots = slowSlots
	}
	w.life, w.cut = context.WithCancel(context.Background())
	w.begins = storage.NewQueue(c.DB, storage.QueueOptions{Name: "begin " + name, Max: 200, Workers: 1}, w.applyBegins)
	w.ends = storage.NewQueue(c.DB, storage.QueueOptions{Name: "end " + name, Max: 200, Workers: 1}, w.applyEnds)
	w.beats = storage.NewQueue(c.DB, storage.QueueOptions{Name: "beat " + name, Max: 200, Workers: 1}, w.applyBeats)
	w.poller = &queue.Poller{Queue: name, DB: c.DB, Claims: c.Claims, Bell: c.Bell, Log: w.log, Lease: c.Lease, Room: w.room, Do: w.take}
	return w
}

func (w *slow) room() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	// A few at a time: another worker may be idle, and what waits has been looked up for somebody else a moment ago.
	free := w.slots - w.used
	return min(free, max(1, free/4))
}

func (w *slow) use(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.used += n
}

// take starts what the poller claimed.
func (w *slow) take(jobs []queue.Job) {
	for _, j := range jobs {
		w.use(1)
		w.wg.Go(func() {
			defer w.use(-1)
			w.run(&slowItem{job: j})
		})
	}
}

func (w *slow) run(it *slowItem) {
	if err := w.begins.Do(context.Background(), it); err != nil {
		it.session.dropped()
		w.log.Warn("begin a node", "run_id", it.job.Ref, "node", it.job.Node, "error", err)
		return // the lease runs out and somebody tries again
	}
	it.session.committed()
	if it.do == nil {
		return
	}
	if w.execute(it) {
		w.book(it)
	}
}

// errLeaseLost ends an execution whose job somebody else has taken over.
var errLeaseLost = errors.New("the lease was lost")

// execute runs the handler; false: its result is nobody's any more.
func (w *slow) execute(it *slowItem) bool {
	n := it.do.Node
	ctx, cancel := context.WithTimeoutCause(w.life, n.Timeout, fmt.Errorf("no answer within %s", n.Timeout))
	defer cancel()
	ctx, lose := context.WithCancelCause(ctx)
	defer lose(nil)
	var beating sync.WaitGroup
	over := make(chan struct{})
	beating.Go(func() { w.beat(ctx, it, over, lose) })
	watch := clock.Start()
	it.do.Ctx = ctx
	it.result = w.handle(it.do)
	it.took = watch.Elapsed()
	close(over)
	beating.Wait()
	switch {
	case errors.Is(context.Cause(ctx), errLeaseLost):
		w.log.Warn("a node's lease was lost, its result is dropped", "run_id", it.job.Ref, "node", it.job.Node)
		return false
	case it.result.Err == nil:
	case w.life.Err() != nil:
		it.back = true
	case ctx.Err() != nil:
		it.result = Result{Err: context.Cause(ctx), Type: "timeout", Retry: true, Input: it.result.Input}
	}
	return true
}

func (w *slow) handle(c *NodeContext) (res Result) {
	defer func() {
		if p := recover(); p != nil {
			w.log.Error("a node panicked", "node", c.Node.ID, "run_id", c.Run.ID, "panic", w.r.redact.Text(fmt.Sprint(p)), "stack", string(debug.Stack()))
			res = w.r.clean(c.Node, Result{Err: fmt.Errorf("the node broke: %v", p), Type: "panic"})
		}
	}()
	return w.r.clean(c.Node, w.r.handlers[c.Node.Spec.Type].Run(c))
}

// beat renews the lease until the execution is over.
func (w *slow) beat(ctx context.Context, it *slowItem, over <-chan struct{}, lose context.CancelCauseFunc) {
	t := time.NewTicker(w.r.lease / 3)
	defer t.Stop()
	for {
		select {
		case <-over:
			return
		case <-t.C:
		}
		b := &beat{job: it.job}
		if err := w.beats.Do(ctx, b); err != nil {
			continue // the database is away: the lease may still be there when it is back
		}
		if !b.held {
			lose(errLeaseLost)
			return
		}
	}
}

// bookEvery is how often booking is tried again while the database is away.
const bookEvery = 250 * time.Millisecond

// book stores what came of an execution. When the database stays away for longer than the lease somebody else does the work again.
func (w *slow) book(it *slowItem) {
	watch := clock.Start()
	for {
		err := w.r.current(context.Background()) // it may go on into telling
		if err == nil {
			err = w.ends.Do(context.Background(), it)
		}
		if err == nil {
			it.session.committed()
			return
		}
		it.session.dropped()
		w.log.Warn("book a node", "run_id", it.job.Ref, "node", it.job.Node, "error", err)
		if watch.Elapsed() > w.r.lease || clock.Sleep(context.Background(), bookEvery) != nil {
			return
		}
	}
}

// session starts a transaction over items whose jobs fence asks for, and loads their runs.
func (w *slow) open(tx *storage.Tx, items []*slowItem, telling bool, fence func(tx *storage.Tx, jobs []queue.Job, held func(queue.Key))) (*session, error) {
	s := w.r.begin(tx)
	byKey := map[queue.Key]*slowItem{}
	jobs := make([]queue.Job, 0, len(items))
	runs := make([]id.ID, 0, len(items))
	for _, it := range items {
		it.session.dropped()
		it.session, it.held, it.do = s, false, nil
		byKey[it.job.Key()] = it
		jobs = append(jobs, it.job)
		runs = append(runs, it.job.Ref)
	}
	if telling {
		if err := s.holdIncidents(runs, shareIncident); err != nil {
			return nil, err
		}
	}
	fence(tx, jobs, func(k queue.Key) { byKey[k].held = true })
	s.load(runs)
	if err := tx.Flush(); err != nil {
		return nil, err
	}
	if err := s.ready(); err != nil {
		return nil, err
	}
	s.told.WantRuns(unique(runs))
	s.wantFacts(s.order...)
	if telling {
		s.wantTells()
	}
	return s, tx.Flush()
}

// applyBegins marks nodes as running and collects what their handlers get.
func (w *slow) applyBegins(tx *storage.Tx, items []*slowItem) error {
	rescued := slices.ContainsFunc(items, func(it *slowItem) bool { return it.job.Rescues > 0 })
	s, err := w.open(tx, items, rescued, queue.Hold) // one that was rescued too often fails, and its run may tell
	if err != nil {
		return err
	}
	if err := s.turns(items); err != nil {
		return err
	}
	var over []queue.Job
	for _, it := range items {
		x := s.runs[it.job.Ref]
		if !it.held || x == nil {
			continue
		}
		wk := &walk{s: s, x: x}
		n, known := x.graph.Node(it.job.Node)
		st := x.state.Nodes[it.job.Node]
		switch {
		case !known || st == nil || st.Status.Final() || x.state.Run.Final():
			over = append(over, it.job)
		case it.job.Rescues > st.Rescues:
			over = append(over, it.job)
			if err := wk.step(graph.NodeRescued{Node: n.ID}); err != nil {
				return err
			}
		default:
			it.number, it.at = st.Attempt, tx.Now()
			it.do = wk.context(n, x.state.Err != nil)
			vars := it.do.Vars() // now: the transaction is over when the handler asks
			it.do.Vars, it.do.Tell = func() graph.Vars { return vars }, nil
			x.began[n.ID] = it.at
			wk.stage(n, stageStarted(it.number, it.at))
			if err := wk.step(graph.NodeStarted{Node: n.ID}); err != nil {
				return err
			}
		}
	}
	queue.Finish(tx, over, nil)
	s.write()
	return s.failure
}

// applyEnds books executions that are over.
func (w *slow) applyEnds(tx *storage.Tx, items []*slowItem) error {
	s, err := w.open(tx, items, true, queue.Finish)
	if err != nil {
		return err
	}
	for _, it := range items {
		x := s.runs[it.job.Ref]
		if !it.held || x == nil {
			continue
		}
		wk := &walk{s: s, x: x}
		n, known := x.graph.Node(it.job.Node)
		switch {
		case !known:
		case it.back:
			err = wk.step(graph.NodeReturned{Node: n.ID})
		default:
			err = wk.end(n, it.number, it.at, it.took, it.result)
		}
		if err != nil {
			return err
		}
	}
	s.write()
	return s.failure
}

func (w *slow) applyBeats(tx *storage.Tx, items []*beat) error {
	byKey := map[queue.Key]*beat{}
	jobs := make([]queue.Job, 0, len(items))
	for _, b := range items {
		b.held = false
		byKey[b.job.Key()] = b
		jobs = append(jobs, b.job)
	}
	queue.Extend(tx, jobs, w.r.lease, func(k queue.Key) { byKey[k].held = true })
	return nil
}

// stop ends claiming, waits for executions under way until ctx ends, and hands the rest back.
func (w *slow) stop(ctx context.Context) {
	w.poller.Stop()
	defer context.AfterFunc(ctx, w.cut)()
	w.wg.Wait()
	w.cut()
	w.begins.Stop()
	w.ends.Stop()
	w.beats.Stop()
}
