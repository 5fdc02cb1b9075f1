package orchestration

import (
	"fmt"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// prunedNodes are the nodes of a run whose inputs and outputs are not kept any more.
var prunedNodes = storage.Lookup([]storage.Column{storage.Col("run_id", storage.UUID)}, `
	SELECT t.node FROM node_runs t WHERE t.run_id = v.run_id AND t.pruned`)

// kept refuses to take up again what nobody knows any more: the nodes that follow would read nothing where something was.
func (s *session) kept(x *run, what string) error {
	rows := prunedNodes.Rows()
	rows.Add(x.id)
	pruned := 0
	s.tx.Query(prunedNodes, rows, func(storage.Row) error { pruned++; return nil })
	if err := s.tx.Flush(); err != nil {
		return err
	}
	if pruned > 0 {
		return fmt.Errorf("what its nodes gave out is no longer kept (HUB_KEEP_SNAPSHOT_DAYS), so the run cannot be %s: %w", what, event.ErrRefused)
	}
	return nil
}
