package httpclient_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
)

const dest = "receiver.lan:9000"

// enter asks for leave and checks whether it is given and how long to wait.
func enter(t *testing.T, b *httpclient.Breaker, ok bool, wait time.Duration) httpclient.Pass {
	t.Helper()
	pass, gotWait, gotOK := b.Enter(dest)
	if gotOK != ok || gotWait != wait {
		t.Errorf("Enter = %v, %t; want %v, %t", gotWait, gotOK, wait, ok)
	}
	return pass
}

func trip(t *testing.T, b *httpclient.Breaker) {
	t.Helper()
	for range httpclient.DefaultFailures {
		enter(t, b, true, 0).Failure()
	}
}

func state(t *testing.T, b *httpclient.Breaker, want ...httpclient.CircuitState) {
	t.Helper()
	if diff := cmp.Diff(append([]httpclient.CircuitState{}, want...), b.States()); diff != "" {
		t.Errorf("States -want +got:\n%s", diff)
	}
}

func TestBreaker(t *testing.T) {
	t.Parallel()
	const open = httpclient.DefaultOpen
	closed := func(failures int) httpclient.CircuitState {
		return httpclient.CircuitState{Destination: dest, State: "closed", Failures: failures}
	}
	for name, run := range map[string]func(t *testing.T, b *httpclient.Breaker){
		"well": func(t *testing.T, b *httpclient.Breaker) {
			enter(t, b, true, 0).Success()
			state(t, b)
		},
		"opens at the fifth failure": func(t *testing.T, b *httpclient.Breaker) {
			for i := range 4 {
				enter(t, b, true, 0).Failure()
				state(t, b, closed(i+1))
			}
			enter(t, b, true, 0).Failure()
			state(t, b, httpclient.CircuitState{Destination: dest, State: "open", Failures: 5, OpenFor: open})
			time.Sleep(10 * time.Second)
			enter(t, b, false, 20*time.Second)
			state(t, b, httpclient.CircuitState{Destination: dest, State: "open", Failures: 5, OpenFor: 20 * time.Second})
		},
		"only failures in a row count": func(t *testing.T, b *httpclient.Breaker) {
			for range 4 {
				enter(t, b, true, 0).Failure()
			}
			enter(t, b, true, 0).Success()
			for range 4 {
				enter(t, b, true, 0).Failure()
			}
			state(t, b, closed(4))
		},
		"destinations apart": func(t *testing.T, b *httpclient.Breaker) {
			trip(t, b)
			if _, _, ok := b.Enter("other.lan:80"); !ok {
				t.Error("another destination is closed off too")
			}
		},
		"one probe closes it": func(t *testing.T, b *httpclient.Breaker) {
			trip(t, b)
			time.Sleep(open)
			state(t, b, httpclient.CircuitState{Destination: dest, State: "half_open", Failures: 5})
			probe := enter(t, b, true, 0)
			enter(t, b, false, time.Second)
			probe.Success()
			enter(t, b, true, 0)
			state(t, b)
		},
		"a failed probe opens it again": func(t *testing.T, b *httpclient.Breaker) {
			trip(t, b)
			time.Sleep(open)
			enter(t, b, true, 0).Failure()
			enter(t, b, false, open)
			state(t, b, httpclient.CircuitState{Destination: dest, State: "open", Failures: 6, OpenFor: open})
		},
		"an abandoned probe makes room": func(t *testing.T, b *httpclient.Breaker) {
			trip(t, b)
			time.Sleep(open)
			enter(t, b, true, 0).Abandon()
			enter(t, b, true, 0)
			enter(t, b, false, time.Second)
		},
		"a lost probe makes room after a while": func(t *testing.T, b *httpclient.Breaker) {
			trip(t, b)
			time.Sleep(open)
			lost := enter(t, b, true, 0)
			time.Sleep(open - 1)
			enter(t, b, false, time.Second)
			time.Sleep(1)
			probe := enter(t, b, true, 0)
			lost.Failure() // too late to matter
			lost.Success()
			enter(t, b, false, time.Second)
			probe.Success()
			state(t, b)
		},
		"calls from before it opened change nothing": func(t *testing.T, b *httpclient.Breaker) {
			early, late := enter(t, b, true, 0), enter(t, b, true, 0)
			trip(t, b)
			time.Sleep(10 * time.Second)
			early.Success()
			late.Failure()
			enter(t, b, false, 20*time.Second)
			state(t, b, httpclient.CircuitState{Destination: dest, State: "open", Failures: 5, OpenFor: 20 * time.Second})
		},
		"reports by verdict": func(t *testing.T, b *httpclient.Breaker) {
			enter(t, b, true, 0).Report(httpclient.Verdict{Outcome: httpclient.Retry}, errors.New("x"))
			state(t, b, closed(1))
			enter(t, b, true, 0).Report(httpclient.Verdict{Outcome: httpclient.Retry}, context.Canceled)
			state(t, b, closed(1))
			enter(t, b, true, 0).Report(httpclient.Verdict{Outcome: httpclient.Permanent}, nil) // a 404 is alive
			state(t, b)
			enter(t, b, true, 0).Report(httpclient.Verdict{Outcome: httpclient.Done}, nil)
			state(t, b)
		},
		"a refused pass reports nothing": func(t *testing.T, b *httpclient.Breaker) {
			trip(t, b)
			enter(t, b, false, open).Success()
			enter(t, b, false, open).Failure()
			enter(t, b, false, open).Abandon()
			state(t, b, httpclient.CircuitState{Destination: dest, State: "open", Failures: 5, OpenFor: open})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { run(t, httpclient.NewBreaker(0, 0)) })
		})
	}
}

func TestBreakerSettings(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := httpclient.NewBreaker(1, time.Minute)
		enter(t, b, true, 0).Failure()
		enter(t, b, false, time.Minute)
	})
}

// TestBreakerConcurrently: of many callers at the moment the circuit may be probed, one gets through.
func TestBreakerConcurrently(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := httpclient.NewBreaker(0, 0)
		for range 20 {
			var wg sync.WaitGroup
			for range 32 {
				wg.Go(func() {
					if pass, _, ok := b.Enter(dest); ok {
						pass.Failure()
					}
				})
			}
			wg.Wait()
			time.Sleep(httpclient.DefaultOpen)
			var through atomic.Int32
			for range 32 {
				wg.Go(func() {
					if _, _, ok := b.Enter(dest); ok {
						through.Add(1)
					}
					b.States()
				})
			}
			wg.Wait()
			if got := through.Load(); got != 1 {
				t.Fatalf("%d callers got through at once, want 1", got)
			}
			time.Sleep(httpclient.DefaultOpen) // the probe is lost
		}
	})
}
