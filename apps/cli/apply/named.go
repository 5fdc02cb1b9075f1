package apply

import (
	"context"
	"slices"

	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/orchestration"
)

// deleteChannel removes a channel that no active pipeline names any more.
func (r *run) deleteChannel(ctx context.Context, tenant, name string) error {
	list, err := r.Pipelines.List(ctx, tenant, false)
	if err != nil {
		return err
	}
	if err := orchestration.ChannelFree(list, name); err != nil {
		return err
	}
	return r.Channels.Delete(ctx, tenant, name)
}

// vain notes which channels pipelines name in vain after what was done.
func (r *run) vain(ctx context.Context) error {
	list, err := r.Pipelines.List(ctx, r.o.Tenant, true)
	if err != nil || len(orchestration.ChannelUses(list)) == 0 {
		return err
	}
	told, err := r.told(ctx)
	if err != nil {
		return err
	}
	for _, u := range orchestration.VainUses(list, told) {
		if u.IsActive || slices.ContainsFunc(r.doc.entries[KindPipeline], func(e entry) bool { return e.name == u.Pipeline }) {
			r.plan.Warnings = append(r.plan.Warnings, u.Words)
		}
	}
	return nil
}

// told has the channels that there are after what was done, and whether each is told what it is meant for.
func (r *run) told(ctx context.Context) (map[string]bool, error) {
	before, err := r.Channels.List(ctx, r.o.Tenant) // it does not see this transaction
	if err != nil {
		return nil, err
	}
	active, err := r.Channels.Active(ctx) // it does
	if err != nil {
		return nil, err
	}
	told := map[string]bool{notify.InboxName: true} // the first start makes it
	for _, c := range before {
		told[c.Name] = false
	}
	for _, e := range r.doc.entries[KindChannel] {
		told[e.name] = false
	}
	for _, s := range r.plan.Steps {
		if s.Kind == KindChannel && s.Action == Deleted {
			delete(told, s.Name)
		}
	}
	for _, l := range active {
		if l.Tenant == r.o.Tenant {
			told[l.Name] = l.Off == ""
		}
	}
	return told, nil
}
