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

// scene is one breaker and the test it is in.
type scene struct {
	t *testing.T
	b *httpclient.Breaker
}

// enter asks for leave and checks whether it is given and how long to wait.
func (s scene) enter(ok bool, wait time.Duration) httpclient.Pass {
	s.t.Helper()
	pass, gotWait, gotOK := s.b.Enter(dest)
	if gotOK != ok || gotWait != wait {
		s.t.Errorf("Enter = %v, %t; want %v, %t", gotWait, gotOK, wait, ok)
	}
	return pass
}

func (s scene) trip() {
	s.t.Helper()
	for range httpclient.DefaultFailures {
		s.enter(true, 0).Failure()
	}
}

func (s scene) state(want ...httpclient.CircuitState) {
	s.t.Helper()
	if diff := cmp.Diff(append([]httpclient.CircuitState{}, want...), s.b.States()); diff != "" {
		s.t.Errorf("States -want +got:\n%s", diff)
	}
}

func TestBreaker(t *testing.T) {
	t.Parallel()
	const open = httpclient.DefaultOpen
	closed := func(failures int) httpclient.CircuitState {
		return httpclient.CircuitState{Destination: dest, State: "closed", Failures: failures}
	}
	for name, run := range map[string]func(s scene){
		"well": func(s scene) {
			s.enter(true, 0).Success()
			s.state()
		},
		"opens at the fifth failure": func(s scene) {
			for i := range 4 {
				s.enter(true, 0).Failure()
				s.state(closed(i + 1))
			}
			s.enter(true, 0).Failure()
			s.state(httpclient.CircuitState{Destination: dest, State: "open", Failures: 5, OpenFor: open})
			time.Sleep(10 * time.Second)
			s.enter(false, 20*time.Second)
			s.state(httpclient.CircuitState{Destination: dest, State: "open", Failures: 5, OpenFor: 20 * time.Second})
		},
		"only failures in a row count": func(s scene) {
			for range 4 {
				s.enter(true, 0).Failure()
			}
			s.enter(true, 0).Success()
			for range 4 {
				s.enter(true, 0).Failure()
			}
			s.state(closed(4))
		},
		"destinations apart": func(s scene) {
			s.trip()
			if _, _, ok := s.b.Enter("other.lan:80"); !ok {
				s.t.Error("another destination is closed off too")
			}
		},
		"one probe closes it": func(s scene) {
			s.trip()
			time.Sleep(open)
			s.state(httpclient.CircuitState{Destination: dest, State: "half_open", Failures: 5})
			probe := s.enter(true, 0)
			s.enter(false, time.Second)
			probe.Success()
			s.enter(true, 0)
			s.state()
		},
		"a failed probe opens it again": func(s scene) {
			s.trip()
			time.Sleep(open)
			s.enter(true, 0).Failure()
			s.enter(false, open)
			s.state(httpclient.CircuitState{Destination: dest, State: "open", Failures: 6, OpenFor: open})
		},
		"an abandoned probe makes room": func(s scene) {
			s.trip()
			time.Sleep(open)
			s.enter(true, 0).Abandon()
			s.enter(true, 0)
			s.enter(false, time.Second)
		},
		"a lost probe makes room after a while": func(s scene) {
			s.trip()
			time.Sleep(open)
			lost := s.enter(true, 0)
			time.Sleep(open - 1)
			s.enter(false, time.Second)
			time.Sleep(time.Nanosecond)
			probe := s.enter(true, 0)
			lost.Failure() // too late to matter
			lost.Success()
			s.enter(false, time.Second)
			probe.Success()
			s.state()
		},
		"calls from before it opened change nothing": func(s scene) {
			early, late := s.enter(true, 0), s.enter(true, 0)
			s.trip()
			time.Sleep(10 * time.Second)
			early.Success()
			late.Failure()
			s.enter(false, 20*time.Second)
			s.state(httpclient.CircuitState{Destination: dest, State: "open", Failures: 5, OpenFor: 20 * time.Second})
		},
		"reports by verdict": func(s scene) {
			s.enter(true, 0).Report(httpclient.Verdict{Outcome: httpclient.Retry}, errors.New("x"))
			s.state(closed(1))
			s.enter(true, 0).Report(httpclient.Verdict{Outcome: httpclient.Retry}, context.Canceled)
			s.state(closed(1))
			s.enter(true, 0).Report(httpclient.Verdict{Outcome: httpclient.Permanent}, nil) // a 404 is alive
			s.state()
			s.enter(true, 0).Report(httpclient.Verdict{Outcome: httpclient.Done}, nil)
			s.state()
		},
		"a refused pass reports nothing": func(s scene) {
			s.trip()
			s.enter(false, open).Success()
			s.enter(false, open).Failure()
			s.enter(false, open).Abandon()
			s.state(httpclient.CircuitState{Destination: dest, State: "open", Failures: 5, OpenFor: open})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { run(scene{t, httpclient.NewBreaker(0, 0)}) })
		})
	}
}

func TestBreakerSettings(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := scene{t, httpclient.NewBreaker(1, time.Minute)}
		s.enter(true, 0).Failure()
		s.enter(false, time.Minute)
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
