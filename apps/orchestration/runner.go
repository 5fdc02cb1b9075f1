package orchestration

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/orchestration/graph"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/queue"
	"github.com/incidenthub/incidenthub/internal/platform/redact"
	"github.com/incidenthub/incidenthub/internal/platform/signals"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// maxRescues is how many lost leases a fold survives.
const maxRescues = 10

// Runner carries runs through their graphs.
type Runner struct {
	db             *storage.DB
	clock          clock.Clock
	log            *slog.Logger
	bell           queue.Bell
	lease          time.Duration
	catalog        *Catalog
	handlers       map[string]Handler
	random         func() float64
	enrichLocal    time.Duration // how long a notify node waits for enrichment
	enrichProvider time.Duration // the same when a provider is asked
	remote         func(tenant string) bool
	teller         func(tx *storage.Tx, jobs *queue.Writes) TellBatch
	ledger         func(tx *storage.Tx) LedgerBatch
	changed        func(tenant string, kind string, i id.ID)
	nodes          *storage.Queue[*nodeItem]
	backs          *storage.Queue[queue.Back]
	signals        *signals.Signals
	redact         *redact.Redactor
	reload         func(ctx context.Context) error
	pushTime       bool // expressions see the time of the push
	inPlace        bool // nothing goes to a queue
	fold           *Folder
	poller         *queue.Poller
}

func (r *Runner) handle(c *NodeContext) (res Result) {
	h := r.handlers[c.Node.Spec.Type]
	if h == nil {
		return Result{Err: fmt.Errorf("this release cannot run nodes of type %q yet", c.Node.Spec.Type), Type: "unknown_node_type"}
	}
	defer func() {
		if p := recover(); p != nil {
			r.log.Error("a node panicked", "node", c.Node.ID, "type", c.Node.Spec.Type, "run_id", c.Run.ID, "panic", r.redact.Text(fmt.Sprint(p)))
			res = r.clean(c.Node, Result{Err: fmt.Errorf("the node broke: %v", p), Type: "panic"})
		}
	}()
	return r.clean(c.Node, h.Run(c))
}

// announce tells listeners (pages) what a fold changed.
func (r *Runner) announce(it *foldItem) {
	if r.changed == nil {
		return
	}
	r.changed(it.receipt.Tenant, "receipt", it.receipt.ID)
	for _, c := range it.folded.Incidents {
		r.changed(it.receipt.Tenant, "incident", c.Incident.ID)
	}
}

// current reads the configuration again if another process has changed it. Accepting does that too, but what is accepted may be carried on
// elsewhere, and whoever tells must know every channel that there was by then.
func (r *Runner) current(ctx context.Context) error {
	now, err := r.db.Generation(ctx)
	if err != nil || now == r.catalog.now.Load().generation {
		return err
	}
	return r.reload(ctx)
}

// nodeItem is a claimed job of a run's node.
type nodeItem struct {
	job     queue.Job
	held    bool
	session *session
}

// do starts what the poller claimed from the ingest queue.
func (r *Runner) do(jobs []queue.Job) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := r.current(ctx); err != nil {
		r.log.Warn("look for a changed configuration", "error", err)
		return // the leases run out and somebody tries again
	}
	var receipts []queue.Job
	for _, j := range jobs {
		if j.Kind == JobFold {
			receipts = append(receipts, j)
			continue
		}
		it := &nodeItem{job: j}
		r.nodes.Submit(it, func(err error) {
			if err != nil {
				it.session.dropped()
				r.log.Warn("go on with a node", "run_id", j.Ref, "node", j.Node, "error", err)
				return
			}
			it.session.committed()
		})
	}
	if len(receipts) == 0 {
		return
	}
	parts, err := r.fold.parts(ctx, receipts)
	if err != nil {
		r.log.Warn("look at receipts to fold", "error", err)
		return // the leases run out and somebody tries again
	}
	for n, p := range parts {
		if n > 0 && r.fold.full() {
			r.giveBack(parts[n:])
			return
		}
		r.take(ctx, p)
	}
}

