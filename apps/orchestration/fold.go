package orchestration

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/orchestration/graph"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/queue"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// The queue of folding and of nodes that go on in place.
const (
	QueueIngest = "ingest"
	JobFold     = "fold"
	JobNode     = "node"
	JobDeadline = "deadline" // of a notify node's enrichment
	JobExpiry   = "expiry"   // of a run
)

// Bounds of folding.
const (
	maxInMemory  = 20_000 // observations handed over in memory; the rest stays due in the table
	maxFoldBatch = 200
	// maxBatch is how many observations one transaction takes, unless a single push has more.
	maxBatch = 4000
	// The least that is folded at once while accepts wait: on Postgres a transaction of its own, with three round trips.
	leastSQLite, leastPostgres = 8, 50
	// burst is how many accepts under way are many.
	burst     = 16
	crowdTime = 20 * time.Millisecond
)

// AlertFold is the alerts' part of a fold; internal/server fits apps/alerts to it.
type AlertFold interface {
	Lock()
	Load()
	Fold(r *event.Receipt) *event.Folded
	Retell(incident id.ID, trace, why string, at time.Time) int64
	Incident(i id.ID) *event.Incident
	KnownAlert(tenant string, o *event.Stored) *event.Alert
	OpenIncident(tenant, groupKey string) *event.Incident
	Write()
}

// TellBatch is the notifications' part of a transaction; internal/server fits apps/notify to it.
type TellBatch interface {
	WantIncidents(known, ending []id.ID)
	WantTold(pairs [][2]id.ID)
	WantKeys(tells []*event.Tell)
	WantRuns(runs []id.ID)
	Told(incident, definition id.ID) bool
	Reaches(t *event.Tell) bool
	Tell(t *event.Tell) ([]event.Told, error)
	Resolve(t *event.Tell, waiting []event.Waiter) int
	Acknowledge(t *event.Tell) int
	Reopen(t *event.Tell) int
	OfRun(run id.ID) map[string][]event.Told
	HoldRun(run id.ID, reason string)
	Reopened(tenant string, incident id.ID) error
	Write()
	Committed()
	Dropped()
}

// foldItem is one receipt on its way into alerts, incidents and runs.
type foldItem struct {
	job         queue.Job
	receipt     *event.Receipt
	rows        []*event.LedgerRow // observation × definition, as accepted
	runs        []*foldRun
	origin      string
	environment string
	source      string // of its runs
	entry       string
	accepted    []event.LedgerRow // rows as they were before the first try of the fold
	folded      *event.Folded
	held        bool
	session     *session
}

// reset puts the rows back to where folding begins: a try whose transaction did not commit has left its decisions in them.
func (it *foldItem) reset() {
	it.held, it.folded = false, nil
	if it.accepted == nil {
		for _, r := range it.rows {
			r.Trace = slices.Clip(r.Trace)
			it.accepted = append(it.accepted, *r)
		}
	}
	for n, r := range it.rows {
		*r = it.accepted[n]
	}
}

// foldRun is a run that was accepted with the receipt.
type foldRun struct {
	id    id.ID
	route *Route
	rows  []*event.LedgerRow
}

// Folder folds receipts, once each, and carries their runs as far as they go in place.
type Folder struct {
	db     *storage.DB
	clock  clock.Clock
	log    *slog.Logger
	bell   queue.Bell
	runner *Runner
	alerts func(tx *storage.Tx, receipts []*event.Receipt) AlertFold
	folds  *storage.Queue[*foldItem]
	life   context.Context // of waiting for another try
	end    context.CancelFunc
	// elsewhere leaves what is taken in to other processes.
	elsewhere atomic.Bool

	mu      sync.Mutex
	held    int
	usual   float64      // observations of a claimed receipt
	crowded atomic.Int64 // until when folding has only its share, Unix time in ns
	credit  int          // receipts accepted since folding had its last share
	waiters map[id.ID][]chan *event.Folded
	wg      sync.WaitGroup
}

// reserve makes room for a receipt to be folded in this process.
func (f *Folder) reserve(it *foldItem) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.held >= maxInMemory || f.elsewhere.Load() {
		return false
	}
	f.held += it.Weight()
	return true
}

// hold counts what this process has claimed.
func (f *Folder) hold(it *foldItem) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held += it.Weight()
}

func (f *Folder) unreserve(it *foldItem) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held -= it.Weight()
}

// Weight is what a receipt weighs: its observations.
func (it *foldItem) Weight() int { return max(1, len(it.receipt.Observations)) }

func (f *Folder) room() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return min(maxInMemory-f.held, max(1, int(maxBatch/max(f.usual, float64(maxBatch)/maxFoldBatch))))
}

// met notes how many observations claimed receipts have, so that the next claim is as many as can be folded within their leases.
func (f *Folder) met(receipts, observations int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := float64(observations) / float64(max(1, receipts))
	f.usual = max(now, (3*f.usual+now)/4)
}

// full reports whether so much is in memory that claimed receipts should wait before they are read.
func (f *Folder) full() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.held >= maxInMemory
}

// share is how many receipts to fold now, of those that wait. A burst is taken in first, since senders wait for their answer and
// nothing accepted is lost: while many accepts are under way, folding gets a part of their number, larger when much is waiting to be folded.
func (f *Folder) share(waiting, accepts, least int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if accepts < burst && f.clock.Now().UnixNano() > f.crowded.Load() {
		f.credit = 0
		return waiting
	}
	part := 4
	if f.held > maxInMemory/2 {
		part = 2
	}
	n := min(waiting, f.credit/part)
	if n < min(waiting, least) {
		return 0
	}
	f.credit -= n * part
	return n
}

