package nodes

import "github.com/incidenthub/incidenthub/apps/orchestration"

// condition chooses between two sets of nodes.
type condition struct{}

// Run implements orchestration.Handler.
func (condition) Run(c *orchestration.NodeContext) orchestration.Result {
	yes, err := c.Graph.Choose(c.Ctx, c.Node.ID, c.Vars())
	if err != nil {
		return failed("expression", err)
	}
	return orchestration.Result{Output: map[string]any{"result": yes}}
}
