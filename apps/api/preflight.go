package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/incidenthub/incidenthub/internal/platform/preflight"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Preflights look at the hub's own setup; internal/server has them.
type Preflights interface {
	Run(ctx context.Context, tenant string, only []string, by string) (preflight.Run, error)
	List(ctx context.Context, tenant string, p storage.Paging) (storage.Page[preflight.Run], error)
}

type preflightInput struct {
	Body *struct {
		Only []string `json:"only,omitempty" doc:"Groups to look at; left out: all." enum:"security,environment,pipeline,crontab,migrations,database"`
	}
}

func (a *API) preflightRoutes(h huma.API) {
	get(a, h, "/api/v1/preflight", "list-preflights", "What preflights of this setup found, newest first",
		func(ctx context.Context, tenant string, in *PageQuery) (storage.Page[preflight.Run], error) {
			page, err := in.page()
			if err != nil {
				return storage.Page[preflight.Run]{}, err
			}
			return a.Preflights.List(ctx, tenant, page)
		})
	change(a, h, op(http.MethodPost, "/api/v1/preflight", "run-preflight", "Look at this setup now; errors found are an answer, not a failure"),
		func(ctx context.Context, c caller, in *preflightInput) (*answer[preflight.Run], error) {
			var only []string
			if in.Body != nil {
				only = in.Body.Only
			}
			r, err := a.Preflights.Run(ctx, c.tenant, only, c.name)
			return &answer[preflight.Run]{Body: r}, err
		})
}
