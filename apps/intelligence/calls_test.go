package intelligence

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
	"github.com/incidenthub/incidenthub/providers"
)

// TestKept: an answer serves again for an hour, for the same question with whatever ids it has now, and costs nothing then.
func TestKept(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		p := &speaker{name: "p", terms: providers.Terms{PriceInput: 2, PriceOutput: 10, StorePrompts: true}, say: always(written("Disk", "A1", "A9"))}
		b := newBench(t, db, p)
		incident := id.New()
		first := b.ask(t, incident)
		if first.Rung != "provider" || first.Cached || first.Provider != "p" || first.Record != "main" || *first.Cost != 900*2+120*10 || !first.Grounded {
			t.Fatalf("%+v", first)
		}
		d, err := b.r.Run(t.Context(), "t1", first.ID)
		if err != nil || d.Record != "main" || d.Provider != "p" || d.ModelName != "model-1" || d.PromptVersion != PromptVersion || *d.CostMicros != 3000 || len(d.AnswerHash) != 64 ||
			*d.PromptTokens != 900 || d.Rung != "provider" || !strings.Contains(d.Prompt, `"Disk"`) || !strings.Contains(d.RawAnswer, "It grew") {
			t.Errorf("row %+v %v", d, err)
		}
		if raw, err := json.Marshal(d); err != nil || strings.Contains(string(raw), "the-canary-key") || !strings.Contains(string(d.ProviderConfig), "redacted") {
			t.Errorf("%s %v", raw, err)
		}
		again := b.ask(t, incident)
		if again.Rung != "provider" || !again.Cached || *again.Usage.Prompt+*again.Usage.Completion+*again.Usage.Total+*again.Cost != 0 || again.AnswerHash != first.AnswerHash ||
			again.Model != "model-1" || !again.Grounded || again.Recommendations[0].Title != "Disk" || len(again.Recommendations[0].Details) != 1 ||
			again.Recommendations[0].Actions[0] != "df -h" || *again.Confidence != 0.7 || again.ProbableCause != "It grew." {
			t.Errorf("%+v", again)
		}
		if d, err := b.r.Run(t.Context(), "t1", again.ID); err != nil || !d.Cached || *d.TotalTokens != 0 || *d.CostMicros != 0 {
			t.Errorf("row %+v %v", d, err)
		}
		// A moment later there are more alerts: the answer is shared, and cites what it meant.
		b.shelves.set("critical", "Worse", "Disk")
		if got := b.ask(t, incident); !got.Cached || len(got.Recommendations[0].Evidence) != 1 || got.Recommendations[0].Evidence[0] != "A2" {
			t.Errorf("%+v", got)
		}
		if p.calls() != 1 {
			t.Errorf("%d calls", p.calls())
		}
		b.shelves.set("warning", "Worse", "Disk") // another severity is another question
		if got := b.ask(t, incident); got.Cached || p.calls() != 2 {
			t.Errorf("%+v, %d calls", got, p.calls())
		}
		b.clock.Advance(keptFor)
		other := id.New()
		b.shelves.set("critical", "Disk")
		if got := b.ask(t, other); got.Cached || p.calls() != 3 {
			t.Errorf("after an hour: %+v, %d calls", got, p.calls())
		}
		if got, want := sum(b.usage(t)), "3 calls, 0 failed, 2 cached, 0 refused, 2700+360 tokens, 9000 money"; got != want {
			t.Errorf("usage %s, want %s", got, want)
		}
		if err := b.books.Do(t.Context(), &booking{}); err != nil {
			t.Error(err)
		}
		var n int64
		if err := db.Read(t.Context()).Raw(`SELECT count(*) FROM analysis_answers`).Scan(&n).Error; err != nil || n != 1 {
			t.Errorf("%d answers are left, %v", n, err)
		}
	})
}

