package nodes

import (
	"context"
	"fmt"
	"time"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/orchestration/graph"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/providers"
)

// StoredIncidents reads incidents with their alerts; internal/server fits apps/alerts to it.
type StoredIncidents interface {
	Facts(ctx context.Context, tenant string, incident id.ID) (*event.Incident, []*event.Alert, error)
}

// ByHand gathers evidence for analyses that somebody asked for, as a context node does for runs; it fits intelligence.Config.
type ByHand struct {
	Gatherer
	Incidents StoredIncidents
}

// Times of an analysis by hand: a check that is slow has time left to say so.
const (
	gatherTime = 5 * time.Second
	checkTime  = 4 * time.Second
)

// checksByHand are the checks that go in. They are shared: somebody who asks twice has the machine looked at once.
func checksByHand() []string { return []string{"cpu", "memory", "disk"} }

// GatherFor finds evidence about a stored incident, in gatherTime.
func (b ByHand) GatherFor(ctx context.Context, tenant, traceID string, incident id.ID) (providers.Evidence, error) {
	ctx, cancel := context.WithTimeout(ctx, gatherTime)
	defer cancel()
	i, alerts, err := b.Incidents.Facts(ctx, tenant, incident)
	if err != nil {
		return providers.Evidence{}, fmt.Errorf("load incident %s: %w", incident, err)
	}
	defaults := &graph.ContextConfig{}
	got, err := b.Gather(ctx, Ask{
		Tenant: tenant, Incident: i, Alerts: alerts, Similar: defaults.Similar(), Window: time.Duration(defaults.ChangeMinutes()) * time.Minute,
		Checks: checkers.Request{
			Tenant: tenant, Names: checksByHand(), Timeout: checkTime, Origin: checkers.OriginAPI, TraceID: traceID, Shared: true, Guarded: true,
		},
	})
	if err != nil {
		return providers.Evidence{}, fmt.Errorf("gather evidence: %w", err)
	}
	return got.Evidence, nil
}
