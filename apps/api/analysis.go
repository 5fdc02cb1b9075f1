package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/incidenthub/incidenthub/apps/intelligence"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/trace"
)

// Analysts make analyses and keep them; *intelligence.Service fits. Unknown providers are intelligence.ErrUnknownProvider.
type Analysts interface {
	Names() []string
	Resolve(tenant, name string) (intelligence.Configured, error)
	Analyze(ctx context.Context, r *intelligence.Request) (*intelligence.Analysis, error)
}

// Analyses reads what is kept; *intelligence.Reader fits.
type Analyses interface {
	Runs(ctx context.Context, tenant string, f intelligence.Filter, p storage.Paging) (storage.Page[intelligence.AnalysisRun], error)
	Run(ctx context.Context, tenant string, analysis id.ID) (intelligence.AnalysisDetail, error)
}

// analysisTime is how long an analysis by hand may take; a request may take a little longer.
const analysisTime = 25 * time.Second

type analysisQuery struct {
	PageQuery
	IncidentID string `query:"incident_id" doc:"Of this incident." format:"uuid"`
	RunID      string `query:"run_id" doc:"Asked for by this run of a pipeline." format:"uuid"`
	Provider   string `query:"provider" doc:"Asked of this provider." maxLength:"100"`
	Rung       string `query:"rung" doc:"Written by a provider, by the local analyzer, or by nobody: the facts." enum:"provider,local,facts"`
	Status     string `query:"status" enum:"running,succeeded,failed"`
}

type analyzeInput struct {
	ByID
	Body *struct {
		Provider string         `json:"provider,omitempty" doc:"Who is asked. Left out: the active provider." maxLength:"100"`
		Config   map[string]any `json:"config,omitempty" doc:"Settings for this analysis. Keys, addresses, headers, scan_paths, prices, limits and what is stored are left out: they belong to the stored provider."`
	}
}

func (a *API) analysisRoutes(h huma.API) {
	get(a, h, "/api/v1/analyses", "list-analyses", "Analyses, newest first",
		func(ctx context.Context, tenant string, in *analysisQuery) (storage.Page[intelligence.AnalysisRun], error) {
			page, err := in.page()
			f := intelligence.Filter{Provider: in.Provider, Rung: in.Rung, Status: in.Status}
			if err == nil {
				f.IncidentID, err = filterID("incident_id", in.IncidentID)
			}
			if err == nil {
				f.RunID, err = filterID("run_id", in.RunID)
			}
			if err != nil {
				return storage.Page[intelligence.AnalysisRun]{}, err
			}
			return a.Analyses.Runs(ctx, tenant, f, page)
		})
	get(a, h, "/api/v1/analyses/{id}", "get-analysis", "One analysis with what it recommends and the evidence that went in",
		func(ctx context.Context, tenant string, in *ByID) (intelligence.AnalysisDetail, error) {
			key, err := in.key("analysis")
			if err != nil {
				return intelligence.AnalysisDetail{}, err
			}
			return a.Analyses.Run(ctx, tenant, key)
		})
	change(a, h, op(http.MethodPost, "/api/v1/incidents/{id}/analyze", "analyze-incident", "Have an incident analysed now"),
		func(ctx context.Context, c caller, in *analyzeInput) (*answer[intelligence.AnalysisDetail], error) {
			incident, err := in.key("incident")
			if err != nil {
				return nil, err
			}
			r := &intelligence.Request{Tenant: c.tenant, TraceID: trace.From(ctx), IncidentID: incident, Patience: analysisTime, Provider: intelligence.Active, Gather: true}
			if in.Body != nil {
				if in.Body.Provider != "" {
					r.Provider = in.Body.Provider
				}
				if err := a.configure(r, in.Body.Config); err != nil {
					return nil, unusable("/config", err.Error())
				}
			}
			got, err := a.Analysts.Analyze(ctx, r)
			switch {
			case errors.Is(err, intelligence.ErrUnknownProvider):
				return nil, unusable("/provider", err.Error())
			case err != nil:
				return nil, err
			}
			d, err := a.Analyses.Run(ctx, c.tenant, got.ID)
			return &answer[intelligence.AnalysisDetail]{Body: d}, err
		})
}

// configure puts the settings of a request into an analysis; those that callers may not choose are left out.
func (a *API) configure(r *intelligence.Request, config map[string]any) error {
	s, err := intelligence.ReadSettings(config, false)
	if err != nil {
		return err
	}
	who, err := a.Analysts.Resolve(r.Tenant, r.Provider)
	if err != nil {
		return nil //nolint:nilerr // the analysis itself refuses it, with the names there are
	}
	s.Apply(r, who.Kind)
	return nil
}
