package intelligence

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/redact"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/providers"
)

// speaker is a language model that answers by a function.
type speaker struct {
	name  string
	terms providers.Terms
	ready error
	say   func(ctx context.Context, n int, r *providers.Request) (*providers.Answer, error)

	mu    sync.Mutex
	asked []*providers.Prompt
}

func (s *speaker) Name() string { return s.name }

func (s *speaker) Ready() error { return s.ready }

func (s *speaker) Terms() providers.Terms {
	t := s.terms
	t.Kind, t.Model = s.name, "model-of-"+s.name
	return t
}

func (s *speaker) Analyze(ctx context.Context, r *providers.Request) (*providers.Answer, error) {
	s.mu.Lock()
	s.asked = append(s.asked, r.Prompt)
	n := len(s.asked)
	s.mu.Unlock()
	return s.say(ctx, n, r)
}

func (s *speaker) calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asked)
}

// minds are the providers of a test, those that speak and those that do not.
type minds map[string]providers.Provider

func (m minds) Names() []string { return slices.Sorted(maps.Keys(m)) }

func (m minds) Make(name string, config json.RawMessage) (providers.Provider, error) {
	if strings.Contains(string(config), "broken") {
		return nil, errors.New("model: broken is no model")
	}
	if p := m[name]; p != nil {
		return p, nil
	}
	return nil, errors.New("no such provider")
}

// written is an answer in words that cites evidence.
func written(title string, cites ...string) *providers.Answer {
	raw, err := json.Marshal(map[string]any{
		"summary": title + " is the matter.", "probable_cause": "It grew.", "confidence": 0.7,
		"recommendations": []any{map[string]any{
			"type": "disk", "priority": "high", "title": title, "description": "Look at " + title, "actions": []string{"df -h"}, "evidence": cites, "details": map[string]any{"culprit": map[string]any{"kind": "path", "path": "/var"}},
		}},
	})
	if err != nil {
		panic(err)
	}
	return &providers.Answer{Text: string(raw), Model: "model-1", Usage: tokens(900, 120)}
}

func tokens(in, out int64) providers.Usage {
	return providers.Usage{Prompt: new(in), Completion: new(out), Total: new(in + out)}
}

func always(a *providers.Answer) func(context.Context, int, *providers.Request) (*providers.Answer, error) {
	return func(context.Context, int, *providers.Request) (*providers.Answer, error) {
		one := *a
		return &one, nil
	}
}

func fails(class string) func(context.Context, int, *providers.Request) (*providers.Answer, error) {
	return func(context.Context, int, *providers.Request) (*providers.Answer, error) {
		return nil, &providers.Error{Class: class, Err: errors.New("the vendor says sk-secret")}
	}
}

// TestWords: what comes of an answer in words, and of none.
func TestWords(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		say   func(context.Context, int, *providers.Request) (*providers.Answer, error)
		ready error
		rung  string
		class string
		title string
		calls int
	}{
		"an analysis":    {always(written("Disk", "A1")), nil, "provider", "", "Disk", 1},
		"only text":      {always(&providers.Answer{Text: "The disk of this machine is full because of its logs, I think."}), nil, "provider", "", "AI Analysis", 1},
		"nothing at all": {always(&providers.Answer{Text: " \n"}), nil, "local", providers.ErrMalformed, "L", 1},
		"it declines":    {fails(providers.ErrRefusal), nil, "local", providers.ErrRefusal, "L", 1},
		"no key":         {fails("nobody is asked"), &providers.Error{Class: providers.ErrAuth, Err: errors.New("no key")}, "local", providers.ErrAuth, "L", 0},
		"too large":      {fails(providers.ErrTooLarge), nil, "local", providers.ErrTooLarge, "L", 2},
		"too large at once": {func(ctx context.Context, n int, r *providers.Request) (*providers.Answer, error) {
			if n == 1 {
				return fails(providers.ErrTooLarge)(ctx, n, r)
			}
			return written("Disk", "A1"), nil
		}, nil, "provider", "", "Disk", 2},
		"it panics": {func(context.Context, int, *providers.Request) (*providers.Answer, error) { panic("sk-secret") }, nil, "local", providers.ErrInternal, "L", 1},
		"nil, nil":  {func(context.Context, int, *providers.Request) (*providers.Answer, error) { return nil, nil }, nil, "local", providers.ErrMalformed, "L", 1}, //nolint:nilnil // a broken provider
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &speaker{name: "p", say: tt.say, ready: tt.ready, terms: providers.Terms{PriceInput: 1, PriceOutput: 2, StorePrompts: true}}
			a, err := NewAnalyzer(AnalyzerConfig{Providers: minds{"p": p, Local: &fake{name: Local, answer: says("L")}}, Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			got, err := a.Analyze(t.Context(), &Request{
				Provider: "p", Incident: &providers.Incident{Title: "Disk full", Description: strings.Repeat("much text. ", 200)},
				Evidence: providers.Evidence{Alerts: []providers.Alert{{Name: "Disk", Description: strings.Repeat("more text, ", 100)}, {Name: "Other", Description: strings.Repeat("other text, ", 100)}}},
			})
			if err != nil {
				t.Fatal(err)
			}
			if got.Rung != tt.rung || got.ErrorClass != tt.class || got.FallbackUsed != (tt.class != "") || got.Recommendations[0].Title != tt.title || p.calls() != tt.calls {
				t.Errorf("%d calls, rung %s, class %s, %q", p.calls(), got.Rung, got.ErrorClass, got.Recommendations[0].Title)
			}
			if got.PromptVersion != PromptVersion && tt.class != providers.ErrInternal {
				t.Errorf("prompt version %q", got.PromptVersion)
			}
			if tt.calls == 2 && p.calls() == 2 && len(p.asked[1].User) >= len(p.asked[0].User) {
				t.Errorf("the second question is as large: %d, %d", len(p.asked[0].User), len(p.asked[1].User))
			}
			if name == "an analysis" && (*got.Cost != 900+240 || len(got.AnswerHash) != 64 || got.Model != "model-1" || !got.Grounded || !strings.Contains(got.Prompt, "Disk full") || !strings.Contains(got.RawAnswer, "It grew")) {
				t.Errorf("%+v", got)
			}
		})
	}
}

