package scorecard_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/intelligence/scorecard"
	"github.com/incidenthub/incidenthub/providers"
)

// model answers with its text, or fails.
type model struct {
	text  string
	err   error
	calls *int
}

func (model) Name() string { return "model" }

func (model) Terms() providers.Terms {
	return providers.Terms{Kind: "model", Model: "m", PriceInput: 2, PriceOutput: 10}
}

func (m model) Analyze(context.Context, *providers.Request) (*providers.Answer, error) {
	*m.calls++
	if m.err != nil {
		return nil, m.err
	}
	n := int64(1000)
	return &providers.Answer{Text: m.text, Model: "m-2026", Cut: true, Usage: providers.Usage{Prompt: &n, Completion: &n}}, nil
}

type only struct{ p providers.Provider }

func (only) Names() []string { return []string{"model"} }

var errName = errors.New("no such provider")

func (o only) Make(name string, _ json.RawMessage) (providers.Provider, error) {
	if name != "model" {
		return nil, errName
	}
	return o.p, nil
}

func TestWatched(t *testing.T) {
	t.Parallel()
	calls := 0
	w := scorecard.Watched{Of: only{model{text: "yes", calls: &calls}}}
	if _, err := w.Make("other", nil); !errors.Is(err, errName) || !cmp.Equal(w.Names(), []string{"model"}) {
		t.Errorf("names: %v", err)
	}
	p, err := w.Make("model", nil)
	if err != nil {
		t.Fatal(err)
	}
	if asked, ok := p.(providers.Asked); !ok || asked.Terms().Model != "m" || p.Name() != "model" {
		t.Fatalf("it is not asked in words: %T", p)
	}
	live := &scorecard.Take{}
	if _, was := live.Came(); was {
		t.Error("nobody was asked")
	}
	answer, err := p.Analyze(scorecard.With(t.Context(), live), &providers.Request{Options: providers.Options{Model: "m3"}})
	came, was := live.Came()
	if err != nil || !was || answer.Text != "yes" || calls != 1 || live.Model() != "m3" {
		t.Fatalf("live: %+v %v %v, %d calls", came, was, err, calls)
	}
	if cost := live.Cost(answer.Usage); cost == nil || *cost != 0.012 {
		t.Errorf("cost %v", cost)
	}
	if live.Cost(providers.Usage{}) != nil {
		t.Error("unknown tokens cost something")
	}
	replay := &scorecard.Take{Replay: &came}
	again, err := p.Analyze(scorecard.With(t.Context(), replay), &providers.Request{})
	if diff := cmp.Diff(answer, again); diff != "" || err != nil || calls != 1 {
		t.Errorf("replayed: %s %v, %d calls", diff, err, calls)
	}
	if _, err := p.Analyze(t.Context(), &providers.Request{}); err != nil || calls != 2 {
		t.Errorf("without a take: %v, %d calls", err, calls)
	}
}

// TestErrorsAreRecorded: of an error its class is kept, and given again.
func TestErrorsAreRecorded(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err  error
		text string
		want string
	}{
		"class":    {&providers.Error{Class: providers.ErrQuota, Err: errName}, "", providers.ErrQuota},
		"deadline": {context.DeadlineExceeded, "", providers.ErrTimeout},
		"other":    {errName, "", providers.ErrInternal},
		"silence":  {nil, "", providers.ErrMalformed},
	} {
		calls := 0
		p, err := scorecard.Watched{Of: only{model{text: tt.text, err: tt.err, calls: &calls}}}.Make("model", nil)
		if err != nil {
			t.Fatal(err)
		}
		live := &scorecard.Take{}
		_, _ = p.Analyze(scorecard.With(t.Context(), live), &providers.Request{})
		came, _ := live.Came()
		if came.ErrorClass != tt.want || came.Text != "" {
			t.Errorf("%s: %+v", name, came)
		}
		_, err = p.Analyze(scorecard.With(t.Context(), &scorecard.Take{Replay: &came}), &providers.Request{})
		if failed := (*providers.Error)(nil); !errors.As(err, &failed) || failed.Class != tt.want {
			t.Errorf("%s again: %v", name, err)
		}
	}
}
