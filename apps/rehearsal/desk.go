package rehearsal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// ErrBusy refuses a second back-test beside one that is under way.
var ErrBusy = errors.New("a back-test is under way in this process; wait for it, or cancel it")

// The states of a back-test.
const (
	StateRunning  = "running"
	StateDone     = "done"
	StateFailed   = "failed"
	StateCanceled = "canceled"
)

// Job is a back-test as it stands.
type Job struct {
	ID         id.ID      `json:"id"`
	State      string     `json:"state" doc:"running, done, failed or canceled."`
	Phase      string     `json:"phase" doc:"What it is doing now."`
	Done       int        `json:"receipts_done"`
	Total      int        `json:"receipts_total" doc:"0 until they are counted."`
	StartedAt  time.Time  `json:"started_at"`
	FinishedAt *time.Time `json:"finished_at"`
	Error      string     `json:"error,omitempty"`
	Result     *Report    `json:"result" doc:"Null until it is done."`
}

// Progress is told how far a back-test is.
type Progress func(phase string, done, total int)

// Stage does the work; internal/server fits.
type Stage interface {
	// Check refuses what cannot be tried, before anything begins.
	Check(ctx context.Context, tenant string, b *Backtest) error
	Backtest(ctx context.Context, tenant string, b Backtest, tell Progress) (*Report, error)
}

// Bounds of what a desk keeps.
const (
	keptFor  = time.Hour
	keptMost = 20
)

// Desk takes back-tests in, one at a time, and keeps their results in memory for an hour.
type Desk struct {
	stage Stage
	clock clock.Clock
	log   *slog.Logger

	mu      sync.Mutex
	jobs    []*entry // oldest first
	running *entry
	closed  bool
	wg      sync.WaitGroup
}

type entry struct {
	Job

	tenant string
	cancel context.CancelFunc
}

// NewDesk returns a Desk.
func NewDesk(stage Stage, c clock.Clock, log *slog.Logger) *Desk {
	return &Desk{stage: stage, clock: c, log: log.With("app", "rehearsal")}
}

// Start begins a back-test and returns it. It refuses with ErrBusy, ErrBadInput, storage.ErrNotFound and *orchestration.InvalidDefinition.
func (d *Desk) Start(ctx context.Context, tenant string, b Backtest) (Job, error) {
	if err := d.stage.Check(ctx, tenant, &b); err != nil {
		return Job{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return Job{}, fmt.Errorf("the hub is stopping: %w", storage.ErrUnavailable)
	}
	if d.running != nil {
		return Job{}, ErrBusy
	}
	d.forget()
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	e := &entry{tenant: tenant, cancel: cancel, Job: Job{ID: id.New(), State: StateRunning, Phase: "starting", StartedAt: d.clock.Now()}}
	d.jobs, d.running = append(d.jobs, e), e
	d.wg.Go(func() {
		defer cancel()
		d.work(life, e, b)
	})
	return e.Job, nil
}

func (d *Desk) work(ctx context.Context, e *entry, b Backtest) {
	report, err := d.try(ctx, e, b)
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.clock.Now()
	d.running, e.FinishedAt, e.Phase = nil, &now, ""
	switch {
	case err == nil:
		e.State, e.Result = StateDone, report
	case ctx.Err() != nil:
		e.State = StateCanceled
	default:
		e.State, e.Error = StateFailed, err.Error()
		d.log.WarnContext(ctx, "back-test", "backtest_id", e.ID, "error", err)
	}
}

// try does the work; a slip of ours costs only this back-test.
func (d *Desk) try(ctx context.Context, e *entry, b Backtest) (report *Report, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the back-test broke: %v", p)
		}
	}()
	return d.stage.Backtest(ctx, e.tenant, b, func(phase string, done, total int) {
		d.mu.Lock()
		defer d.mu.Unlock()
		e.Phase, e.Done, e.Total = phase, done, total
	})
}

// Get returns a back-test, storage.ErrNotFound when there is none, or its hour is over.
func (d *Desk) Get(tenant string, which id.ID) (Job, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forget()
	e, err := d.find(tenant, which)
	if err != nil {
		return Job{}, err
	}
	return e.Job, nil
}

// List returns the tenant's back-tests without their results, newest first.
func (d *Desk) List(tenant string) []Job {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forget()
	out := []Job{}
	for _, e := range slices.Backward(d.jobs) {
		if e.tenant == tenant {
			j := e.Job
			j.Result = nil
			out = append(out, j)
		}
	}
	return out
}

// Cancel ends a back-test that is under way, and forgets one that is over.
func (d *Desk) Cancel(tenant string, which id.ID) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	e, err := d.find(tenant, which)
	if err != nil {
		return err
	}
	if e == d.running {
		e.cancel()
		return nil
	}
	d.jobs = slices.DeleteFunc(d.jobs, func(o *entry) bool { return o == e })
	return nil
}

func (d *Desk) find(tenant string, which id.ID) (*entry, error) {
	for _, e := range d.jobs {
		if e.ID == which && e.tenant == tenant {
			return e, nil
		}
	}
	return nil, fmt.Errorf("back-test %s: %w", which, storage.ErrNotFound)
}

// forget drops results whose time is over, and the oldest of too many.
func (d *Desk) forget() {
	old := d.clock.Now().Add(-keptFor)
	d.jobs = slices.DeleteFunc(d.jobs, func(e *entry) bool { return e.FinishedAt != nil && e.FinishedAt.Before(old) })
	if n := len(d.jobs) - keptMost; n > 0 {
		d.jobs = slices.Delete(d.jobs, 0, n)
	}
}

// Close cancels what is under way and waits for its end.
func (d *Desk) Close() {
	d.mu.Lock()
	d.closed = true
	if d.running != nil {
		d.running.cancel()
	}
	d.mu.Unlock()
	d.wg.Wait()
}
