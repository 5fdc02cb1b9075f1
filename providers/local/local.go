// Package local is the analyzer that needs no network: it looks at the host and says what is wrong with it. What the incident says only
// chooses between faults that are there.
package local

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/providers"
)

// Config is what an Analyzer needs.
type Config struct {
	Probe  host.Probe
	Gap    time.Duration // between the two samples; 0: 1.5 s
	Budget time.Duration // for a whole analysis; 0: 8 s
}

// Analyzer looks at the host that it runs on.
type Analyzer struct {
	probe  host.Probe
	gap    time.Duration
	budget time.Duration

	mu   sync.Mutex
	last *view
}

var _ providers.Provider = (*Analyzer)(nil)

// Spec says what the local analyzer is.
func Spec() providers.Spec {
	return providers.Spec{Name: "local", Label: "Local analyzer", Description: "Looks at this machine by itself. Nothing leaves it."}
}

// New returns an Analyzer. It looks at nothing yet.
func New(c Config) (*Analyzer, error) {
	if c.Probe == nil {
		return nil, errors.New("local analyzer: a probe is required")
	}
	if c.Gap <= 0 {
		c.Gap = 1500 * time.Millisecond
	}
	if c.Budget <= 0 {
		c.Budget = 8 * time.Second
	}
	return &Analyzer{probe: c.Probe, gap: c.Gap, budget: c.Budget}, nil
}

// Name implements providers.Provider.
func (*Analyzer) Name() string { return "local" }

// Analyze implements providers.Provider. A request with a kind, or without an incident, gets the reports of contract 7.4; an incident
// whatever is wrong with the host. It fails only when the host cannot be looked at.
func (z *Analyzer) Analyze(ctx context.Context, r *providers.Request) (*providers.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, z.budget)
	defer cancel()
	a, b, err := see(ctx, z.probe, z.gap)
	if err != nil {
		class := providers.ErrServer
		if ctx.Err() != nil {
			class = providers.ErrTimeout
		}
		return nil, &providers.Error{Class: class, Err: fmt.Errorf("look at the host: %w", err)}
	}
	l := newLook(z.view(a, b), r)
	if r.Kind != "" || r.Incident == nil {
		return &providers.Answer{Result: reports(ctx, l), Model: "local"}, nil
	}
	found, err := search(ctx, l, detectors())
	if err != nil {
		return nil, &providers.Error{Class: providers.ErrTimeout, Err: err}
	}
	top := rank(l, found)
	if where := elsewhere(ctx, l); where != "" {
		return &providers.Answer{Result: abroad(l, where, top), Model: "local", Rung: providers.RungFacts}, nil
	}
	out := result(l, top)
	if len(top) == 0 {
		out.Recommendations = append(out.Recommendations, beside(ctx, l)...)
	}
	return &providers.Answer{Result: out, Model: "local"}, nil
}

// view is what two samples show. A probe that gives the same two to several analyses (host.Shared) spares them all but the first the work.
func (z *Analyzer) view(a, b *host.Sample) *view {
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.last == nil || z.last.a != a || z.last.b != b {
		z.last = newView(a, b, z.probe)
	}
	return z.last
}

// search runs the detectors: those that ask nothing of the incident once for each view, the others for this look.
func search(ctx context.Context, l *look, all []detector) ([]finding, error) {
	var plain, walking, asking []detector
	walk := l.walks()
	for _, d := range all {
		switch {
		case d.walks && !walk:
		case d.asks:
			asking = append(asking, d)
		case d.walks:
			walking = append(walking, d)
		default:
			plain = append(plain, d)
		}
	}
	nobody := newLook(l.view, &providers.Request{})
	shared := func(list []detector) func() []finding {
		return func() []finding {
			// Others wait for it too: it ends by its own time, not by the first caller's.
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 6*time.Second)
			defer cancel()
			return detect(ctx, nobody, list)
		}
	}
	var wg sync.WaitGroup
	var walked, asked []finding
	var err error
	if len(walking) > 0 {
		wg.Go(func() { walked, err = l.walked.do(ctx, shared(walking)) })
	}
	wg.Go(func() { asked = detect(ctx, l, asking) })
	found, errFound := l.found.do(ctx, shared(plain))
	wg.Wait()
	return slices.Concat(found, walked, asked), errors.Join(errFound, err)
}

// detect runs detectors at the same time. One that panics is left out and named: what others saw is worth more than no answer.
func detect(ctx context.Context, l *look, list []detector) []finding {
	found := make([][]finding, len(list))
	var wg sync.WaitGroup
	for i, d := range list {
		wg.Go(func() {
			defer func() {
				if v := recover(); v != nil {
					found[i] = nil
					l.missed("the search for %s broke off", strings.ReplaceAll(d.name, "_", " "))
				}
			}()
			found[i] = d.run(ctx, l)
		})
	}
	wg.Wait()
	return slices.Concat(found...)
}
