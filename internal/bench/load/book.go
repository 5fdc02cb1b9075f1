//go:build unix

package load

import (
	"slices"
	"sync/atomic"
	"time"
)

// Most is the largest number of alerts that one Book follows.
const Most = 1 << 22

// Book follows each alert of one hub from its sending to its arrival at the receiver. It is safe for concurrent use.
type Book struct {
	start   time.Time
	next    atomic.Int64
	sent    []int64        // since start, by number; written once, before the alert leaves
	arrived []atomic.Int64 // 0: not yet
	last    atomic.Int64   // arrival

	Arrivals atomic.Int64 // alerts that arrived, each once
	Repeats  atomic.Int64 // notifications of an alert that had arrived before
	Strange  atomic.Int64 // requests at the receiver that tell of none of our alerts
}

// NewBook returns an empty Book; pages of its tables take memory when they are used.
func NewBook() *Book {
	return &Book{start: time.Now(), sent: make([]int64, Most), arrived: make([]atomic.Int64, Most)}
}

func (b *Book) now() int64 { return int64(time.Since(b.start)) }

func (b *Book) arrive(seq int64) {
	if seq < 0 || seq >= b.next.Load() {
		b.Strange.Add(1)
		return
	}
	at := b.now()
	if !b.arrived[seq].CompareAndSwap(0, at) {
		b.Repeats.Add(1)
		return
	}
	b.Arrivals.Add(1)
	for {
		old := b.last.Load()
		if at <= old || b.last.CompareAndSwap(old, at) {
			return
		}
	}
}

// Next is the number of the next alert.
func (b *Book) Next() int64 { return b.next.Load() }

// Missing counts the alerts from first up to, not including, end that have not arrived.
func (b *Book) Missing(first, end int64) (n int) {
	for i := first; i < end; i++ {
		if b.arrived[i].Load() == 0 {
			n++
		}
	}
	return n
}

// Last is when the last alert arrived.
func (b *Book) Last() time.Time { return b.start.Add(time.Duration(b.last.Load())) }

// Latencies are the times from sending to arrival of the alerts from first up to end that arrived, in order of length.
func (b *Book) Latencies(first, end int64) []time.Duration {
	out := make([]time.Duration, 0, end-first)
	for i := first; i < end; i++ {
		if at := b.arrived[i].Load(); at != 0 {
			out = append(out, time.Duration(at-b.sent[i]))
		}
	}
	slices.Sort(out)
	return out
}

// Percentile picks from sorted durations; 0 when there are none.
func Percentile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(p*float64(len(sorted))), len(sorted)-1)]
}
