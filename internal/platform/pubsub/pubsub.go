// Package pubsub tells readers in this process that something changed. Events are hints: they carry no data, none is
// promised to arrive, and whoever gets one reads the database. A reader that is too slow gets one Reload for all it missed.
package pubsub

import (
	"sync"
	"sync/atomic"

	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// Reload is the kind of an event that stands for any number of others: read everything again.
const Reload = "reload"

// Event says that a thing changed.
type Event struct {
	Kind string // what it is, or Reload
	ID   id.ID  // which one; zero for Reload
}

// buffer is how many events wait for one reader.
const buffer = 128

// Broadcaster hands events to all readers of their tenant. The zero value is ready to use; it is safe for concurrent use.
type Broadcaster struct {
	readers atomic.Int64 // a look without the lock: most of the time nobody reads
	mu      sync.Mutex
	closed  bool
	tenants map[string]map[chan Event]struct{}
}

// Publish hands events to the tenant's readers. It never waits for them.
func (b *Broadcaster) Publish(tenant string, events ...Event) {
	if b.readers.Load() == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for ch := range b.tenants[tenant] {
		for _, e := range events {
			offer(ch, e)
		}
	}
}

// offer puts e into the buffer; a full buffer is emptied into one Reload. Only the holder of the lock sends, so there is
// room after that.
func offer(ch chan Event, e Event) {
	select {
	case ch <- e:
		return
	default:
	}
	for {
		select {
		case <-ch:
			continue
		default:
		}
		break
	}
	ch <- Event{Kind: Reload}
}

// Subscribe returns the tenant's events from now on. The channel is closed by cancel, which may be called twice, and by
// Close.
func (b *Broadcaster) Subscribe(tenant string) (events <-chan Event, cancel func()) {
	ch := make(chan Event, buffer)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		close(ch)
		return ch, func() {}
	}
	if b.tenants == nil {
		b.tenants = map[string]map[chan Event]struct{}{}
	}
	if b.tenants[tenant] == nil {
		b.tenants[tenant] = map[chan Event]struct{}{}
	}
	b.tenants[tenant][ch] = struct{}{}
	b.readers.Add(1)
	return ch, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.drop(tenant, ch)
	}
}

// Close ends all subscriptions and refuses further ones. Readers must end before a server can shut down.
func (b *Broadcaster) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for tenant, readers := range b.tenants {
		for ch := range readers {
			b.drop(tenant, ch)
		}
	}
}

func (b *Broadcaster) drop(tenant string, ch chan Event) {
	if _, ok := b.tenants[tenant][ch]; !ok {
		return
	}
	delete(b.tenants[tenant], ch)
	if len(b.tenants[tenant]) == 0 {
		delete(b.tenants, tenant)
	}
	b.readers.Add(-1)
	close(ch)
}

// Reload tells every reader of every tenant to read everything again: events may have been missed.
func (b *Broadcaster) Reload() {
	if b.readers.Load() == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, readers := range b.tenants {
		for ch := range readers {
			offer(ch, Event{Kind: Reload})
		}
	}
}
