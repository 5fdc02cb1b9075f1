package queue

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/failpoint"
	s "github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Poll delays: at once while there is work, backing off to idle when there is none.
const (
	pollBusy = time.Millisecond
	pollIdle = time.Second
)

// Poller claims the due jobs of one queue and hands them to Do.
type Poller struct {
	Queue  string
	DB     *s.DB
	Claims *s.Queue[*Claim]
	Bell   Bell
	Log    *slog.Logger
	Lease  time.Duration
	// Room is how many jobs Do would take now; 0 or less: none.
	Room func() int
	// Choose, when set, may look for up to n due jobs in a way of its own; nil: the oldest.
	Choose func(n int) (*s.Statement, *s.Rows)
	// Do starts the work on claimed jobs and returns; it owns them from then on.
	Do func([]Job)

	stop context.CancelFunc
	wg   sync.WaitGroup
}

// Start begins to poll.
func (p *Poller) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	p.stop = cancel
	p.wg.Go(func() { p.loop(ctx) })
}

// Stop ends polling, if it ever began; jobs that were handed over are their owner's.
func (p *Poller) Stop() {
	if p.stop == nil {
		return
	}
	p.stop()
	p.wg.Wait()
}

func (p *Poller) loop(ctx context.Context) {
	wait := pollBusy
	bell := p.Bell.Wait(p.Queue)
	for {
		n, err := p.once(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			p.Log.WarnContext(ctx, "claim due jobs", "queue", p.Queue, "error", err)
			wait = pollIdle
		case n > 0, p.Room() <= 0: // work is under way: there is room again any moment
			wait = pollBusy
		default:
			wait = min(wait*2, pollIdle)
		}
		select {
		case <-ctx.Done():
			return
		case <-bell:
			wait = pollBusy
		case <-time.After(wait):
		}
	}
}

func (p *Poller) once(ctx context.Context) (int, error) {
	room := p.Room()
	if room <= 0 {
		return 0, nil
	}
	due, err := p.due(ctx)
	if err != nil || !due {
		return 0, err
	}
	c := &Claim{Queue: p.Queue, Max: room, Lease: p.Lease}
	if p.Choose != nil {
		c.Find, c.Rows = p.Choose(room)
	}
	// Not p's ctx: a claim that is committed must be worked on or given back.
	if err := p.Claims.Do(context.WithoutCancel(ctx), c); err != nil {
		return 0, err
	}
	if len(c.Jobs) > 0 {
		failpoint.Hit(failpoint.Claimed)
		p.Do(c.Jobs)
	}
	return len(c.Jobs), nil
}

// due asks a reader first, so that an idle hub writes nothing.
func (p *Poller) due(ctx context.Context) (bool, error) {
	var n int64
	q := "SELECT count(*) FROM (SELECT 1 FROM jobs WHERE queue = ? AND due_at <= ? LIMIT 1) x"
	args := []any{p.Queue, p.DB.Now()}
	if p.DB.Engine() == s.Postgres {
		q, args = "SELECT count(*) FROM (SELECT 1 FROM jobs WHERE queue = ? AND due_at <= now() LIMIT 1) x", args[:1]
	}
	if err := p.DB.Read(ctx).Raw(q, args...).Scan(&n).Error; err != nil {
		return false, s.Classify(err)
	}
	return n > 0, nil
}
