//go:build unix

package worker_test

import (
	"context"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/pubsub"
	"github.com/incidenthub/incidenthub/internal/platform/secret"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/worker"
)

// ears keep what they are told.
type ears struct {
	mu      sync.Mutex
	events  []pubsub.Event
	calls   int
	reloads int
}

func (e *ears) Publish(tenant string, events ...pubsub.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls++
	for _, one := range events {
		if tenant != "default" {
			one.Kind = tenant + "/" + one.Kind
		}
		e.events = append(e.events, one)
	}
}

func (e *ears) Reload() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.reloads++
}

func (e *ears) has(want pubsub.Event) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Contains(e.events, want)
}

func (e *ears) count() (events, calls, reloads int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.events), e.calls, e.reloads
}

// listener is a process that serves pages: it tells and hears.
func listener(t *testing.T, url string) (*worker.Bell, *ears) {
	t.Helper()
	e := &ears{}
	b, err := worker.NewBell(worker.Config{URL: secret.NewString(url), Ears: e, Log: testkit.Logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Stop(context.WithoutCancel(t.Context())) })
	return b, e
}

// hears waits until news get through from one to the other.
func hears(t *testing.T, from *worker.Bell, to *ears, when string) {
	t.Helper()
	began := time.Now()
	var told []pubsub.Event
	testkit.Eventually(t, back, func() bool {
		told = append(told, pubsub.Event{Kind: "run", ID: id.New()})
		from.Tell("default", told[len(told)-1])
		time.Sleep(100 * time.Millisecond)
		return slices.ContainsFunc(told, to.has)
	}, when+": no news are heard")
	testkit.Eventually(t, back, func() bool { return to.has(told[len(told)-1]) }, when+": news are still on the way")
	t.Logf("%s: heard after %v", when, time.Since(began).Round(time.Millisecond))
}

func TestNewsReachOtherProcesses(t *testing.T) {
	t.Parallel()
	url := testkit.Redis(t)
	a, atA := listener(t, url)
	b, atB := listener(t, url)
	works := open(t, url) // a worker, which serves no pages
	hears(t, a, atB, "a to b")
	hears(t, b, atA, "b to a")
	hears(t, works, atA, "a worker to a")
	if works.Deaf() || a.Deaf() {
		t.Error("who hears calls itself deaf, or who need not hear")
	}
	// What a told came to b, and not back.
	own := pubsub.Event{Kind: "incident", ID: id.New()}
	a.Tell("default", own)
	a.Tell("acme", own)
	testkit.Eventually(t, back, func() bool { return atB.has(own) && atB.has(pubsub.Event{Kind: "acme/incident", ID: own.ID}) }, "b hears nothing")
	if atA.has(own) {
		t.Error("a is told what it told itself")
	}
}

func TestNewsAreFewMessages(t *testing.T) {
	t.Parallel()
	url := testkit.Redis(t)
	tells := open(t, url)
	_, at := listener(t, url)
	hears(t, tells, at, "before")
	_, before, _ := at.count()
	began := time.Now()
	for time.Since(began) < 500*time.Millisecond {
		quick(t, 100, func() { // a hundred thousand a second
			tells.Tell("default", pubsub.Event{Kind: "delivery", ID: id.New()})
		})
		time.Sleep(time.Millisecond)
	}
	last := pubsub.Event{Kind: "incident", ID: id.New()}
	testkit.Eventually(t, back, func() bool {
		tells.Tell("default", last)
		time.Sleep(60 * time.Millisecond)
		return at.has(last)
	}, "what is told after a storm")
	_, calls, _ := at.count()
	if took := time.Since(began); float64(calls-before) > 20*took.Seconds()+2 {
		t.Errorf("%d messages in %v", calls-before, took)
	}
	if !at.has(pubsub.Event{Kind: pubsub.Reload}) {
		t.Error("a storm is not one reload")
	}
}

func TestNewsOfOthersAreIgnored(t *testing.T) {
	t.Parallel()
	r := testkit.OwnRedis(t)
	a, _ := listener(t, r.URL())
	_, at := listener(t, r.URL())
	elsewhere, atElsewhere := listener(t, r.URL()[:len(r.URL())-len("/0")]+"/1")
	hears(t, a, at, "before")
	client := dial(t, r.URL())
	events, _, reloads := at.count()
	for _, text := range []string{"", "hello", "{}", `{"v":1,"from":"x"}`, `{"v":1,"from":"` + id.New().String() + `","tenant":"default","changed":{"RUN":[""]}}`, "\x00\xff"} {
		for _, channel := range []string{"incidenthub:0:news", "incidenthub:1:news"} {
			if err := client.Publish(t.Context(), channel, text).Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
	time.Sleep(100 * time.Millisecond)
	if now, _, again := at.count(); now != events || again != reloads {
		t.Errorf("malformed news gave %d events and %d reloads", now-events, again-reloads)
	}
	hears(t, a, at, "after")
	// Another hub on the same server, by number.
	if n, _, _ := atElsewhere.count(); n != 0 {
		t.Errorf("another hub heard %d events", n)
	}
	hears(t, open(t, r.URL()[:len(r.URL())-len("/0")]+"/1"), atElsewhere, "the other hub")
	elsewhere.Stop(t.Context())
}

func TestNewsWithoutRedis(t *testing.T) {
	t.Parallel()
	r := testkit.OwnRedis(t)
	a, _ := listener(t, r.URL())
	b, at := listener(t, r.URL())
	hears(t, a, at, "before")
	storm := func() {
		t.Helper()
		quick(t, 10_000, func() { a.Tell("default", pubsub.Event{Kind: "run", ID: id.New()}) })
	}
	for _, way := range []struct {
		name      string
		away, can func() error
	}{
		{"killed", r.Kill, r.Start},
		{"stopped", func() error { return r.Signal(syscall.SIGSTOP) }, func() error { return r.Signal(syscall.SIGCONT) }},
	} {
		_, _, before := at.count()
		if err := way.away(); err != nil {
			t.Fatal(err)
		}
		storm()
		testkit.Eventually(t, 3*back, b.Deaf, way.name+": it thinks that it hears")
		storm() // it is noticed
		if err := way.can(); err != nil {
			t.Fatal(err)
		}
		hears(t, a, at, "Redis was "+way.name)
		testkit.Eventually(t, back, func() bool { return !b.Deaf() }, way.name+": it thinks that it is deaf")
		if _, _, now := at.count(); way.name == "killed" && now == before {
			t.Errorf("%s: nobody is told that news were missed", way.name)
		}
		if way.name == "stopped" && !at.has(pubsub.Event{Kind: pubsub.Reload}) {
			t.Error("what was dropped meanwhile is not told as one reload")
		}
	}
	began := time.Now()
	a.Stop(t.Context())
	if took := time.Since(began); took > long {
		t.Errorf("Stop took %v", took)
	}
	a.Tell("default", pubsub.Event{Kind: "run", ID: id.New()}) // nobody will send it
}

// TestLastNews: what happens while a process ends is told.
func TestLastNews(t *testing.T) {
	t.Parallel()
	url := testkit.Redis(t)
	_, at := listener(t, url)
	for range 3 {
		ends := open(t, url)
		hears(t, ends, at, "before")
		last := pubsub.Event{Kind: "delivery", ID: id.New()}
		ends.Tell("default", last)
		ends.Stop(t.Context())
		testkit.Eventually(t, back, func() bool { return at.has(last) }, "the last news are lost")
	}
}
