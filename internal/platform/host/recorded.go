package host

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"
)

// NotRecorded is the Error of connections and answers that are not in a recording: nothing is known of them.
const NotRecorded = "not recorded"

// Recorded is a Probe that says what is in a Recording again. Samples come in their order and the last one from then on; a pair is the first
// and the last one. It never waits.
type Recorded struct {
	rec  Recording
	mu   sync.Mutex
	next int
	read map[string]int // how often a path was read
}

var (
	_ Probe  = (*Recorded)(nil)
	_ Pairer = (*Recorded)(nil)
)

// Replay returns the Probe of a recording, which must not be changed afterwards.
func Replay(rec *Recording) *Recorded { return &Recorded{rec: *rec} }

// Sample implements Probe.
func (r *Recorded) Sample(ctx context.Context) (*Sample, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.rec.Samples) == 0 {
		return nil, fmt.Errorf("%w: no sample was recorded", ErrUnseen)
	}
	s := r.rec.Samples[r.next]
	r.next = min(r.next+1, len(r.rec.Samples)-1)
	return s, ctx.Err()
}

// Pair implements Pairer.
func (r *Recorded) Pair(ctx context.Context, _ time.Duration) (first, second *Sample, err error) {
	n := len(r.rec.Samples)
	if n < 2 {
		return nil, nil, fmt.Errorf("%w: %d samples were recorded, rates need two", ErrUnseen, n)
	}
	return r.rec.Samples[0], r.rec.Samples[n-1], ctx.Err()
}

// Walk implements Probe. A walk of the same root with other options stands in for one that was not recorded.
func (r *Recorded) Walk(_ context.Context, root string, o WalkOptions) (*Walk, error) {
	same := func(w RecordedWalk) bool { return w.Root == root }
	i := slices.IndexFunc(r.rec.Walks, func(w RecordedWalk) bool { return same(w) && equal(w.Options, o) })
	if i < 0 {
		i = slices.IndexFunc(r.rec.Walks, same)
	}
	if i < 0 {
		return nil, errorOf("walk", root, fs.ErrNotExist.Error())
	}
	w := r.rec.Walks[i]
	if w.Walk == nil && w.Error == "" {
		return &Walk{Root: root}, nil
	}
	return w.Walk, errorOf("walk", root, w.Error)
}

func equal(a, b WalkOptions) bool { // WalkOptions has a slice
	skip := slices.Equal(a.Skip, b.Skip)
	a.Skip, b.Skip = nil, nil
	return skip && a.Depth == b.Depth && a.Entries == b.Entries && a.Time == b.Time && a.Top == b.Top && a.LargeFrom == b.LargeFrom &&
		a.OldFrom == b.OldFrom
}

// Read implements Probe. Several texts of one path come in their order and the last one from then on.
func (r *Recorded) Read(_ context.Context, path string) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.read == nil {
		r.read = map[string]int{}
	}
	turn := r.read[path]
	r.read[path]++
	var last *RecordedRead
	for i := range r.rec.Reads {
		if have := &r.rec.Reads[i]; have.Path == path {
			last = have
			if turn -= 1 + have.Again; turn < 0 {
				break
			}
		}
	}
	if last == nil {
		return nil, errorOf("open", path, fs.ErrNotExist.Error())
	}
	return []byte(last.Text), errorOf("open", path, last.Error)
}

// List implements Probe.
func (r *Recorded) List(_ context.Context, path string) ([]string, error) {
	for _, have := range r.rec.Lists {
		if have.Path == path {
			return slices.Clone(have.Names), errorOf("open", path, have.Error)
		}
	}
	return nil, errorOf("open", path, fs.ErrNotExist.Error())
}

// Pidfiles implements Probe.
func (r *Recorded) Pidfiles(context.Context) ([]Pidfile, error) {
	return slices.Clone(r.rec.Pidfiles), nil
}

// Connect implements Probe.
func (r *Recorded) Connect(_ context.Context, address, send string) Connection {
	for _, have := range r.rec.Connections {
		if have.Address == address && have.Send == send {
			return have.Connection
		}
	}
	return Connection{Address: address, Error: NotRecorded}
}

// Lookup implements Probe.
func (r *Recorded) Lookup(_ context.Context, server, name string) Answer {
	for _, have := range r.rec.Answers {
		if have.Server == server && have.Name == name {
			return have
		}
	}
	return Answer{Server: server, Name: name, Error: NotRecorded}
}

// Wait implements Probe.
func (r *Recorded) Wait(ctx context.Context, _ time.Duration) error { return ctx.Err() }
