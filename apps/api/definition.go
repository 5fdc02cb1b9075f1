package api

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

type definitionView struct {
	ID          id.ID           `json:"id"`
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Version     int64           `json:"version"`
	Config      json.RawMessage `json:"config"`
	Tags        []string        `json:"tags"`
	IsActive    bool            `json:"is_active" doc:"Whether it takes part in routing."`
	NodeCount   int             `json:"node_count"`
	CreatedBy   string          `json:"created_by"`
	CreatedAt   time.Time       `json:"created_at"`
	UpdatedAt   time.Time       `json:"updated_at"`

	Schedule *orchestration.Schedule `json:"schedule,omitempty" doc:"Of a pipeline that starts on a schedule: when it fires next, and when it did."`
	Warnings []string                `json:"warnings,omitempty" doc:"Which channels it names that do not exist, or are told nothing; left out: none."`
}

type definitionVersion struct {
	Version   int64           `json:"version"`
	Config    json.RawMessage `json:"config"`
	CreatedBy string          `json:"created_by"`
	CreatedAt time.Time       `json:"created_at"`
}

// definitionFields are what an operator sets; a field that is left out keeps its value (PATCH) or takes its default.
type definitionFields struct {
	Name        *string         `json:"name,omitempty"`
	Description *string         `json:"description,omitempty" doc:"Left out: the one in config."`
	Config      json.RawMessage `json:"config,omitempty" doc:"The definition; GET /api/v1/definitions/schema describes it."`
	Tags        *[]string       `json:"tags,omitempty"`
	IsActive    *bool           `json:"is_active,omitempty"`
	Version     int64           `json:"version,omitempty" doc:"The version that was read: the change is refused if there is a newer one. Left out: not compared."`
	UpdatedAt   *time.Time      `json:"updated_at,omitempty" doc:"The same for all fields: the change is refused if any was changed since. Left out: not compared."`
}

type definitionInput struct{ Body definitionFields }

type definitionChange struct {
	ByRef
	Body definitionFields
}

type definitionQuery struct {
	IncludeInactive bool `query:"include_inactive" default:"true" doc:"Also those that take no part in routing."`
}

type cloneInput struct {
	ByRef
	Body struct {
		Name string `json:"name" doc:"Of the copy, which is not active at first."`
	}
}

type lintInput struct {
	RawBody []byte `contentType:"application/json"`
}

type lintResult struct {
	Valid    bool                        `json:"valid" doc:"Whether it can be saved; warnings do not count."`
	Problems []orchestration.LintProblem `json:"problems" doc:"Errors first, each with a JSON pointer into what was sent."`
}

