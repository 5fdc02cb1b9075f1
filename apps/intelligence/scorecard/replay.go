package scorecard

import (
	"context"
	"encoding/json"
	"errors"
	"sync"

	"github.com/incidenthub/incidenthub/providers"
)

// Providers are those who can be asked, as intelligence.Providers.
type Providers interface {
	Names() []string
	Make(name string, config json.RawMessage) (providers.Provider, error)
}

// Take is one question to a contestant. It is told the answer, or gives the one that was recorded. It is safe for concurrent use.
type Take struct {
	Replay *Recorded // set: this is the answer, and nobody is asked

	mu    sync.Mutex
	came  Recorded
	asked bool
	terms providers.Terms
	known bool
}

type takeKey struct{}

// With is a context in which a provider of Watched answers for this take.
func With(ctx context.Context, t *Take) context.Context { return context.WithValue(ctx, takeKey{}, t) }

// Came is what the provider last said, as a record of it without names; false: nobody was asked.
func (t *Take) Came() (Recorded, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.came, t.asked
}

// Cost is what tokens cost by the prices of who was asked; nil when those or the tokens are not known.
func (t *Take) Cost(u providers.Usage) *float64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.known || t.terms.PriceInput == 0 && t.terms.PriceOutput == 0 || u.Prompt == nil || u.Completion == nil {
		return nil
	}
	return new((float64(*u.Prompt)*t.terms.PriceInput + float64(*u.Completion)*t.terms.PriceOutput) / 1e6)
}

// Model is the model that was asked, by the provider's terms; "": there is none.
func (t *Take) Model() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.terms.Model
}

// Watched are providers that answer for the take of the context: what was recorded, or what the real one says, which is kept. Without a
// take the real one answers.
type Watched struct{ Of Providers }

// Names are those of the real ones.
func (w Watched) Names() []string { return w.Of.Names() }

// Make makes a real one and watches it.
func (w Watched) Make(name string, config json.RawMessage) (providers.Provider, error) {
	p, err := w.Of.Make(name, config)
	if err != nil {
		return nil, err
	}
	if asked, ok := p.(providers.Asked); ok {
		return watchedAsked{watched{p}, asked}, nil
	}
	return watched{p}, nil
}

type watched struct{ of providers.Provider }

var (
	_ providers.Provider = watched{}
	_ providers.Asked    = watchedAsked{}
)

// Name implements providers.Provider.
func (w watched) Name() string { return w.of.Name() }

// Analyze implements providers.Provider.
func (w watched) Analyze(ctx context.Context, r *providers.Request) (*providers.Answer, error) {
	t, ok := ctx.Value(takeKey{}).(*Take)
	if !ok {
		return w.of.Analyze(ctx, r)
	}
	if t.Replay != nil {
		t.mu.Lock()
		t.came, t.asked = *t.Replay, true
		t.mu.Unlock()
		return t.Replay.answer()
	}
	a, err := w.of.Analyze(ctx, r)
	t.mu.Lock()
	t.came, t.asked = recorded(a, err), true
	t.mu.Unlock()
	return a, err
}

// watchedAsked is one that is asked in words.
type watchedAsked struct {
	watched

	asked providers.Asked
}

// Terms implements providers.Asked.
func (w watchedAsked) Terms() providers.Terms { return w.asked.Terms() }

// Analyze implements providers.Provider.
func (w watchedAsked) Analyze(ctx context.Context, r *providers.Request) (*providers.Answer, error) {
	if t, ok := ctx.Value(takeKey{}).(*Take); ok {
		t.mu.Lock()
		if t.terms, t.known = w.asked.Terms(), true; r.Options.Model != "" {
			t.terms.Model = r.Options.Model
		}
		t.mu.Unlock()
	}
	return w.watched.Analyze(ctx, r)
}

var errRecorded = errors.New("it failed when it was recorded")

// answer is what the provider gave then.
func (r *Recorded) answer() (*providers.Answer, error) {
	if r.ErrorClass != "" && r.Text == "" && r.Result == nil {
		return nil, &providers.Error{Class: r.ErrorClass, Err: errRecorded}
	}
	return &providers.Answer{
		Text: r.Text, Result: r.Result, Model: r.AnsweredBy, Cut: r.Cut,
		Usage: providers.Usage{Prompt: r.PromptTokens, Completion: r.CompletionTokens, Total: r.TotalTokens},
	}, nil
}

func recorded(a *providers.Answer, err error) Recorded {
	var failed *providers.Error
	switch {
	case errors.As(err, &failed):
		return Recorded{ErrorClass: failed.Class}
	case errors.Is(err, context.DeadlineExceeded):
		return Recorded{ErrorClass: providers.ErrTimeout}
	case err != nil:
		return Recorded{ErrorClass: providers.ErrInternal}
	case a == nil:
		return Recorded{ErrorClass: providers.ErrMalformed}
	}
	r := Recorded{
		Text: a.Text, Result: a.Result, Cut: a.Cut, AnsweredBy: a.Model, PromptTokens: a.Usage.Prompt, CompletionTokens: a.Usage.Completion, TotalTokens: a.Usage.Total,
	}
	if r.Text == "" && r.Result == nil {
		r.ErrorClass = providers.ErrMalformed // it said nothing
	}
	return r
}
