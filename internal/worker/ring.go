package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/incidenthub/incidenthub/internal/platform/failpoint"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

const (
	taskType   = "ring"
	taskTime   = 10 * time.Second     // asynq counts it from the start of the handler, which does next to nothing
	ringGap    = 3 * time.Millisecond // rings that come closer together are one
	ringTime   = 2 * time.Second      // to ring all queues that are asked for
	retryAfter = time.Second          // while Redis is away
	beatEvery  = 5 * time.Second      // between looks at a Redis that nobody rings by
	enough     = 32                   // rings that wait: one more would wake nobody
	pendingKey = "asynq:{%s}:pending" // asynq's list of a queue's waiting tasks
)

// counts are since the start of the process.
type counts struct {
	asked  atomic.Int64 // calls of Ring
	sent   atomic.Int64 // tasks enqueued
	spared atomic.Int64 // not enqueued: enough were waiting
	failed atomic.Int64 // attempts that failed and were made again later
	heard  atomic.Int64 // tasks received
}

// ringer sends rings in its own time. Those who ask only leave a name.
type ringer struct {
	b      *Bell
	client *asynq.Client
	wake   chan struct{}
	mu     sync.Mutex
	names  map[string]struct{}
}

func newRinger(b *Bell) *ringer {
	r := &ringer{b: b, wake: make(chan struct{}, 1), names: map[string]struct{}{}}
	r.renew()
	return r
}

// want leaves a name.
func (r *ringer) want(name string) {
	r.b.counts.asked.Add(1)
	r.mu.Lock()
	r.names[name] = struct{}{}
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (r *ringer) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	names := make([]string, 0, len(r.names))
	for name := range r.names {
		names = append(names, name)
	}
	clear(r.names)
	return names
}

// putBack keeps names for when Redis is back.
func (r *ringer) putBack(names []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range names {
		r.names[name] = struct{}{}
	}
}

func (r *ringer) loop() {
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	for {
		select {
		case <-r.b.stop:
			return
		case <-r.wake:
		case <-beat.C:
			r.renew()
		}
		for r.once() != nil {
			r.renew()
			if !r.wait(retryAfter) {
				return
			}
		}
		if !r.wait(ringGap) {
			return
		}
	}
}

// renew forgets which queues asynq's client has written into its list of queues: it writes each once, and Redis may have
// been emptied.
func (r *ringer) renew() { r.client = asynq.NewClientFromRedisClient(r.b.client) }

// wait reports false when the bell was stopped.
func (r *ringer) wait(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-r.b.stop:
		return false
	case <-t.C:
		return true
	}
}

// once rings what was asked for; with nothing to ring it only looks whether Redis is there.
func (r *ringer) once() error {
	ctx, cancel := context.WithTimeout(context.Background(), ringTime)
	defer cancel()
	names := r.take()
	err := r.send(ctx, names)
	select {
	case <-r.b.stop: // cut short: that says nothing about Redis
		return err
	default:
	}
	if err != nil {
		r.b.counts.failed.Add(1)
		r.putBack(names)
	}
	r.b.health.saw(err)
	return err
}

func (r *ringer) send(ctx context.Context, names []string) error {
	if len(names) == 0 {
		return r.b.client.Ping(ctx).Err()
	}
	waiting := make([]*redis.IntCmd, len(names))
	if _, err := r.b.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for n, name := range names {
			waiting[n] = p.LLen(ctx, fmt.Sprintf(pendingKey, name))
		}
		return nil
	}); err != nil {
		return fmt.Errorf("look for rings that wait: %w", err)
	}
	for n, name := range names {
		if waiting[n].Val() >= enough {
			r.b.counts.spared.Add(1)
			continue
		}
		r.b.pace.rang(name)
		// A new id each time: an old one may be taken for ever, by a task whose worker died.
		_, err := r.client.EnqueueContext(ctx, asynq.NewTask(taskType, nil), asynq.TaskID("ring:"+id.New().String()),
			asynq.Queue(name), asynq.MaxRetry(0), asynq.Timeout(taskTime))
		if err != nil && !errors.Is(err, asynq.ErrTaskIDConflict) { // a conflict: the answer to the first try was lost
			return fmt.Errorf("ring %s: %w", name, err)
		}
		r.b.counts.sent.Add(1)
		failpoint.Hit(failpoint.Rung)
	}
	return nil
}

func unique(names []string) []string {
	names = slices.Clone(names)
	slices.Sort(names)
	return slices.Compact(names)
}
