package local

import (
	"context"

	"github.com/incidenthub/incidenthub/providers"
)

// reports answers a request with a kind, or one without an incident, with the reports of contract 7.4.
func reports(_ context.Context, _ *look) *providers.Result {
	return &providers.Result{Recommendations: []providers.Recommendation{}}
}
