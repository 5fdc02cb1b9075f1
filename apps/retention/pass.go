package retention

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// most is how many rows one statement removes, and how many it looks at.
const most = 500

// least is how many rows a transaction removes at least: fewer would make commits of their own what costs.
const least = 10

// rest is how much longer than the work the pause after it is: pruning takes a fifth of a writer at most.
const rest = 4

// minRest is the shortest pause.
const minRest = 5 * time.Millisecond

// long is how long a transaction may take before the next one gets fewer rows: SQLite's one writer is wanted by everybody.
func long(e storage.Engine) time.Duration {
	if e == storage.SQLite {
		return 3 * time.Millisecond
	}
	return 20 * time.Millisecond
}

// limits are the points in time that a pass goes by. The zero time lies before everything: nothing of the kind goes.
type limits struct{ old, dead, bodies, snapshots, checks time.Time }

// pass is one time of pruning.
type pass struct {
	s       *Service
	lim     limits
	dry     bool
	size    int // rows for the next transaction
	removed map[string]int64
	total   map[string]int64
	fresh   map[string]int64 // removed by the transaction under way
}

func (s *Service) begin(ctx context.Context, o Options, dry bool) (*pass, error) {
	p := &pass{s: s, dry: dry, size: 4 * least, removed: map[string]int64{}}
	var err error
	if p.lim, err = s.limits(ctx, o); err != nil {
		return nil, err
	}
	if dry {
		return p, nil
	}
	st, err := s.State(ctx)
	if err != nil {
		return nil, err
	}
	p.total = st.Total
	err = s.db.From(ctx).Exec(`INSERT INTO prunes (tenant_id, began_at, removed, total) VALUES (?, ?, '{}', '{}')
		ON CONFLICT (tenant_id) DO UPDATE SET began_at = excluded.began_at, ended_at = NULL, removed = '{}', problem = ''`, s.tenant, s.db.Now()).Error
	if err != nil {
		return nil, fmt.Errorf("note that pruning begins: %w", storage.Classify(err))
	}
	return p, nil
}

// limits never lie behind what the books have been checked up to: the check counts rows, and finds what is wrong by rows that are there.
func (s *Service) limits(ctx context.Context, o Options) (limits, error) {
	now, err := s.now(ctx)
	if err != nil {
		return limits{}, err
	}
	checked, err := s.books.CheckedTo(ctx, s.tenant)
	if errors.Is(err, storage.ErrNotFound) {
		return limits{}, nil // nothing was checked, so nothing may go
	}
	if err != nil {
		return limits{}, err
	}
	before := func(keep time.Duration, latest time.Time) time.Time {
		if keep <= 0 {
			return time.Time{}
		}
		if t := now.Add(-keep); t.Before(latest) {
			return t
		}
		return latest
	}
	all := s.keep.All
	if o.OlderThan > 0 {
		all = o.OlderThan
	}
	l := limits{old: before(all, checked), bodies: before(s.keep.Bodies, checked), snapshots: before(s.keep.Snapshots, checked)}
	l.dead = before(s.keep.Dead, l.old)
	if l.checks = before(checksKept, checked); l.old.After(l.checks) {
		l.checks = l.old
	}
	return l, nil
}

// now is the earlier of the clocks of process and database, so that one of them running ahead removes nothing too early.
func (s *Service) now(ctx context.Context) (time.Time, error) {
	now := s.db.Now()
	if s.db.Engine() != storage.Postgres {
		return now, nil
	}
	var theirs time.Time
	if err := s.db.Read(ctx).Raw("SELECT now()").Row().Scan(&theirs); err != nil {
		return now, fmt.Errorf("ask the database for the time: %w", storage.Classify(err))
	}
	if theirs.Before(now) {
		return theirs.UTC(), nil
	}
	return now, nil
}

func (p *pass) run(ctx context.Context) error {
	for _, sw := range sweeps {
		if err := p.sweep(ctx, sw); err != nil {
			return fmt.Errorf("prune %s: %w", sw.name, err)
		}
	}
	if p.dry || !p.s.auditDue(len(p.removed) > 0) {
		return nil
	}
	return p.s.books.Audit(ctx, p.s.tenant)
}

func (s *Service) auditDue(removed bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.audited.Elapsed(); !removed || e > 0 && e < auditEvery {
		return false
	}
	s.audited = clock.Start()
	return true
}

// finish notes the end of a pass, also of one that was cut short.
func (p *pass) finish(ctx context.Context, err error) error {
	problem := ""
	if err != nil && ctx.Err() == nil {
		problem = err.Error()
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	end := p.s.db.From(last).Exec("UPDATE prunes SET ended_at = ?, problem = ? WHERE tenant_id = ?", p.s.db.Now(), problem, p.s.tenant).Error
	if end != nil {
		end = fmt.Errorf("note that pruning has ended: %w", storage.Classify(end))
	}
	if len(p.removed) > 0 {
		p.s.log.InfoContext(last, "pruned", "rows", p.removed)
	}
	return errors.Join(err, end)
}

func encode(counts map[string]int64) string {
	raw, err := json.Marshal(counts)
	if err != nil { // a map of numbers
		return "{}"
	}
	return string(raw)
}
