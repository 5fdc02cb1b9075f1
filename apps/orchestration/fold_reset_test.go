package orchestration

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// TestFoldItemReset: what a try decided is gone when its transaction is done again.
func TestFoldItemReset(t *testing.T) {
	t.Parallel()
	run := id.New()
	fresh := func() *event.LedgerRow {
		return &event.LedgerRow{RunID: run, State: event.StatePending, Trace: []event.Decision{{What: "route", Result: "match"}}}
	}
	row := fresh()
	row.Trace = append(make([]event.Decision, 0, 8), row.Trace...) // with room to grow in place
	it := &foldItem{rows: []*event.LedgerRow{row}}
	for range 3 {
		it.reset()
		if diff := cmp.Diff(fresh(), row); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
		row.RunID, row.AlertID, row.IncidentID = id.New(), id.New(), id.New()
		row.State, row.Reason = event.StateSuppressed, event.ReasonDuplicate
		row.Trace = append(row.Trace, event.Decision{What: "fold"})
		row.Trace[0].Result = "match"
	}
}
