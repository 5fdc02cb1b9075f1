package intelligence

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/providers"
)

// flight is an analysis under way.
type flight struct {
	done chan struct{}
	out  *Analysis
	err  error

	looked    chan struct{} // closed when there is a meanwhile
	meanwhile *Analysis     // what the local analyzer says while the provider is still asked
	left      bool          // somebody took it and left
}

// shownAfter is how long an analysis may take before it is shown as running.
const shownAfter = time.Second

// Analyze makes an analysis and stores it. Requests that name a stored incident get its facts here; what they bring themselves is used
// when those cannot be read. When ctx ends first, or the request's patience, there is what the local analyzer says, else the facts, with the
// class timeout. Those who ask the same of one incident at the same time share one analysis, each with a row of its own.
func (s *Service) Analyze(ctx context.Context, r *Request) (*Analysis, error) {
	who, err := s.who(r)
	if err != nil {
		return nil, err
	}
	if err := s.load(ctx, r); err != nil {
		return nil, err
	}
	w := &write{request: r, who: who, id: id.New(), createdAt: s.clock.Now()}
	f, first := s.fly(r, who) //nolint:contextcheck // an analysis outlives who asked first
	out, err := s.follow(ctx, f, w)
	if out == nil {
		return nil, err
	}
	own := *out
	if own.ID = w.id; !first {
		own.share()
	}
	s.store(ctx, w.done(&own), true)
	return &own, err
}

// share makes it an analysis that was made for somebody else: it cost nothing more.
func (a *Analysis) share() {
	if a.Cached = true; a.PromptVersion != "" {
		none := func() *int64 { return new(int64) }
		a.Usage, a.Cost = providers.Usage{Prompt: none(), Completion: none(), Total: none()}, none()
	}
}

// follow waits for an analysis.
func (s *Service) follow(ctx context.Context, f *flight, w *write) (*Analysis, error) {
	r := w.request
	slow := time.NewTimer(shownAfter)
	defer slow.Stop()
	var patience <-chan time.Time
	if r.Patience > 0 {
		t := time.NewTimer(r.Patience)
		defer t.Stop()
		patience = t.C
	}
	var looked chan struct{}
	for {
		select {
		case <-f.done:
			return f.out, f.err
		case <-slow.C:
			s.store(ctx, w.running(), false)
		case <-patience:
			looked = f.looked
		case <-looked:
			return s.leave(f)
		case <-ctx.Done():
			select {
			case <-f.looked:
				if !r.NoFallback {
					return s.leave(f)
				}
			default:
			}
			return s.late(r) //nolint:contextcheck // it takes no time, and ctx is over
		}
	}
}

// leave takes what there is so far.
func (s *Service) leave(f *flight) (*Analysis, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-f.done: // after all
		return f.out, f.err
	default:
		f.left = true
		return f.meanwhile, nil
	}
}

// late is what is left when the time is up.
func (s *Service) late(r *Request) (*Analysis, error) {
	plain := *r
	plain.FactsOnly, plain.NoFallback = true, false
	out, err := s.Analyzer.Analyze(context.Background(), &plain)
	if err != nil {
		return nil, err
	}
	out.ErrorClass, out.FallbackUsed = providers.ErrTimeout, true
	if r.NoFallback {
		return out, &providers.Error{Class: providers.ErrTimeout, Err: errors.New("the time for the analysis was over")}
	}
	return out, nil
}

// fly starts an analysis, or joins the one of the same incident that is under way.
func (s *Service) fly(r *Request, who Configured) (f *flight, first bool) {
	key := s.key(r, who)
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.under[key]; f != nil && key != "" {
		return f, false
	}
	f = &flight{done: make(chan struct{}), looked: make(chan struct{})}
	if key != "" {
		s.under[key] = f
	}
	own := *r // r is read by those who wait
	s.busy.Add(1)
	go func() {
		defer s.busy.Add(-1)
		ctx, cancel := context.WithTimeout(s.life, longest)
		defer cancel()
		s.gather(ctx, &own)
		out, err := s.analyze(ctx, &own, hooks{through: s.through, lenient: true, meanwhile: func(a *Analysis) {
			s.mu.Lock()
			defer s.mu.Unlock()
			f.meanwhile = a
			close(f.looked)
		}})
		s.mu.Lock()
		delete(s.under, key)
		f.out, f.err = out, err
		left := f.left
		close(f.done)
		s.mu.Unlock()
		if left && err == nil && out.Rung == providers.RungProvider { // nobody waits any more for what came after all
			late := *out
			w := &write{request: &own, who: who, id: id.New(), createdAt: out.StartedAt}
			late.ID = w.id
			s.store(ctx, w.done(&late), false)
		}
	}()
	return f, true
}

// key is the same for requests that one analysis can answer, "" when there are none.
func (s *Service) key(r *Request, who Configured) string {
	if r.IncidentID.IsZero() || r.FactsOnly {
		return ""
	}
	raw, err := json.Marshal([]any{
		r.Tenant, r.IncidentID, who.Name, who.Kind, who.Version, r.Kind, r.Options, r.Hint, r.Context, r.Config, r.NoFallback, r.Gather,
		r.Incident.Severity, r.Incident.Status,
	})
	if err != nil {
		return ""
	}
	return string(raw)
}