// crowd notes that many accepts are under way. It holds for a moment: senders need as long to come back with the next ones.
func (f *Folder) crowd() { f.crowded.Store(f.clock.Now().Add(crowdTime).UnixNano()) }

// accepted counts a receipt towards folding's share.
func (f *Folder) accepted() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.credit = min(f.credit+1, maxInMemory)
}

// submit folds an item whose job this process holds.
func (f *Folder) submit(item *foldItem) {
	f.wg.Add(1)
	f.folds.Submit(item, func(err error) {
		if err == nil {
			defer f.wg.Done()
			f.unreserve(item)
			if item.held {
				item.session.committed()
				f.done(item)
			}
			return
		}
		item.session.dropped() // here, where the members of a batch come one after the other: they share the session
		go f.again(item, err)
	})
}

// again tries a fold that failed once more while its lease lasts; after that the queue has it.
func (f *Folder) again(item *foldItem, err error) {
	defer f.wg.Done()
	f.log.Warn("fold a receipt", "receipt_id", item.receipt.ID, "error", err)
	wait := 250 * time.Millisecond
	if !item.job.Held(f.clock.Now(), wait+5*time.Second) || clock.Sleep(f.life, wait) != nil {
		f.unreserve(item)
		return
	}
	f.submit(item)
}

// Wait returns what the fold of a receipt did, once it is folded; nil when ctx ends first.
func (f *Folder) Wait(ctx context.Context, tenant string, receipt id.ID) *event.Folded {
	ch := make(chan *event.Folded, 1)
	f.mu.Lock()
	f.waiters[receipt] = append(f.waiters[receipt], ch)
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		delete(f.waiters, receipt)
		f.mu.Unlock()
	}()
	for {
		// The fold may be over already, or another process may do it.
		if folded, err := f.stored(ctx, tenant, receipt); err == nil && folded != nil {
			return folded
		}
		select {
		case folded := <-ch:
			return folded
		case <-ctx.Done():
			return nil
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (f *Folder) stored(ctx context.Context, tenant string, receipt id.ID) (*event.Folded, error) {
	var row struct {
		Result *storage.JSON[event.Counters] `gorm:"column:result"`
	}
	err := f.db.Read(ctx).Raw(`SELECT result FROM receipts WHERE id = ? AND tenant_id = ? AND folded_at IS NOT NULL`, receipt, tenant).Scan(&row).Error
	if err != nil || row.Result == nil {
		return nil, storage.Classify(err)
	}
	return &event.Folded{Counters: row.Result.V}, nil
}

func (f *Folder) done(item *foldItem) {
	f.mu.Lock()
	for _, ch := range f.waiters[item.receipt.ID] {
		ch <- item.folded
	}
	delete(f.waiters, item.receipt.ID)
	f.mu.Unlock()
	f.runner.announce(item)
}

// apply folds a batch of receipts in one transaction: fence, two rounds of look-ups, everything in memory, one round of writes.
func (f *Folder) apply(tx *storage.Tx, items []*foldItem) error {
	s := f.runner.begin(tx)
	byKey := map[queue.Key]*foldItem{}
	receipts := make([]*event.Receipt, 0, len(items))
	jobs := make([]queue.Job, 0, len(items))
	for _, it := range items {
		it.session.dropped()
		it.session = s
		it.reset()
		byKey[it.job.Key()] = it
		jobs = append(jobs, it.job)
		receipts = append(receipts, it.receipt)
	}
	s.alerts = f.alerts(tx, receipts)
	queue.Finish(tx, jobs, func(k queue.Key) { byKey[k].held = true })
	s.alerts.Lock()
	if err := tx.Flush(); err != nil {
		return err
	}
	mine := make([]*foldItem, 0, len(items))
	for _, it := range items {
		if it.held {
			mine = append(mine, it)
		}
	}
	if len(mine) == 0 {
		return nil
	}
	s.alerts.Load()
	s.wants(mine)
	if err := tx.Flush(); err != nil {
		return err
	}
	slices.SortFunc(mine, func(a, b *foldItem) int { return cmp.Compare(a.firstSeq(), b.firstSeq()) })
	for _, it := range mine {
		if it.job.Rescues > maxRescues {
			s.poison(it)
			continue
		}
		it.folded = s.alerts.Fold(it.receipt)
		if err := s.fold(it); err != nil {
			return fmt.Errorf("fold receipt %s: %w", it.receipt.ID, err)
		}
	}
	s.write()
	return s.failure
}

// poison gives up a receipt whose fold lost its worker again and again: it is dead, visible, and can be reprocessed by hand.
func (s *session) poison(it *foldItem) {
	it.folded = &event.Folded{Counters: event.Counters{Errors: []string{"given up after its worker was lost too often"}}}
	for _, row := range it.rows {
		if row.State == event.StatePending {
			row.State, row.Reason = event.StateDead, event.ReasonPoison
		}
	}
	s.rows = append(s.rows, it.rows...)
	for _, fr := range it.runs {
		x := &run{
			id: fr.id, tenant: it.receipt.Tenant, definition: fr.route.ID, graph: fr.route.Graph, state: graph.NewState(), folded: true,
			errType: event.ReasonPoison, errMessage: it.folded.Counters.Errors[0], finishedAt: s.tx.Now(),
		}
		s.add(x)
		x.state.Run = graph.RunFailed
	}
	s.folded.Add(it.receipt.ID, encode(it.folded.Counters), s.tx.Now())
}

func (it *foldItem) firstSeq() int64 {
	if len(it.receipt.Observations) == 0 {
		return 0
	}
	return it.receipt.Observations[0].Seq
}
