package notify

import (
	"sync"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// Bounds of what is remembered of messages that were planned here and wait to be claimed.
const (
	recallMost  = 4096
	recallBytes = 16 << 20
)

// recall remembers messages that this process has just stored: most are claimed by it a moment later, and need not be read again.
// A message never changes, so an entry is right for as long as it lasts.
type recall struct {
	mu    sync.Mutex
	byID  map[id.ID]recalled // by delivery
	ring  [recallMost]id.ID  // in the order they came
	next  int
	bytes int
}

type recalled struct {
	message id.ID
	parts   int
	out     channel.Outgoing
}

func (r *recall) keep(delivery id.ID, m recalled) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byID == nil {
		r.byID = map[id.ID]recalled{}
	}
	r.drop(r.ring[r.next])
	if r.bytes+len(m.out.Body) > recallBytes {
		return
	}
	r.byID[delivery] = m
	r.bytes += len(m.out.Body)
	r.ring[r.next] = delivery
	r.next = (r.next + 1) % recallMost
}

func (r *recall) find(delivery id.ID) (recalled, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m, ok := r.byID[delivery]
	return m, ok
}

func (r *recall) forget(delivery id.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop(delivery)
}

func (r *recall) drop(delivery id.ID) {
	if m, ok := r.byID[delivery]; ok {
		r.bytes -= len(m.out.Body)
		delete(r.byID, delivery)
	}
}
