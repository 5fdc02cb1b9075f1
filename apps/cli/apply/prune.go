package apply

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
)

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
		order := make([]entry, len(list))
		builtIn := map[string]bool{}
		for i, c := range list {
			order[i].name, order[i].channel.Fallback, builtIn[c.Name] = c.Name, c.FallbackName, c.BuiltIn()
		}
		for _, e := range slices.Backward(fallbacksFirst(order)) { // who falls back on another goes first
			if !builtIn[e.name] {
				names = append(names, e.name)
			}
		}
		return names, r.deleteChannel, err
	case KindProvider:
		list, err := r.Providers.List(ctx, r.o.Tenant)
		for _, p := range list {
			names = append(names, p.Name)
		}
		return names, r.Providers.Delete, err
	case KindSilence:
		list, err := r.Silences.Named(ctx, r.o.Tenant)
		for _, s := range list {
			names = append(names, s.Name)
		}
		return names, func(ctx context.Context, tenant, ref string) error {
			return r.Silences.ExpireNamed(ctx, tenant, ref, r.o.By)
		}, err
	default:
		list, err := r.Pipelines.List(ctx, r.o.Tenant, true)
		for _, d := range list {
			names = append(names, d.Name)
		}
		return names, r.Pipelines.SoftDelete, err
	}
}

func orEmpty(config json.RawMessage) json.RawMessage {
	if len(config) == 0 {
		return json.RawMessage(`{}`)
	}
	return config
}
