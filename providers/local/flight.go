package local

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/host"
)

// flight is work that is done once: the first who asks does it, others wait for it. The zero value has not begun.
type flight[T any] struct {
	mu    sync.Mutex
	done  chan struct{}
	value T
}

// do returns what f returned to the first caller. It fails only when ctx ends before that.
func (f *flight[T]) do(ctx context.Context, work func() T) (T, error) {
	f.mu.Lock()
	first := f.done == nil
	if first {
		f.done = make(chan struct{})
	}
	f.mu.Unlock()
	if first {
		func() {
			defer close(f.done) // even when work panics: nobody waits for ever
			f.value = work()
		}()
		return f.value, nil
	}
	select {
	case <-f.done:
		return f.value, nil
	case <-ctx.Done():
		var zero T
		return zero, fmt.Errorf("wait for the look at the host: %w", ctx.Err())
	}
}

// memo keeps answers of the probe by question.
type memo struct {
	mu   sync.Mutex
	said map[string]*flight[any]
}

func remember[T any](ctx context.Context, m *memo, key string, ask func() T) (T, error) {
	m.mu.Lock()
	if m.said == nil {
		m.said = map[string]*flight[any]{}
	}
	f := m.said[key]
	if f == nil {
		f = &flight[any]{}
		m.said[key] = f
	}
	m.mu.Unlock()
	v, err := f.do(ctx, func() any { return ask() })
	t, _ := v.(T)
	return t, err
}

// walk is Probe.Walk, once for each directory and options.
func (v *view) walk(ctx context.Context, root string, o host.WalkOptions) (*host.Walk, error) {
	type said struct {
		walk *host.Walk
		err  error
	}
	s, err := remember(ctx, &v.probed, fmt.Sprint("walk ", root, o), func() said {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 6*time.Second) // others wait for it too
		defer cancel()
		w, err := v.probe.Walk(ctx, root, o)
		return said{w, err}
	})
	if err != nil {
		return nil, err
	}
	return s.walk, s.err
}

// connect is Probe.Connect, once for each address.
func (v *view) connect(ctx context.Context, address, send string) host.Connection {
	c, err := remember(ctx, &v.probed, "connect "+address+" "+send, func() host.Connection { return v.probe.Connect(ctx, address, send) })
	if err != nil {
		return host.Connection{Address: address, Error: "timeout"}
	}
	return c
}

// lookup is Probe.Lookup, once for each server and name.
func (v *view) lookup(ctx context.Context, server, name string) host.Answer {
	a, err := remember(ctx, &v.probed, "lookup "+server+" "+name, func() host.Answer { return v.probe.Lookup(ctx, server, name) })
	if err != nil {
		return host.Answer{Server: server, Name: name, Error: "timeout"}
	}
	return a
}
