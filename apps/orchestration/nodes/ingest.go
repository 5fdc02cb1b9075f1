package nodes

import (
	"errors"

	"github.com/incidenthub/incidenthub/apps/orchestration"
)

// ingest gives out what the fold did: alerts and incidents were written once, for all runs of the push.
type ingest struct{}

type ingestInput struct {
	Alerts int    `json:"alerts"`
	Source string `json:"source"`
}

// Run implements orchestration.Handler.
func (ingest) Run(c *orchestration.NodeContext) orchestration.Result {
	if c.Fault != "" {
		return failed("ingest", errors.New(c.Fault))
	}
	out := c.Ingest
	if out == nil { // a run without a push behind it: a schedule, a manual start
		out = &orchestration.IngestOutput{}
	}
	return orchestration.Result{Output: out, Input: ingestInput{len(c.Run.Alerts), c.Run.Source}}
}
