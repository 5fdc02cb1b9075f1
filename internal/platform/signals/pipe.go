package signals

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/fault"
)

const (
	maxWaiting = 20000                  // events that wait for one backend
	maxBatches = 4096                   // in as many transactions
	flushEvery = 500 * time.Millisecond // also what a sink holds back at most
)

// sink is a backend. Its methods are called from one goroutine.
type sink interface {
	// write takes one event and returns how many were lost by that, its own or earlier ones.
	write(ctx context.Context, e *Event) (lost int)
	// flush sends what write held back, and returns how many events were lost.
	flush(ctx context.Context) (lost int)
	close()
}

// pipe is a backend with its queue.
type pipe struct {
	name    string
	sink    sink
	batches chan []Event
	waiting atomic.Int64
	dropped atomic.Int64
	over    atomic.Bool
	ctx     context.Context // of all sends; ends soon after Stop
	cancel  context.CancelFunc
}

func newPipe(name string, s sink) *pipe {
	p := &pipe{name: name, sink: s, batches: make(chan []Event, maxBatches)}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p
}

func (p *pipe) lost() int64 { return p.dropped.Load() }

func (p *pipe) offer(events []Event) {
	n := int64(len(events))
	if p.over.Load() {
		p.dropped.Add(n)
		return
	}
	if w := p.waiting.Add(n); w > maxWaiting && w != n { // one transaction may be larger than that
		p.refuse(n)
		return
	}
	select {
	case p.batches <- events:
	default:
		p.refuse(n)
	}
}

func (p *pipe) refuse(n int64) {
	p.waiting.Add(-n)
	p.dropped.Add(n)
}

// end lets sends go on until ctx ends.
func (p *pipe) end(ctx context.Context) {
	p.over.Store(true)
	context.AfterFunc(ctx, p.cancel)
}

func (p *pipe) loop(stop <-chan struct{}) {
	defer p.cancel()
	defer p.sink.close()
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case events := <-p.batches:
			p.write(events)
		case <-tick.C:
			p.flush()
		case <-stop:
			for {
				select {
				case events := <-p.batches:
					p.write(events)
					continue
				default:
				}
				p.flush()
				return
			}
		}
	}
}

func (p *pipe) write(events []Event) {
	for n := range events {
		if events[n].Run == nil {
			continue
		}
		if p.ctx.Err() != nil {
			p.dropped.Add(1)
			continue
		}
		p.dropped.Add(int64(p.sink.write(p.ctx, &events[n])))
	}
	p.waiting.Add(-int64(len(events)))
}

func (p *pipe) flush() { p.dropped.Add(int64(p.sink.flush(p.ctx))) }

// calm is how long nothing must fail until a backend counts as well again: some fail at every other send.
const calm = 30 * time.Second

// trouble logs once that a backend is broken and once that it is well again.
type trouble struct {
	log    *slog.Logger
	what   string
	broken bool
	last   clock.Stopwatch // since the last failure
}

func (t *trouble) saw(ctx context.Context, err error) {
	switch {
	case err != nil && ctx.Err() != nil: // we are stopping: that says nothing about it
	case err != nil:
		if !t.broken {
			t.log.WarnContext(ctx, "a backend does not take signals; runs go on, signals are dropped and counted",
				"backend", t.what, "error", fault.Public(err))
		}
		t.broken, t.last = true, clock.Start()
	case t.broken && t.last.Elapsed() >= calm:
		t.broken = false
		t.log.InfoContext(ctx, "a backend takes signals again", "backend", t.what)
	}
}
