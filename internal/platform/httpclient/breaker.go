package httpclient

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
)

// Defaults of a Breaker, and how soon to ask again while somebody else's probe is under way.
const (
	DefaultFailures = 5
	DefaultOpen     = 30 * time.Second
	probeWait       = time.Second
)

// Breaker keeps callers away from destinations that are down. Several failures in a row open a destination's circuit for a
// while; then one caller at a time may probe, and a success closes it. It remembers only destinations in trouble. Safe for
// concurrent use.
//
// An own one, since failsafe-go's has one circuit each and cannot say how long to wait while a probe is under way.
type Breaker struct {
	failures int
	open     time.Duration
	mu       sync.Mutex
	circuits map[string]*circuit
}

type circuit struct {
	failures int             // in a row
	open     bool            //
	since    clock.Stopwatch // opened
	probe    uint64          // number of the probe under way, 0: none
	probing  clock.Stopwatch // that probe's start
	probes   uint64          // probes so far
}

// NewBreaker returns a Breaker that opens a destination for open after failures in a row; 0 means DefaultFailures and
// DefaultOpen.
func NewBreaker(failures int, open time.Duration) *Breaker {
	if failures <= 0 {
		failures = DefaultFailures
	}
	if open <= 0 {
		open = DefaultOpen
	}
	return &Breaker{failures: failures, open: open, circuits: map[string]*circuit{}}
}

// Pass is the leave to make one call; its holder reports how that went, exactly once.
type Pass struct {
	breaker     *Breaker
	destination string
	probe       uint64 // 0: an ordinary call through a closed circuit
}

// Enter asks leave to call destination (see Destination; any stable key will do). When ok is false the caller must not
// call, but ask again after wait; that spends time, no attempt.
func (b *Breaker) Enter(destination string) (pass Pass, wait time.Duration, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	pass = Pass{breaker: b, destination: destination}
	c := b.circuits[destination]
	if c == nil || !c.open {
		return pass, 0, true
	}
	if left := b.open - c.since.Elapsed(); left > 0 {
		return Pass{}, left, false
	}
	// A probe that never reported, its worker having died, gives its place up after one more period.
	if c.probe != 0 && c.probing.Elapsed() < b.open {
		return Pass{}, min(probeWait, b.open), false
	}
	c.probes++
	c.probe, c.probing = c.probes, clock.Start()
	pass.probe = c.probe
	return pass, 0, true
}

// Report tells what became of the call: Done and Permanent show a live destination, Retry is a failure, and a cancelled
// call says nothing.
func (p Pass) Report(v Verdict, err error) {
	switch {
	case errors.Is(err, context.Canceled):
		p.Abandon()
	case v.Outcome == Retry:
		p.Failure()
	default:
		p.Success()
	}
}

// Success reports that the destination answered.
func (p Pass) Success() {
	p.with(func(b *Breaker, c *circuit) {
		if c != nil && (!c.open || p.isProbe(c)) {
			delete(b.circuits, p.destination)
		}
	})
}

// Failure reports that it did not. Calls that were under way when the circuit opened change nothing any more.
func (p Pass) Failure() {
	p.with(func(b *Breaker, c *circuit) {
		if c == nil {
			c = &circuit{}
			b.circuits[p.destination] = c
		}
		if c.open && !p.isProbe(c) {
			return
		}
		c.failures++
		c.probe = 0
		if c.failures >= b.failures {
			c.open, c.since = true, clock.Start()
		}
	})
}

// Abandon reports that the call was not made or its end is unknown: a probe's place goes to the next caller.
func (p Pass) Abandon() {
	p.with(func(_ *Breaker, c *circuit) {
		if c != nil && p.isProbe(c) {
			c.probe = 0
		}
	})
}

func (p Pass) isProbe(c *circuit) bool { return p.probe != 0 && p.probe == c.probe }

func (p Pass) with(f func(*Breaker, *circuit)) {
	if p.breaker == nil {
		return // the zero Pass, from a refused Enter
	}
	p.breaker.mu.Lock()
	defer p.breaker.mu.Unlock()
	f(p.breaker, p.breaker.circuits[p.destination])
}

// The states of a circuit.
const (
	StateClosed   = "closed"    // calls pass
	StateOpen     = "open"      // none pass
	StateHalfOpen = "half_open" // one probe may pass, or is under way
)

// CircuitState describes one destination in trouble, for metrics and pages.
type CircuitState struct {
	Destination string
	State       string
	Failures    int           // in a row
	OpenFor     time.Duration // until a probe may pass; 0 unless open
}

// States lists all destinations with failures, by name; what is not listed is closed and well.
func (b *Breaker) States() []CircuitState {
	b.mu.Lock()
	defer b.mu.Unlock()
	states := make([]CircuitState, 0, len(b.circuits))
	for destination, c := range b.circuits {
		s := CircuitState{Destination: destination, State: StateClosed, Failures: c.failures}
		if c.open {
			s.State, s.OpenFor = StateHalfOpen, max(b.open-c.since.Elapsed(), 0)
			if s.OpenFor > 0 {
				s.State = StateOpen
			}
		}
		states = append(states, s)
	}
	slices.SortFunc(states, func(a, b CircuitState) int { return strings.Compare(a.Destination, b.Destination) })
	return states
}
