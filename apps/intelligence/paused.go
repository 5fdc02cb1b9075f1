package intelligence

import "time"

// Paused tells until when this process leaves a stored provider alone, and the class of the errors that are the reason. A zero time: it
// does not, or there is no provider of that name.
func (s *Service) Paused(tenant, provider string) (until time.Time, class string) {
	who, err := s.Resolve(tenant, provider)
	if err != nil || who.Name != provider {
		return time.Time{}, ""
	}
	rest, class := s.breaker.rest(tenant, &who)
	if rest <= 0 {
		return time.Time{}, ""
	}
	return s.clock.Now().Add(rest), class
}

// rest is how long a provider is left alone yet, and what for.
func (b *breaker) rest(tenant string, who *Configured) (time.Duration, string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.circuits[keyOf(tenant, who)]
	if c == nil || c.version != who.Version || c.wait == 0 {
		return 0, ""
	}
	return c.wait - c.since.Elapsed(), c.class
}
