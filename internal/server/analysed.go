package server

import (
	"cmp"
	"slices"
	"sync"

	"github.com/incidenthub/incidenthub/apps/alerts"
	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/intelligence"
	"github.com/incidenthub/incidenthub/apps/orchestration/nodes"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/queue"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/providers"
)

// noteAnalyses fits apps/alerts and apps/notify to intelligence: an analysis goes into the history of its incident, and where people were
// told without it, into the message that they have, if their channel can change it.
func (c *core) noteAnalyses(tx *storage.Tx, list []intelligence.Noted) (func(bool), error) {
	in := make([]alerts.Analysed, len(list))
	for i, n := range list {
		in[i] = alerts.Analysed{Tenant: n.Tenant, TraceID: n.TraceID, IncidentID: n.IncidentID, Details: n.Details}
	}
	noted, err := alerts.NoteAnalyses(tx, in)
	if err != nil {
		return nil, err
	}
	var tells []*event.Tell
	for i, n := range list {
		to := noted[i].Incident
		if to == nil || !to.Status.Active() || n.Analysis.Rung == providers.RungFacts || !c.notify.Planner.Follows(n.Tenant) {
			continue
		}
		tells = append(tells, &event.Tell{
			Tenant: n.Tenant, TraceID: n.TraceID, RunID: n.RunID, Incident: to, Event: event.EventAnalysis, Seq: noted[i].Seq,
			Outputs: nodes.TellAnalysis(n.Analysis),
		})
	}
	if len(tells) == 0 {
		return nil, nil
	}
	return c.tellAnalyses(tx, tells)
}

// tellAnalyses plans what is told of analyses.
func (c *core) tellAnalyses(tx *storage.Tx, tells []*event.Tell) (func(bool), error) {
	jobs := queue.NewWrites(c.cfg.Jobs.Lease)
	told := c.notify.Planner.Begin(tx, jobs)
	var once sync.Once
	after := func(committed bool) {
		once.Do(func() {
			if committed {
				told.Committed()
			} else {
				told.Dropped()
			}
		})
	}
	var incidents, runs []id.ID
	for _, t := range tells {
		incidents = append(incidents, t.Incident.ID)
		if !t.RunID.IsZero() {
			runs = append(runs, t.RunID)
		}
	}
	slices.SortFunc(incidents, compareIDs)
	slices.SortFunc(runs, compareIDs)
	incidents = slices.Compact(incidents)
	told.WantIncidents(incidents, incidents)
	told.WantRuns(slices.Compact(runs))
	for _, t := range tells {
		var err error
		if t.Alerts, err = alerts.Of(tx, t.Incident.ID); err != nil {
			return after, err
		}
		slices.SortFunc(t.Alerts, func(a, b *event.Alert) int {
			return cmp.Or(cmp.Compare(b.Severity.Rank(), a.Severity.Rank()), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Fingerprint, b.Fingerprint))
		})
		if len(t.Alerts) > 0 {
			t.Source = t.Alerts[0].Source // as the firing message said
		}
		told.Analysis(t)
	}
	told.Write()
	jobs.Queue(tx)
	return after, nil
}

func compareIDs(a, b id.ID) int { return slices.Compare(a[:], b[:]) }
