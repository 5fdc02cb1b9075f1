package intelligence

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/incidenthub/incidenthub/providers"
)

// Stats are what this process asked of one provider since it began.
type Stats struct {
	Provider           string
	Calls              map[string]int64 // by class, "ok" for answers that could be used
	Cached             int64
	Refused            map[string]int64 // by class: calls that were not made
	Prompt, Completion int64            // tokens, where the provider says them
	CostMicros         int64
	Buckets            map[float64]uint64 // calls that took at most so many seconds
	Seconds            float64            // of all calls
	Count              uint64             // of all calls
	Open               bool               // the breaker keeps calls away
}

// secondsOf are the bounds of Stats.Buckets.
var secondsOf = [...]float64{0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120}

// stats counts for Stats.
type stats struct {
	mu sync.Mutex
	of map[string]*Stats
}

func (s *stats) with(provider string, do func(*Stats)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.of[provider]
	if one == nil {
		one = &Stats{Provider: provider, Calls: map[string]int64{}, Refused: map[string]int64{}, Buckets: map[float64]uint64{}}
		for _, b := range secondsOf {
			one.Buckets[b] = 0
		}
		if s.of == nil {
			s.of = map[string]*Stats{}
		}
		s.of[provider] = one
	}
	do(one)
}

func (s *stats) called(provider, class string, took time.Duration, answer *providers.Answer, cost *int64) {
	if class == "" {
		class = "ok"
	}
	s.with(provider, func(one *Stats) {
		one.Calls[class]++
		one.Count++
		one.Seconds += took.Seconds()
		for _, b := range secondsOf {
			if took.Seconds() <= b {
				one.Buckets[b]++
			}
		}
		if answer != nil && answer.Usage.Prompt != nil {
			one.Prompt += *answer.Usage.Prompt
		}
		if answer != nil && answer.Usage.Completion != nil {
			one.Completion += *answer.Usage.Completion
		}
		if cost != nil {
			one.CostMicros += *cost
		}
	})
}

func (s *stats) cached(provider string) { s.with(provider, func(one *Stats) { one.Cached++ }) }

func (s *stats) refused(provider, class string) {
	s.with(provider, func(one *Stats) { one.Refused[class]++ })
}

// Stats are what this process asked, by provider.
func (s *Service) Stats() []Stats {
	open := map[string]bool{}
	for k := range s.breaker.open() {
		open[k.name] = true
	}
	s.stats.mu.Lock()
	defer s.stats.mu.Unlock()
	var out []Stats
	for _, name := range slices.Sorted(maps.Keys(s.stats.of)) {
		one := *s.stats.of[name]
		one.Calls, one.Refused, one.Buckets = maps.Clone(one.Calls), maps.Clone(one.Refused), maps.Clone(one.Buckets)
		one.Open = open[name]
		out = append(out, one)
	}
	return out
}
