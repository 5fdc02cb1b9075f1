package api

import (
	"context"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// versionPage are the parameters of the list of versions; its cursor is a version, since versions have no id.
type versionPage struct {
	ByRef
	Cursor string `query:"cursor" doc:"next_cursor of the page before; left out: the newest."`
	Limit  int    `query:"limit" doc:"Rows on the page." minimum:"1" maximum:"200" default:"50"`
}

// ByVersion names one version of a definition.
type ByVersion struct {
	ByRef
	Version int64 `path:"version" doc:"Its number, from 1." minimum:"1"`
}

type diffQuery struct {
	ByRef
	From int64 `query:"from" doc:"The older version; left out: the one before to." minimum:"1"`
	To   int64 `query:"to" doc:"The newer version; left out: the newest." minimum:"1"`
}

type definitionDiff struct {
	Name string `json:"name"`
	From int64  `json:"from"`
	To   int64  `json:"to"`
	orchestration.Difference
}

type restoreInput struct {
	ByVersion
	Body *struct {
		Version int64 `json:"version,omitempty" doc:"The newest version that was read: nothing is restored over a newer one. Left out: not compared."`
	}
}

func (a *API) definitionVersionRoutes(h huma.API) {
	path := "/api/v1/definitions/{ref}"
	get(a, h, path+"/versions", "list-definition-versions", "Its versions, newest first", a.listVersions)
	get(a, h, path+"/versions/{version}", "get-definition-version", "One version of it",
		func(ctx context.Context, tenant string, in *ByVersion) (definitionVersion, error) {
			d, err := a.Definitions.Get(ctx, tenant, in.Ref)
			if err != nil {
				return definitionVersion{}, err
			}
			v, err := a.Definitions.Version(ctx, tenant, d.ID, in.Version)
			return viewVersion(v), err
		})
	get(a, h, path+"/diff", "diff-definition", "What lies between two versions: nodes, trigger and defaults, with JSON pointers",
		func(ctx context.Context, tenant string, in *diffQuery) (definitionDiff, error) {
			d, err := a.Definitions.Diff(ctx, tenant, in.Ref, in.From, in.To)
			return definitionDiff{Name: d.Name, From: d.From, To: d.To, Difference: d.Difference}, err
		})
	change(a, h, op(http.MethodPost, path+"/versions/{version}/restore", "restore-definition-version", "Make it the newest again, as a new version"),
		func(ctx context.Context, c caller, in *restoreInput) (*answer[definitionView], error) {
			var guard orchestration.DefinitionGuard
			if in.Body != nil {
				guard.Version = in.Body.Version
			}
			d, err := a.Definitions.Restore(ctx, c.tenant, in.Ref, in.Version, guard, c.name)
			return a.definitionAnswer(ctx, c.tenant, d, err)
		})
}

func (a *API) listVersions(ctx context.Context, tenant string, in *versionPage) (storage.Page[definitionVersion], error) {
	var before int64
	if in.Cursor != "" {
		var err error
		if before, err = strconv.ParseInt(in.Cursor, 10, 64); err != nil || before < 1 {
			return storage.Page[definitionVersion]{}, newProblem(http.StatusUnprocessableEntity, unusableDetail,
				Detail{Message: storage.ErrCursor.Error(), Location: "query.cursor"})
		}
	}
	d, err := a.Definitions.Get(ctx, tenant, in.Ref)
	if err != nil {
		return storage.Page[definitionVersion]{}, err
	}
	list, next, err := a.Definitions.VersionPage(ctx, tenant, d.ID, before, in.Limit)
	page := storage.Page[definitionVersion]{Items: make([]definitionVersion, len(list))}
	for i, v := range list {
		page.Items[i] = viewVersion(v)
	}
	if next != 0 {
		page.NextCursor = strconv.FormatInt(next, 10)
	}
	return page, err
}

func viewVersion(v orchestration.DefinitionVersion) definitionVersion {
	return definitionVersion{Version: v.Version, Config: v.Config.V, CreatedBy: v.CreatedBy, CreatedAt: v.CreatedAt}
}

// definitionSchema serves the schema as a document of its own, for editors.
func (a *API) definitionSchema(c *gin.Context) {
	ctx := c.Request.Context()
	p, err := who(ctx)
	var schema []byte
	if err == nil {
		schema, err = a.DefinitionSchema(ctx, p.Tenant)
	}
	if err != nil {
		a.fail(ctx, err).write(c)
		return
	}
	c.Data(http.StatusOK, "application/schema+json", schema)
}