// TestOneCall: fifty alerts of one incident at once, at two processes, are one call, and each has an analysis of its own.
func TestOneCall(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		p := &speaker{name: "p", say: func(ctx context.Context, _ int, _ *providers.Request) (*providers.Answer, error) {
			select {
			case <-time.After(700 * time.Millisecond):
			case <-ctx.Done():
			}
			return written("Disk", "A1"), nil
		}}
		one := newBench(t, db, p)
		two := newBench(t, db, p)
		two.who.c.ID = one.who.c.ID
		incident := id.New()
		var all sync.WaitGroup
		var mu sync.Mutex
		fresh := 0
		for i := range 50 {
			all.Go(func() {
				b := one
				if i%2 == 1 {
					b = two
				}
				b.shelves.set("critical", []string{"Disk", "Disk2", "Disk3"}[:1+i%3]...) // more alerts come meanwhile
				got := b.ask(t, incident)
				if got.Rung != "provider" || got.ErrorClass != "" {
					t.Errorf("%+v", got)
				}
				mu.Lock()
				defer mu.Unlock()
				if !got.Cached {
					fresh++
				}
			})
			if i == 30 {
				time.Sleep(time.Second) // these come when it is over
			}
		}
		all.Wait()
		if p.calls() != 1 || fresh != 1 {
			t.Errorf("%d calls, %d analyses that are nobody else's", p.calls(), fresh)
		}
		page, err := one.r.Runs(t.Context(), "t1", Filter{IncidentID: incident, Rung: "provider"}, storage.Paging{Limit: 100})
		if err != nil || len(page.Items) != 50 {
			t.Errorf("%d rows, %v", len(page.Items), err)
		}
		if u := one.usage(t); u.Calls != 1 || u.PromptTokens != 900 {
			t.Errorf("usage %s", sum(u))
		}
	})
}

// TestOneFailure: those who waited for a call that failed do not call themselves.
func TestOneFailure(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		hold := make(chan struct{})
		p := &speaker{name: "p", say: func(ctx context.Context, n int, r *providers.Request) (*providers.Answer, error) {
			<-hold
			return fails(providers.ErrServer)(ctx, n, r)
		}}
		one, two := newBench(t, db, p), newBench(t, db, p)
		incident := id.New()
		var all sync.WaitGroup
		for _, b := range []*bench{one, two} {
			all.Go(func() {
				if got := b.ask(t, incident); got.Rung != "local" || got.ErrorClass != providers.ErrServer {
					t.Errorf("%+v", got)
				}
			})
		}
		testkit.Eventually(t, time.Minute, func() bool { // both have been at it for a second: one calls, one waits
			page, err := one.r.Runs(t.Context(), "t1", Filter{IncidentID: incident, Status: StatusRunning}, storage.Paging{Limit: 10})
			return err == nil && len(page.Items) == 2
		}, "two analyses do not wait")
		close(hold)
		all.Wait()
		if p.calls() != 1 {
			t.Errorf("%d calls", p.calls())
		}
		if got, want := sum(one.usage(t)), "1 calls, 1 failed, 0 cached, 1 refused, 0+0 tokens, 0 money"; got != want {
			t.Errorf("usage %s, want %s", got, want)
		}
	})
}

