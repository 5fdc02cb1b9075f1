package orchestration

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/orchestration/graph"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// route decides per observation which definitions take it: by priority, the first match takes it, `continue` lets later ones
// have it too. What nobody takes is no_route, with every miss on record.
func (i *Intake) route(ctx context.Context, a *acceptance) error {
	p := a.push
	list := a.routes.byTenant[p.Tenant]
	forced := p.Route
	if p.Pipeline != "" {
		if forced = find(list, p.Pipeline); forced == nil {
			return fmt.Errorf("%w: %q", ErrUnknownPipeline, p.Pipeline)
		}
	}
	byRoute := map[id.ID]*foldRun{}
	a.outcome = OutcomeNoRoute
	for n := range a.item.receipt.Observations {
		o := &a.item.receipt.Observations[n]
		if o.Rejected != "" {
			continue
		}
		taken, shadows, misses := i.takers(ctx, a, o, list, forced)
		if len(taken) == 0 {
			a.item.rows = append(a.item.rows, a.row(o, id.ID{}, event.StateNoRoute, "", misses))
		} else {
			a.outcome = OutcomeQueued // also when it is discarded: somebody decided about it
		}
		for _, r := range append(taken, shadows...) {
			if r.Graph.Trigger.Discard {
				a.item.rows = append(a.item.rows, a.row(o, r.ID, event.StateSuppressed, event.ReasonDiscarded,
					append(misses, event.Decision{What: "route", Name: r.Name, Result: "discard"})))
				continue
			}
			run := byRoute[r.ID]
			if run == nil {
				run = &foldRun{id: id.New(), route: r}
				byRoute[r.ID] = run
				a.item.runs = append(a.item.runs, run)
			}
			row := a.row(o, r.ID, event.StatePending, "", append(slices.Clip(misses), event.Decision{
				What: "route", Name: r.Name, Result: "match", Values: map[string]any{"version": r.Version},
			}))
			row.RunID = run.id
			a.item.rows = append(a.item.rows, row)
			run.rows = append(run.rows, row)
		}
	}
	return nil
}

func (i *Intake) takers(ctx context.Context, a *acceptance, o *event.Stored, list []*Route, forced *Route) (taken, shadows []*Route, misses []event.Decision) {
	if forced != nil {
		return []*Route{forced}, nil, []event.Decision{{What: "route", Name: forced.Name, Result: "forced", Why: "the request named the pipeline"}}
	}
	p := a.push
	subject := &graph.Subject{On: p.On, Entry: p.Entry.Name, Source: o.Source, Origin: p.Origin, Alert: o.Observation, Now: a.at}
	over := false
	for _, r := range list {
		if over && !r.Shadow || !r.Graph.Trigger.WaitsFor(p.On) {
			continue
		}
		ok, miss := r.Graph.Trigger.Match(ctx, subject)
		if ok && r.Shadow {
			shadows = append(shadows, r)
			continue
		}
		if !ok {
			misses = append(misses, event.Decision{What: "route", Name: r.Name, Result: "miss", Why: miss.Reason()})
			continue
		}
		taken = append(taken, r)
		over = !r.Graph.Trigger.Continue
	}
	if len(taken) == 0 && p.Own != "" {
		if r := find(list, p.Own); r != nil && !r.Shadow {
			taken = append(taken, r)
			misses = append(misses, event.Decision{What: "route", Name: r.Name, Result: "own", Why: "no route matched; its own checks made the alert"})
		}
	}
	if len(taken) == 0 && i.Default != "" {
		if r := find(list, i.Default); r != nil && !r.Shadow {
			taken = append(taken, r)
			misses = append(misses, event.Decision{What: "route", Name: r.Name, Result: "default", Why: "no route matched; DEFAULT_PIPELINE takes it"})
		}
	}
	return taken, shadows, misses
}

func find(list []*Route, name string) *Route {
	for _, r := range list {
		if r.Name == name {
			return r
		}
	}
	return nil
}

func (a *acceptance) row(o *event.Stored, definition id.ID, state, reason string, trace []event.Decision) *event.LedgerRow {
	return &event.LedgerRow{
		ReceiptID: a.item.receipt.ID, Index: o.Index, DefinitionID: definition, Tenant: a.push.Tenant, State: state, Reason: reason, Trace: trace,
	}
}

func encode(v any) json.RawMessage {
	if raw, ok := v.(json.RawMessage); ok {
		return raw
	}
	raw, err := json.Marshal(v)
	if err != nil { // values come from JSON or are plain texts and numbers
		return json.RawMessage(`{}`)
	}
	return raw
}
