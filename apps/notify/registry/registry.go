// Package registry lists the channel drivers of the product.
package registry

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/console"
	"github.com/incidenthub/incidenthub/apps/notify/discord"
	"github.com/incidenthub/incidenthub/apps/notify/email"
	"github.com/incidenthub/incidenthub/apps/notify/generic"
	"github.com/incidenthub/incidenthub/apps/notify/inbox"
	"github.com/incidenthub/incidenthub/apps/notify/mattermost"
	"github.com/incidenthub/incidenthub/apps/notify/ntfy"
	"github.com/incidenthub/incidenthub/apps/notify/pagerduty"
	"github.com/incidenthub/incidenthub/apps/notify/slack"
	"github.com/incidenthub/incidenthub/apps/notify/teams"
	"github.com/incidenthub/incidenthub/apps/notify/telegram"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
)

// Deps are what the drivers need.
type Deps struct {
	HTTP    *httpclient.Client
	Console io.Writer   // where the console driver writes
	Clock   clock.Clock // nil means the system's
}

// Builtin returns the product's drivers, by name.
func Builtin(d Deps) []channel.Driver {
	return []channel.Driver{
		console.New(d.Console),
		discord.New(d.HTTP, d.Clock),
		email.New(d.HTTP, d.Clock),
		generic.New(d.HTTP, d.Clock),
		inbox.New(),
		mattermost.New(d.HTTP, d.Clock),
		ntfy.New(d.HTTP, d.Clock),
		pagerduty.New(d.HTTP, d.Clock),
		slack.New(d.HTTP, d.Clock),
		teams.New(d.HTTP, d.Clock),
		telegram.New(d.HTTP, d.Clock),
	}
}

// ErrUnknown is wrapped by the error for a driver that does not exist.
var ErrUnknown = errors.New("unknown channel driver")

// Registry finds drivers by name. It never changes and is safe for concurrent use.
type Registry struct {
	drivers []channel.Driver
	byName  map[string]channel.Driver
}

// New makes a Registry of drivers; a name given twice is an error.
func New(drivers ...channel.Driver) (*Registry, error) {
	r := &Registry{drivers: drivers, byName: make(map[string]channel.Driver, len(drivers))}
	for _, d := range drivers {
		name := d.Spec().Name
		if name == "" || r.byName[name] != nil {
			return nil, fmt.Errorf("channel driver %q: no name, or given twice", name)
		}
		r.byName[name] = d
	}
	return r, nil
}

// Driver returns the driver of that name. The error for an unknown one wraps ErrUnknown and lists the names.
func (r *Registry) Driver(name string) (channel.Driver, error) {
	if d := r.byName[name]; d != nil {
		return d, nil
	}
	return nil, fmt.Errorf("%w %q; available are %s", ErrUnknown, name, strings.Join(r.Names(), ", "))
}

// Names lists the drivers in the order they were given.
func (r *Registry) Names() []string {
	names := make([]string, len(r.drivers))
	for i, d := range r.drivers {
		names[i] = d.Spec().Name
	}
	return names
}

// Specs describes all drivers, in the same order.
func (r *Registry) Specs() []channel.Spec {
	specs := make([]channel.Spec, len(r.drivers))
	for i, d := range r.drivers {
		specs[i] = d.Spec()
	}
	return specs
}
