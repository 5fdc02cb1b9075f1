package pubsub_test

import (
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/pubsub"
)

// waiting takes what is in the buffer.
func waiting(ch <-chan pubsub.Event) (got []pubsub.Event, open bool) {
	for {
		select {
		case e, ok := <-ch:
			if !ok {
				return got, false
			}
			got = append(got, e)
		default:
			return got, true
		}
	}
}

func TestEventsReachTheirTenantOnly(t *testing.T) {
	t.Parallel()
	var b pubsub.Broadcaster
	b.Publish("a", pubsub.Event{Kind: "lost: nobody reads"})
	one, cancelOne := b.Subscribe("a")
	two, cancelTwo := b.Subscribe("a")
	other, cancelOther := b.Subscribe("b")
	defer cancelTwo()
	defer cancelOther()
	events := []pubsub.Event{{Kind: "run", ID: id.New()}, {Kind: "incident", ID: id.New()}}
	b.Publish("a", events...)
	for name, ch := range map[string]<-chan pubsub.Event{"one": one, "two": two} {
		if got, _ := waiting(ch); !cmp.Equal(got, events) {
			t.Errorf("%s got %v, want %v", name, got, events)
		}
	}
	if got, _ := waiting(other); len(got) != 0 {
		t.Errorf("another tenant got %v", got)
	}
	cancelOne()
	cancelOne()
	b.Publish("a", events[0])
	if got, open := waiting(one); open || len(got) != 0 {
		t.Errorf("after cancel: %v, open %t", got, open)
	}
	if got, _ := waiting(two); len(got) != 1 {
		t.Errorf("the other reader got %v after a cancel, want one event", got)
	}
}

func TestSlowReaderGetsOneReload(t *testing.T) {
	t.Parallel()
	var b pubsub.Broadcaster
	ch, cancel := b.Subscribe("a")
	defer cancel()
	const sent = 1000
	for range sent {
		b.Publish("a", pubsub.Event{Kind: "run", ID: id.New()})
	}
	got, _ := waiting(ch)
	if len(got) >= sent || got[0].Kind != pubsub.Reload {
		t.Fatalf("%d events, the first of kind %q; want fewer than %d after a reload", len(got), got[0].Kind, sent)
	}
	for _, e := range got[1:] {
		if e.Kind != "run" {
			t.Errorf("a second %q", e.Kind)
		}
	}
}

func TestCloseEndsReaders(t *testing.T) {
	t.Parallel()
	var b pubsub.Broadcaster
	ch, cancel := b.Subscribe("a")
	b.Close()
	if _, open := waiting(ch); open {
		t.Error("open after Close")
	}
	cancel()
	late, cancel := b.Subscribe("a")
	defer cancel()
	if _, open := waiting(late); open {
		t.Error("a subscription after Close is open")
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	var b pubsub.Broadcaster
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				b.Publish("a", pubsub.Event{Kind: "run"})
			}
		})
		wg.Go(func() {
			for range 100 {
				ch, cancel := b.Subscribe("a")
				waiting(ch)
				cancel()
			}
		})
	}
	wg.Wait()
}

func TestReloadReachesEveryTenant(t *testing.T) {
	t.Parallel()
	var b pubsub.Broadcaster
	b.Reload() // nobody reads
	one, cancelOne := b.Subscribe("a")
	defer cancelOne()
	two, cancelTwo := b.Subscribe("b")
	defer cancelTwo()
	b.Reload()
	for name, ch := range map[string]<-chan pubsub.Event{"a": one, "b": two} {
		if got, _ := waiting(ch); !cmp.Equal(got, []pubsub.Event{{Kind: pubsub.Reload}}) {
			t.Errorf("%s got %v", name, got)
		}
	}
}
