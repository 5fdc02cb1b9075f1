// Package retention removes what is over and old: alerts, runs, deliveries and incidents with all that belongs to them. It goes through
// the tables by primary key, in small transactions with pauses, beside the hub's work. What is not over stays, however old it is, and
// the ledger's totals stay as well.
package retention

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// ErrBusy is returned while a process prunes already; it wraps event.ErrRefused.
var ErrBusy = fmt.Errorf("pruning is under way already: %w", event.ErrRefused)

// Keep is how long what is over is kept; 0 is for ever.
type Keep struct {
	All       time.Duration // everything; the other times end before it or make it longer
	Bodies    time.Duration // raw bodies of pushes
	Snapshots time.Duration // what nodes of runs got and gave out
	Dead      time.Duration // what failed: at least All
}

// Books is what pruning needs of the ledger; *ledger.Checker fits.
type Books interface {
	// CheckedTo is up to where the books are right for good, storage.ErrNotFound before the first check.
	CheckedTo(ctx context.Context, tenant string) (time.Time, error)
	// RollUp replaces final rows by totals and returns how many there were.
	RollUp(ctx context.Context, tenant string, receipts []id.ID, from, to int64) (int64, error)
	// Pruned notes how many observations a transaction removes.
	Pruned(ctx context.Context, tenant string, observations int64) error
	// Audit compares what is there and what was pruned with what was ever accepted.
	Audit(ctx context.Context, tenant string) error
}

// Config holds what a Service needs.
type Config struct {
	DB     *storage.DB
	Log    *slog.Logger
	Books  Books
	Tenant string
	Keep   Keep
}

// Times of the loop.
const (
	firstAfter = 2 * time.Minute // a start has other things to do
	every      = time.Hour
	auditEvery = 24 * time.Hour
)

// Service prunes the rows of one tenant. It is safe for concurrent use.
type Service struct {
	db     *storage.DB
	log    *slog.Logger
	books  Books
	tenant string
	keep   Keep

	running sync.WaitGroup
	ctx     context.Context // ends with Stop; of passes that nobody waits for
	end     context.CancelFunc

	mu      sync.Mutex // guards what follows
	busy    bool
	floors  map[string]id.ID // by sweep: everything below was looked at and is gone for good
	audited clock.Stopwatch
}

// New returns a Service. It starts nothing.
func New(c Config) (*Service, error) {
	if c.DB == nil || c.Log == nil || c.Books == nil || c.Tenant == "" {
		return nil, errors.New("retention: DB, Log, Books and Tenant are required")
	}
	s := &Service{db: c.DB, log: c.Log.With("app", "retention"), books: c.Books, tenant: c.Tenant, keep: c.Keep, floors: map[string]id.ID{}}
	s.ctx, s.end = context.WithCancel(context.Background())
	return s, nil
}

// Start prunes every hour from now on.
func (s *Service) Start() {
	s.running.Go(func() {
		for wait := firstAfter; clock.Sleep(s.ctx, wait) == nil; wait = every {
			if err := s.Prune(s.ctx, Options{}); err != nil && s.ctx.Err() == nil && !errors.Is(err, ErrBusy) {
				s.log.WarnContext(s.ctx, "prune", "error", err)
			}
		}
	})
}

// Stop ends what is under way after its transaction and waits for that.
func (s *Service) Stop() {
	s.end()
	s.running.Wait()
}

// Options of one pass.
type Options struct {
	// OlderThan prunes what is over and older than this, instead of what the settings say; bodies and snapshots that may go by the settings go as
	// well, and what failed stays as long as the settings say. 0: by the settings.
	OlderThan time.Duration
}

// Begin prunes once without the caller waiting for it; State tells how far it is.
func (s *Service) Begin(ctx context.Context, o Options) error {
	begun := make(chan error, 1)
	s.running.Go(func() {
		err := s.prune(s.ctx, o, func() { begun <- nil })
		select {
		case begun <- err:
		default:
			if err != nil && s.ctx.Err() == nil {
				s.log.WarnContext(s.ctx, "prune", "error", err)
			}
		}
	})
	select {
	case err := <-begun:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Prune prunes once, or returns ErrBusy.
func (s *Service) Prune(ctx context.Context, o Options) error { return s.prune(ctx, o, func() {}) }

func (s *Service) prune(ctx context.Context, o Options, begun func()) error {
	s.mu.Lock()
	if s.busy {
		s.mu.Unlock()
		return ErrBusy
	}
	s.busy = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.busy = false
		s.mu.Unlock()
	}()
	got, err := s.db.Alone(ctx, "prune "+s.tenant, func() error {
		p, err := s.begin(ctx, o, false)
		if err != nil {
			return err
		}
		begun()
		return p.finish(ctx, p.run(ctx))
	})
	if err == nil && !got {
		return ErrBusy
	}
	return err
}

// Preview counts what Prune would remove, roughly: what hangs on other rows is counted as if those had gone. It counts runs, receipts,
// deliveries that no run made, messages that no delivery has, alerts and incidents, with bodies and snapshots; not what goes with them.
func (s *Service) Preview(ctx context.Context, o Options) (map[string]int64, error) {
	p, err := s.begin(ctx, o, true)
	if err != nil {
		return nil, err
	}
	return p.removed, p.run(ctx)
}

// State is what pruning did last, and ever.
type State struct {
	BeganAt *time.Time       `json:"began_at" doc:"When pruning began last; null before the first time."`
	EndedAt *time.Time       `json:"ended_at" doc:"When it had ended; null while it is at work, or when its process was killed."`
	Problem string           `json:"problem" doc:"What kept it from its end, in words."`
	Removed map[string]int64 `json:"removed" doc:"Rows removed then, by table."`
	Total   map[string]int64 `json:"total" doc:"Rows ever removed, by table."`
	Oldest  *time.Time       `json:"oldest" doc:"When the oldest push that is kept came in; null when there is none."`
}

type stateRow struct {
	BeganAt        time.Time
	EndedAt        *time.Time
	Problem        string
	Removed, Total []byte
}

// oldestPush asks for a range that all ids are in: without one SQLite sorts the whole table.
const oldestPush = `SELECT id FROM receipts WHERE tenant_id = @tenant AND id > @after ORDER BY id LIMIT 1`

// State reads what pruning did last, in whatever process.
func (s *Service) State(ctx context.Context) (State, error) {
	st := State{Removed: map[string]int64{}, Total: map[string]int64{}}
	var rows []stateRow
	err := s.db.Read(ctx).Raw(`SELECT began_at, ended_at, problem, removed, total FROM prunes WHERE tenant_id = ?`, s.tenant).Scan(&rows).Error
	if err != nil {
		return st, fmt.Errorf("read what was pruned: %w", storage.Classify(err))
	}
	for _, r := range rows {
		st.BeganAt, st.EndedAt, st.Problem = &r.BeganAt, r.EndedAt, r.Problem
		if err := errors.Join(json.Unmarshal(r.Removed, &st.Removed), json.Unmarshal(r.Total, &st.Total)); err != nil {
			return st, fmt.Errorf("read what was pruned: %w", err)
		}
	}
	var oldest []id.ID
	if err := s.db.Read(ctx).Raw(oldestPush, map[string]any{"tenant": s.tenant, "after": before(time.Time{})}).Scan(&oldest).Error; err != nil {
		return st, fmt.Errorf("look for the oldest push: %w", storage.Classify(err))
	}
	for _, i := range oldest {
		at := i.Time()
		st.Oldest = &at
	}
	return st, nil
}
