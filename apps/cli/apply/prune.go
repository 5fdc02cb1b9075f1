package apply

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/secret"
)

// channelSecrets is the owner of the channels' rows in the table secrets.
const channelSecrets = "channels"

// prune deletes what the document does not have, of the kinds it has a list for. The default source and the built-in inbox
// stay: they belong to the hub.
func (r *run) prune(ctx context.Context) error {
	for _, kind := range slices.Backward(Kinds()) { // what refers to others goes first
		if !r.doc.given[kind] {
			continue
		}
		keep := map[string]bool{}
		for _, e := range r.doc.entries[kind] {
			keep[e.name] = true
		}
		names, remove, err := r.removable(ctx, kind)
		if err != nil {
			return err
		}
		for _, name := range names {
			if keep[name] {
				continue
			}
			if err := remove(ctx, r.o.Tenant, name); err != nil {
				return fmt.Errorf("prune %s %q: %w", kind, name, err)
			}
			r.plan.Steps = append(r.plan.Steps, Step{Action: Deleted, Kind: kind, Name: name})
		}
	}
	return nil
}

func (r *run) removable(ctx context.Context, kind Kind) (names []string, remove func(ctx context.Context, tenant, ref string) error, err error) {
	switch kind {
	case KindSource:
		list, err := r.Sources.List(ctx, r.o.Tenant)
		for _, s := range list {
			if !s.IsDefault {
				names = append(names, s.Name)
			}
		}
		return names, r.Sources.Delete, err
	case KindChannel:
		list, err := r.Channels.List(ctx, r.o.Tenant)
		for _, c := range list {
			if !c.BuiltIn() {
				names = append(names, c.Name)
			}
		}
		return names, r.Channels.Delete, err
	default:
		list, err := r.Pipelines.List(ctx, r.o.Tenant, true)
		for _, d := range list {
			names = append(names, d.Name)
		}
		return names, r.Pipelines.SoftDelete, err
	}
}

// probeChannels finds out what the document would change about each channel that exists: it makes the change and undoes it.
// Nothing else tells, since the driver brings settings into its own form and secrets cannot be read back from the service.
func (r *run) probeChannels(ctx context.Context) error {
	r.probed = map[string][]string{}
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
		fields, err := r.probe(ctx, was, e)
		if invalid := (*notify.Invalid)(nil); errors.As(err, &invalid) {
			fields, err = []string{"config"}, nil // the update will say the same, among all other problems
		}
		if err != nil {
			return fmt.Errorf("compare channel %q: %w", e.name, err)
		}
		r.probed[e.name] = fields
	}
	return nil
}

func (r *run) probe(ctx context.Context, was notify.Channel, e entry) (fields []string, err error) {
	err = r.DB.InTx(ctx, func(ctx context.Context) error {
		before, err := r.Secrets.All(ctx, r.o.Tenant, channelSecrets, was.ID)
		if err != nil {
			return err
		}
		is, err := r.Channels.Update(ctx, r.o.Tenant, e.name, 0, e.channel)
		if err != nil {
			return err
		}
		after, err := r.Secrets.All(ctx, r.o.Tenant, channelSecrets, was.ID)
		if err != nil {
			return err
		}
		same := orchestration.SameConfig(orEmpty(was.Config.V), orEmpty(is.Config.V)) && maps.EqualFunc(before, after, secret.String.Equal)
		for _, f := range []struct {
			name string
			same bool
		}{
			{"config", same},
			{"is_active", was.IsActive == is.IsActive},
			{"description", was.Description == is.Description},
			{"min_severity", was.MinSeverity == is.MinSeverity},
		} {
			if !f.same {
				fields = append(fields, f.name)
			}
		}
		return errDryRun
	})
	if errors.Is(err, errDryRun) {
		err = nil
	}
	return fields, err
}

func orEmpty(config json.RawMessage) json.RawMessage {
	if len(config) == 0 {
		return json.RawMessage(`{}`)
	}
	return config
}
