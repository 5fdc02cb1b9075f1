package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/incidenthub/incidenthub/apps/retention"
)

// Retention removes what is over and old; *retention.Service fits. A prune while another one is at work wraps event.ErrRefused.
type Retention interface {
	State(ctx context.Context) (retention.State, error)
	Preview(ctx context.Context, o retention.Options) (map[string]int64, error)
	Begin(ctx context.Context, o retention.Options) error
}

type pruneInput struct {
	Body struct {
		DryRun    bool `json:"dry_run,omitempty" doc:"Remove nothing: count what would go, roughly."`
		OlderThan int  `json:"older_than_days,omitempty" minimum:"1" maximum:"36500" doc:"Instead of HUB_KEEP_DAYS. What failed stays as long as HUB_KEEP_DEAD_DAYS says."`
	}
}

type pruned struct {
	Status int
	Body   struct {
		retention.State
		WouldRemove map[string]int64 `json:"would_remove,omitempty" doc:"Of a dry run: rows by table. What goes with them is not counted."`
	}
}

func (a *API) retentionRoutes(h huma.API) {
	get(a, h, "/api/v1/retention", "get-retention", "What was removed because it was over and old",
		func(ctx context.Context, _ string, _ *struct{}) (retention.State, error) {
			return a.Retention.State(ctx)
		})
	o := op(http.MethodPost, "/api/v1/retention/prune", "prune", "Remove what is over and old now; the state tells how far it is")
	o.DefaultStatus = http.StatusAccepted
	change(a, h, o, func(ctx context.Context, c caller, in *pruneInput) (*pruned, error) {
		opt := retention.Options{OlderThan: time.Duration(in.Body.OlderThan) * 24 * time.Hour}
		out := &pruned{Status: http.StatusAccepted}
		var err error
		if in.Body.DryRun {
			out.Status = http.StatusOK
			out.Body.WouldRemove, err = a.Retention.Preview(ctx, opt)
		} else {
			a.log.InfoContext(ctx, "prune asked for", "by", c.name, "older_than_days", in.Body.OlderThan)
			err = a.Retention.Begin(ctx, opt)
		}
		if err == nil {
			out.Body.State, err = a.Retention.State(ctx)
		}
		return out, err
	})
}
