package server

import (
	"context"
	"fmt"
	"slices"

	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/orchestration/graph"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// kindsWith gives the node kinds with the names that definitions may use: words, and the channels that a tenant has at that moment.
func kindsWith(db *storage.DB, words graph.Known) func(ctx context.Context, tenant string) ([]graph.NodeSpec, error) {
	return func(ctx context.Context, tenant string) ([]graph.NodeSpec, error) {
		known := words
		known.Channels = []string{}
		if err := db.From(ctx).Raw("SELECT name FROM channels WHERE tenant_id = ? ORDER BY name", tenant).Scan(&known.Channels).Error; err != nil {
			return nil, fmt.Errorf("list channels: %w", storage.Classify(err))
		}
		if !slices.Contains(known.Channels, notify.InboxName) { // it may be still to come: the first start makes it
			known.Channels = append(known.Channels, notify.InboxName)
		}
		return graph.Builtin(known), nil
	}
}
