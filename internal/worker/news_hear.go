package worker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/incidenthub/incidenthub/internal/platform/pubsub"
)

// newsQuiet is how long the line may be silent before it is asked whether it lives; half of it is the time to answer.
const newsQuiet = 10 * time.Second

// Ears are where news of other processes goes. Both calls must not wait.
type Ears interface {
	// Publish is given what changed for a tenant.
	Publish(tenant string, events ...pubsub.Event)
	// Reload is called when news may have been missed.
	Reload()
}

// Deaf reports whether changes in other processes may go unheard here now.
func (b *Bell) Deaf() bool { return b.ears != nil && (!b.hearing.Load() || b.health.isAway()) }

// hear listens until the bell stops, and connects again by itself.
func (n *news) hear() {
	ctx, cancel := context.WithCancel(context.Background())
	n.b.work.Go(func() {
		<-n.b.stop
		cancel()
	})
	for {
		err := n.listen(ctx)
		n.b.hearing.Store(false)
		if ctx.Err() != nil {
			return
		}
		n.b.log.Debug("news of other processes are not heard", "error", err)
		if !n.b.ringer.wait(retryAfter) {
			return
		}
	}
}

// listen hears one connection out.
func (n *news) listen(ctx context.Context) error {
	line := n.b.client.Subscribe(ctx) // connects at the first channel only
	defer func() { _ = line.Close() }()
	// A read heeds no context.
	defer context.AfterFunc(ctx, func() { _ = line.Close() })()
	if err := line.Subscribe(ctx, n.channel); err != nil {
		return fmt.Errorf("listen for news: %w", err)
	}
	asked := true // it answers to the subscription
	for {
		limit := newsQuiet
		if asked {
			limit /= 2
		}
		got, err := line.ReceiveTimeout(ctx, limit)
		if late := net.Error(nil); !asked && errors.As(err, &late) && late.Timeout() {
			if err := line.Ping(ctx); err != nil {
				return fmt.Errorf("ask whether the line lives: %w", err)
			}
			asked = true
			continue
		}
		if err != nil {
			return fmt.Errorf("hear news: %w", err)
		}
		asked = false
		switch m := got.(type) {
		case *redis.Subscription:
			n.b.hearing.Store(true)
			n.b.ears.Reload() // for what was said before
		case *redis.Message:
			n.heard(m.Payload)
		}
	}
}

func (n *news) heard(text string) {
	m, events, err := readNews(text)
	if err != nil {
		n.b.log.Debug("news not read", "error", err)
		return
	}
	if m.From != n.from && len(events) > 0 { // its own readers know already
		n.b.ears.Publish(m.Tenant, events...)
	}
}
