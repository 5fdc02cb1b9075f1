package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/incidenthub/incidenthub/apps/rehearsal"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Backtests tries definitions on recorded receipts; *rehearsal.Desk fits.
type Backtests interface {
	Start(ctx context.Context, tenant string, b rehearsal.Backtest) (rehearsal.Job, error)
	Get(tenant string, which id.ID) (rehearsal.Job, error)
	List(tenant string) []rehearsal.Job
	Cancel(tenant string, which id.ID) error
}

type backtestFields struct {
	Name       string              `json:"name,omitempty" doc:"Pipeline that the definition is for. One that is not stored stands beside the others. Without a definition: the stored one is tried, made active if it is not." maxLength:"100"`
	Definition json.RawMessage     `json:"definition,omitempty" doc:"The definition as it might be."`
	Since      string              `json:"since" doc:"Beginning of the window: a time (RFC 3339), or how long ago: 7d, 36h, 90m." maxLength:"40"`
	Until      string              `json:"until,omitempty" doc:"End of the window, in the same way. Left out: now." maxLength:"40"`
	GroupBy    map[string][]string `json:"group_by,omitempty" doc:"Other groupings, by name of the source: labels, or vendor alone for the sender's own key."`
}

type backtestInput struct{ Body backtestFields }

func (a *API) backtestRoutes(h huma.API) {
	path := "/api/v1/backtests"
	start := op(http.MethodPost, path, "start-backtest", "Try a definition, or other groupings, on what came in: nothing is stored and nothing is sent")
	start.DefaultStatus = http.StatusAccepted
	change(a, h, start, func(ctx context.Context, c caller, in *backtestInput) (*answer[rehearsal.Job], error) {
		b, err := in.Body.of(clock.System().Now())
		if err != nil {
			return nil, err
		}
		job, err := a.Backtests.Start(ctx, c.tenant, b)
		return &answer[rehearsal.Job]{Body: job}, err
	})
	get(a, h, path, "list-backtests", "Back-tests of the last hour of this process, newest first, without their results",
		func(_ context.Context, tenant string, _ *struct{}) (storage.Page[rehearsal.Job], error) {
			return all(a.Backtests.List(tenant)).Body, nil
		})
	get(a, h, path+"/{id}", "get-backtest", "How far a back-test is, and what came out",
		func(_ context.Context, tenant string, in *ByID) (rehearsal.Job, error) {
			which, err := in.key("back-test")
			if err != nil {
				return rehearsal.Job{}, err
			}
			return a.Backtests.Get(tenant, which)
		})
	change(a, h, op(http.MethodDelete, path+"/{id}", "cancel-backtest", "Cancel a back-test, or forget its result"),
		func(_ context.Context, c caller, in *ByID) (*nothing, error) {
			which, err := in.key("back-test")
			if err != nil {
				return nil, err
			}
			return nil, a.Backtests.Cancel(c.tenant, which)
		})
}

// of reads a request's fields.
func (f backtestFields) of(now time.Time) (rehearsal.Backtest, error) {
	b := rehearsal.Backtest{GroupBy: f.GroupBy}
	if f.Name != "" || len(f.Definition) > 0 {
		b.Candidate = &rehearsal.Candidate{Name: f.Name, Config: f.Definition}
	}
	var err error
	if b.Since, err = rehearsal.ParseSince(f.Since, now); err != nil {
		return b, unusable("/since", rehearsal.SinceHelp)
	}
	if f.Until != "" {
		if b.Until, err = rehearsal.ParseSince(f.Until, now); err != nil {
			return b, unusable("/until", rehearsal.SinceHelp)
		}
	}
	return b, nil
}
