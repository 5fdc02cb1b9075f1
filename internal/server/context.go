package server

import (
	"github.com/incidenthub/incidenthub/apps/alerts"
	"github.com/incidenthub/incidenthub/apps/history"
	"github.com/incidenthub/incidenthub/apps/orchestration/nodes"
)

// openContext makes what finds earlier incidents, and gives all evidence to the nodes. A rehearsal looks at nothing.
func (c *core) openContext() (err error) {
	if c.history, err = history.New(history.Config{DB: c.db, Log: c.log, Tenant: tenant, ByItself: alerts.AutoResolved}); err != nil {
		return err
	}
	if c.handlers["context"] == nil {
		c.handlers["context"] = nodes.Context(nodes.ContextConfig{
			Checks: c.checks, History: c.history, Changes: c.changes, Redact: c.redact, Log: c.log, Rehearsing: c.rehearsing != nil,
		})
	}
	return nil
}
