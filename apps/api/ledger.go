package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/incidenthub/incidenthub/apps/ledger"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

type books struct {
	ledger.Totals
	Balanced  bool       `json:"balanced" doc:"Whether the hub's last check of its own books found every alert accounted for."`
	Problem   string     `json:"problem" doc:"What does not match, in words."`
	CheckedAt *time.Time `json:"checked_at" doc:"When that was; null before the first check."`
}

type lineQuery struct {
	Cursor   string   `query:"cursor" doc:"next_cursor of the page before; left out: the newest." maxLength:"200"`
	Limit    int      `query:"limit" doc:"Rows on the page." minimum:"1" maximum:"200" default:"50"`
	State    []string `query:"state" doc:"Any of these." enum:"pending,delivered,suppressed,dead,no_route,rejected"`
	Reason   []string `query:"reason" doc:"Any of these: duplicate, silenced, below_min_severity, http_404 …" maxItems:"20"`
	Receipt  string   `query:"receipt" doc:"Id of a receipt." format:"uuid"`
	Incident string   `query:"incident" doc:"Id of an incident." format:"uuid"`
	Run      string   `query:"run" doc:"Id of a run." format:"uuid"`
}

func (in *lineQuery) filter() (ledger.LineFilter, error) {
	f := ledger.LineFilter{States: in.State, Reasons: in.Reason}
	for _, one := range []struct {
		name, text string
		to         *id.ID
	}{{"receipt", in.Receipt, &f.Receipt}, {"incident", in.Incident, &f.Incident}, {"run", in.Run, &f.Run}} {
		v, err := filterID(one.name, one.text)
		if err != nil {
			return f, err
		}
		*one.to = v
	}
	return f, nil
}

func (a *API) ledgerRoutes(h huma.API) {
	get(a, h, "/api/v1/ledger/lines", "list-ledger", "One line for each observation on each route: what became of it, and why, newest first",
		func(ctx context.Context, tenant string, in *lineQuery) (storage.Page[ledger.Line], error) {
			f, err := in.filter()
			if err != nil {
				return storage.Page[ledger.Line]{}, err
			}
			page, err := a.Ledger.Lines(ctx, tenant, f, ledger.LinePaging{Before: in.Cursor, Limit: in.Limit})
			if errors.Is(err, storage.ErrCursor) {
				return page, newProblem(http.StatusUnprocessableEntity, unusableDetail, Detail{Message: err.Error(), Location: "query.cursor"})
			}
			return page, err
		})
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
