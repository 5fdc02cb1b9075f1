package notify

import (
	"cmp"
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// Live is an active channel, ready to render and send.
type Live struct {
	ID          id.ID
	Tenant      string
	Name        string
	Driver      string
	Spec        channel.Spec
	MinSeverity event.Severity
	// Renotify is how long after the last message a reminder follows; 0: never.
	Renotify time.Duration
	// Fallback is told when a delivery is dead, and when it took FallbackAfter unless that is 0. The zero id is nobody.
	Fallback      id.ID
	FallbackAfter time.Duration
	// Throttle is how many messages it takes; the zero value: any number.
	Throttle Throttle
	Channel  channel.Channel
	// Off says why its settings have nothing sent, "" when it sends.
	Off string
	// Pretend makes this a channel of a rehearsal: nothing goes on a wire, and it says in which state a delivery is at once. A pending
	// one stays so.
	Pretend func(t *event.Tell, kind channel.Kind) (state, reason string)
}

// stays reports whether messages are only stored.
func (l *Live) stays() bool { return l.Spec.Local || l.Pretend != nil }

// Channels holds the active channels of all tenants in memory. Planning happens inside transactions, where nothing may be
// loaded; Reload is called when the configuration's generation changes.
type Channels struct {
	load func(ctx context.Context) ([]*Live, error)
	now  atomic.Pointer[channelSet]
}

type channelSet struct {
	byID     map[id.ID]*Live
	byTenant map[string][]*Live
}

// NewChannels returns an empty cache over load, which gives every active channel.
func NewChannels(load func(ctx context.Context) ([]*Live, error)) *Channels {
	c := &Channels{load: load}
	c.now.Store(&channelSet{})
	return c
}

// Reload reads the channels again; on an error the old ones stay.
func (c *Channels) Reload(ctx context.Context) error {
	all, err := c.load(ctx)
	if err != nil {
		return err
	}
	set := &channelSet{byID: make(map[id.ID]*Live, len(all)), byTenant: map[string][]*Live{}}
	slices.SortFunc(all, func(a, b *Live) int { return cmp.Compare(a.Name, b.Name) })
	for _, l := range all {
		set.byID[l.ID] = l
		set.byTenant[l.Tenant] = append(set.byTenant[l.Tenant], l)
	}
	c.now.Store(set)
	return nil
}

// Active returns a tenant's active channels by name.
func (c *Channels) Active(tenant string) []*Live { return c.now.Load().byTenant[tenant] }

// ByID returns an active channel, or nil.
func (c *Channels) ByID(i id.ID) *Live { return c.now.Load().byID[i] }
