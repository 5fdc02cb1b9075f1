//go:build unix

package main

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/incidenthub/incidenthub/internal/bench/load"
	"github.com/incidenthub/incidenthub/internal/bench/target"
)

// followTime is how long all processes of a hub may take to follow a change of a channel.
const followTime = 2 * time.Second

// down sends a load that is told, then twice as much while nobody listens at the channel's address, in two parts: memory that grows
// with what waits would grow in the second part as well.
func (b *bench) down(ctx context.Context, f form, h *target.Hub, book *load.Book) ([]Figures, error) {
	part := b.plan()
	part.For, part.Alerts = part.For/2, (part.Alerts+1)/2
	away := func(ctx context.Context) error {
		nobody, err := unused(ctx)
		if err != nil {
			return err
		}
		if err := h.Redirect(ctx, nobody); err != nil {
			return err
		}
		if f.workers > 0 {
			time.Sleep(followTime)
		}
		return nil
	}
	return b.row(ctx, f, h, book, []stage{
		{name: stageUp, plan: part, ends: "delivered", tells: true},
		{name: stageDown, plan: part, ends: "pending", unsent: true, before: away},
		{name: stageStillDown, plan: part, ends: "pending", unsent: true},
	})
}

// unused is a URL at which nobody listens.
func unused(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return "http://" + l.Addr().String() + "/notify", l.Close()
}
