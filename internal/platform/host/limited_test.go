package host

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// A mount that does not answer costs one goroutine and its limit once, and is asked again when it came back.
func TestAStuckCallIsNotRepeated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := New(Config{})
		back := make(chan struct{})
		calls := 0
		hang := func() { calls++; <-back }
		if err := l.limited(t.Context(), "mount /dead", time.Second, hang); !errors.Is(err, errStuck) {
			t.Errorf("error %v", err)
		}
		before := time.Now()
		if err := l.limited(t.Context(), "mount /dead", time.Second, hang); !errors.Is(err, errStuck) || time.Since(before) > 0 {
			t.Errorf("second call: %v after %v", err, time.Since(before))
		}
		if err := l.limited(t.Context(), "mount /", time.Second, func() {}); err != nil {
			t.Errorf("another mount: %v", err)
		}
		close(back)
		synctest.Wait()
		if err := l.limited(t.Context(), "mount /dead", time.Second, hang); err != nil || calls != 2 {
			t.Errorf("after it came back: %v, %d calls", err, calls)
		}
	})
}

// Two who look at the same healthy mount at once both get its numbers.
func TestTwoLooksAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := New(Config{})
		got := make(chan error, 2)
		for range 2 {
			go func() {
				got <- l.limited(t.Context(), "mount /", time.Second, func() { time.Sleep(time.Millisecond) })
			}()
		}
		for range 2 {
			if err := <-got; err != nil {
				t.Error(err)
			}
		}
	})
}
