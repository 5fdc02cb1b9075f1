package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/incidenthub/incidenthub/apps/ledger"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

func (a *API) whyRoutes(h huma.API) {
	get(a, h, "/api/v1/why/{id}", "explain", "Why somebody was, or was not, told: of an alert, incident, delivery, message, receipt or run",
		func(ctx context.Context, tenant string, in *ByID) (ledger.Explanation, error) {
			about, err := id.Parse(in.ID)
			if err != nil {
				return ledger.Explanation{}, newProblem(http.StatusNotFound, fmt.Sprintf("%.64q is no id. Give the id of an alert, incident, delivery, inbox message, receipt or run: "+
					"every list has them, and the line of the ledger is its receipt's.", in.ID))
			}
			return a.Ledger.Why(ctx, tenant, about)
		})
}
