package intelligence

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/incidenthub/incidenthub/providers"
)

func TestRest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker()
		who := Configured{Name: "main", Kind: "openai", Version: 1}
		report := func(class string) {
			p, _, ok := b.enter("default", &who)
			if !ok {
				t.Fatal("the breaker is open")
			}
			p.report(class, 0)
		}
		report(providers.ErrServer)
		if rest, _ := b.rest("default", &who); rest != 0 {
			t.Errorf("after one failure it is left alone for %s", rest)
		}
		report(providers.ErrAuth)
		time.Sleep(5 * time.Minute)
		if rest, class := b.rest("default", &who); rest != 10*time.Minute || class != providers.ErrAuth {
			t.Errorf("a refused key: %s, %s", rest, class)
		}
		if rest, _ := b.rest("other", &who); rest != 0 {
			t.Error("it is held against another tenant's provider")
		}
		time.Sleep(11 * time.Minute)
		if rest, _ := b.rest("default", &who); rest > 0 {
			t.Errorf("it is over, and yet: %s", rest)
		}
		who.Version = 2
		if rest, _ := b.rest("default", &who); rest != 0 {
			t.Error("a provider that was changed is left alone")
		}
	})
}

// TestAdvice: each class has words for what went wrong, and for what to do.
func TestAdvice(t *testing.T) {
	t.Parallel()
	for class := range why {
		if Advice(class) == "" {
			t.Errorf("no advice for %q", class)
		}
	}
	for class := range advice {
		if why[class] == "" {
			t.Errorf("advice for %q, of which nothing is said", class)
		}
	}
	if Advice("") != "" || Advice("new") != "" {
		t.Error("advice for nothing")
	}
}
