package intelligence

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/providers"
)

// Times of an analysis.
const (
	wholeTime   = 30 * time.Second
	localTime   = 10 * time.Second // of the local analyzer
	localLeast  = 8 * time.Second  // that it has in the place of a provider, however short the provider's own time is
	localBeside = 3 * time.Second  // after which it starts beside a provider that has not answered
)

// class is what a row says of an error: never its text, which may hold what a provider sent.
func class(err error) string {
	var own *providers.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &own):
		return own.Class
	case errors.Is(err, context.DeadlineExceeded):
		return providers.ErrTimeout
	default:
		return providers.ErrInternal
	}
}

var errBusy = &providers.Error{Class: providers.ErrOverloaded, Err: errors.New("too many analyses that have not come back")}

// try does something that may hang or panic in a goroutine of its own, so that it harms nobody. What does not come back keeps its place
// until it does; when there are no places nothing is tried.
func (a *Analyzer) try(ctx context.Context, name string, limit time.Duration, do func(context.Context) attempt) <-chan attempt {
	done := make(chan attempt, 1)
	select {
	case a.places <- struct{}{}:
	default:
		done <- attempt{err: errBusy}
		return done
	}
	came := make(chan attempt, 1)
	ctx, cancel := context.WithTimeout(ctx, limit)
	go func() {
		defer func() { <-a.places }()
		came <- a.safely(ctx, name, do)
	}()
	go func() {
		defer cancel()
		select {
		case got := <-came:
			done <- got
		case <-ctx.Done():
			select {
			case got := <-came: // at the last moment
				done <- got
			default:
				done <- attempt{err: &providers.Error{Class: providers.ErrTimeout, Err: ctx.Err()}}
			}
		}
	}()
	return done
}

func (a *Analyzer) safely(ctx context.Context, name string, do func(context.Context) attempt) (got attempt) {
	defer func() {
		if v := recover(); v != nil {
			a.log.ErrorContext(ctx, "a provider panicked", "provider", name, "panic", a.redact.Text(fmt.Sprint(v)))
			got = attempt{err: &providers.Error{Class: providers.ErrInternal, Err: errors.New("it panicked")}}
		}
	}()
	got = do(ctx)
	if got.err != nil && ctx.Err() != nil && !passedOver(got.err) {
		got.err = &providers.Error{Class: providers.ErrTimeout, Err: ctx.Err()}
	}
	return got
}

// passedOver are errors of calls that were not made: that the time is up as well explains nothing.
func passedOver(err error) bool { return class(err) == providers.ErrBudget }

// reasoned asks a provider that reasons by itself.
func reasoned(p providers.Provider, in *providers.Request) func(context.Context) attempt {
	return func(ctx context.Context) attempt {
		answer, err := p.Analyze(ctx, in)
		if err == nil && (answer == nil || answer.Result == nil) {
			err = &providers.Error{Class: providers.ErrMalformed, Err: errors.New("there is no result in its answer")}
		}
		return attempt{answer: answer, err: err}
	}
}

// climbed is where the ladder ended.
type climbed struct {
	answer *providers.Answer
	rung   string
	class  string // of the first error: why the rung is lower than it could be
	err    error
	heard
}

// steps are what a ladder is made of.
type steps struct {
	name     string
	version  string                        // of the prompt; "": it is not asked in words
	asked    func(context.Context) attempt // the provider
	local    providers.Provider            // nil: there is none, the facts are left
	whole    time.Duration
	fallback bool
	// meanwhile is told what the local analyzer says while the provider is still asked; nil: nobody.
	meanwhile func(climbed)
}

// ladder asks the provider, then the local analyzer, and leaves the facts to the caller. The local analyzer starts beside a provider
// that lets itself wait, so that its answer is there when the provider's time is up: at once, when that is short.
func (a *Analyzer) ladder(ctx context.Context, s steps, in *providers.Request) climbed {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if s.asked == nil {
		return ofLocal(<-a.try(ctx, Local, min(localTime, s.whole), reasoned(s.local, in)))
	}
	asked := a.try(ctx, s.name, s.whole, s.asked)
	if s.local == nil || !s.fallback {
		return ofProvider(<-asked)
	}
	watch := clock.Start()
	start := func() <-chan attempt {
		return a.try(ctx, Local, min(localTime, max(localLeast, s.whole-watch.Elapsed())), reasoned(s.local, in))
	}
	t := time.NewTimer(min(localBeside, max(0, s.whole-localLeast)))
	defer t.Stop()
	var beside <-chan attempt
	var looked *attempt
	for {
		select {
		case got := <-asked:
			if got.err == nil {
				return ofProvider(got)
			}
			if beside == nil && looked == nil {
				beside = start()
			}
			if looked == nil {
				looked = new(<-beside)
			}
			return besideOf(got, *looked)
		case got := <-beside:
			beside, looked = nil, &got
			if s.meanwhile != nil {
				s.meanwhile(besideOf(attempt{err: errLate}, got))
			}
		case <-t.C:
			beside = start()
		}
	}
}

var errLate = &providers.Error{Class: providers.ErrTimeout, Err: errors.New("it had not answered yet")}

func ofProvider(got attempt) climbed {
	if got.err != nil {
		c := climbed{rung: providers.RungFacts, class: class(got.err), err: got.err, heard: got.heard}
		c.spent(got.answer)
		return c
	}
	return climbed{answer: got.answer, rung: providers.RungProvider, heard: got.heard}
}

// besideOf is what the local analyzer says in the place of a provider, and why.
func besideOf(provider, got attempt) climbed {
	c := ofLocal(got)
	c.class, c.heard = class(provider.err), provider.heard
	if c.err == nil {
		c.err = provider.err
	}
	c.spent(provider.answer)
	return c
}

// spent keeps what an answer took that could not be used.
func (c *climbed) spent(answer *providers.Answer) {
	if answer == nil {
		return
	}
	one := providers.Answer{}
	if c.answer != nil {
		one = *c.answer
	}
	one.Usage = answer.Usage
	c.answer = &one
}

func ofLocal(got attempt) climbed {
	switch {
	case got.err != nil:
		return climbed{rung: providers.RungFacts, class: class(got.err), err: got.err}
	case got.answer.Rung == providers.RungFacts:
		return climbed{answer: got.answer, rung: providers.RungFacts}
	default:
		return climbed{answer: got.answer, rung: providers.RungLocal}
	}
}
