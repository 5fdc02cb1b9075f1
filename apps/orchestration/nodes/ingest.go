package nodes

import "github.com/incidenthub/incidenthub/apps/orchestration"

// ingest gives out what the fold did: alerts and incidents were written once, for all runs of the push.
type ingest struct{}

// Run implements orchestration.Handler.
func (ingest) Run(c *orchestration.NodeContext) orchestration.Result {
	out := c.Ingest
	if out == nil { // a run without a push behind it: a schedule, a manual start
		out = map[string]any{"alerts_created": 0, "alerts_updated": 0, "alerts_resolved": 0, "incidents_created": 0, "incidents_updated": 0}
	}
	return orchestration.Result{Output: out, Input: map[string]any{"source": c.Run.Source, "alerts": len(c.Run.Alerts)}}
}
