// Package local is the analyzer that needs no network: it looks at the host and says what is wrong with it. What the incident says only
// chooses between faults that are there.
package local

import (
	"context"
	"errors"
	"fmt"
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
}

var _ providers.Provider = (*Analyzer)(nil)

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
	l := newLook(a, b, z.probe, r)
	if r.Kind != "" || r.Incident == nil {
		return &providers.Answer{Result: reports(ctx, l), Model: "local"}, nil
	}
	found := rank(l, search(ctx, l, detectors()))
	if where := elsewhere(ctx, l); where != "" {
		return &providers.Answer{Result: abroad(l, where, found), Model: "local", Rung: providers.RungFacts}, nil
	}
	return &providers.Answer{Result: result(l, found), Model: "local"}, nil
}

// search runs the detectors, all at once. One that panics is left out and named: what others saw is worth more than no answer.
func search(ctx context.Context, l *look, list []detector) []finding {
	found := make([][]finding, len(list))
	var wg sync.WaitGroup
	walk := l.walk()
	for i, d := range list {
		if d.walks && !walk {
			continue
		}
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
	var all []finding
	for _, f := range found {
		all = append(all, f...)
	}
	return all
}
