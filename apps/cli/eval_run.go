package cli

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/incidenthub/incidenthub/apps/intelligence"
	"github.com/incidenthub/incidenthub/apps/intelligence/scorecard"
	"github.com/incidenthub/incidenthub/providers"
)

// evaluation is one run of eval.
type evaluation struct {
	*Program

	analyzer *intelligence.Analyzer // its providers are scorecard.Watched
	set      []scorecard.Case
	offline  bool
	record   string
}

// measure has every incident analysed by one contestant.
func (e *evaluation) measure(ctx context.Context, who scorecard.Contestant, s intelligence.Settings) (scorecard.Total, error) {
	base := intelligence.Request{Tenant: tenant, Provider: who.Provider, NoFallback: true}
	asked, err := e.analyzer.Resolve(tenant, who.Provider)
	if err != nil {
		return scorecard.Total{}, usage{err}
	}
	for _, w := range s.Apply(&base, asked.Kind) {
		_, _ = fmt.Fprintln(e.Err, "incidenthub: "+clean(w))
	}
	if who.Model != "" {
		base.Options.Model = who.Model
	}
	scores := make([]scorecard.Score, 0, len(e.set))
	for i := range e.set {
		said, rec, err := e.ask(ctx, &e.set[i], who, base)
		if err != nil {
			return scorecard.Total{}, err
		}
		if ctx.Err() != nil {
			return scorecard.Total{}, fmt.Errorf("stopped after %d of %d incidents of %s: %w", i, len(e.set), who.Provider, ctx.Err())
		}
		if !e.offline {
			if who.Model == "" {
				who.Model = rec.Model
			}
			who.PromptVersion = rec.PromptVersion
			if err := e.keep(&e.set[i], rec); err != nil {
				return scorecard.Total{}, err
			}
			_, _ = fmt.Fprintf(e.Err, "%d/%d %s %s: %s\n", i+1, len(e.set), clean(who.Provider), clean(e.set[i].ID), outcome(rec))
		}
		scores = append(scores, scorecard.Judge(&e.set[i], said))
	}
	return scorecard.Sum(who, scores), nil
}

func outcome(r scorecard.Recorded) string {
	if r.ErrorClass != "" {
		return r.ErrorClass
	}
	return fmt.Sprintf("answered in %.1f s", r.Seconds)
}

// ask has one incident analysed, or takes what was recorded. Nobody else answers in somebody's place.
func (e *evaluation) ask(ctx context.Context, c *scorecard.Case, who scorecard.Contestant, r intelligence.Request) (*scorecard.Said, scorecard.Recorded, error) {
	take := &scorecard.Take{}
	if e.offline {
		if take.Replay = c.Answer(who); take.Replay == nil {
			return &scorecard.Said{Missing: true}, scorecard.Recorded{}, nil
		}
	}
	r.Incident, r.Evidence = c.Incident, c.Evidence
	got, err := e.analyzer.Analyze(scorecard.With(ctx, take), &r)
	if got == nil || err != nil && class(err) == "" {
		return nil, scorecard.Recorded{}, usage{fmt.Errorf("incident %s: %w", c.ID, err)}
	}
	rec := e.recorded(take, got, who.Provider)
	said := &scorecard.Said{
		Result: &got.Result, Known: &got.Evidence, Rung: got.Rung, ErrorClass: got.ErrorClass, Grounded: got.Grounded, Truncated: got.Truncated,
		Usage: providers.Usage{Prompt: rec.PromptTokens, Completion: rec.CompletionTokens, Total: rec.TotalTokens}, Seconds: rec.Seconds,
	}
	said.Cost = take.Cost(said.Usage)
	if rec.Text != "" {
		said.Raw = intelligence.Claims(rec.Text, rec.Cut)
	}
	return said, rec, nil
}

// recorded is the answer as it is kept: redacted, with the names of who gave it.
func (e *evaluation) recorded(take *scorecard.Take, got *intelligence.Analysis, name string) scorecard.Recorded {
	rec, asked := take.Came()
	if take.Replay != nil {
		return *take.Replay
	}
	if !asked || got.ErrorClass == providers.ErrTimeout {
		rec = scorecard.Recorded{ErrorClass: got.ErrorClass}
	}
	rec.Provider, rec.Model, rec.PromptVersion = name, take.Model(), got.PromptVersion
	rec.Seconds = math.Round(got.Took.Seconds()*1000) / float64(time.Second/time.Millisecond)
	rec.Text = e.analyzer.Redact().Text(rec.Text)
	if rec.Result != nil {
		rec.Result = &got.Result // its own words went through the guards, which redact
	}
	return rec
}

// keep writes the set with one more answer: what has cost money is not lost when the rest fails.
func (e *evaluation) keep(c *scorecard.Case, rec scorecard.Recorded) error {
	c.Record(rec)
	if e.record == "" {
		return nil
	}
	var b bytes.Buffer
	if err := scorecard.Write(&b, e.set); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(e.record), ".eval-*") // for its owner alone
	if err != nil {
		return fmt.Errorf("--record: %w", err)
	}
	defer os.Remove(f.Name()) //nolint:errcheck // once it has its name it is not there any more
	_, err = f.Write(b.Bytes())
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), e.record)
	}
	if err != nil {
		return fmt.Errorf("--record: %w", err)
	}
	return nil
}
