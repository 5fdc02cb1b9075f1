package nodes

import (
	"fmt"

	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/apps/orchestration/graph"
)

// transform reshapes the output of an earlier node.
type transform struct{}

// Run implements orchestration.Handler.
func (transform) Run(c *orchestration.NodeContext) orchestration.Result {
	cfg, ok := c.Node.Config.(*graph.TransformConfig)
	if !ok {
		return failed("config", fmt.Errorf("unexpected config %T", c.Node.Config))
	}
	var source any = map[string]any{}
	if v := decode(c.Outputs[cfg.SourceNode]); v != nil {
		source = v
	}
	out, err := graph.Transform(cfg, source)
	if err != nil {
		return failed("transform", fmt.Errorf("Transform error: %w", err)) //nolint:staticcheck // the contract's words
	}
	return orchestration.Result{
		Output: map[string]any{"transformed": out, "source_node": cfg.SourceNode}, Input: map[string]any{"source": source},
	}
}