// TestWordsAboutNothing: without an incident there is nothing to ask a language model.
func TestWordsAboutNothing(t *testing.T) {
	t.Parallel()
	p := &speaker{name: "p", say: fails("nobody is asked")}
	a, err := NewAnalyzer(AnalyzerConfig{Providers: minds{"p": p, Local: &fake{name: Local, answer: says("L")}}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	got, err := a.Analyze(t.Context(), &Request{Provider: "p"})
	if err != nil || p.calls() != 0 || got.Rung != providers.RungProvider || len(got.Recommendations) != 0 || got.FallbackUsed {
		t.Errorf("%d calls, %+v, %v", p.calls(), got, err)
	}
}

// TestWordsTime: the settings of a provider bound the whole, what the request says comes first, and the local analyzer is there by then.
func TestWordsTime(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		terms, request, want time.Duration
	}{
		"the provider's": {8 * time.Second, 0, 8 * time.Second}, "the request's": {8 * time.Second, 12 * time.Second, 12 * time.Second}, "nobody's": {0, 0, wholeTime},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := &speaker{name: "p", terms: providers.Terms{Timeout: tt.terms}, say: func(ctx context.Context, _ int, _ *providers.Request) (*providers.Answer, error) {
				<-ctx.Done()
				return nil, &providers.Error{Class: providers.ErrNetwork, Err: ctx.Err()}
			}}
			a, err := NewAnalyzer(AnalyzerConfig{Providers: minds{"p": p, Local: &fake{name: Local, after: 2 * time.Second, answer: says("L")}}, Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			got, err := a.Analyze(t.Context(), &Request{Provider: "p", Timeout: tt.request, Incident: &providers.Incident{Title: "x"}})
			if took := time.Since(began); err != nil || took != tt.want || got.Rung != "local" || got.ErrorClass != providers.ErrTimeout {
				t.Errorf("%s: %s, %+v %v", name, took, got, err)
			}
		})
	}
}

// shelves is a stored incident whose alerts a test may change.
type shelves struct {
	mu       sync.Mutex
	severity string
	alerts   []providers.Alert
}

func (s *shelves) Load(_ context.Context, _ string, incident id.ID) (*providers.Incident, []providers.Alert, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &providers.Incident{ID: incident.String(), Title: "Disk", Severity: s.severity, Status: "open"}, slices.Clone(s.alerts), nil
}

func (s *shelves) set(severity string, names ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.severity, s.alerts = severity, nil
	for _, n := range names {
		s.alerts = append(s.alerts, providers.Alert{Name: n})
	}
}

// one is a directory of one active record.
type one struct {
	mu sync.Mutex
	c  Configured
}

func (o *one) Active(string) (Configured, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.c, true
}

func (o *one) Find(_, name string) (Configured, bool) {
	c, _ := o.Active("")
	return c, name == c.Name || name == c.Kind
}

// bench is a service with one provider, on a clock of its own.
type bench struct {
	*Service
	r       *Reader
	p       *speaker
	who     *one
	shelves *shelves
	clock   *clock.Manual
	notices chan Notice
}

func newBench(t *testing.T, db *storage.DB, p *speaker) *bench {
	t.Helper()
	b := &bench{
		p: p, shelves: &shelves{}, clock: clock.At(time.Date(2026, 11, 20, 10, 30, 0, 0, time.UTC)), notices: make(chan Notice, 100),
		who: &one{c: Configured{ID: id.New(), Name: "main", Kind: "p", Version: 1, Config: json.RawMessage(`{"api_key":"the-canary-key"}`)}},
	}
	b.shelves.set("critical", "Disk")
	log := slog.New(slog.DiscardHandler)
	a, err := NewAnalyzer(AnalyzerConfig{Providers: minds{"p": p, Local: &fake{name: Local, answer: says("L")}}, Directory: b.who, Log: log, Redact: redact.New("the-canary-key")})
	if err != nil {
		t.Fatal(err)
	}
	b.Service, err = New(Config{DB: db, Analyzer: a, Incidents: b.shelves, Log: log, Clock: b.clock, Notice: func(_ context.Context, n Notice) error {
		b.notices <- n
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Stop)
	if b.r, err = NewReader(db); err != nil {
		t.Fatal(err)
	}
	return b
}

// ask has an incident analysed; change may change the request.
func (b *bench) ask(t *testing.T, incident id.ID, change ...func(*Request)) *Analysis {
	t.Helper()
	r := &Request{Tenant: "t1", IncidentID: incident}
	for _, c := range change {
		c(r)
	}
	got, err := b.Analyze(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func (b *bench) usage(t *testing.T) Usage {
	t.Helper()
	list, err := b.r.Usage(t.Context(), "t1", b.clock.Now().Add(-48*time.Hour))
	if err != nil || len(list) != 1 || list[0].Provider != "main" {
		t.Fatalf("usage %+v %v", list, err)
	}
	return list[0]
}

func sum(u Usage) string {
	return fmt.Sprintf("%d calls, %d failed, %d cached, %d refused, %d+%d tokens, %d money", u.Calls, u.Failed, u.Cached, u.Refused, u.PromptTokens, u.CompletionTokens, u.CostMicros)
}