// TestBudgets: what is spent is not called for, and an operator hears of it once a day.
func TestBudgets(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		for name, tt := range map[string]struct {
			terms  providers.Terms
			same   bool // always one incident
			calls  int  // that are made of ten
			later  time.Duration
			notice string
		}{
			"calls an hour":      {providers.Terms{CallsPerHour: 2}, false, 2, time.Hour, "2 calls an hour"},
			"tokens a day":       {providers.Terms{TokensPerDay: 4500}, false, 3, 24 * time.Hour, "4500 tokens a day"},
			"money a day":        {providers.Terms{MoneyPerDay: 0.01, PriceInput: 1, PriceOutput: 10}, false, 0, 24 * time.Hour, "0.01 of money a day"},
			"calls per incident": {providers.Terms{CallsPerIncident: 3}, true, 3, 0, ""},
		} {
			p := &speaker{name: "p", terms: tt.terms, say: always(written("Disk", "A1"))}
			b := newBench(t, db, p)
			b.who.c.Name = name
			incident := id.New()
			for i := range 10 {
				if !tt.same {
					incident = id.New()
				}
				b.shelves.set([]string{"critical", "warning", "info"}[i%3], "Disk"+strings.Repeat("x", i))
				got := b.ask(t, incident)
				if spent := p.calls() > tt.calls || got.ErrorClass != ""; spent && (got.Rung != "local" || got.ErrorClass != providers.ErrBudget) {
					t.Errorf("%s: call %d: %s %s", name, i, got.Rung, got.ErrorClass)
				}
			}
			if tt.notice == "0.01 of money a day" { // about 700 tokens in and 1024 out: 0.011
				tt.calls = p.calls()
				if tt.calls > 8 {
					t.Errorf("%s: %d calls", name, tt.calls)
				}
			}
			if p.calls() != tt.calls {
				t.Errorf("%s: %d calls, want %d", name, p.calls(), tt.calls)
			}
			if tt.notice == "" {
				if len(b.notices) != 0 {
					t.Errorf("%s: %+v", name, <-b.notices)
				}
				continue
			}
			n := <-b.notices
			if n.Provider != name || n.Tenant != "t1" || n.Limit != tt.notice || !n.Until.After(b.clock.Now()) || len(b.notices) != 0 {
				t.Errorf("%s: notice %+v and %d more", name, n, len(b.notices))
			}
			b.clock.Advance(tt.later)
			b.shelves.set("critical", "Later")
			if got := b.ask(t, id.New()); tt.calls > 0 && (got.Rung != "provider" || p.calls() != tt.calls+1) {
				t.Errorf("%s: later: %s %s, %d calls", name, got.Rung, got.ErrorClass, p.calls())
			}
		}
	})
}

// TestBudgetTogether: many at once, at two processes, keep to a budget together.
func TestBudgetTogether(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		p := &speaker{name: "p", terms: providers.Terms{CallsPerHour: 7}, say: always(written("Disk", "A1"))}
		one, two := newBench(t, db, p), newBench(t, db, p)
		var all sync.WaitGroup
		for i := range 40 {
			all.Go(func() {
				b := one
				if i%2 == 1 {
					b = two
				}
				b.ask(t, id.New(), func(r *Request) { r.Hint = strings.Repeat("h", i) }) // another question each
			})
		}
		all.Wait()
		if p.calls() != 7 {
			t.Errorf("%d calls", p.calls())
		}
		if u := one.usage(t); u.Calls != 7 || u.Refused != 33 || u.PromptTokens != 7*900 {
			t.Errorf("usage %s", sum(u))
		}
		if n := len(one.notices) + len(two.notices); n != 1 {
			t.Errorf("%d notices", n)
		}
		var left struct{ Tokens, Micros int64 }
		if err := db.Read(t.Context()).Raw(`SELECT sum(reserved_tokens) AS tokens, sum(reserved_micros) AS micros FROM provider_usage`).Scan(&left).Error; err != nil || left.Tokens != 0 || left.Micros != 0 {
			t.Errorf("reserved for nobody: %+v %v", left, err)
		}
	})
}

// TestLeftAlone: a provider that fails is not asked for a while, and answers that are kept serve meanwhile.
func TestLeftAlone(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, storage.SQLite)
	p := &speaker{name: "p", say: always(written("Disk", "A1"))}
	b := newBench(t, db, p)
	known := id.New()
	b.ask(t, known)
	p.say = fails(providers.ErrAuth)
	if got := b.ask(t, id.New(), func(r *Request) { r.Hint = "x" }); got.ErrorClass != providers.ErrAuth || got.Rung != "local" {
		t.Errorf("%+v", got)
	}
	p.say = always(written("Disk", "A1"))
	if got := b.ask(t, id.New(), func(r *Request) { r.Hint = "y" }); got.ErrorClass != providers.ErrAuth || p.calls() != 2 {
		t.Errorf("%+v, %d calls", got, p.calls())
	}
	if st := b.Stats(); len(st) != 1 || !st[0].Open || st[0].Calls["ok"] != 1 || st[0].Calls["auth"] != 1 || st[0].Refused["auth"] != 1 || st[0].Prompt != 900 || st[0].Count != 2 {
		t.Errorf("stats %+v", st)
	}
	if got := b.ask(t, known); got.Rung != "provider" || !got.Cached {
		t.Errorf("%+v", got)
	}
	b.who.mu.Lock()
	b.who.c.Version++ // somebody enters another key
	b.who.mu.Unlock()
	if got := b.ask(t, id.New(), func(r *Request) { r.Hint = "z" }); got.Rung != "provider" || got.Cached {
		t.Errorf("%+v", got)
	}
}

