package intelligence

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/redact"
	"github.com/incidenthub/incidenthub/providers"
)

// slots is how many providers may be under way at once when nobody says otherwise, those that never come back included.
const slots = 256

// AnalyzerConfig is what an Analyzer needs. Directory, Clock and Redact may be nil.
type AnalyzerConfig struct {
	Providers Providers
	Directory Directory // of stored providers; nil: there are none
	Log       *slog.Logger
	Clock     clock.Clock
	Redact    *redact.Redactor
	Slots     int // providers under way at once, more than there are callers; 0: the default
}

// Analyzer analyses and keeps nothing: it needs no database. It is safe for concurrent use.
type Analyzer struct {
	providers Providers
	directory Directory
	log       *slog.Logger
	clock     clock.Clock
	redact    *redact.Redactor
	places    chan struct{}
}

// NewAnalyzer returns an Analyzer. It starts nothing.
func NewAnalyzer(c AnalyzerConfig) (*Analyzer, error) {
	if c.Providers == nil || c.Log == nil {
		return nil, errors.New("intelligence: Providers and Log are required")
	}
	if c.Clock == nil {
		c.Clock = clock.System()
	}
	if c.Redact == nil {
		c.Redact = redact.New()
	}
	if c.Slots <= 0 {
		c.Slots = slots
	}
	return &Analyzer{
		providers: c.Providers, directory: c.Directory, log: c.Log.With("app", "intelligence"), clock: c.Clock, redact: c.Redact, places: make(chan struct{}, c.Slots),
	}, nil
}

// Redact is what takes secrets out of what goes in and comes out.
func (a *Analyzer) Redact() *redact.Redactor { return a.redact }

// Analyze makes one analysis. Whatever goes wrong with a provider it answers, on a lower rung; the error is of requests that cannot be met:
// an unknown provider, settings that it refuses, and with NoFallback what the provider failed with, as *providers.Error beside the
// analysis.
func (a *Analyzer) Analyze(ctx context.Context, r *Request) (*Analysis, error) {
	who, err := a.who(r)
	if err != nil {
		return nil, err
	}
	name := who.Kind
	watch := clock.Start()
	out := &Analysis{Provider: name, StartedAt: a.clock.Now()}
	in := &providers.Request{Kind: r.Kind, Hint: shorten(r.Hint, maxHint), Context: shorten(r.Context, maxHint), Options: r.Options}
	in.Incident, in.Evidence, out.Input = prepare(a.redact, r.Incident, r.Evidence)
	out.Evidence = in.Evidence
	got := climbed{rung: providers.RungFacts}
	if !r.FactsOnly {
		if got, err = a.climb(ctx, name, r, in); err != nil {
			return nil, err
		}
	}
	a.finish(out, in, got)
	out.Took = watch.Elapsed()
	if got.err != nil {
		a.log.WarnContext(ctx, "an analysis fell back", "provider", name, "rung", out.Rung, "error_class", got.class, "error", a.redact.Short(got.err.Error(), 500))
	}
	if r.NoFallback && got.class != "" {
		return out, &providers.Error{Class: got.class, Err: errors.New("the provider did not answer, and fallback is off")}
	}
	return out, nil
}

func (a *Analyzer) climb(ctx context.Context, name string, r *Request, in *providers.Request) (climbed, error) {
	p, err := a.providers.Make(name, r.Config)
	if err != nil {
		return climbed{}, fmt.Errorf("settings of provider %s: %w", name, err)
	}
	var local providers.Provider
	if name != Local {
		if local, err = a.providers.Make(Local, nil); err != nil {
			local = nil // the facts are left
		}
	}
	return a.ladder(ctx, p, local, r, in), nil
}

// finish turns what the ladder gave into an analysis.
func (a *Analyzer) finish(out *Analysis, in *providers.Request, got climbed) {
	out.Rung, out.ErrorClass, out.FallbackUsed = got.rung, got.class, got.class != ""
	g := &guard{redact: a.redact, known: known(&in.Evidence)}
	var raw *providers.Result
	if got.answer != nil {
		raw, out.Model, out.Truncated, out.Usage = got.answer.Result, got.answer.Model, got.answer.Cut, got.answer.Usage
	}
	switch got.rung {
	case providers.RungProvider:
		g.foreign = foreign(in.Incident, &in.Evidence)
	case providers.RungFacts:
		raw = fill(raw, facts(in.Incident, &in.Evidence, raw != nil))
	}
	out.Result = g.result(raw)
	for i := range out.Recommendations {
		if out.Recommendations[i].IncidentID = ""; in.Incident != nil {
			out.Recommendations[i].IncidentID = in.Incident.ID
		}
	}
	switch {
	case out.Truncated, g.claimed && !g.cited:
		out.Grounded = false
	case out.Rung == providers.RungLocal:
		out.Grounded = true // it stands on what was measured, whether it names a check or not
	default:
		out.Grounded = g.cited
	}
}

// fill completes what the local analyzer said of an incident that is not about this host, and keeps it modest.
func fill(own, facts *providers.Result) *providers.Result {
	if own == nil {
		return facts
	}
	out := *own
	out.Recommendations = append(append([]providers.Recommendation(nil), own.Recommendations...), facts.Recommendations...)
	for i := range out.Recommendations {
		out.Recommendations[i].Priority = providers.Low
	}
	if out.Summary == "" {
		out.Summary = facts.Summary
	}
	return &out
}
