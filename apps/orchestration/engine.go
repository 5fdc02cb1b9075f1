package orchestration

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/queue"
	"github.com/incidenthub/incidenthub/internal/platform/redact"
	"github.com/incidenthub/incidenthub/internal/platform/signals"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Config is what the engine needs from others.
type Config struct {
	DB       *storage.DB
	Log      *slog.Logger
	Clock    clock.Clock
	Bell     queue.Bell
	Claims   *storage.Queue[*queue.Claim]
	Catalog  *Catalog
	Handlers map[string]Handler
	Lease    time.Duration
	// Slots is how many slow nodes of each queue run at once in this process; 0: 8.
	Slots int
	// Default is the definition for pushes that no route takes, "" for none.
	Default string
	// Alerts, Teller and Ledger start the other apps' parts of a transaction.
	Alerts func(tx *storage.Tx, receipts []*event.Receipt) AlertFold
	Teller func(tx *storage.Tx, jobs *queue.Writes) TellBatch
	Ledger func(tx *storage.Tx) LedgerBatch
	// Remote reports whether the active provider of analyses is asked over the network, so that notifications wait longer for it; nil: it is.
	Remote func(tenant string) bool
	// Reload reads every cached configuration again.
	Reload func(ctx context.Context) error
	// Redact takes secrets out of what nodes take in, give out and say; nil: it knows none of the hub's own.
	Redact *redact.Redactor
	// Signals is told what runs do; nil: nobody.
	Signals *signals.Signals
	// PushTime makes the time at which a push came in the now of its runs' expressions, and InPlace runs every node within the
	// transaction that comes to it, none by a queue. Both are for rehearsals.
	PushTime, InPlace bool
	// Changed is told what pages may want to show anew; it must not block.
	Changed func(tenant, kind string, i id.ID)
}

// Engine takes pushes in, folds them, and runs pipelines.
type Engine struct {
	Intake *Intake
	Runner *Runner
	folder *Folder
	slow   []*slow
}

// Enrichment deadlines of notify nodes.
const (
	enrichLocal    = 5 * time.Second
	enrichProvider = 20 * time.Second
)

// New wires the engine. The order of its queues is the order of work within one SQLite transaction: folds before accepts.
func New(c Config) (*Engine, error) {
	if c.DB == nil || c.Log == nil || c.Bell == nil || c.Catalog == nil || c.Alerts == nil || c.Teller == nil || c.Ledger == nil || c.Reload == nil {
		return nil, errors.New("orchestration: DB, Log, Bell, Catalog, Alerts, Teller, Ledger and Reload are required")
	}
	if c.Clock == nil {
		c.Clock = clock.System()
	}
	if c.Redact == nil {
		c.Redact = redact.New()
	}
	log := c.Log.With("app", "orchestration")
	r := &Runner{
		db: c.DB, clock: c.Clock, log: log, bell: c.Bell, lease: c.Lease, catalog: c.Catalog, handlers: c.Handlers, random: rand.Float64,
		enrichLocal: enrichLocal, enrichProvider: enrichProvider, remote: c.Remote, teller: c.Teller, ledger: c.Ledger, changed: c.Changed,
		signals: c.Signals, reload: c.Reload, pushTime: c.PushTime, inPlace: c.InPlace,
		redact: c.Redact,
	}
	f := &Folder{db: c.DB, clock: c.Clock, log: log, bell: c.Bell, runner: r, alerts: c.Alerts, waiters: map[id.ID][]chan *event.Folded{}}
	f.life, f.end = context.WithCancel(context.Background())
	r.fold = f
	i := &Intake{db: c.DB, catalog: c.Catalog, fold: f, lease: c.Lease, reload: c.Reload, ledger: c.Ledger, Default: c.Default}
	least := leastPostgres
	if c.DB.Engine() == storage.SQLite {
		least = leastSQLite
	}
	f.folds = storage.NewQueue(c.DB, storage.QueueOptions{
		Name: "fold", Max: maxFoldBatch, MaxWeight: maxBatch, Workers: 2, Share: func(waiting int) int { return f.share(waiting, int(i.underWay.Load()), least) },
	}, f.apply)
	r.nodes = storage.NewQueue(c.DB, storage.QueueOptions{Name: "node", Max: 100, Workers: 1}, r.applyNodes)
	r.backs = storage.NewQueue(c.DB, storage.QueueOptions{Name: "give back", Max: maxFoldBatch, Workers: 1}, func(tx *storage.Tx, backs []queue.Back) error {
		queue.GiveBack(tx, backs, nil)
		return nil
	})
	i.accept = storage.NewQueue(c.DB, storage.QueueOptions{Name: "accept", Max: 500, MaxWeight: maxBatch, Workers: 2}, i.applyAccepts)
	r.poller = &queue.Poller{Queue: QueueIngest, DB: c.DB, Claims: c.Claims, Bell: c.Bell, Log: log, Lease: c.Lease, Room: f.room, Do: r.do}
	e := &Engine{Intake: i, Runner: r, folder: f}
	for _, q := range []string{QueueContext, QueueIntelligence} {
		e.slow = append(e.slow, r.newSlow(c, q))
	}
	return e, nil
}

// Start begins to claim what is due in these queues; others are left to other processes, and with the queue of folding what is taken in
// here as well.
func (e *Engine) Start(queues []string) {
	if slices.Contains(queues, QueueIngest) {
		e.Runner.poller.Start()
	} else {
		e.folder.elsewhere.Store(true)
	}
	for _, w := range e.slow {
		if slices.Contains(queues, w.queue) {
			w.poller.Start()
		}
	}
}

// Stop ends claiming, finishes what this process holds, and stops the queues: intake first. What cannot be stored until ctx ends is
// left to the queue.
func (e *Engine) Stop(ctx context.Context) {
	defer e.folder.end()
	defer context.AfterFunc(ctx, e.folder.end)()
	e.Runner.poller.Stop()
	var slow sync.WaitGroup
	for _, w := range e.slow {
		slow.Go(func() { w.stop(ctx) })
	}
	slow.Wait()
	e.Intake.accept.Stop()
	e.folder.wg.Wait()
	e.folder.folds.Stop()
	e.Runner.nodes.Stop()
	e.Runner.backs.Stop()
}

// Wait returns what the fold of a receipt did, or nil when ctx ends first.
func (e *Engine) Wait(ctx context.Context, tenant string, receipt id.ID) *event.Folded {
	return e.folder.Wait(ctx, tenant, receipt)
}
