package intelligence

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/incidenthub/incidenthub/providers"
)

// Times of an analysis.
const (
	wholeTime   = 30 * time.Second
	localTime   = 10 * time.Second // of the local analyzer
	localBeside = 3 * time.Second  // after which it starts beside a provider that has not answered
)

// attempt is one try with one provider.
type attempt struct {
	answer *providers.Answer
	err    error
}

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

// try asks a provider in a goroutine of its own, so that one that hangs or panics harms nobody. One that does not come back keeps its
// place until it does; when there are no places nobody is asked.
func (a *Analyzer) try(ctx context.Context, p providers.Provider, r *providers.Request, limit time.Duration) <-chan attempt {
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
		came <- a.ask(ctx, p, r)
	}()
	go func() {
		defer cancel()
		select {
		case got := <-came:
			done <- got
		case <-ctx.Done():
			done <- attempt{err: &providers.Error{Class: providers.ErrTimeout, Err: ctx.Err()}}
		}
	}()
	return done
}

func (a *Analyzer) ask(ctx context.Context, p providers.Provider, r *providers.Request) (got attempt) {
	defer func() {
		if v := recover(); v != nil {
			a.log.ErrorContext(ctx, "a provider panicked", "provider", p.Name(), "panic", a.redact.Text(fmt.Sprint(v)))
			got = attempt{err: &providers.Error{Class: providers.ErrInternal, Err: errors.New("it panicked")}}
		}
	}()
	answer, err := p.Analyze(ctx, r)
	switch {
	case err != nil && ctx.Err() != nil:
		err = &providers.Error{Class: providers.ErrTimeout, Err: ctx.Err()}
	case err == nil && (answer == nil || answer.Result == nil):
		err = &providers.Error{Class: providers.ErrMalformed, Err: errors.New("there is no result in its answer")}
	}
	return attempt{answer, err}
}

// climbed is where the ladder ended.
type climbed struct {
	answer *providers.Answer
	rung   string
	class  string // of the first error: why the rung is lower than it could be
	err    error
}

// ladder asks the provider, then the local analyzer, and leaves the facts to the caller. The local analyzer starts beside a provider
// that lets itself wait, so that its answer is there when the provider's time is up.
func (a *Analyzer) ladder(ctx context.Context, p, local providers.Provider, r *Request, in *providers.Request) climbed {
	whole := r.Timeout
	if whole <= 0 {
		whole = wholeTime
	}
	ctx, cancel := context.WithTimeout(ctx, whole)
	defer cancel()
	if p.Name() == Local {
		return ofLocal(<-a.try(ctx, p, in, min(localTime, whole)))
	}
	asked := a.try(ctx, p, in, whole)
	var beside <-chan attempt
	if local != nil && !r.NoFallback {
		t := time.NewTimer(min(localBeside, whole/2))
		defer t.Stop()
		select {
		case got := <-asked:
			if got.err == nil {
				return climbed{answer: got.answer, rung: providers.RungProvider}
			}
			return besideOf(class(got.err), <-a.try(ctx, local, in, localTime))
		case <-t.C:
			beside = a.try(ctx, local, in, localTime)
		}
	}
	got := <-asked
	switch {
	case got.err == nil:
		return climbed{answer: got.answer, rung: providers.RungProvider}
	case beside == nil:
		return climbed{rung: providers.RungFacts, class: class(got.err), err: got.err}
	default:
		return besideOf(class(got.err), <-beside)
	}
}

func besideOf(why string, got attempt) climbed {
	c := ofLocal(got)
	c.class = why
	return c
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
