package host

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
)

// Defaults of Shared.
const (
	DefaultMaxAge = 15 * time.Second // how long an answer is handed out again
	DefaultGap    = time.Second      // between the two samples of a pair
	// patience is how long a look at the host may take once everybody may share it.
	patience = 30 * time.Second
)

// Pairer is a Probe that has two samples for rates at hand.
type Pairer interface {
	// Pair returns two samples at least gap apart, the older one first. Both may be shared: do not change them.
	Pair(ctx context.Context, gap time.Duration) (first, second *Sample, err error)
}

// Pair takes two samples at least gap apart (0: 1 s), or takes those that p has at hand.
func Pair(ctx context.Context, p Probe, gap time.Duration) (first, second *Sample, err error) {
	if p, ok := p.(Pairer); ok {
		return p.Pair(ctx, gap)
	}
	return pair(ctx, p, gap)
}

func pair(ctx context.Context, p Probe, gap time.Duration) (first, second *Sample, err error) {
	if gap <= 0 {
		gap = DefaultGap
	}
	if first, err = p.Sample(ctx); err != nil {
		return nil, nil, fmt.Errorf("take the first sample: %w", err)
	}
	if err = p.Wait(ctx, gap); err != nil {
		return nil, nil, fmt.Errorf("wait between two samples: %w", err)
	}
	if second, err = p.Sample(ctx); err != nil {
		return nil, nil, fmt.Errorf("take the second sample: %w", err)
	}
	return first, second, nil
}

// Shared is a Probe whose looks at the host are shared: who asks while one is under way gets its answer, and an answer is handed out again
// until it is MaxAge old. What it returns belongs to all: do not change it. One caller's leaving does not end what others wait for.
//
// Samples, pairs, walks and pidfiles are kept, and a pair that is in demand is taken anew before it is too old; connections and lookups are shared only while under way; Read and List go straight through.
type Shared struct {
	probe    Probe
	samples  group[*Sample]
	pairs    group[[2]*Sample]
	walks    group[*Walk]
	pidfiles group[[]Pidfile]
	connects group[Connection]
	lookups  group[Answer]
}

var (
	_ Probe  = (*Shared)(nil)
	_ Pairer = (*Shared)(nil)
)

// Share returns a Shared around p. maxAge 0 means DefaultMaxAge; below 0 nothing is kept.
func Share(p Probe, maxAge time.Duration) *Shared {
	if maxAge == 0 {
		maxAge = DefaultMaxAge
	}
	s := &Shared{probe: p}
	s.pairs.ahead = true
	s.samples.maxAge, s.pairs.maxAge, s.walks.maxAge, s.pidfiles.maxAge = maxAge, maxAge, maxAge, maxAge
	return s
}

// Sample implements Probe.
func (s *Shared) Sample(ctx context.Context) (*Sample, error) {
	return s.samples.do(ctx, "", s.probe.Sample)
}

// Pair implements Pairer. The second sample of a new pair serves Sample too.
func (s *Shared) Pair(ctx context.Context, gap time.Duration) (first, second *Sample, err error) {
	if gap <= 0 {
		gap = DefaultGap
	}
	two, err := s.pairs.do(ctx, gap.String(), func(ctx context.Context) ([2]*Sample, error) {
		a, b, err := Pair(ctx, s.probe, gap)
		if err == nil {
			s.samples.put("", b)
		}
		return [2]*Sample{a, b}, err
	})
	return two[0], two[1], err
}

// Walk implements Probe.
func (s *Shared) Walk(ctx context.Context, root string, o WalkOptions) (*Walk, error) {
	return s.walks.do(ctx, fmt.Sprintf("%q %+v", root, o), func(ctx context.Context) (*Walk, error) { return s.probe.Walk(ctx, root, o) })
}

// Read implements Probe.
func (s *Shared) Read(ctx context.Context, path string) ([]byte, error) {
	return s.probe.Read(ctx, path)
}

// List implements Probe.
func (s *Shared) List(ctx context.Context, path string) ([]string, error) {
	return s.probe.List(ctx, path)
}

