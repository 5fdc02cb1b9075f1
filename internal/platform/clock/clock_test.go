package clock_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
)

func TestCut(t *testing.T) {
	t.Parallel()
	cet := time.FixedZone("CET", 3600)
	for name, tt := range map[string]struct{ in, want time.Time }{
		"nanoseconds dropped, not rounded": {
			time.Date(2026, 3, 1, 12, 0, 0, 1999, time.UTC), time.Date(2026, 3, 1, 12, 0, 0, 1000, time.UTC),
		},
		"moved to UTC": {time.Date(2026, 3, 1, 12, 0, 0, 0, cet), time.Date(2026, 3, 1, 11, 0, 0, 0, time.UTC)},
		"zero time":    {time.Time{}, time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// == on purpose: Equal would overlook zone and monotonic reading.
			if got := clock.Cut(tt.in); got != tt.want {
				t.Errorf("Cut(%v) = %v, want %v", tt.in, got, tt.want)
			}
		})
	}
}

func TestSystem(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(1500 * time.Nanosecond)
		got, want := clock.System().Now(), time.Date(2000, 1, 1, 0, 0, 0, 1000, time.UTC)
		if got != want {
			t.Errorf("Now() = %v, want %v without monotonic reading", got, want)
		}
	})
}

func TestManual(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	m := clock.At(start)
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() { m.Advance(time.Minute); _ = m.Now() })
	}
	wg.Wait()
	if got, want := m.Now(), start.Add(10*time.Minute); got != want {
		t.Errorf("after ten minutes: %v, want %v", got, want)
	}
	if got, want := m.Advance(-time.Hour), start.Add(-50*time.Minute); got != want {
		t.Errorf("Advance(-1h) = %v, want %v", got, want)
	}
	m.Set(start)
	if got := m.Now(); got != start {
		t.Errorf("after Set: %v, want %v", got, start)
	}
}

func TestStopwatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		if got := (clock.Stopwatch{}).Elapsed(); got != 0 {
			t.Errorf("zero Stopwatch: %v, want 0", got)
		}
		w := clock.Start()
		time.Sleep(3 * time.Second)
		if got := w.Elapsed(); got != 3*time.Second {
			t.Errorf("Elapsed() = %v, want 3s", got)
		}
	})
}

func TestSleep(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		timeout, d, want time.Duration
		err              error
	}{
		"to the end":     {time.Hour, time.Minute, time.Minute, nil},
		"cut short":      {time.Second, time.Minute, time.Second, context.DeadlineExceeded},
		"no wait":        {time.Hour, 0, 0, nil},
		"negative":       {time.Hour, -time.Second, 0, nil},
		"already ended":  {-time.Second, time.Minute, 0, context.DeadlineExceeded},
		"ended, no wait": {-time.Second, 0, 0, context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), tt.timeout)
				defer cancel()
				w := clock.Start()
				if err := clock.Sleep(ctx, tt.d); !errors.Is(err, tt.err) {
					t.Errorf("Sleep = %v, want %v", err, tt.err)
				}
				if got := w.Elapsed(); got != tt.want {
					t.Errorf("slept %v, want %v", got, tt.want)
				}
			})
		})
	}
}

func TestLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		if left, limited := clock.Left(t.Context()); left != 0 || limited {
			t.Errorf("no deadline: %v %t", left, limited)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		time.Sleep(20 * time.Second)
		if left, limited := clock.Left(ctx); left != 40*time.Second || !limited {
			t.Errorf("Left = %v, %t", left, limited)
		}
		time.Sleep(50 * time.Second)
		if left, _ := clock.Left(ctx); left != -10*time.Second {
			t.Errorf("Left = %v after the end", left)
		}
	})
}
