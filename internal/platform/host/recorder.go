package host

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

// recordedText is the most that is kept of a file.
const recordedText = 32 << 10

// Recorder is a Probe that keeps all that the probe within said, so that a test can look at the same host again. Sockets in TIME_WAIT are
// not kept beyond the first 50, and 32 KiB of a file.
type Recorder struct {
	probe Probe
	mu    sync.Mutex
	rec   Recording
}

var (
	_ Probe  = (*Recorder)(nil)
	_ Pairer = (*Recorder)(nil)
)

// Record returns a Recorder of p.
func Record(p Probe) *Recorder { return &Recorder{probe: p} }

// Recording returns what was said so far.
func (r *Recorder) Recording() *Recording {
	r.mu.Lock()
	defer r.mu.Unlock()
	rec := r.rec
	rec.Samples, rec.Walks, rec.Reads = slices.Clone(rec.Samples), slices.Clone(rec.Walks), slices.Clone(rec.Reads)
	rec.Lists, rec.Pidfiles = slices.Clone(rec.Lists), slices.Clone(rec.Pidfiles)
	rec.Connections, rec.Answers = slices.Clone(rec.Connections), slices.Clone(rec.Answers)
	return &rec
}

func (r *Recorder) keep(f func(*Recording)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(&r.rec)
}

// sample keeps a sample once, however often a Shared hands it out.
func (r *Recorder) sample(s *Sample) {
	r.keep(func(rec *Recording) {
		for _, have := range rec.Samples {
			if !s.TakenAt.IsZero() && have.TakenAt.Equal(s.TakenAt) {
				return
			}
		}
		kept := *s
		waiting := 0
		kept.Sockets = slices.DeleteFunc(slices.Clone(s.Sockets), func(s Socket) bool {
			if s.State == "TIME_WAIT" {
				waiting++
			}
			return s.State == "TIME_WAIT" && waiting > 50
		})
		rec.Samples = append(rec.Samples, &kept)
		slices.SortStableFunc(rec.Samples, func(a, b *Sample) int { return a.TakenAt.Compare(b.TakenAt) })
	})
}

// Sample implements Probe.
func (r *Recorder) Sample(ctx context.Context) (*Sample, error) {
	s, err := r.probe.Sample(ctx)
	if err == nil {
		r.sample(s)
	}
	return s, err
}

// Pair implements Pairer.
func (r *Recorder) Pair(ctx context.Context, gap time.Duration) (first, second *Sample, err error) {
	first, second, err = Pair(ctx, r.probe, gap)
	if err == nil {
		r.sample(first)
		r.sample(second)
	}
	return first, second, err
}

// Walk implements Probe.
func (r *Recorder) Walk(ctx context.Context, root string, o WalkOptions) (*Walk, error) {
	w, err := r.probe.Walk(ctx, root, o)
	r.keep(func(rec *Recording) {
		rec.Walks = append(rec.Walks, RecordedWalk{Root: root, Options: o, Walk: w, Error: textOf(err)})
	})
	return w, err
}

// Read implements Probe.
func (r *Recorder) Read(ctx context.Context, path string) ([]byte, error) {
	text, err := r.probe.Read(ctx, path)
	r.keep(func(rec *Recording) {
		kept := RecordedRead{Path: path, Text: string(text[:min(len(text), recordedText)]), Error: textOf(err)}
		for i, have := range slices.Backward(rec.Reads) {
			if have.Path == path {
				if have.Text == kept.Text && have.Error == kept.Error {
					rec.Reads[i].Again++
					return
				}
				break
			}
		}
		rec.Reads = append(rec.Reads, kept)
	})
	return text, err
}

// List implements Probe.
func (r *Recorder) List(ctx context.Context, path string) ([]string, error) {
	names, err := r.probe.List(ctx, path)
	r.keep(func(rec *Recording) {
		rec.Lists = replaced(rec.Lists, RecordedList{Path: path, Names: names, Error: textOf(err)}, func(l RecordedList) string { return l.Path })
	})
	return names, err
}

// Pidfiles implements Probe.
func (r *Recorder) Pidfiles(ctx context.Context) ([]Pidfile, error) {
	files, err := r.probe.Pidfiles(ctx)
	if err == nil {
		r.keep(func(rec *Recording) { rec.Pidfiles = files })
	}
	return files, err
}

// Connect implements Probe.
func (r *Recorder) Connect(ctx context.Context, address, send string) Connection {
	c := r.probe.Connect(ctx, address, send)
	r.keep(func(rec *Recording) {
		rec.Connections = replaced(rec.Connections, RecordedConnection{Connection: c, Send: send}, func(c RecordedConnection) string {
			return c.Address + "\x00" + c.Send
		})
	})
	return c
}

// Lookup implements Probe.
func (r *Recorder) Lookup(ctx context.Context, server, name string) Answer {
	a := r.probe.Lookup(ctx, server, name)
	r.keep(func(rec *Recording) {
		rec.Answers = replaced(rec.Answers, a, func(a Answer) string { return a.Server + "\x00" + a.Name })
	})
	return a
}

// Wait implements Probe.
func (r *Recorder) Wait(ctx context.Context, d time.Duration) error { return r.probe.Wait(ctx, d) }

// replaced puts item where the one with the same key is, or at the end: the last answer counts.
func replaced[T any, K cmp.Ordered](all []T, item T, key func(T) K) []T {
	for i := range all {
		if key(all[i]) == key(item) {
			all[i] = item
			return all
		}
	}
	return append(all, item)
}