// giveBack leaves claimed receipts to the queue that are too many for the memory.
func (r *Runner) giveBack(parts [][]queue.Job) {
	for _, j := range slices.Concat(parts...) {
		r.backs.Submit(queue.Back{Job: j}, func(err error) {
			if err != nil { // the lease runs out, which is later and harmless
				r.log.Warn("give a receipt back to the queue", "receipt_id", j.Ref, "error", err)
			}
		})
	}
}

// take reads claimed receipts and folds them.
func (r *Runner) take(ctx context.Context, receipts []queue.Job) {
	items, err := r.fold.load(ctx, receipts)
	if err != nil {
		r.log.WarnContext(ctx, "load receipts to fold", "error", err)
		return
	}
	for _, it := range items {
		r.fold.hold(it)
		r.fold.submit(it)
	}
}

// applyNodes goes on with nodes that run in place: retries and deadlines.
func (r *Runner) applyNodes(tx *storage.Tx, items []*nodeItem) error {
	s := r.begin(tx)
	byKey := map[queue.Key]*nodeItem{}
	jobs := make([]queue.Job, 0, len(items))
	runs := make([]id.ID, 0, len(items))
	for _, it := range items {
		it.session.dropped()
		it.session, it.held = s, false
		byKey[it.job.Key()] = it
		jobs = append(jobs, it.job)
		runs = append(runs, it.job.Ref)
	}
	if err := s.holdIncidents(runs, shareIncident); err != nil {
		return err
	}
	queue.Finish(tx, jobs, func(k queue.Key) { byKey[k].held = true })
	s.load(runs)
	if err := tx.Flush(); err != nil {
		return err
	}
	if err := s.ready(); err != nil {
		return err
	}
	s.told.WantRuns(runs)
	s.wantFacts(s.order...)
	s.wantTells()
	if err := tx.Flush(); err != nil {
		return err
	}
	for _, it := range items {
		x := s.runs[it.job.Ref]
		if !it.held || x == nil {
			continue
		}
		if err := s.job(x, it.job); err != nil {
			return err
		}
	}
	s.write()
	return s.failure
}

func (s *session) job(x *run, j queue.Job) error {
	w := &walk{s: s, x: x}
	switch j.Kind {
	case JobDeadline:
		return w.step(graph.DeadlineExceeded{Node: j.Node})
	case JobExpiry:
		err := w.step(graph.RunExpired{})
		if late := x.state.Err; late != nil && late.Type == graph.ReasonDeadline { // it may go on for a while, to tell
			x.errType, x.errMessage, x.errRetryable = late.Type, late.Message, late.Retryable
		}
		return err
	}
	st := x.state.Nodes[j.Node]
	switch {
	case st == nil || x.state.Run.Final() || st.Status.Final():
		return nil
	case j.Rescues > st.Rescues:
		return w.step(graph.NodeRescued{Node: j.Node})
	default:
		return w.execute(j.Node, st.Attempt, x.state.Err != nil)
	}
}

// tell plans deliveries; a run that comes later than its event first looks what is there already.
func (s *session) tell(t *event.Tell) ([]event.Told, error) {
	if s.alerts == nil && (t.Incident == nil || t.Dry || !s.foreseen[occasion{t.Incident.ID, t.Seq}]) {
		if t.Incident != nil {
			s.told.WantIncidents([]id.ID{t.Incident.ID}, nil)
		}
		s.told.WantKeys([]*event.Tell{t})
		if err := s.tx.Flush(); err != nil {
			s.failure = errors.Join(s.failure, err) // of the database and not of the node, which would end the run for it
			return nil, err
		}
	}
	return s.told.Tell(t)
}

// occasion is what deliveries are about.
type occasion struct {
	incident id.ID
	seq      int64
}

// wantTells queues the look-up of what the loaded runs may find when they come to tell, for all of them at once, after holdIncidents.
func (s *session) wantTells() {
	s.foreseen = map[occasion]bool{}
	var tells []*event.Tell
	for _, x := range s.order {
		o := occasion{x.incidentID, x.eventSeq}
		if x.incidentID.IsZero() || x.state.Run.Final() || s.foreseen[o] {
			continue
		}
		s.foreseen[o] = true
		tells = append(tells, &event.Tell{Tenant: x.tenant, Incident: &event.Incident{ID: x.incidentID}, Seq: x.eventSeq, Channels: []string{"*"}})
	}
	if len(tells) > 0 {
		s.told.WantKeys(tells)
	}
}

