package intelligence

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/providers"
)

// fake is a provider that answers after a while.
type fake struct {
	name   string
	after  time.Duration
	answer *providers.Answer
	err    error
	deaf   bool // it does not look at its context
	breaks bool
	calls  chan time.Time
	hold   chan struct{} // it answers when that is closed
}

func (f *fake) Name() string { return f.name }

func (f *fake) Analyze(ctx context.Context, _ *providers.Request) (*providers.Answer, error) {
	if f.calls != nil {
		f.calls <- time.Now()
	}
	if f.breaks {
		panic("it breaks")
	}
	if f.deaf {
		ctx = context.WithoutCancel(ctx)
	}
	if err := clock.Sleep(ctx, f.after); err != nil {
		return nil, err
	}
	if f.hold != nil {
		<-f.hold
	}
	return f.answer, f.err
}

// set are the providers of a test.
type set map[string]*fake

func (s set) Names() []string { return slices.Sorted(maps.Keys(s)) }

func (s set) Make(name string, _ json.RawMessage) (providers.Provider, error) {
	if f := s[name]; f != nil {
		return f, nil
	}
	return nil, errors.New("no such provider")
}

func says(title string) *providers.Answer {
	return &providers.Answer{Model: "m-1", Result: &providers.Result{Summary: title, Recommendations: []providers.Recommendation{{Title: title, Description: "d", Evidence: []string{"A1"}}}}}
}

func testAnalyzer(t *testing.T, s set) *Analyzer {
	t.Helper()
	a, err := NewAnalyzer(AnalyzerConfig{Providers: s, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestLadder(t *testing.T) {
	t.Parallel()
	quota := &providers.Error{Class: providers.ErrQuota, Err: errors.New("sk-secret")}
	elsewhere := says("Looked here")
	elsewhere.Rung = providers.RungFacts
	elsewhere.Result.Recommendations[0].Priority = providers.Critical
	alert := providers.Evidence{Alerts: []providers.Alert{{Name: "Disk"}}}
	for name, tt := range map[string]struct {
		request Request
		set     set
		rung    string
		class   string
		title   string
		took    time.Duration
		err     bool
	}{
		"local":               {Request{}, set{"local": {after: time.Second, answer: says("L")}}, "local", "", "L", time.Second, false},
		"local by name":       {Request{Provider: "local"}, set{"local": {answer: says("L")}}, "local", "", "L", 0, false},
		"the active one":      {Request{Provider: "active"}, set{"local": {answer: says("L")}}, "local", "", "L", 0, false},
		"local fails":         {Request{}, set{"local": {err: errors.New("no")}}, "facts", "internal", "Look into Disk", 0, false},
		"local panics":        {Request{}, set{"local": {breaks: true}}, "facts", "internal", "Look into Disk", 0, false},
		"local says nothing":  {Request{}, set{"local": {}}, "facts", "malformed", "Look into Disk", 0, false},
		"local hangs":         {Request{}, set{"local": {after: time.Hour}}, "facts", "timeout", "Look into Disk", localTime, false},
		"local never ends":    {Request{}, set{"local": {after: time.Hour, deaf: true}}, "facts", "timeout", "Look into Disk", localTime, false},
		"local of elsewhere":  {Request{}, set{"local": {answer: elsewhere}}, "facts", "", "Looked here", 0, false},
		"facts only":          {Request{FactsOnly: true}, set{"local": {breaks: true}}, "facts", "", "Look into Disk", 0, false},
		"no fallback":         {Request{NoFallback: true}, set{"local": {err: quota}}, "facts", "quota", "Look into Disk", 0, true},
		"a provider":          {Request{Provider: "p"}, set{"p": {after: 2 * time.Second, answer: says("P")}, "local": {answer: says("L")}}, "provider", "", "P", 2 * time.Second, false},
		"a slow provider":     {Request{Provider: "p"}, set{"p": {after: 20 * time.Second, answer: says("P")}, "local": {answer: says("L")}}, "provider", "", "P", 20 * time.Second, false},
		"a provider refuses":  {Request{Provider: "p"}, set{"p": {err: quota}, "local": {after: time.Second, answer: says("L")}}, "local", "quota", "L", time.Second, false},
		"a provider hangs":    {Request{Provider: "p"}, set{"p": {after: time.Hour, deaf: true}, "local": {after: 8 * time.Second, answer: says("L")}}, "local", "timeout", "L", wholeTime, false},
		"both hang":           {Request{Provider: "p", Timeout: 4 * time.Second}, set{"p": {after: time.Hour}, "local": {after: time.Hour}}, "facts", "timeout", "Look into Disk", localLeast, false},
		"a short time":        {Request{Provider: "p", Timeout: time.Second}, set{"p": {after: time.Hour}, "local": {after: 5 * time.Second, answer: says("L")}}, "local", "timeout", "L", 5 * time.Second, false},
		"both fail":           {Request{Provider: "p"}, set{"p": {err: quota}, "local": {breaks: true}}, "facts", "quota", "Look into Disk", 0, false},
		"no local":            {Request{Provider: "p"}, set{"p": {err: quota}}, "facts", "quota", "Look into Disk", 0, false},
		"none may replace it": {Request{Provider: "p", NoFallback: true}, set{"p": {after: 9 * time.Second, err: quota}, "local": {breaks: true}}, "facts", "quota", "Look into Disk", 9 * time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for n, f := range tt.set {
					f.name = n
				}
				a := testAnalyzer(t, tt.set)
				r := tt.request
				r.Evidence = alert
				began := time.Now()
				got, err := a.Analyze(t.Context(), &r)
				if took := time.Since(began); took != tt.took {
					t.Errorf("it took %s, want %s", took, tt.took)
				}
				if (err != nil) != tt.err || got == nil {
					t.Fatalf("error %v", err)
				}
				if got.Rung != tt.rung || got.ErrorClass != tt.class || got.FallbackUsed != (tt.class != "") || got.Recommendations[0].Title != tt.title || !got.Grounded {
					t.Errorf("%+v", got)
				}
				if got.Rung == providers.RungFacts {
					for _, r := range got.Recommendations {
						if r.Priority != providers.Low {
							t.Errorf("facts of %s priority", r.Priority)
						}
					}
				}
				time.Sleep(2 * time.Hour) // what hangs comes back
			})
		})
	}
}

