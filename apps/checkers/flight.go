package checkers

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// flight is one check that is run, and what came of it, for all who ask for the same.
type flight struct {
	id       id.ID // of the row
	begun    time.Time
	hostname string
	done     chan struct{}
	result   Result // once done
	ended    clock.Stopwatch
	kept     bool
	alerted  atomic.Bool // somebody has made an alert of it
}

// board returns the flight that answers a request, and whether the caller is to fly it. What runs is shared by all who ask in the same
// words; what has ended, for MaxAge, by those that want it shared.
func (s *Service) board(req Request, p planned) (f *flight, mine bool) {
	key := strings.Join([]string{
		req.Tenant, p.spec.Name, req.Hostname, fmt.Sprint(req.Shared, req.Guarded), string(canonical(p.config)),
	}, "\x00")
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, old := range s.flights {
		select {
		case <-old.done:
			if old.ended.Elapsed() > MaxAge {
				delete(s.flights, k)
			}
		default:
		}
	}
	if f = s.flights[key]; f != nil {
		select {
		case <-f.done:
			if req.Shared {
				return f, false
			}
		default:
			return f, false
		}
	}
	f = &flight{id: id.New(), begun: s.Clock.Now(), done: make(chan struct{})}
	s.flights[key] = f
	return f, true
}

// canonical writes settings in one way, whatever their order.
func canonical(raw json.RawMessage) []byte {
	var v map[string]any
	if json.Unmarshal(raw, &v) != nil {
		return raw
	}
	out, err := json.Marshal(v)
	if err != nil {
		return raw
	}
	return out
}

// fly runs the check, whoever goes on waiting for it, and keeps the row.
func (s *Service) fly(ctx context.Context, f *flight, v *view, req Request, p planned) {
	defer close(f.done)
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(s.life, cancel)() //nolint:contextcheck // the end of the service ends it, not that of who asked
	f.result = s.look(ctx, v, req, p)
	f.hostname = s.hostname(req, v)
	f.ended = clock.Start()
	if s.Store != nil {
		f.result.ID = f.id
		s.keep(ctx, f, req)
	}
}

func (s *Service) look(ctx context.Context, v *view, req Request, p planned) Result {
	watch := clock.Start()
	if p.err != nil {
		return failed(p.spec, p.err)
	}
	in := Input{Probe: v.probe, Config: p.config, Shared: req.Shared, Command: req.Origin == OriginCLI, Guarded: req.Guarded, Guard: s.Guard}
	if !p.spec.Endpoint {
		var err error
		if in.Before, in.Sample, err = v.samples(p.spec.Pair); err != nil {
			r := failed(p.spec, err)
			r.DurationMS = watch.Elapsed().Milliseconds()
			return r
		}
	}
	r := Once(ctx, p.checker, in)
	r.DurationMS = watch.Elapsed().Milliseconds()
	return r
}

// keepTime bounds the wait for the database.
const keepTime = 5 * time.Second

// keep writes the row. That it cannot be written harms nobody.
func (s *Service) keep(ctx context.Context, f *flight, req Request) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepTime)
	defer cancel()
	r := &f.result
	var run *id.ID
	if !req.RunID.IsZero() {
		run = &req.RunID
	}
	err := s.Store.keep(ctx, CheckRun{
		ID: f.id, TenantID: req.Tenant, CheckerName: r.CheckerName, Hostname: f.hostname, Status: r.Status, Message: r.Message, Metrics: r.Metrics,
		Error: r.Error, Warning: r.Warning, Critical: r.Critical, Origin: req.Origin, RunID: run, DurationMS: r.DurationMS,
		ExecutedAt: f.begun, TraceID: req.TraceID,
	})
	if err != nil {
		s.Log.WarnContext(ctx, "check not kept", "checker", r.CheckerName, "error", err)
		return
	}
	f.kept = true
	if s.Changed != nil {
		s.Changed(req.Tenant, "check", f.id)
	}
}

// sampleTime bounds the time that looking at the host may take.
const sampleTime = 10 * time.Second

// view is what one request sees of the host: the same samples for all its checks.
type view struct {
	probe host.Probe
	one   func() (*host.Sample, error)
	two   func() ([2]*host.Sample, error)
}

// see returns a view for a request. Samples are taken when the first check asks for them.
func (s *Service) see(ctx context.Context, shared bool) *view {
	v := &view{probe: s.Probe}
	if shared && s.Shared != nil {
		v.probe = s.Shared
	}
	ctx = context.WithoutCancel(ctx) // a check may go on for others
	v.one = sync.OnceValues(func() (*host.Sample, error) { return v.sample(ctx) })
	v.two = sync.OnceValues(func() ([2]*host.Sample, error) { return v.pair(ctx) })
	return v
}

func (v *view) sample(ctx context.Context) (*host.Sample, error) {
	ctx, cancel := context.WithTimeout(ctx, sampleTime)
	defer cancel()
	got, err := v.probe.Sample(ctx)
	if err != nil {
		return nil, fmt.Errorf("look at the host: %w", err)
	}
	return got, nil
}

// pair takes what others have at hand, else a second sample after the first.
func (v *view) pair(ctx context.Context) (two [2]*host.Sample, err error) {
	if p, ok := v.probe.(host.Pairer); ok {
		ctx, cancel := context.WithTimeout(ctx, sampleTime)
		defer cancel()
		two[0], two[1], err = p.Pair(ctx, between)
		if err != nil {
			return two, fmt.Errorf("look at the host: %w", err)
		}
		return two, nil
	}
	if two[0], err = v.one(); err != nil {
		return two, err
	}
	if err = v.probe.Wait(ctx, between); err != nil {
		return two, fmt.Errorf("wait between two looks at the host: %w", err)
	}
	two[1], err = v.sample(ctx)
	return two, err
}

// between is the time between two samples of a pair.
const between = time.Second

// samples returns what a check needs: the newest sample, and for pairs one from a second before.
func (v *view) samples(pair bool) (before, now *host.Sample, err error) {
	if pair {
		two, err := v.two()
		return two[0], two[1], err
	}
	now, err = v.one()
	return nil, now, err
}

// hostname is the name under which results are kept: the same for all checks, whatever they look at.
func (s *Service) hostname(req Request, v *view) string {
	if req.Hostname != "" {
		return req.Hostname
	}
	if name := s.name.Load(); name != nil {
		return *name
	}
	if got, err := v.one(); err == nil && got.Hostname != "" {
		s.name.Store(&got.Hostname)
		return got.Hostname
	}
	if name, err := os.Hostname(); err == nil && name != "" {
		return name
	}
	return "localhost"
}
