package server

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/incidenthub/incidenthub/apps/api"
	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/apps/orchestration/graph"
	"github.com/incidenthub/incidenthub/apps/rehearsal"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// onceName is what runs of pipelines that are stored nowhere show as their definition.
const onceName = "once"

// pipelines begins runs by hand.
type pipelines struct{ *core }

// Execute implements api.Pipelines. What there is to take in goes the way of every push, but to one pipeline; else a run begins without.
func (p pipelines) Execute(ctx context.Context, tenant string, e api.Execution) (api.Executed, error) {
	route, in, err := p.prepare(ctx, tenant, &e)
	if err != nil {
		return api.Executed{}, err
	}
	out := api.Executed{TraceID: e.TraceID}
	if in.fault == "" && len(in.parsed.Observations) > 0 {
		push := p.push(tenant, &e, in)
		push.Route = route
		got, err := p.engine.Intake.Accept(ctx, push)
		if err != nil {
			return out, err
		}
		if len(got.RunIDs) == 0 {
			return out, fmt.Errorf("receipt %s has begun no run of %s", got.ReceiptID, route.Name)
		}
		out.RunID, out.ReceiptID = got.RunIDs[0], got.ReceiptID
		return out, nil
	}
	if in.fault != "" && len(in.body) > 0 { // what came is kept, as what a sender pushes is
		push := p.push(tenant, &e, in)
		push.Unusable = in.fault
		got, err := p.engine.Intake.Accept(ctx, push)
		if err != nil {
			return out, err
		}
		out.ReceiptID = got.ReceiptID
	}
	out.RunID, err = p.starts.Start(ctx, orchestration.Start{
		Tenant: tenant, Route: route, Origin: orchestration.OriginManual, Source: e.Source, Environment: e.Environment, TraceID: e.TraceID, By: e.By,
		Incident: e.Incident, Fault: in.fault,
	})
	return out, err
}

// push is a payload on its way in.
func (p pipelines) push(tenant string, e *api.Execution, in payload) *orchestration.Push {
	push := api.NewPush(in.entry, in.parsed.Driver, in.body, in.parsed)
	push.Tenant, push.Origin, push.Source, push.Environment, push.TraceID = tenant, orchestration.OriginManual, e.Source, e.Environment, e.TraceID
	return push
}

// Wait implements api.Pipelines.
func (p pipelines) Wait(ctx context.Context, tenant string, run id.ID) (bool, error) {
	over, err := p.starts.Wait(ctx, tenant, []id.ID{run})
	if err != nil || !over {
		return false, err
	}
	d, err := p.flow.Run(ctx, tenant, run)
	if err != nil || len(d.Children) == 0 {
		return err == nil, err
	}
	return p.starts.Wait(ctx, tenant, d.Children)
}

// Rehearse implements api.Pipelines.
func (p pipelines) Rehearse(ctx context.Context, tenant string, e api.Execution) (rehearsal.DryRunResult, error) {
	none := rehearsal.DryRunResult{}
	route, candidate, err := p.candidate(ctx, tenant, &e)
	if err != nil {
		return none, err
	}
	in, err := p.payload(tenant, &e, route)
	if err != nil {
		return none, err
	}
	if in.fault != "" {
		return none, refused("/payload", in.fault)
	}
	if len(in.parsed.Observations) == 0 {
		in.body = nil
	}
	out, err := p.DryRun(ctx, tenant, rehearsal.DryRun{
		Body: in.body, Driver: in.parsed.Driver, Labels: e.Labels, Pipeline: candidate.Name, Candidate: candidate, Incident: e.Incident,
		Origin: orchestration.OriginManual, RunSource: e.Source, Environment: e.Environment, TraceID: e.TraceID,
	})
	if errors.Is(err, rehearsal.ErrBadInput) {
		return none, refused("/payload", err.Error())
	}
	return out, err
}