// TestConfigOfRecord: settings that cannot be used are a lower rung, and no secret's business.
func TestConfigOfRecord(t *testing.T) {
	t.Parallel()
	b := newBench(t, dbtest.Open(t, storage.SQLite), &speaker{name: "p", say: always(written("Disk", "A1"))})
	b.who.c.Err = errors.New("the secret cannot be opened")
	if got := b.ask(t, id.New()); got.Rung != "local" || got.ErrorClass != providers.ErrConfig {
		t.Errorf("%+v", got)
	}
	b.who.c.Err = nil
	if got := b.ask(t, id.New(), func(r *Request) { r.Options.Model = "broken" }); got.Rung != "local" || got.ErrorClass != providers.ErrConfig || b.p.calls() != 0 {
		t.Errorf("%+v", got)
	}
}

// TestPatience: whoever does not wait as long as the provider takes gets what the local analyzer says, and what comes later is stored.
func TestPatience(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, storage.SQLite)
	hold := make(chan struct{})
	p := &speaker{name: "p", say: func(context.Context, int, *providers.Request) (*providers.Answer, error) {
		<-hold
		return written("Late", "A1"), nil
	}}
	b := newBench(t, db, p)
	incident := id.New()
	got := b.ask(t, incident, func(r *Request) { r.Patience = 2 * time.Second })
	if got.Rung != "local" || got.ErrorClass != providers.ErrTimeout || !got.FallbackUsed || got.Recommendations[0].Title != "L" {
		t.Errorf("%+v", got)
	}
	close(hold)
	testkit.Eventually(t, time.Minute, func() bool {
		page, err := b.r.Runs(t.Context(), "t1", Filter{IncidentID: incident, Rung: "provider"}, storage.Paging{Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Items) == 1 {
			if page.Items[0].Cached || page.Items[0].RecommendationsCount != 1 || *page.Items[0].PromptTokens != 900 {
				t.Errorf("%+v", page.Items[0])
			}
			return true
		}
		return false
	}, "what came later is not stored")
}

// TestTrial: asking a provider whether it works goes past everything, and closes its breaker.
func TestTrial(t *testing.T) {
	t.Parallel()
	p := &speaker{name: "p", terms: providers.Terms{CallsPerHour: 1}, say: fails(providers.ErrAuth)}
	b := newBench(t, dbtest.Open(t, storage.SQLite), p)
	b.ask(t, id.New())
	got, err := b.Test(t.Context(), "t1", b.who.c)
	if err != nil || got.OK || got.ErrorClass != providers.ErrAuth || p.calls() != 2 {
		t.Errorf("%+v %v", got, err)
	}
	p.say = always(written("Disk"))
	if got, err = b.Test(t.Context(), "t1", b.who.c); err != nil || !got.OK || got.Model != "model-1" || got.ErrorClass != "" {
		t.Errorf("%+v %v", got, err)
	}
	if len(b.breaker.open()) != 0 {
		t.Error("the breaker is open")
	}
	broken := b.who.c
	if broken.Config = json.RawMessage(`{"model":"broken"}`); true {
		if _, err := b.Test(t.Context(), "t1", broken); err == nil || !strings.Contains(err.Error(), "broken is no model") {
			t.Errorf("%v", err)
		}
	}
}
