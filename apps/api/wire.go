package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// answer is what handlers return: a body and nothing else.
type answer[T any] struct{ Body T }

// nothing is the answer of a deletion.
type nothing struct{}

// PageQuery are the parameters of every list that goes by pages. Like all that is embedded here it is exported, because huma
// looks at nothing else.
type PageQuery struct {
	Cursor string `query:"cursor" doc:"next_cursor of the page before; left out: the newest." format:"uuid"`
	Limit  int    `query:"limit" doc:"Rows on the page." minimum:"1" maximum:"200" default:"50"`
}

func (p PageQuery) page() (storage.Paging, error) {
	before, err := storage.ParseCursor(p.Cursor)
	if err != nil {
		return storage.Paging{}, newProblem(http.StatusUnprocessableEntity, unusableDetail,
			Detail{Message: err.Error(), Location: "query.cursor"})
	}
	return storage.Paging{Before: before, Limit: p.Limit}, nil
}

// ByID names a row by its id.
type ByID struct {
	ID string `path:"id" doc:"The id." maxLength:"64"`
}

// key reads the id; what is no id is not found, as an id that nobody has.
func (o ByID) key(what string) (id.ID, error) {
	v, err := id.Parse(o.ID)
	if err != nil {
		return id.ID{}, fmt.Errorf("%s %.64q: %w", what, o.ID, storage.ErrNotFound)
	}
	return v, nil
}

// ByRef names a row by its id or its name.
type ByRef struct {
	Ref string `path:"ref" doc:"The id or the name." maxLength:"200"`
}

// wantID says what an id looks like.
const wantID = "must be an id: 36 characters like 0190a6c1-7c4e-7b1a-9d0e-5b8f3c2a1d4e"

// idText is an id in a body as text, so that a bad one is found together with whatever else is wrong.
type idText string

// Schema implements huma.SchemaProvider.
func (idText) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "uuid"}
}

// filterID reads an optional id of a query.
func filterID(name, value string) (id.ID, error) {
	if value == "" {
		return id.ID{}, nil
	}
	v, err := id.Parse(value)
	if err != nil {
		return id.ID{}, newProblem(http.StatusUnprocessableEntity, unusableDetail,
			Detail{Message: wantID, Location: "query." + name})
	}
	return v, nil
}

// all wraps a list that has no pages in the form of those that have.
func all[T any](items []T) *answer[storage.Page[T]] {
	if items == nil {
		items = []T{}
	}
	return &answer[storage.Page[T]]{Body: storage.Page[T]{Items: items}}
}

// op describes an operation. The tag is what follows /api/v1/, or what the path begins with.
func op(method, path, name, summary string) huma.Operation {
	tag, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(path, "/api/v1"), "/"), "/")
	o := huma.Operation{
		Method: method, Path: path, OperationID: name, Summary: summary, Tags: []string{tag},
		Errors: []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusServiceUnavailable},
	}
	if strings.Contains(path, "{") {
		o.Errors = append(o.Errors, http.StatusNotFound)
	}
	if method != http.MethodGet {
		o.Errors = append(o.Errors, http.StatusConflict)
	}
	return o
}

// get registers a reading route: call does the work for the tenant of the caller.
func get[I, T any](a *API, h huma.API, path, name, summary string, call func(ctx context.Context, tenant string, in *I) (T, error)) {
	change(a, h, op(http.MethodGet, path, name, summary), func(ctx context.Context, c caller, in *I) (*answer[T], error) {
		v, err := call(ctx, c.tenant, in)
		return &answer[T]{Body: v}, err
	})
}

// caller is who asks, as services want to know it.
type caller struct{ tenant, name string }

// change registers a route; errors of call are mapped in one place.
func change[I, O any](a *API, h huma.API, o huma.Operation, call func(ctx context.Context, c caller, in *I) (*O, error)) {
	huma.Register(h, o, func(ctx context.Context, in *I) (*O, error) {
		p, err := who(ctx)
		if err != nil {
			return nil, a.fail(ctx, err)
		}
		if len(unknownIn(ctx)) > 0 {
			return nil, newProblem(http.StatusUnprocessableEntity, unusableDetail) // addTrace lists them
		}
		out, err := call(ctx, caller{p.Tenant, p.Name}, in)
		if err != nil {
			return nil, a.fail(ctx, err)
		}
		return out, nil
	})
}
