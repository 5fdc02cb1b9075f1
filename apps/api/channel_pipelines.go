package api

import (
	"context"
	"fmt"

	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/orchestration"
)

// changedChannel answers a change of a channel, with what it means for the pipelines that name it. was is its name before, "" for a new one.
func (a *API) changedChannel(ctx context.Context, tenant, was string, now notify.Channel) *answer[ChannelView] {
	v := viewChannel(now)
	change := orchestration.ChannelChange{Was: was, Now: now.Name, Told: isTold(now)}
	if change.Matters() {
		list, err := a.Definitions.List(ctx, tenant, true)
		if err != nil { // the change is made, whatever is known of it
			a.log.WarnContext(ctx, "channel changed, and not seen which pipelines name it", "channel_id", now.ID, "error", err)
		}
		v.Warnings = append(v.Warnings, change.Warnings(list)...)
	}
	return &answer[ChannelView]{Body: v}
}

// isTold reports whether a channel is told what it is meant for, be it in vain.
func isTold(c notify.Channel) bool {
	return c.State != notify.ChannelInactive && c.State != notify.ChannelOff
}

// deleteChannel removes a channel that no active pipeline names.
func (a *API) deleteChannel(ctx context.Context, tenant, ref string) error {
	c, err := a.Channels.Get(ctx, tenant, ref)
	if err != nil {
		return err
	}
	if !c.BuiltIn() { // that one stays in any case, which the service says
		list, err := a.Definitions.List(ctx, tenant, false)
		if err != nil {
			return err
		}
		if err := orchestration.ChannelFree(list, c.Name); err != nil {
			return fmt.Errorf("delete channel %q: %w", c.Name, err)
		}
	}
	return a.Channels.Delete(ctx, tenant, ref)
}

// vain gives what says which channels a definition names in vain.
func (a *API) vain(ctx context.Context, tenant string) (func(orchestration.Definition) []string, error) {
	channels, err := a.Channels.List(ctx, tenant)
	if err != nil {
		return nil, err
	}
	told := make(map[string]bool, len(channels))
	for _, c := range channels {
		told[c.Name] = isTold(c)
	}
	return func(d orchestration.Definition) (warnings []string) {
		for _, u := range orchestration.VainUses([]orchestration.Definition{d}, told) {
			warnings = append(warnings, u.Words)
		}
		return warnings
	}, nil
}

// definitionAnswer answers a change of a definition, with the channels that it names in vain.
func (a *API) definitionAnswer(ctx context.Context, tenant string, d orchestration.Definition, err error) (*answer[definitionView], error) {
	v := viewDefinition(d)
	if err == nil {
		vain, err := a.vain(ctx, tenant)
		if err != nil { // the change is made all the same
			a.log.WarnContext(ctx, "pipeline changed, and not seen which of its channels there are", "definition_id", d.ID, "error", err)
		} else {
			v.Warnings = vain(d)
		}
	}
	return &answer[definitionView]{Body: v}, err
}
