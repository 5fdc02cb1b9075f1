package apply

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"github.com/incidenthub/incidenthub/apps/analysts"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/secret"
)

// The owners of rows in the table secrets.
const (
	channelSecrets  = "channels"
	providerSecrets = "providers"
)

// probeChannels finds out what the document would change about each channel that exists: it makes the change and undoes it.
// Nothing else tells, since the driver brings settings into its own form and secrets cannot be read back from the service.
func (r *run) probeChannels(ctx context.Context) error {
	list, err := r.Channels.List(ctx, r.o.Tenant)
	if err != nil {
		return err
	}
	exists := map[string]notify.Channel{}
	for _, c := range list {
		exists[c.Name] = c
	}
	for _, e := range r.doc.entries[KindChannel] {
		was, ok := exists[e.name]
		if !ok {
			continue
		}
		err := r.probe(ctx, KindChannel, e, trial{channelSecrets, was.ID, was.Config.V, func(ctx context.Context) (json.RawMessage, []difference, error) {
			in, stored := e.channel, notify.InputOf(was)
			in.Fallback, in.FallbackAfter = stored.Fallback, stored.FallbackAfter // the one in the file may not exist yet
			is, err := r.Channels.Update(ctx, r.o.Tenant, e.name, 0, in)
			other := e.channel.Fallback != was.FallbackName && e.channel.Fallback != stored.Fallback
			return is.Config.V, []difference{
				{"is_active", was.IsActive != is.IsActive},
				{"description", was.Description != is.Description},
				{"min_severity", was.MinSeverity != is.MinSeverity},
				{"renotify", was.RenotifyS != is.RenotifyS},
				{"throttle", e.channel.Throttle != stored.Throttle},
				{"fallback", other || e.channel.FallbackAfter != stored.FallbackAfter},
			}, err
		}})
		if err != nil {
			return err
		}
	}
	return nil
}

// probeProviders does the same with providers, and notes which one is active.
func (r *run) probeProviders(ctx context.Context) error {
	list, err := r.Providers.List(ctx, r.o.Tenant)
	if err != nil {
		return err
	}
	exists := map[string]analysts.Record{}
	for _, p := range list {
		exists[p.Name] = p
		if p.IsActive {
			r.active = p.Name
		}
	}
	for _, e := range r.doc.entries[KindProvider] {
		was, ok := exists[e.name]
		if !ok {
			continue
		}
		err := r.probe(ctx, KindProvider, e, trial{providerSecrets, was.ID, was.Config.V, func(ctx context.Context) (json.RawMessage, []difference, error) {
			is, err := r.Providers.Update(ctx, r.o.Tenant, e.name, 0, e.provider)
			return is.Config.V, []difference{
				{"is_active", was.IsActive != is.IsActive},
				{"description", was.Description != is.Description},
			}, err
		}})
		if err != nil {
			return err
		}
	}
	return nil
}

// trial is a change that is made and undone.
type trial struct {
	owner  string // of the secrets
	row    id.ID
	config json.RawMessage // before
	change func(ctx context.Context) (config json.RawMessage, others []difference, err error)
}

// difference tells whether a field changes.
type difference struct {
	field string
	is    bool
}

// probe notes the fields that an entry would change.
func (r *run) probe(ctx context.Context, kind Kind, e entry, t trial) error {
	var fields []string
	err := r.DB.InTx(ctx, func(ctx context.Context) error {
		before, err := r.Secrets.All(ctx, r.o.Tenant, t.owner, t.row)
		if err != nil {
			return err
		}
		config, others, err := t.change(ctx)
		if err != nil {
			return err
		}
		after, err := r.Secrets.All(ctx, r.o.Tenant, t.owner, t.row)
		if err != nil {
			return err
		}
		same := orchestration.SameConfig(orEmpty(t.config), orEmpty(config)) && maps.EqualFunc(before, after, secret.String.Equal)
		for _, d := range append([]difference{{"config", !same}}, others...) {
			if d.is {
				fields = append(fields, d.field)
			}
		}
		return errDryRun
	})
	channel, provider := (*notify.Invalid)(nil), (*analysts.Invalid)(nil)
	switch {
	case errors.As(err, &channel), errors.As(err, &provider):
		fields = []string{"config"} // the update will say the same, among all other problems
	case !errors.Is(err, errDryRun):
		return fmt.Errorf("compare %s %q: %w", kind, e.name, err)
	}
	if r.probed[kind] == nil {
		r.probed[kind] = map[string][]string{}
	}
	r.probed[kind][e.name] = fields
	return nil
}