// prepare finds what shall run, and what there is to take in.
func (p pipelines) prepare(ctx context.Context, tenant string, e *api.Execution) (*orchestration.Route, payload, error) {
	route, candidate, err := p.candidate(ctx, tenant, e)
	if err != nil {
		return nil, payload{}, err
	}
	in, err := p.payload(tenant, e, route)
	if err != nil {
		return nil, in, err
	}
	if e.Definition == "" { // only now, that nothing speaks against it, it is kept
		definition, version, err := p.definitions.Once(ctx, tenant, candidate.Name, candidate.Config)
		if err != nil {
			return nil, in, err
		}
		if route, err = p.catalog.Route(ctx, candidate.Name, definition, version); err != nil {
			return nil, in, err
		}
	}
	return route, in, nil
}

// candidate is the pipeline that shall run: compiled, and as a rehearsal wants it.
func (p pipelines) candidate(ctx context.Context, tenant string, e *api.Execution) (*orchestration.Route, *rehearsal.Candidate, error) {
	c := &rehearsal.Candidate{Name: e.Definition, Config: e.Config}
	var route *orchestration.Route
	switch {
	case e.Fixed != nil:
		f := *e.Fixed
		if slices.Contains(p.parsers.Names(), e.Driver) {
			f.Driver = e.Driver // a driver that is not known fails in ingest, on record
		}
		s := p.cfg.Pipeline
		config, err := f.Definition(orchestration.FixedDefaults{MaxRetries: s.MaxRetries, Backoff: s.Backoff, Fallback: s.Fallback})
		if err != nil {
			return nil, nil, err
		}
		c.Name, c.Config = orchestration.FixedName, config
	case len(e.Config) > 0:
		c.Name = onceName
	default:
		d, err := p.definitions.Get(ctx, tenant, e.Definition)
		if err == nil && !d.IsActive {
			err = fmt.Errorf("pipeline %.100q is not active: %w", e.Definition, storage.ErrNotFound)
		}
		if err != nil {
			return nil, nil, err
		}
		c.Name = d.Name
		if route, err = p.catalog.Route(ctx, d.Name, d.ID, d.Version); err != nil {
			return nil, nil, err
		}
	}
	if route == nil {
		g, err := graph.Load(c.Config, p.specs)
		if err != nil {
			return nil, nil, inFields(e, err)
		}
		route = &orchestration.Route{Name: c.Name, Graph: g, Shadow: g.Definition.Shadow}
	}
	switch {
	case route.Graph.Entry() == nil:
		return nil, nil, fmt.Errorf("the pipeline has no nodes, so there is nothing to run: %w", event.ErrRefused)
	case route.Shadow:
		return nil, nil, fmt.Errorf("the pipeline is a shadow, which tells nobody; ask for a dry run of a copy without shadow: %w", event.ErrRefused)
	}
	return route, c, nil
}

// fixedFields are where the fields of a request for the built-in pipeline stand in its definition.
var fixedFields = map[string]string{
	"/config/checker_names": "/checker_names", "/config/checker_configs": "/checker_configs", "/config/hostname": "/hostname",
	"/config/provider_config": "/provider_config", "/config/provider": "/provider", "/config/drivers": "/notify_driver", "/config/channels": "/notify_channel",
}

// inFields points at the fields of the request instead of those of the definition that was made of it.
func inFields(e *api.Execution, err error) error {
	bad := (*graph.InvalidError)(nil)
	if !errors.As(err, &bad) {
		return err
	}
	out := &api.BadExecution{}
	for _, f := range bad.Problems {
		if f.Severity != graph.SeverityError {
			continue
		}
		pointer := "/config" + f.Pointer
		if e.Fixed != nil {
			for _, inside := range slices.Backward(slices.Sorted(maps.Keys(fixedFields))) {
				if _, rest, ok := strings.Cut(f.Pointer, inside); ok {
					pointer = fixedFields[inside] + rest
					break
				}
			}
		}
		f.Pointer = pointer
		out.Problems = append(out.Problems, f)
	}
	return out
}

// refused says what about one field is wrong.
func refused(pointer, message string) error {
	return &api.BadExecution{Problems: []orchestration.LintProblem{{Pointer: pointer, Message: message, Severity: graph.SeverityError}}}
}
