package intelligence

import (
	"sync"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/providers"
)

// How long a provider that failed is left alone.
const (
	failuresInRow = 3
	firstOpen     = time.Minute
	longestOpen   = 15 * time.Minute // of its own; a provider may ask for more
	mostOpen      = 24 * time.Hour
)

// breaker keeps calls away from providers that fail. It remembers only those in trouble, each by its record: a record that was changed
// begins anew. Safe for concurrent use.
//
// It is not httpclient's: what opens it, and for how long, depends on the class of an error.
type breaker struct {
	mu       sync.Mutex
	circuits map[circuitKey]*circuit
}

// circuitKey is a stored provider, or a kind of which nothing is stored.
type circuitKey struct {
	tenant, name string
	id           id.ID
}

type circuit struct {
	version  int64
	failures int           // in a row
	opened   int           // times in a row
	wait     time.Duration // 0: it is closed
	since    clock.Stopwatch
	class    string // what opened it
	probing  bool
	probed   clock.Stopwatch
}

func newBreaker() *breaker { return &breaker{circuits: map[circuitKey]*circuit{}} }

func keyOf(tenant string, who *Configured) circuitKey { return circuitKey{tenant, who.Name, who.ID} }

// pass is the leave to make one call; its holder reports how that went, exactly once.
type pass struct {
	b       *breaker
	key     circuitKey
	version int64
	probe   bool
}

// enter asks leave. Without it there is the class of what opened the breaker.
func (b *breaker) enter(tenant string, who *Configured) (p pass, class string, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p = pass{b: b, key: keyOf(tenant, who), version: who.Version}
	c := b.circuits[p.key]
	switch {
	case c == nil:
		return p, "", true
	case c.version != who.Version:
		delete(b.circuits, p.key)
		return p, "", true
	case c.wait == 0:
		return p, "", true
	case c.since.Elapsed() < c.wait, c.probing && c.probed.Elapsed() < longest: // one that took longer will not come back
		return pass{}, c.class, false
	}
	c.probing, c.probed, p.probe = true, clock.Start(), true
	return p, "", true
}

// report tells how the call went: class is "" for an answer that could be used, wait what the provider asked for.
func (p pass) report(class string, wait time.Duration) {
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	c := p.b.circuits[p.key]
	if c != nil && c.version != p.version {
		return // of settings that are not there any more
	}
	if c != nil && c.wait > 0 && !p.probe {
		return // it was under way when the breaker opened
	}
	switch class {
	case "", providers.ErrRefusal, providers.ErrTooLarge: // it is there, and answers
		delete(p.b.circuits, p.key)
		return
	}
	if c == nil {
		c = &circuit{version: p.version}
		p.b.circuits[p.key] = c
	}
	c.failures++
	c.probing = false
	switch {
	case class == providers.ErrAuth, class == providers.ErrQuota:
		c.open(class, max(longestOpen, min(wait, mostOpen)))
	case class == providers.ErrRateLimit && wait > 0:
		c.open(class, min(wait, mostOpen))
	case p.probe || c.failures >= failuresInRow:
		c.opened++
		open := longestOpen
		if c.opened < 5 {
			open = min(firstOpen<<(c.opened-1), longestOpen)
		}
		c.open(class, max(open, min(wait, mostOpen)))
	}
}

// drop gives a pass back: the call was not made, or says nothing.
func (p pass) drop() {
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	if c := p.b.circuits[p.key]; c != nil && p.probe && c.version == p.version {
		c.probing = false
	}
}

func (c *circuit) open(class string, wait time.Duration) {
	c.class, c.wait, c.since = class, wait, clock.Start()
}

// close forgets what is held against a provider.
func (b *breaker) close(tenant string, who *Configured) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.circuits, keyOf(tenant, who))
}

// open lists the providers that are left alone now, with what for.
func (b *breaker) open() map[circuitKey]string {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := map[circuitKey]string{}
	for k, c := range b.circuits {
		if c.wait > 0 {
			out[k] = c.class
		}
	}
	return out
}
