package intelligence

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/providers"
)

// TestBreaker plays calls: what each came to, and for how long nobody asks after it.
func TestBreaker(t *testing.T) {
	t.Parallel()
	type call struct {
		class string
		wait  time.Duration // that the provider asks for
		open  time.Duration // afterwards
	}
	fails := func(class string, open time.Duration) call { return call{class, 0, open} }
	for name, calls := range map[string][]call{
		"three in a row, doubling": {
			fails(providers.ErrServer, 0), fails(providers.ErrTimeout, 0), fails(providers.ErrServer, time.Minute), fails(providers.ErrNetwork, 2*time.Minute),
			fails(providers.ErrServer, 4*time.Minute), fails(providers.ErrServer, 8*time.Minute), fails(providers.ErrServer, 15*time.Minute),
			fails(providers.ErrServer, 15*time.Minute), fails("", 0), fails(providers.ErrServer, 0),
		},
		"an answer between":           {fails(providers.ErrServer, 0), fails(providers.ErrServer, 0), fails("", 0), fails(providers.ErrServer, 0), fails(providers.ErrServer, 0)},
		"one that declines is there":  {fails(providers.ErrServer, 0), fails(providers.ErrServer, 0), fails(providers.ErrRefusal, 0), fails(providers.ErrServer, 0)},
		"a bad key":                   {fails(providers.ErrAuth, 15*time.Minute), fails(providers.ErrAuth, 15*time.Minute), fails("", 0)},
		"a quota":                     {fails(providers.ErrQuota, 15*time.Minute)},
		"a wait that was asked for":   {{providers.ErrRateLimit, 34 * time.Second, 34 * time.Second}, fails("", 0)},
		"a wait of a week":            {{providers.ErrRateLimit, 7 * 24 * time.Hour, 24 * time.Hour}},
		"too many calls, and no wait": {fails(providers.ErrRateLimit, 0), fails(providers.ErrRateLimit, 0), fails(providers.ErrRateLimit, time.Minute)},
		"answers of no use":           {fails(providers.ErrMalformed, 0), fails(providers.ErrMalformed, 0), fails(providers.ErrMalformed, time.Minute)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b, who := newBreaker(), &Configured{ID: id.New(), Name: "p", Version: 1}
				for i, c := range calls {
					p, _, ok := b.enter("t", who)
					if !ok {
						t.Fatalf("call %d is refused", i)
					}
					p.report(c.class, c.wait)
					if c.open == 0 {
						continue
					}
					time.Sleep(c.open - time.Nanosecond)
					if _, class, ok := b.enter("t", who); ok || class != c.class {
						t.Errorf("call %d: open %t, class %q", i, !ok, class)
					}
					if open := b.open(); len(open) != 1 {
						t.Errorf("open: %v", open)
					}
					time.Sleep(time.Nanosecond)
				}
			})
		})
	}
}

// TestBreakerHalfOpen: one call finds out; the others are refused meanwhile, and one that never was made gives its place back.
func TestBreakerHalfOpen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, who := newBreaker(), &Configured{Name: "p"}
		slow, _, _ := b.enter("t", who)
		p, _, _ := b.enter("t", who)
		p.report(providers.ErrQuota, 0)
		slow.report("", 0) // it was under way: that it went well is old news
		if _, _, ok := b.enter("t", who); ok {
			t.Error("it is closed by a call from before")
		}
		if _, _, ok := b.enter("other", who); !ok {
			t.Error("another tenant's is open")
		}
		time.Sleep(longestOpen)
		probe, _, ok := b.enter("t", who)
		if _, class, second := b.enter("t", who); !ok || second || class != providers.ErrQuota {
			t.Errorf("first %t, second %t", ok, second)
		}
		probe.drop()
		probe, _, ok = b.enter("t", who)
		if !ok {
			t.Fatal("the place was not given back")
		}
		probe.report("", 0)
		for range 2 {
			if _, _, ok := b.enter("t", who); !ok {
				t.Error("it is not closed")
			}
		}
	})
}

// TestBreakerVersion: whoever changes the record asks again at once; what was under way with the old one says nothing of the new one.
func TestBreakerVersion(t *testing.T) {
	t.Parallel()
	b, who := newBreaker(), Configured{Name: "p", Version: 1}
	old, _, _ := b.enter("t", &who)
	p, _, _ := b.enter("t", &who)
	p.report(providers.ErrAuth, 0)
	who.Version = 2
	fresh, _, ok := b.enter("t", &who)
	if !ok {
		t.Fatal("it is still open")
	}
	fresh.report(providers.ErrServer, 0)
	old.report(providers.ErrAuth, 0)
	if _, _, ok := b.enter("t", &who); !ok {
		t.Error("an old call opened it")
	}
	p, _, _ = b.enter("t", &who)
	p.report(providers.ErrAuth, 0)
	b.close("t", &who)
	if _, _, ok := b.enter("t", &who); !ok {
		t.Error("it was closed by hand and is open")
	}
}
