// Package clock is the only place that reads the wall clock or sleeps.
//
// There are two kinds of time and they must not be mixed (RELIABILITY I18):
//
//   - A Clock gives points in time that are stored or compared: UTC, cut to the microseconds both databases keep, so that
//     a value read back equals the one written. Services take a Clock in their Config and default to System.
//   - Durations (latency, breaker, back-off) come from a Stopwatch or Sleep, which follow the monotonic clock: a jump of
//     the wall clock does not touch them.
//
// Leases and due times use neither but the database's own clock. Tests hand in At(t) and move it by hand; code that waits
// is tested inside testing/synctest, whose fake time drives System, Stopwatch and Sleep alike.
package clock

import (
	"context"
	"sync"
	"time"
)

// Clock tells the time. Implementations are safe for concurrent use.
type Clock interface {
	// Now is in UTC, a whole number of microseconds, without a monotonic reading.
	Now() time.Time
}

// System returns the machine's clock.
func System() Clock { return system{} }

type system struct{}

func (system) Now() time.Time { return Cut(time.Now()) }

// Cut brings t to the form that is stored: UTC, microseconds (the rest is dropped, not rounded), no monotonic reading.
// Times from senders go through it before they are compared with stored ones.
func Cut(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// Manual is a Clock for tests: it stands still until moved. The zero value shows the zero time.
type Manual struct {
	mu  sync.Mutex
	now time.Time
}

// At returns a Manual clock that shows t.
func At(t time.Time) *Manual { return &Manual{now: Cut(t)} }

// Now implements Clock.
func (m *Manual) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// Advance moves the clock by d, backwards when d is negative, and returns the new time.
func (m *Manual) Advance(d time.Duration) time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = Cut(m.now.Add(d))
	return m.now
}

// Set makes the clock show t.
func (m *Manual) Set(t time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = Cut(t)
}

// Stopwatch measures how long something takes. The zero value has never been started and reads 0.
type Stopwatch struct{ start time.Time }

// Start returns a running Stopwatch.
func Start() Stopwatch { return Stopwatch{start: time.Now()} }

// Elapsed returns the time since Start by the monotonic clock; it may be called any number of times.
func (s Stopwatch) Elapsed() time.Duration {
	if s.start.IsZero() {
		return 0
	}
	return time.Since(s.start)
}

// Sleep waits for d or until ctx ends, whichever comes first, and returns ctx's error in the second case. With d <= 0 it
// only looks at ctx.
func Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 || ctx.Err() != nil {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Left returns how long ctx may still take, by the monotonic clock; not limited: it has no deadline.
func Left(ctx context.Context) (left time.Duration, limited bool) {
	end, limited := ctx.Deadline()
	if !limited {
		return 0, false
	}
	return time.Until(end), true
}
