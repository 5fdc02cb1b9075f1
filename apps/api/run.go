package api

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/incidenthub/incidenthub/apps/orchestration"
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
