package queue

import "sync"

// Bell wakes whoever polls a queue. Rings may be lost: pollers look by themselves too.
type Bell interface {
	Ring(queue string)
	// Wait returns a channel that is signalled after a ring of queue.
	Wait(queue string) <-chan struct{}
}

// Local is a Bell within one process.
type Local struct {
	mu    sync.Mutex
	bells map[string]chan struct{}
}

// NewLocal returns a bell for one process.
func NewLocal() *Local { return &Local{bells: map[string]chan struct{}{}} }

// Ring implements Bell.
func (l *Local) Ring(queue string) {
	select {
	case l.bell(queue) <- struct{}{}:
	default:
	}
}

// Wait implements Bell.
func (l *Local) Wait(queue string) <-chan struct{} { return l.bell(queue) }

func (l *Local) bell(queue string) chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.bells[queue]
	if b == nil {
		b = make(chan struct{}, 1)
		l.bells[queue] = b
	}
	return b
}
