package web_test

import (
	"context"
	"slices"

	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/sources"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// channelPart is the hub's web.Channels. It changes nothing; what forms do is tried on the real service (see setup_test.go).
type channelPart struct{ h *hub }

func (n channelPart) List(context.Context, string) ([]notify.Channel, error) {
	n.h.mu.Lock()
	defer n.h.mu.Unlock()
	return slices.Clone(n.h.channels), nil
}

func (n channelPart) Get(_ context.Context, _, ref string) (notify.Channel, error) {
	n.h.mu.Lock()
	defer n.h.mu.Unlock()
	for _, c := range n.h.channels {
		if c.ID.String() == ref {
			return c, nil
		}
	}
	return notify.Channel{}, storage.ErrNotFound
}

func (channelPart) Create(context.Context, string, notify.ChannelInput) (notify.Channel, error) {
	return notify.Channel{}, notify.ErrExists
}

func (channelPart) Update(context.Context, string, string, int64, notify.ChannelInput) (notify.Channel, error) {
	return notify.Channel{}, notify.ErrConflict
}

func (channelPart) Delete(context.Context, string, string) error { return notify.ErrBuiltIn }

// sourcePart is the hub's web.Sources. It takes new ones and changes nothing else.
type sourcePart struct{ h *hub }

func (n sourcePart) List(context.Context, string) ([]sources.Source, error) {
	n.h.mu.Lock()
	defer n.h.mu.Unlock()
	return slices.Clone(n.h.sources), nil
}

func (n sourcePart) Get(_ context.Context, _, ref string) (sources.Source, error) {
	n.h.mu.Lock()
	defer n.h.mu.Unlock()
	for i := range n.h.sources {
		if n.h.sources[i].ID.String() == ref {
			return n.h.sources[i], nil
		}
	}
	return sources.Source{}, storage.ErrNotFound
}

func (n sourcePart) Create(_ context.Context, _ string, in sources.Input) (sources.Source, string, error) {
	n.h.mu.Lock()
	defer n.h.mu.Unlock()
	if slices.ContainsFunc(n.h.sources, func(s sources.Source) bool { return s.Name == in.Name }) {
		return sources.Source{}, "", sources.ErrExists
	}
	s := sources.Source{ID: id.New(), Name: in.Name, Driver: in.Driver, KeyPrefix: "ihi_9fQ2", IsActive: true, UpdatedAt: n.h.now}
	n.h.sources = append(n.h.sources, s)
	return s, "ihi_9fQ2mXv0T3uB7sK1LwZr8YpC5dNe", nil
}

func (sourcePart) Update(context.Context, string, string, int64, sources.Input) (sources.Source, error) {
	return sources.Source{}, sources.ErrConflict
}

func (sourcePart) RotateKey(context.Context, string, string) (sources.Source, string, error) {
	return sources.Source{}, "", sources.ErrConflict
}

func (sourcePart) Delete(context.Context, string, string) error { return sources.ErrDefault }
