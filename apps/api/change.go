package api

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/incidenthub/incidenthub/apps/changes"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Changes keeps what was changed; *changes.Service fits.
type Changes interface {
	Record(ctx context.Context, tenant string, in changes.Input) (changes.Change, error)
	List(ctx context.Context, tenant string, f changes.Filter, p storage.Paging) (storage.Page[changes.Change], error)
	Delete(ctx context.Context, tenant string, change id.ID) error
}

type changeQuery struct {
	PageQuery
	Service string    `query:"service" doc:"Exactly this service." maxLength:"200"`
	Kind    string    `query:"kind" doc:"Exactly this kind." maxLength:"50"`
	Since   time.Time `query:"since" doc:"Made at this time or later."`
	Until   time.Time `query:"until" doc:"Made before this time."`
	Label   []string  `query:"label,explode" doc:"name=value; repeat for several, all of which must be there." maxItems:"20"`
}

type changeInput struct {
	Body struct {
		Title   string            `json:"title,omitempty" doc:"What was changed, such as api 2.4.1. Required, at most 200 characters." example:"api 2.4.1"`
		Kind    string            `json:"kind,omitempty" doc:"deploy, config, feature_flag, scale, other, or a word of your own. Left out: other." example:"deploy"`
		Service string            `json:"service,omitempty" doc:"What it was changed of. Incidents whose alerts have the same service, app or job show it first." example:"api"`
		Labels  map[string]string `json:"labels,omitempty" doc:"Like the labels of alerts: env, cluster, instance."`
		At      *time.Time        `json:"at,omitempty" doc:"When it was changed. Left out: now."`
		URL     string            `json:"url,omitempty" doc:"Where to read more: the build, the ticket."`
		Author  string            `json:"author,omitempty" doc:"Who did it. Left out: the name of the API key."`
	}
}

func (a *API) changeRoutes(h huma.API) {
	get(a, h, "/api/v1/changes", "list-changes", "What was changed, the latest first",
		func(ctx context.Context, tenant string, in *changeQuery) (storage.Page[changes.Change], error) {
			page, err := in.page()
			if err != nil {
				return storage.Page[changes.Change]{}, err
			}
			f := changes.Filter{Service: in.Service, Kind: strings.ToLower(in.Kind), Since: in.Since, Until: in.Until, Labels: map[string]string{}}
			for _, l := range in.Label {
				name, value, ok := strings.Cut(l, "=")
				if !ok || name == "" {
					return storage.Page[changes.Change]{}, newProblem(http.StatusUnprocessableEntity, unusableDetail,
						Detail{Message: "must look like name=value", Location: "query.label"})
				}
				f.Labels[name] = value
			}
			return a.Changes.List(ctx, tenant, f, page)
		})
	record := op(http.MethodPost, "/api/v1/changes", "record-change", "Say that something was changed, so that incidents after it show it")
	record.DefaultStatus = http.StatusCreated
	change(a, h, record, func(ctx context.Context, c caller, in *changeInput) (*answer[changes.Change], error) {
		b := in.Body
		given := changes.Input{Title: b.Title, Kind: b.Kind, Service: b.Service, Labels: b.Labels, URL: b.URL, Author: cmp.Or(b.Author, c.name)}
		if b.At != nil {
			given.At = *b.At
		}
		made, err := a.Changes.Record(ctx, c.tenant, given)
		return &answer[changes.Change]{Body: made}, err
	})
	change(a, h, op(http.MethodDelete, "/api/v1/changes/{id}", "delete-change", "Remove a change that was none"),
		func(ctx context.Context, c caller, in *ByID) (*nothing, error) {
			key, err := in.key("change")
			if err != nil {
				return nil, err
			}
			return nil, a.Changes.Delete(ctx, c.tenant, key)
		})
}
