package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/incidenthub/incidenthub/apps/ledger"
)

type books struct {
	ledger.Totals
	Balanced  bool       `json:"balanced" doc:"Whether the hub's last check of its own books found every alert accounted for."`
	Problem   string     `json:"problem" doc:"What does not match, in words."`
	CheckedAt *time.Time `json:"checked_at" doc:"When that was; null before the first check."`
}

func (a *API) ledgerRoutes(h huma.API) {
	get(a, h, "/api/v1/ledger", "get-ledger", "What became of every observation on every route",
		func(ctx context.Context, tenant string, _ *struct{}) (books, error) {
			totals, err := a.Ledger.Totals(ctx, tenant)
			if err != nil {
				return books{}, err
			}
			check, err := a.Books.Balance(ctx, tenant)
			if err != nil {
				return books{}, err
			}
			b := books{Totals: totals, Balanced: check.Balanced, Problem: check.Problem}
			if !check.CheckedAt.IsZero() {
				b.CheckedAt = &check.CheckedAt
			}
			return b, nil
		})
}
