package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

type runQuery struct {
	PageQuery
	Status     string `query:"status" doc:"How far it has come: pending, ingested, checked, analyzed, notified, failed, retrying, skipped." maxLength:"40"`
	State      string `query:"state" enum:"pending,running,retrying,succeeded,failed,canceled"`
	Source     string `query:"source" maxLength:"100"`
	Definition string `query:"definition" doc:"Name of the pipeline." maxLength:"200"`
	Incident   string `query:"incident" doc:"Id of an incident." format:"uuid"`
	Receipt    string `query:"receipt" doc:"Id of a receipt." format:"uuid"`
}

func (a *API) runRoutes(h huma.API) {
	get(a, h, "/api/v1/runs", "list-runs", "Runs of pipelines, newest first", a.listRuns)
	get(a, h, "/api/v1/runs/{id}", "get-run", "One run with its nodes, their attempts, and the definition it executes",
		func(ctx context.Context, tenant string, in *ByID) (orchestration.RunDetail, error) {
			run, err := in.key("run")
			if err != nil {
				return orchestration.RunDetail{}, err
			}
			return a.Flow.Run(ctx, tenant, run)
		})
}

// runActRoutes are what people do to runs. Each answers with the run as it is then.
func (a *API) runActRoutes(h huma.API) {
	change(a, h, op(http.MethodPost, "/api/v1/runs/{id}/replay", "replay-run",
		"Do again what an ended run did, as a new run. Unless send is true it sends nothing: what would be told is recorded as suppressed (dry_run)"), a.replay)
	for _, r := range []struct {
		verb, summary string
		do            func(ctx context.Context, tenant string, run id.ID, by string) error
	}{
		{"cancel", "End a run: nothing more is done, and what nobody has begun to send is not sent", a.RunActs.Cancel},
		{"resume", "Take a failed or canceled run up again from where it ended; what succeeded is not done again", a.RunActs.Resume},
	} {
		change(a, h, op(http.MethodPost, "/api/v1/runs/{id}/"+r.verb, r.verb+"-run", r.summary),
			func(ctx context.Context, c caller, in *ByID) (*answer[orchestration.RunDetail], error) {
				run, err := in.key("run")
				if err != nil {
					return nil, err
				}
				if err := r.do(ctx, c.tenant, run, c.name); err != nil {
					return nil, err
				}
				detail, err := a.Flow.Run(ctx, c.tenant, run)
				return &answer[orchestration.RunDetail]{Body: detail}, err
			})
	}
}

type replayInput struct {
	ByID
	Body *struct {
		From    string `json:"from,omitempty" doc:"Node to begin with; what comes before is taken over as recorded. Empty: all but the first node." maxLength:"200"`
		Version string `json:"version,omitempty" doc:"Of the pipeline: the run's own, or the newest." enum:"same,newest" default:"same"`
		Send    bool   `json:"send,omitempty" doc:"Tell for real: whoever was told hears it again. Otherwise what would be told is recorded and not sent. Refused for an incident that has ended." default:"false"`
	}
}

func (a *API) replay(ctx context.Context, c caller, in *replayInput) (*answer[orchestration.RunDetail], error) {
	run, err := in.key("run")
	if err != nil {
		return nil, err
	}
	var r orchestration.Replay
	if in.Body != nil {
		r = orchestration.Replay{From: in.Body.From, Newest: in.Body.Version == "newest", Send: in.Body.Send}
	}
	again, err := a.RunActs.Replay(ctx, c.tenant, run, r, c.name)
	if err != nil {
		return nil, err
	}
	detail, err := a.Flow.Run(ctx, c.tenant, again)
	return &answer[orchestration.RunDetail]{Body: detail}, err
}

func (a *API) listRuns(ctx context.Context, tenant string, in *runQuery) (storage.Page[orchestration.Run], error) {
	none := storage.Page[orchestration.Run]{}
	page, err := in.page()
	if err != nil {
		return none, err
	}
	f := orchestration.RunFilter{Status: in.Status, State: in.State, Source: in.Source, DefinitionName: in.Definition}
	if f.Incident, err = filterID("incident", in.Incident); err != nil {
		return none, err
	}
	if f.Receipt, err = filterID("receipt", in.Receipt); err != nil {
		return none, err
	}
	return a.Flow.Runs(ctx, tenant, f, page)
}
