package api

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/incidenthub/incidenthub/apps/ledger"
)

func (a *API) whyRoutes(h huma.API) {
	get(a, h, "/api/v1/why/{id}", "explain", "Why somebody was, or was not, told: of an alert, incident, delivery, message, receipt or run",
		func(ctx context.Context, tenant string, in *ByID) (ledger.Explanation, error) {
			about, err := in.key("what " + in.ID + " names")
			if err != nil {
				return ledger.Explanation{}, err
			}
			return a.Ledger.Why(ctx, tenant, about)
		})
}
