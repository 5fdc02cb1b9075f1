package intelligence

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/incidenthub/incidenthub/apps/intelligence/prompt"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
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
	// Links are hosts that language models may link to, with a leading dot all below; Own is where the hub is reached, "" when nobody knows.
	Links []string
	Own   string
}

// Analyzer analyses and keeps nothing: it needs no database. It is safe for concurrent use.
type Analyzer struct {
	providers Providers
	directory Directory
	log       *slog.Logger
	clock     clock.Clock
	redact    *redact.Redactor
	places    chan struct{}
	links     []string
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
		links: linkHosts(c.Links, c.Own),
	}, nil
}

// Redact is what takes secrets out of what goes in and comes out.
func (a *Analyzer) Redact() *redact.Redactor { return a.redact }

// Analyze makes one analysis. Whatever goes wrong with a provider it answers, on a lower rung; the error is of requests that cannot be met:
// an unknown provider, settings that it refuses, and with NoFallback what the provider failed with, as *providers.Error beside the
// analysis.
func (a *Analyzer) Analyze(ctx context.Context, r *Request) (*Analysis, error) {
	return a.analyze(ctx, r, hooks{})
}

// hooks are what a service does differently.
type hooks struct {
	through way // how language models are asked; nil: at once, and whatever it costs
	// lenient: settings that cannot be used are no error, a lower rung answers.
	lenient bool
	// meanwhile is told what there is while the provider has not answered yet.
	meanwhile func(*Analysis)
}

func (a *Analyzer) analyze(ctx context.Context, r *Request, h hooks) (*Analysis, error) {
	who, err := a.who(r)
	if err != nil {
		return nil, err
	}
	watch := clock.Start()
	in := &providers.Request{Kind: r.Kind, Hint: shorten(r.Hint, maxHint), Context: shorten(r.Context, maxHint), Options: r.Options}
	var counts InputSummary
	in.Incident, in.Evidence, counts = prepare(a.redact, r.Incident, r.Evidence)
	begin := Analysis{Provider: who.Kind, StartedAt: a.clock.Now(), Evidence: in.Evidence, Input: counts}
	if !who.ID.IsZero() {
		begin.Record = who.Name
	}
	end := func(got climbed) *Analysis {
		out := begin
		a.finish(&out, in, got)
		out.Took = watch.Elapsed()
		return &out
	}
	got := climbed{rung: providers.RungFacts}
	if !r.FactsOnly {
		s, err := a.steps(r, who, in, counts, h)
		if err != nil {
			return nil, err
		}
		begin.PromptVersion = s.version
		if h.meanwhile != nil {
			s.meanwhile = func(c climbed) { h.meanwhile(end(c)) }
		}
		got = a.ladder(ctx, s, in)
	}
	out := end(got)
	if got.err != nil {
		a.log.WarnContext(ctx, "an analysis fell back", "provider", who.Name, "rung", out.Rung, "error_class", got.class, "error", a.redact.Short(got.err.Error(), 500))
	}
	if r.NoFallback && got.class != "" {
		return out, &providers.Error{Class: got.class, Err: errors.New("the provider did not answer, and fallback is off")}
	}
	return out, nil
}

// steps makes the ladder of a request.
func (a *Analyzer) steps(r *Request, who Configured, in *providers.Request, counts InputSummary, h hooks) (steps, error) {
	s := steps{name: who.Name, whole: r.whole(providers.Terms{}), fallback: !r.NoFallback}
	local, err := a.providers.Make(Local, nil)
	if who.Kind == Local {
		s.local = local
		if err != nil {
			return s, fmt.Errorf("settings of provider %s: %w", Local, err)
		}
		return s, nil
	}
	if err == nil { // else the facts are left
		s.local = local
	}
	p, err := a.provider(who, r)
	switch {
	case err != nil && h.lenient:
		s.asked = func(context.Context) attempt {
			return attempt{err: &providers.Error{Class: providers.ErrConfig, Err: err}}
		}
		return s, nil
	case err != nil:
		return s, err
	}
	asked, inWords := p.(providers.Asked)
	if !inWords {
		s.asked = reasoned(p, in)
		return s, nil
	}
	terms, own := asked.Terms(), *in // the local analyzer reads in meanwhile
	s.whole, s.version = r.whole(terms), prompt.Version
	q := &question{request: r, who: who, provider: p, terms: terms, in: &own, counts: counts}
	s.asked = func(ctx context.Context) attempt { return a.inWords(ctx, q, h.through) }
	return s, nil
}

// provider makes the provider of a request.
func (a *Analyzer) provider(who Configured, r *Request) (providers.Provider, error) {
	if who.Err != nil {
		return nil, fmt.Errorf("settings of provider %s: %w", who.Name, who.Err)
	}
	config, err := settingsOf(who.Config, r)
	if err != nil {
		return nil, fmt.Errorf("settings of provider %s: %w", who.Name, err)
	}
	p, err := a.providers.Make(who.Kind, config)
	if err != nil {
		return nil, fmt.Errorf("settings of provider %s: %w", who.Name, err)
	}
	return p, nil
}

// finish turns what the ladder gave into an analysis.
func (a *Analyzer) finish(out *Analysis, in *providers.Request, got climbed) {
	out.Rung, out.ErrorClass, out.FallbackUsed = got.rung, got.class, got.class != ""
	g := a.guarding(in, got.rung)
	if got.rung == providers.RungProvider && got.asked && got.input != (InputSummary{}) { // the prompt may have had room for less
		out.Input, out.Evidence = got.input, within(in.Evidence, got.input)
		g.known = known(&out.Evidence)
	}
	var raw *providers.Result
	if got.answer != nil {
		raw, out.Model, out.Truncated, out.Usage = got.answer.Result, got.answer.Model, got.answer.Cut, got.answer.Usage
	}
	out.heard(&got.heard)
	out.Hint = hint(got.err)
	if got.rung == providers.RungFacts {
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

// hint says what would have made an error none, where that is ours to say: of addresses that the hub may not call.
func hint(err error) string {
	var blocked *httpclient.BlockedError
	switch {
	case !errors.As(err, &blocked):
		return ""
	case blocked.Never:
		return "its address is never called"
	default:
		return "its address must be allowed: HUB_EGRESS_ALLOW=" + blocked.Entry()
	}
}

// guarding is what stands between an answer of a rung and whoever reads it.
func (a *Analyzer) guarding(in *providers.Request, rung string) *guard {
	g := &guard{redact: a.redact, known: known(&in.Evidence), hosts: a.links}
	if rung == providers.RungProvider {
		g.foreign = foreign(in.Incident, &in.Evidence, in.Hint, in.Context)
	}
	return g
}

// heard notes what is known of an answer in words.
func (a *Analysis) heard(h *heard) {
	if !h.asked {
		return
	}
	a.PromptVersion, a.Cached, a.AnswerHash, a.Cost, a.Prompt, a.RawAnswer = h.prompt, h.cached, h.hash, h.cost, h.sent, h.came
	a.Input.Cut = a.Input.Cut || h.trimmed
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
