package worker

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hibiken/asynq"

	"github.com/incidenthub/incidenthub/internal/platform/fault"
)

const (
	viewTime = 2 * time.Second // that a page waits for Redis
	viewLife = time.Second     // that an answer serves
)

// View is what Redis says about rings. It says nothing about work: that is in the jobs table.
type View struct {
	At      time.Time    `json:"at"`
	Away    string       `json:"away"` // why there are neither queues nor servers, as a sentence; "" when there are
	Queues  []QueueView  `json:"queues"`
	Servers []ServerView `json:"servers"`
	Rings   RingCounts   `json:"rings"`
}

// QueueView is one queue of rings. Processed and Failed are of today (UTC), the totals since Redis was last empty.
type QueueView struct {
	Name           string  `json:"name"`
	Weight         int     `json:"weight"`
	Size           int     `json:"size"`
	Pending        int     `json:"pending"`
	Active         int     `json:"active"`
	Processed      int     `json:"processed"`
	Failed         int     `json:"failed"`
	ProcessedTotal int     `json:"processed_total"`
	FailedTotal    int     `json:"failed_total"`
	LatencySeconds float64 `json:"latency_seconds"` // age of the oldest ring that waits
	Paused         bool    `json:"paused"`
}

// ServerView is one process that listens. A killed one is seen for another 10 s.
type ServerView struct {
	ID        string    `json:"id"`
	Host      string    `json:"host"`
	PID       int       `json:"pid"`
	Queues    []string  `json:"queues"`
	StartedAt time.Time `json:"started_at"`
	Status    string    `json:"status"`
}

// RingCounts are of this process since its start.
type RingCounts struct {
	Asked  int64 `json:"asked"`  // rings asked for
	Sent   int64 `json:"sent"`   // sent through Redis; less, because close ones are one
	Spared int64 `json:"spared"` // not sent: enough were waiting
	Failed int64 `json:"failed"` // attempts that failed
	Heard  int64 `json:"heard"`  // received
}

// without is what there is to see without Redis.
func without(at time.Time, why string) View {
	return View{At: at, Away: why, Queues: []QueueView{}, Servers: []ServerView{}}
}

// viewer reads at most once at a time and once a second, however many ask.
type viewer struct {
	mu      sync.Mutex
	work    sync.WaitGroup
	running chan struct{} // closed when a read ends; nil: none runs
	last    View
}

// View never fails and waits at most 2 s; without Redis it says since when.
func (b *Bell) View(ctx context.Context) View {
	v := b.view(ctx)
	v.Rings = b.Rings()
	return v
}

// Away says at once why Redis takes no rings, as a sentence, and "" while it does.
func (b *Bell) Away() string {
	if away, since, why := b.health.state(); away {
		return fmt.Sprintf("Redis is away since %s: %s", since.Format(time.RFC3339), why)
	}
	return ""
}

// Rings are the counts of this process.
func (b *Bell) Rings() RingCounts {
	c := &b.counts
	return RingCounts{Asked: c.asked.Load(), Sent: c.sent.Load(), Spared: c.spared.Load(), Failed: c.failed.Load(), Heard: c.heard.Load()}
}

func (b *Bell) view(ctx context.Context) View {
	now := b.clock.Now()
	if away := b.Away(); away != "" {
		return without(now, away)
	}
	v := &b.viewer
	v.mu.Lock()
	if now.Sub(v.last.At) < viewLife && !now.Before(v.last.At) {
		defer v.mu.Unlock()
		return v.last
	}
	select {
	case <-b.stop:
		v.mu.Unlock()
		return without(now, "the hub is stopping")
	default:
	}
	if v.running == nil {
		v.running = make(chan struct{})
		v.work.Go(func() { b.read(v.running) })
	}
	running := v.running
	v.mu.Unlock()
	limit := time.NewTimer(viewTime)
	defer limit.Stop()
	select {
	case <-running:
		v.mu.Lock()
		defer v.mu.Unlock()
		return v.last
	case <-limit.C:
		return without(now, "Redis does not answer in "+viewTime.String())
	case <-ctx.Done():
		return without(now, "Redis did not answer in time")
	}
}

func (b *Bell) read(over chan struct{}) {
	got := without(b.clock.Now(), "")
	if err := got.fill(asynq.NewInspectorFromRedisClient(b.client), b.queues); err != nil {
		got = without(got.At, "Redis does not answer: "+fault.Public(err))
	}
	b.viewer.mu.Lock()
	defer b.viewer.mu.Unlock()
	b.viewer.last, b.viewer.running = got, nil
	close(over)
}

func (v *View) fill(i *asynq.Inspector, own []string) error {
	known, err := i.Queues()
	if err != nil {
		return fmt.Errorf("list queues: %w", err)
	}
	for _, name := range unique(slices.Concat(known, own, Queues())) {
		q := QueueView{Name: name, Weight: weight(name)}
		if slices.Contains(known, name) { // the others have not been rung since Redis was last empty
			info, err := i.GetQueueInfo(name)
			if err != nil && !strings.Contains(err.Error(), "NOT_FOUND") { // flushed since
				return fmt.Errorf("read queue %s: %w", name, err)
			}
			if err == nil {
				q.set(info)
			}
		}
		v.Queues = append(v.Queues, q)
	}
	slices.SortStableFunc(v.Queues, func(a, b QueueView) int { return b.Weight - a.Weight })
	servers, err := i.Servers()
	if err != nil {
		return fmt.Errorf("list servers: %w", err)
	}
	for _, s := range servers {
		view := ServerView{ID: s.ID, Host: s.Host, PID: s.PID, StartedAt: s.Started.UTC(), Status: s.Status}
		for name := range s.Queues {
			view.Queues = append(view.Queues, name)
		}
		slices.Sort(view.Queues)
		v.Servers = append(v.Servers, view)
	}
	slices.SortFunc(v.Servers, func(a, b ServerView) int { return a.StartedAt.Compare(b.StartedAt) })
	return nil
}

func (q *QueueView) set(i *asynq.QueueInfo) {
	q.Size, q.Pending, q.Active, q.Paused = i.Size, i.Pending, i.Active, i.Paused
	q.Processed, q.Failed, q.ProcessedTotal, q.FailedTotal = i.Processed, i.Failed, i.ProcessedTotal, i.FailedTotal
	q.LatencySeconds = i.Latency.Seconds()
}
