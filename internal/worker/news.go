package worker

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/pubsub"
)

const (
	newsGap  = 50 * time.Millisecond // between two messages about a tenant: at most 20 a second
	newsMost = 128                   // events in one message; more are one pubsub.Reload, as for any slow reader
	newsTime = time.Second           // for one message to be taken
)

// news tells other processes what changed here. Whoever tells leaves a note and goes on; one goroutine sends. What Redis does not
// take is dropped, and told as one pubsub.Reload when it takes something again.
type news struct {
	b       *Bell
	from    id.ID  // this process
	channel string // of Redis
	wake    chan struct{}

	mu    sync.Mutex
	notes map[string]*note // by tenant
	tells bool             // there is somebody to send them
}

// note is what changed for one tenant and was not sent yet.
type note struct {
	events map[pubsub.Event]struct{}
	reload bool // too many: events is empty
}

func newNews(b *Bell, database int) *news {
	// Channels of Redis know no numbers of databases, and two hubs may share a server by number.
	return &news{b: b, from: id.New(), channel: fmt.Sprintf("incidenthub:%d:news", database), wake: make(chan struct{}, 1), notes: map[string]*note{}}
}

// Tell lets the other processes know that something changed, for the pages that they serve. It never waits, and promises nothing:
// while Redis is away they are told nothing.
func (b *Bell) Tell(tenant string, e pubsub.Event) {
	n := b.news
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.tells {
		return
	}
	of := n.notes[tenant]
	if of == nil {
		of = &note{events: map[pubsub.Event]struct{}{}}
		n.notes[tenant] = of
	}
	if of.reload {
		return
	}
	of.add(e)
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

func (o *note) add(e pubsub.Event) {
	if e.Kind == pubsub.Reload || len(o.events) >= newsMost {
		o.reload, o.events = true, nil
		return
	}
	o.events[e] = struct{}{}
}

// switchOn begins or ends that notes are kept: without somebody to send them they would only lie there.
func (n *news) switchOn(on bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.tells = on
}

// take returns the notes that wait.
func (n *news) take() map[string]*note {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.notes) == 0 {
		return nil
	}
	taken := n.notes
	n.notes = make(map[string]*note, len(taken))
	return taken
}

// lost leaves for each tenant the note that others must read everything again.
func (n *news) lost(notes map[string]*note) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for tenant := range notes {
		n.notes[tenant] = &note{reload: true}
	}
}

// tell sends notes until the bell stops, and then what is left: the process worked until now.
func (n *news) tell() {
	for {
		select {
		case <-n.b.stop:
			n.end()
			return
		case <-n.wake:
		}
		for n.send() != nil {
			if !n.b.ringer.wait(retryAfter) {
				n.switchOn(false)
				return
			}
		}
		if !n.b.ringer.wait(newsGap) {
			n.end()
			return
		}
	}
}

func (n *news) end() {
	n.switchOn(false)
	if err := n.send(); err != nil {
		n.b.log.Debug("the last news are not told", "error", err)
	}
}

func (n *news) send() error {
	notes := n.take()
	if len(notes) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), newsTime)
	defer cancel()
	if _, err := n.b.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for tenant, of := range notes {
			text, err := n.write(tenant, of)
			if err != nil {
				return err
			}
			p.Publish(ctx, n.channel, text)
		}
		return nil
	}); err != nil {
		n.lost(notes)
		return fmt.Errorf("tell what changed: %w", err)
	}
	return nil
}
