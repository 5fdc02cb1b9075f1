package server

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/incidenthub/incidenthub/apps/auth"
	"github.com/incidenthub/incidenthub/apps/sources"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// lookEvery is how often another process' change of the configuration is looked for. Accepting checks it by itself.
const lookEvery = time.Second

// reloader keeps what the process caches in step with the stored configuration.
type reloader struct {
	db    *storage.DB
	log   *slog.Logger
	parts []func(context.Context) error
	// last is read when all else is: whoever finds its generation to be the newest one may use the rest.
	last func(ctx context.Context, generation int64) error
	auth *auth.Service

	mu      sync.Mutex
	seen    int64
	cancel  context.CancelFunc
	running sync.WaitGroup
}

// now reads everything again.
func (r *reloader) now(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen, err := r.db.Generation(ctx)
	if err != nil {
		return err
	}
	for _, p := range r.parts {
		if err := p(ctx); err != nil {
			return err
		}
	}
	if err := r.last(ctx, seen); err != nil {
		return err
	}
	r.auth.Invalidate()
	r.seen = seen
	return nil
}

// poke is called after a change in this process.
func (r *reloader) poke() {
	if err := r.now(context.Background()); err != nil {
		r.log.Warn("read the changed configuration", "error", err)
	}
}

func (r *reloader) start() {
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	r.running.Go(func() {
		t := time.NewTicker(lookEvery)
		defer t.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-t.C:
			}
			n, err := r.db.Generation(ctx)
			r.mu.Lock()
			same := n == r.seen
			r.mu.Unlock()
			if err == nil && !same {
				err = r.now(ctx)
			}
			if err != nil && ctx.Err() == nil {
				r.log.WarnContext(ctx, "look for a changed configuration", "error", err)
			}
		}
	})
}

func (r *reloader) stop() {
	if r.cancel != nil {
		r.cancel()
		r.running.Wait()
	}
}

// entries are the active sources in memory.
type entries struct {
	sources *sources.Service
	now     atomic.Pointer[entrySet]
}

type entrySet struct {
	list     []sources.Entry
	byID     map[id.ID]sources.Entry
	byName   map[[2]string]sources.Entry
	defaults map[string]sources.Entry
}

func (e *entries) reload(ctx context.Context) error {
	list, err := e.sources.Snapshot(ctx)
	if err != nil {
		return err
	}
	set := &entrySet{list: list, byID: map[id.ID]sources.Entry{}, byName: map[[2]string]sources.Entry{}, defaults: map[string]sources.Entry{}}
	for _, s := range list {
		set.byID[s.ID] = s
		set.byName[[2]string{s.Tenant, s.Name}] = s
		if s.Default {
			set.defaults[s.Tenant] = s
		}
	}
	e.now.Store(set)
	return nil
}

func (e *entries) set() *entrySet {
	if s := e.now.Load(); s != nil {
		return s
	}
	return &entrySet{}
}

// ByID implements api.Entries.
func (e *entries) ByID(i id.ID) (sources.Entry, bool) {
	s, ok := e.set().byID[i]
	return s, ok
}

// ByName implements api.Entries.
func (e *entries) ByName(tenant, name string) (sources.Entry, bool) {
	s, ok := e.set().byName[[2]string{tenant, name}]
	return s, ok
}

// Default implements api.Entries.
func (e *entries) Default(tenant string) (sources.Entry, bool) {
	s, ok := e.set().defaults[tenant]
	return s, ok
}

func (e *entries) keys(ctx context.Context) ([]auth.SourceKey, error) {
	if err := e.reload(ctx); err != nil {
		return nil, err
	}
	var out []auth.SourceKey
	for _, s := range e.set().list {
		out = append(out, auth.SourceKey{Tenant: s.Tenant, SourceID: s.ID, Name: s.Name, KeyHash: s.KeyHash})
	}
	return out, nil
}