// Outcomes is the runs' part of a transaction that books deliveries. Its methods are those of notify's RunBatch.
type Outcomes struct{ s *session }

// BeginOutcomes starts it. told and jobs are written by the caller.
func (r *Runner) BeginOutcomes(tx *storage.Tx, told TellBatch, jobs *queue.Writes) *Outcomes {
	s := r.begin(tx)
	s.told, s.jobs = told, jobs
	return &Outcomes{s}
}

// Load queues the look-up of runs.
func (o *Outcomes) Load(runs []id.ID) { o.s.load(runs) }

// Delivered brings a run up to date with its deliveries, by node.
func (o *Outcomes) Delivered(run id.ID, told map[string][]event.Told) error {
	if err := o.s.ready(); err != nil {
		return err
	}
	x := o.s.runs[run]
	if x == nil {
		return nil
	}
	for _, n := range x.graph.Nodes {
		st := x.state.Nodes[n.ID]
		if list := told[n.ID]; len(list) > 0 && st != nil && !st.Status.Final() && !x.state.Run.Final() {
			if output, failed, over := NotifyOutputOf(list); over {
				if err := o.s.notified(x, n, st, output, failed); err != nil {
					return err
				}
			}
		}
	}
	return o.s.failure
}

func (s *session) notified(x *run, n *graph.Node, st *graph.NodeState, output NotifyOutput, failed bool) error {
	w := &walk{s: s, x: x}
	res := Result{Output: output}
	if failed {
		res = Result{Err: ErrAllDead, Type: "all_deliveries_dead", Output: output}
	}
	if cfg, ok := n.Config.(*graph.NotifyConfig); ok {
		res.Input = NotifyInputOf(cfg, x.eventKind)
	}
	var took time.Duration
	at := x.began[n.ID]
	if at.IsZero() {
		at = s.tx.Now()
	}
	took = s.tx.Now().Sub(at)
	return w.end(n, st.Attempt, at, took, res)
}

// NotifyInput is what a notify node records as its input.
type NotifyInput struct {
	Channels []string        `json:"channels"`
	Drivers  []string        `json:"drivers,omitempty"`
	Event    event.EventKind `json:"event"`
}

// NotifyInputOf is the input of a notify node that tells of an event.
func NotifyInputOf(cfg *graph.NotifyConfig, happened event.EventKind) NotifyInput {
	return NotifyInput{Channels: cfg.Channels, Drivers: cfg.AllDrivers(), Event: happened}
}

// NotifyOutput is what a notify node gives out: its deliveries as they stand.
type NotifyOutput struct {
	Attempted  int          `json:"channels_attempted"`
	Failed     int          `json:"channels_failed"`
	Succeeded  int          `json:"channels_succeeded"`
	Deliveries []event.Told `json:"deliveries"`
	Note       string       `json:"note,omitempty"`
}

// ErrAllDead is the failure of a notify node none of whose deliveries went out.
var ErrAllDead = errors.New("none of the channels could be told")

// NotifyOutputOf sums up the deliveries of a notify node. over: each is final or has finished its first attempt; failed: all are dead.
func NotifyOutputOf(told []event.Told) (output NotifyOutput, failed, over bool) {
	attempted, succeeded, dead := 0, 0, 0
	over = true
	for _, t := range told {
		over = over && t.Tried()
		switch t.Status {
		case event.StateDelivered:
			attempted, succeeded = attempted+1, succeeded+1
		case event.StateDead:
			attempted, dead = attempted+1, dead+1
		case event.StateSuppressed:
		default:
			attempted++
		}
	}
	output = NotifyOutput{Attempted: attempted, Succeeded: succeeded, Failed: dead, Deliveries: told}
	return output, dead > 0 && dead == len(told), over
}

// Write queues the runs' rows.
func (o *Outcomes) Write() { o.s.writeRuns() }

// Committed is called after the commit.
func (o *Outcomes) Committed() {
	o.s.over.Store(true)
	o.s.emit()
	o.s.ring()
	if o.s.r.changed == nil {
		return
	}
	for _, x := range o.s.order {
		o.s.r.changed(x.tenant, "run", x.id)
	}
}

// Dropped is called when there was none.
func (o *Outcomes) Dropped() { o.s.over.Store(true) }
