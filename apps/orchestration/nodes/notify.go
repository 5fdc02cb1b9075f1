package nodes

import (
	"fmt"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/apps/orchestration/graph"
)

// notify plans one delivery per channel. It holds no worker: the node ends when its deliveries have.
type notify struct{}

// Run implements orchestration.Handler.
func (notify) Run(c *orchestration.NodeContext) orchestration.Result {
	cfg, ok := c.Node.Config.(*graph.NotifyConfig)
	if !ok {
		return failed("config", fmt.Errorf("unexpected config %T", c.Node.Config))
	}
	what := kind(c.Run.Event)
	input := orchestration.NotifyInputOf(cfg, c.Run.Event)
	if c.Fault != "" {
		return orchestration.Result{Input: input, Output: orchestration.NotifyOutput{
			Deliveries: []event.Told{}, Note: "nothing was taken in, so there is nothing to tell",
		}}
	}
	if !cfg.Tells(what) {
		return orchestration.Result{Input: input, Output: orchestration.NotifyOutput{
			Deliveries: []event.Told{}, Note: "this node does not tell " + what + " incidents",
		}}
	}
	told, err := c.Tell(&event.Tell{
		Tenant: c.Run.Tenant, TraceID: c.Run.TraceID, RunID: c.Run.ID, DefinitionID: c.Run.DefinitionID, Node: c.Node.ID, Source: c.Run.Source,
		Environment: c.Run.Environment, Incident: c.Run.Incident, Event: c.Run.Event, Seq: c.Run.EventSeq, Alerts: c.Run.Alerts,
		Channels: cfg.Channels, Drivers: cfg.AllDrivers(), MinSeverity: cfg.MinSeverity, Outputs: orchestration.TellOutputs(c.Graph, c.Outputs, cfg),
	})
	if err != nil {
		return orchestration.Result{Input: input, Err: err, Type: "no_channel"}
	}
	output, dead, over := orchestration.NotifyOutputOf(told)
	switch {
	case !over:
		return orchestration.Result{Input: input, Output: output, Wait: true}
	case dead:
		return orchestration.Result{Input: input, Output: output, Err: orchestration.ErrAllDead, Type: "all_deliveries_dead"}
	default:
		return orchestration.Result{Input: input, Output: output}
	}
}

// kind is what a notify node's `on` calls an incident event.
func kind(k event.EventKind) string {
	switch k {
	case event.EventResolved:
		return graph.OnResolved
	case event.EventAlertAdded, event.EventSeverityRaised, event.EventSeverityChanged:
		return graph.OnUpdated
	default:
		return graph.OnFiring
	}
}