// Pidfiles implements Probe.
func (s *Shared) Pidfiles(ctx context.Context) ([]Pidfile, error) {
	return s.pidfiles.do(ctx, "", s.probe.Pidfiles)
}

// Connect implements Probe.
func (s *Shared) Connect(ctx context.Context, address, send string) Connection {
	c, err := s.connects.do(ctx, fmt.Sprintf("%q %q", address, send), func(ctx context.Context) (Connection, error) {
		return s.probe.Connect(ctx, address, send), nil
	})
	if err != nil {
		return Connection{Address: address, Error: wordOf(err)}
	}
	return c
}

// Lookup implements Probe.
func (s *Shared) Lookup(ctx context.Context, server, name string) Answer {
	a, err := s.lookups.do(ctx, fmt.Sprintf("%q %q", server, name), func(ctx context.Context) (Answer, error) {
		return s.probe.Lookup(ctx, server, name), nil
	})
	if err != nil {
		return Answer{Server: server, Name: name, Error: wordOf(err)}
	}
	return a
}

// Wait implements Probe.
func (s *Shared) Wait(ctx context.Context, d time.Duration) error { return s.probe.Wait(ctx, d) }

// group makes calls once for everybody who asks for the same key at the same time, and keeps what they gave for maxAge. The zero value keeps
// nothing.
type group[T any] struct {
	maxAge  time.Duration
	ahead   bool // what is in demand is looked at again before it is too old, so that nobody waits for that
	mu      sync.Mutex
	flights map[string]*flight[T]
	kept    map[string]kept[T]
}

type flight[T any] struct {
	done    chan struct{} // closed when value and err are there
	value   T
	err     error
	waiting int
	cancel  context.CancelFunc
}

type kept[T any] struct {
	value T
	age   clock.Stopwatch
}

func (g *group[T]) do(ctx context.Context, key string, call func(context.Context) (T, error)) (T, error) {
	var none T
	if err := ctx.Err(); err != nil {
		return none, err
	}
	g.mu.Lock()
	if k, ok := g.kept[key]; ok && k.age.Elapsed() < g.maxAge {
		if g.ahead && k.age.Elapsed() > g.maxAge*2/3 && g.flights[key] == nil {
			g.start(ctx, key, call).waiting++ // on behalf of those who come next
		}
		g.mu.Unlock()
		return k.value, nil
	}
	f, ok := g.flights[key]
	if !ok {
		f = g.start(ctx, key, call)
	}
	f.waiting++
	g.mu.Unlock()
	select {
	case <-f.done:
		return f.value, f.err
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if f.waiting--; f.waiting == 0 {
		f.cancel() // nobody wants it any more
		if g.flights[key] == f {
			delete(g.flights, key)
		}
	}
	return none, ctx.Err()
}

// start begins a call that outlives its first caller. g.mu is held.
func (g *group[T]) start(ctx context.Context, key string, call func(context.Context) (T, error)) *flight[T] {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	f := &flight[T]{done: make(chan struct{}), cancel: cancel}
	if g.flights == nil {
		g.flights = map[string]*flight[T]{}
	}
	g.flights[key] = f
	go func() {
		defer cancel()
		value, err := call(ctx)
		g.mu.Lock()
		f.value, f.err = value, err
		if g.flights[key] == f {
			delete(g.flights, key)
		}
		if err == nil {
			g.keep(key, value)
		}
		g.mu.Unlock()
		close(f.done)
	}()
	return f
}

// put keeps a value that was got in passing.
func (g *group[T]) put(key string, value T) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.keep(key, value)
}

// keep also drops what is too old. g.mu is held.
func (g *group[T]) keep(key string, value T) {
	if g.maxAge <= 0 {
		return
	}
	for k, v := range g.kept {
		if v.age.Elapsed() >= g.maxAge {
			delete(g.kept, k)
		}
	}
	if g.kept == nil {
		g.kept = map[string]kept[T]{}
	}
	g.kept[key] = kept[T]{value: value, age: clock.Start()}
}