// TestBeside: the local analyzer starts when a provider lets itself wait, not before.
func TestBeside(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		local := &fake{name: "local", answer: says("L"), calls: make(chan time.Time, 2)}
		a := testAnalyzer(t, set{"p": {name: "p", after: 2 * time.Second, answer: says("P")}, "q": {name: "q", after: 5 * time.Second, answer: says("Q")}, "local": local})
		if _, err := a.Analyze(t.Context(), &Request{Provider: "p"}); err != nil || len(local.calls) != 0 {
			t.Errorf("it started beside a quick provider: %v", err)
		}
		began := time.Now()
		if _, err := a.Analyze(t.Context(), &Request{Provider: "q"}); err != nil || len(local.calls) != 1 {
			t.Fatalf("it did not start beside a slow provider: %v", err)
		}
		if at := (<-local.calls).Sub(began); at != localBeside {
			t.Errorf("it started after %s", at)
		}
	})
}

// TestBurst: as many analyses as slow nodes run at once, and some by hand beside them, all find a place.
func TestBurst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := testAnalyzer(t, set{"local": {name: "local", after: 3 * time.Second}})
		var wg sync.WaitGroup
		for range 128 + 32 {
			wg.Go(func() {
				if got, err := a.Analyze(t.Context(), &Request{}); err != nil || got.ErrorClass == providers.ErrOverloaded {
					t.Errorf("%+v %v", got, err)
				}
			})
		}
		wg.Wait()
	})
}

// TestPlaces: providers that never come back keep their places, and when there are none left nobody else is asked.
func TestPlaces(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := testAnalyzer(t, set{"local": {name: "local", after: time.Hour, deaf: true}})
		done := make(chan *Analysis, slots)
		for range slots {
			go func() {
				got, err := a.Analyze(context.Background(), &Request{})
				if err != nil {
					t.Error(err)
				}
				done <- got
			}()
		}
		for range slots {
			if got := <-done; got.ErrorClass != providers.ErrTimeout {
				t.Errorf("class %s", got.ErrorClass)
			}
		}
		if got, err := a.Analyze(t.Context(), &Request{}); err != nil || got.ErrorClass != providers.ErrOverloaded || got.Rung != providers.RungFacts {
			t.Errorf("%+v %v", got, err)
		}
		time.Sleep(2 * time.Hour)
		if got, err := a.Analyze(t.Context(), &Request{}); err != nil || got.ErrorClass != providers.ErrTimeout {
			t.Errorf("the places are not given back: %+v %v", got, err)
		}
		time.Sleep(2 * time.Hour)
	})
}

func TestGrounded(t *testing.T) {
	t.Parallel()
	cite := func(ids ...string) *providers.Answer {
		a := says("x")
		a.Result.Recommendations[0].Evidence = ids
		return a
	}
	cut := cite("A1")
	cut.Cut = true
	empty := &providers.Answer{Result: &providers.Result{Summary: "s"}}
	for name, tt := range map[string]struct {
		provider string
		answer   *providers.Answer
		want     bool
	}{
		"a provider that cites":            {"p", cite("A1", "Z1"), true},
		"a provider that makes up":         {"p", cite("A7"), false},
		"a provider that cites nothing":    {"p", cite(), false},
		"a provider that was cut":          {"p", cut, false},
		"a provider that finds nothing":    {"p", empty, false},
		"the local one, which measured":    {"local", cite(), true},
		"the local one, with made-up ids":  {"local", cite("A7"), false},
		"the local one, all is well there": {"local", empty, true},
	} {
		a := testAnalyzer(t, set{"p": {name: "p", answer: tt.answer}, "local": {name: "local", answer: tt.answer}})
		got, err := a.Analyze(t.Context(), &Request{Provider: tt.provider, Evidence: providers.Evidence{Alerts: []providers.Alert{{Name: "Disk"}}}})
		if err != nil || got.Grounded != tt.want {
			t.Errorf("%s: grounded %t, %v", name, got.Grounded, err)
		}
	}
	_, err := testAnalyzer(t, set{}).Analyze(t.Context(), &Request{Provider: "psychic"})
	if !errors.Is(err, ErrUnknownProvider) || err.Error() != `unknown provider "psychic"; there are: active` {
		t.Errorf("error %v", err)
	}
}
