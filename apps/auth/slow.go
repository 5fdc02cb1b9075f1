package auth

import (
	"context"
	"sync"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
)

// How repeated failures are slowed down. Guessing 256 bits is hopeless anyway; this keeps the attempts from costing much and
// from filling logs. Small enough that a sender with a wrong key still gets its 401 in time.
const (
	freeFailures = 20                    // a minute, per peer and per key prefix
	firstDelay   = 10 * time.Millisecond // doubles with every further failure
	longestDelay = 250 * time.Millisecond
	maxTracked   = 4096 // peers and prefixes that are remembered
	maxWaiting   = 64   // callers that wait at a time; further ones are refused at once
	prefixLength = 8    // characters of a credential that name it
)

// slowDown counts failures by peer and credential prefix. The zero value is ready.
type slowDown struct {
	mu      sync.Mutex
	counts  map[string]*failures
	waiting int
}

type failures struct {
	n     int
	since clock.Stopwatch
}

// failed counts a failure and waits as long as its like deserve.
func (s *slowDown) failed(ctx context.Context, peer, raw string) {
	delay := s.count("key " + raw[:min(prefixLength, len(raw))])
	if peer != "" {
		delay = max(delay, s.count("peer "+peer))
	}
	if delay == 0 || !s.enter() {
		return
	}
	defer s.leave()
	_ = clock.Sleep(ctx, delay) // its only error is ctx's, which the caller sees as well
}

func (s *slowDown) count(who string) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.counts[who]
	if f == nil || f.since.Elapsed() > time.Minute {
		s.makeRoom()
		f = &failures{since: clock.Start()}
		s.counts[who] = f
	}
	f.n++
	over := f.n - freeFailures
	if over <= 0 {
		return 0
	}
	return min(firstDelay<<min(over-1, 10), longestDelay)
}

// makeRoom drops what is over, and everything when that was not enough: the worst that forgetting does is to be quick.
func (s *slowDown) makeRoom() {
	if len(s.counts) >= maxTracked {
		for who, f := range s.counts {
			if f.since.Elapsed() > time.Minute {
				delete(s.counts, who)
			}
		}
	}
	if s.counts == nil || len(s.counts) >= maxTracked {
		s.counts = map[string]*failures{}
	}
}

func (s *slowDown) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting >= maxWaiting {
		return false
	}
	s.waiting++
	return true
}

func (s *slowDown) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting--
}