func (a *API) definitionRoutes(h huma.API) {
	path := "/api/v1/definitions"
	get(a, h, path, "list-definitions", "Pipeline definitions, the one changed last first",
		func(ctx context.Context, tenant string, in *definitionQuery) (storage.Page[definitionView], error) {
			list, err := a.Definitions.List(ctx, tenant, in.IncludeInactive)
			if err != nil {
				return storage.Page[definitionView]{}, err
			}
			vain, err := a.vain(ctx, tenant)
			if err != nil {
				return storage.Page[definitionView]{}, err
			}
			views := make([]definitionView, len(list))
			for i, d := range list {
				if views[i], err = a.scheduledDefinition(ctx, d); err != nil {
					return storage.Page[definitionView]{}, err
				}
				views[i].Warnings = vain(d)
			}
			return all(views).Body, nil
		})
	get(a, h, path+"/{ref}", "get-definition", "One pipeline definition",
		func(ctx context.Context, tenant string, in *ByRef) (definitionView, error) {
			d, err := a.Definitions.Get(ctx, tenant, in.Ref)
			if err != nil {
				return definitionView{}, err
			}
			v, err := a.scheduledDefinition(ctx, d)
			if err != nil {
				return definitionView{}, err
			}
			vain, err := a.vain(ctx, tenant)
			if err != nil {
				return definitionView{}, err
			}
			v.Warnings = vain(d)
			return v, nil
		})
	a.definitionVersionRoutes(h)
	get(a, h, path+"/schema", "get-definition-schema", "The JSON Schema of definitions",
		func(ctx context.Context, tenant string, _ *struct{}) (json.RawMessage, error) {
			return a.DefinitionSchema(ctx, tenant)
		})
	create := op(http.MethodPost, path, "create-definition", "Store a pipeline definition")
	create.DefaultStatus = http.StatusCreated
	change(a, h, create, func(ctx context.Context, c caller, in *definitionInput) (*answer[definitionView], error) {
		d, err := a.Definitions.Create(ctx, c.tenant, in.Body.over(orchestration.DefinitionInput{IsActive: true}, c.name))
		return a.definitionAnswer(ctx, c.tenant, d, err)
	})
	change(a, h, op(http.MethodPut, path+"/{ref}", "replace-definition", "Set every field; what is left out takes its default"),
		func(ctx context.Context, c caller, in *definitionChange) (*answer[definitionView], error) {
			d, err := a.changeDefinition(ctx, c, in.Ref, in.Body, replacing)
			return a.definitionAnswer(ctx, c.tenant, d, err)
		})
	change(a, h, op(http.MethodPatch, path+"/{ref}", "update-definition", "Change the fields that are given"),
		func(ctx context.Context, c caller, in *definitionChange) (*answer[definitionView], error) {
			d, err := a.changeDefinition(ctx, c, in.Ref, in.Body, orchestration.InputOfDefinition)
			return a.definitionAnswer(ctx, c.tenant, d, err)
		})
	change(a, h, op(http.MethodDelete, path+"/{ref}", "delete-definition", "Take it out of routing for good; its runs stay"),
		func(ctx context.Context, c caller, in *ByRef) (*nothing, error) {
			return nil, a.Definitions.SoftDelete(ctx, c.tenant, in.Ref)
		})
	clone := op(http.MethodPost, path+"/{ref}/clone", "clone-definition", "Copy it under another name, not active")
	clone.DefaultStatus = http.StatusCreated
	change(a, h, clone, func(ctx context.Context, c caller, in *cloneInput) (*answer[definitionView], error) {
		d, err := a.Definitions.Clone(ctx, c.tenant, in.Ref, in.Body.Name, c.name)
		return a.definitionAnswer(ctx, c.tenant, d, err)
	})
	lint := op(http.MethodPost, path+"/lint", "lint-definition", "Find every problem of a definition without saving it")
	lint.SkipValidateBody = true // even what is no JSON gets an answer that says where
	change(a, h, lint,
		func(ctx context.Context, c caller, in *lintInput) (*answer[lintResult], error) {
			problems, err := a.Definitions.Validate(ctx, c.tenant, in.RawBody)
			if problems == nil {
				problems = []orchestration.LintProblem{}
			}
			return &answer[lintResult]{Body: lintResult{Valid: !slices.ContainsFunc(problems, isError), Problems: problems}}, err
		})
}

// scheduledDefinition is viewDefinition with the schedule, if there is one.
func (a *API) scheduledDefinition(ctx context.Context, d orchestration.Definition) (definitionView, error) {
	v := viewDefinition(d)
	var err error
	v.Schedule, err = a.Definitions.Schedule(ctx, d)
	return v, err
}

// replacing is what a PUT starts from: a field that is left out takes its default.
func replacing(d orchestration.Definition) orchestration.DefinitionInput {
	return orchestration.DefinitionInput{Name: d.Name, IsActive: true}
}

// changeDefinition writes the given fields over base, which is made from what is stored at that moment.
func (a *API) changeDefinition(
	ctx context.Context, c caller, ref string, fields definitionFields, base func(orchestration.Definition) orchestration.DefinitionInput,
) (orchestration.Definition, error) {
	guard := orchestration.DefinitionGuard{Version: fields.Version}
	if fields.UpdatedAt != nil {
		guard.UpdatedAt = *fields.UpdatedAt
	}
	return a.Definitions.Change(ctx, c.tenant, ref, guard, func(was orchestration.Definition) orchestration.DefinitionInput {
		return fields.over(base(was), c.name)
	})
}

// over writes the given fields over others, on behalf of by.
func (f definitionFields) over(in orchestration.DefinitionInput, by string) orchestration.DefinitionInput {
	set(&in.Name, f.Name)
	set(&in.Description, f.Description)
	set(&in.Tags, f.Tags)
	set(&in.IsActive, f.IsActive)
	if len(f.Config) > 0 {
		in.Config = f.Config
	}
	in.By = by
	return in
}

func isError(p orchestration.LintProblem) bool { return p.Severity == "error" }

func viewDefinition(d orchestration.Definition) definitionView {
	var shape struct {
		Nodes []json.RawMessage `json:"nodes"`
	}
	_ = json.Unmarshal(d.Config.V, &shape) // a stored config has passed the lint; of anything else there is nothing to count
	tags := d.Tags.V
	if tags == nil {
		tags = []string{}
	}
	return definitionView{
		ID: d.ID, Name: d.Name, Description: d.Description, Version: d.Version, Config: d.Config.V, Tags: tags, IsActive: d.IsActive,
		NodeCount: len(shape.Nodes), CreatedBy: d.CreatedBy, CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt,
	}
}
