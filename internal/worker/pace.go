package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
)

// How often Redis is asked for rings. asynq asks at one fixed interval, queue by queue: at the millisecond that quick
// hand-over wants, that costs an eighth of a core all day. So it is given pollBusy, and pace thins out what it asks.
const (
	pollBusy = time.Millisecond
	pollIdle = 20 * time.Millisecond
	busyFor  = 500 * time.Millisecond // after a ring
	courtesy = 30 * time.Millisecond  // others have, to hear what this process rang: it has told itself already
)

// pace is a go-redis hook before asynq's dequeue script. One look at all queues stands for a round of scripts that
// would find nothing. All dequeues come from one goroutine of asynq's.
type pace struct {
	client *redis.Client
	queues []string
	stop   <-chan struct{}

	left   int             // dequeues of this round that are still to come
	pass   map[string]bool // queues of this round with a ring; nil: none
	broken bool            // the last exchange failed
	quiet  clock.Stopwatch // since the last ring that was found
	pause  time.Duration

	mu   sync.Mutex
	mine map[string]clock.Stopwatch // since this process rang a queue
}

func newPace(c *redis.Client, queues []string, stop <-chan struct{}) *pace {
	return &pace{client: c, queues: queues, stop: stop, quiet: clock.Start(), mine: map[string]clock.Stopwatch{}}
}

// rang notes that this process has rung name.
func (p *pace) rang(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mine[name] = clock.Start()
}

func (p *pace) isMine(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	w, ok := p.mine[name]
	return ok && w.Elapsed() < courtesy
}

// DialHook implements redis.Hook.
func (p *pace) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessPipelineHook implements redis.Hook.
func (p *pace) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// ProcessHook implements redis.Hook.
func (p *pace) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		name, ok := dequeues(cmd)
		if !ok {
			return next(ctx, cmd)
		}
		err := p.round(ctx)
		if err == nil && !p.pass[name] {
			err = redis.Nil
		}
		if err != nil {
			cmd.SetErr(err)
		} else {
			err = next(ctx, cmd)
		}
		p.heard(err)
		return err
	}
}

// round begins a round of dequeues when the last one is over: it waits, then asks which queues have a ring.
func (p *pace) round(ctx context.Context) error {
	if p.left > 0 {
		p.left--
		return nil
	}
	switch {
	case p.broken:
		p.wait(retryAfter)
	case p.quiet.Elapsed() < busyFor:
		p.pause = 0
	default:
		p.pause = min(p.pause+pollBusy, pollIdle)
		p.wait(p.pause)
	}
	p.pass, p.left = nil, len(p.queues)-1
	select {
	case <-p.stop:
		return nil
	default:
	}
	return p.look(ctx)
}

// look asks, in one trip, which queues have a ring that is not this process' own.
func (p *pace) look(ctx context.Context) error {
	found := make(map[string]*redis.IntCmd, len(p.queues))
	for _, name := range p.queues {
		if !p.isMine(name) {
			found[name] = nil
		}
	}
	if len(found) == 0 {
		return nil
	}
	if _, err := p.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for name := range found {
			found[name] = pipe.Exists(ctx, fmt.Sprintf(pendingKey, name))
		}
		return nil
	}); err != nil {
		return err
	}
	for name, n := range found {
		if n.Val() > 0 {
			if p.pass == nil {
				p.pass = map[string]bool{}
			}
			p.pass[name] = true
		}
	}
	return nil
}

// heard learns from the end of one dequeue.
func (p *pace) heard(err error) {
	switch {
	case err == nil: // asynq begins a new round
		p.quiet, p.left, p.broken = clock.Start(), 0, false
	case errors.Is(err, redis.Nil):
		p.broken = false
	case redis.HasErrorPrefix(err, "NOSCRIPT"): // asynq sends the script itself next
		p.left++
	default:
		p.left, p.broken = 0, true
	}
}

func (p *pace) wait(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-p.stop:
	case <-t.C:
	}
}

// dequeues recognises asynq's dequeue script by its keys, which begin with pending and paused, and returns the queue.
// Should a later asynq name them otherwise, everything works on at asynq's own interval.
func dequeues(cmd redis.Cmder) (string, bool) {
	args := cmd.Args()
	if name := cmd.Name(); (name != "evalsha" && name != "eval") || len(args) < 5 {
		return "", false
	}
	first, _ := args[3].(string)
	second, _ := args[4].(string)
	queue, ok := strings.CutPrefix(first, "asynq:{")
	if !ok || !strings.HasSuffix(second, "}:paused") {
		return "", false
	}
	return strings.CutSuffix(queue, "}:pending")
}
