package host_test

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/host"
)

// counted is a host on which each look takes 100 ms and is counted.
type counted struct {
	*host.Recorded
	samples, walks, connects atomic.Int64
	fail                     atomic.Bool
}

func newCounted() *counted { return &counted{Recorded: host.Replay(&host.Recording{})} }

var errLook = errors.New("no look")

func (c *counted) Sample(ctx context.Context) (*host.Sample, error) {
	n := c.samples.Add(1)
	if err := clock.Sleep(ctx, 100*time.Millisecond); err != nil {
		return nil, err
	}
	if c.fail.Load() {
		return nil, errLook
	}
	return &host.Sample{TakenAt: clock.System().Now(), Forks: n}, nil
}

func (c *counted) Walk(ctx context.Context, root string, o host.WalkOptions) (*host.Walk, error) {
	c.walks.Add(1)
	return &host.Walk{Root: root, Entries: o.Entries}, clock.Sleep(ctx, 100*time.Millisecond)
}

func (c *counted) Connect(ctx context.Context, address, _ string) host.Connection {
	c.connects.Add(1)
	_ = clock.Sleep(ctx, 100*time.Millisecond)
	return host.Connection{Address: address, Connected: 1}
}

func (c *counted) Wait(ctx context.Context, d time.Duration) error { return clock.Sleep(ctx, d) }

// Pair hides that of Recorded.
func (c *counted) Pair(ctx context.Context, gap time.Duration) (a, b *host.Sample, err error) {
	return host.Pair(ctx, struct{ host.Probe }{c}, gap)
}

// all calls f at once n times.
func all(n int, f func()) {
	var wait sync.WaitGroup
	for range n {
		wait.Go(f)
	}
	wait.Wait()
}

func TestManyCallersCostOnePair(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCounted()
		s := host.Share(c, 0)
		all(200, func() {
			a, b, err := s.Pair(t.Context(), 0)
			if err != nil || b.TakenAt.Sub(a.TakenAt) < time.Second {
				t.Errorf("pair %+v %+v: %v", a, b, err)
			}
		})
		all(200, func() {
			if _, err := s.Sample(t.Context()); err != nil {
				t.Error(err)
			}
		})
		if n := c.samples.Load(); n != 2 {
			t.Errorf("200 callers cost %d samples, want 2", n)
		}
		time.Sleep(host.DefaultMaxAge - time.Second)
		if _, _, err := s.Pair(t.Context(), 0); err != nil || c.samples.Load() != 2 {
			t.Errorf("a young pair was not used again: %d samples, %v", c.samples.Load(), err)
		}
		time.Sleep(2 * time.Second)
		a, _, err := s.Pair(t.Context(), 0)
		if err != nil || a.Forks != 3 {
			t.Errorf("an old pair was used again: %+v, %v", a, err)
		}
		if _, _, err = s.Pair(t.Context(), 3*time.Second); err != nil || c.samples.Load() != 6 {
			t.Errorf("another gap took the same pair: %d samples, %v", c.samples.Load(), err)
		}
	})
}

func TestALeavingCallerTakesNothingAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCounted()
		s := host.Share(c, 0)
		first, leave := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer leave()
		var wait sync.WaitGroup
		wait.Go(func() {
			if _, err := s.Sample(first); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the caller who left got %v", err)
			}
		})
		synctest.Wait()
		if _, err := s.Sample(t.Context()); err != nil {
			t.Errorf("the caller who stayed: %v", err)
		}
		wait.Wait()
		if n := c.samples.Load(); n != 1 {
			t.Errorf("%d samples, want 1", n)
		}
	})
}

func TestAllLeaveAndTheLookEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCounted()
		s := host.Share(c, 0)
		ctx, leave := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer leave()
		all(3, func() {
			if _, err := s.Sample(ctx); err == nil {
				t.Error("no error")
			}
		})
		synctest.Wait() // the look is cancelled: nothing is left that synctest would wait for
		if _, err := s.Sample(t.Context()); err != nil || c.samples.Load() != 2 {
			t.Errorf("the next caller got a look that was given up: %v", err)
		}
	})
}

func TestErrorsAreNotKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCounted()
		s := host.Share(c, 0)
		c.fail.Store(true)
		if _, err := s.Sample(t.Context()); !errors.Is(err, errLook) {
			t.Errorf("error %v", err)
		}
		if _, _, err := s.Pair(t.Context(), 0); !errors.Is(err, errLook) {
			t.Errorf("error %v", err)
		}
		c.fail.Store(false)
		if _, err := s.Sample(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestWhatElseIsShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCounted()
		s := host.Share(c, 0)
		all(50, func() {
			if w, err := s.Walk(t.Context(), "/tmp", host.WalkOptions{}); err != nil || w.Root != "/tmp" {
				t.Errorf("walk %+v: %v", w, err)
			}
		})
		_, _ = s.Walk(t.Context(), "/tmp", host.WalkOptions{Entries: 5})
		_, _ = s.Walk(t.Context(), "/var", host.WalkOptions{})
		if n := c.walks.Load(); n != 3 {
			t.Errorf("%d walks, want 3: one for each root and options", n)
		}
		all(50, func() { s.Connect(t.Context(), "127.0.0.1:1", "") })
		if n := c.connects.Load(); n != 1 {
			t.Errorf("%d connections, want 1", n)
		}
		if s.Connect(t.Context(), "127.0.0.1:1", ""); c.connects.Load() != 2 {
			t.Error("a connection was kept")
		}
		if _, err := s.Read(t.Context(), "/etc/none"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("read: %v", err)
		}
		if a := s.Lookup(t.Context(), "", "x"); a.Error != host.NotRecorded {
			t.Errorf("lookup %+v", a)
		}
		ended, end := context.WithCancel(t.Context())
		end()
		if got := s.Connect(ended, "127.0.0.1:1", ""); got.Error != "stopped" {
			t.Errorf("connect after the end: %+v", got)
		}
	})
}

func TestNothingKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCounted()
		s := host.Share(c, -1)
		for range 3 {
			_, _ = s.Sample(t.Context())
		}
		if n := c.samples.Load(); n != 3 {
			t.Errorf("%d samples, want 3", n)
		}
	})
}

// TestPairAhead: while somebody asks again and again nobody waits for a pair but the first, and none is older than it may be.
func TestPairAhead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newCounted()
		s := host.Share(p, 15*time.Second)
		for n := range 600 {
			began := time.Now()
			_, second, err := s.Pair(t.Context(), time.Second)
			if err != nil {
				t.Fatal(err)
			}
			if waited := time.Since(began); n > 0 && waited > 0 {
				t.Fatalf("the call at %d waited %s", n, waited)
			}
			if age := time.Since(second.TakenAt); age > 15*time.Second {
				t.Fatalf("a pair of %s", age)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if n := p.samples.Load(); n < 10 || n > 14 {
			t.Errorf("%d samples in a minute", n)
		}
		synctest.Wait()
	})
}
