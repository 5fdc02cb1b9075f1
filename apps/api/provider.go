package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/incidenthub/incidenthub/apps/analysts"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/providers"
)

// Providers manages who is asked for analyses; *analysts.Service fits.
type Providers interface {
	// Kinds are what a provider can be, by name.
	Kinds() []providers.Spec
	List(ctx context.Context, tenant string) ([]analysts.Record, error)
	Get(ctx context.Context, tenant, ref string) (analysts.Record, error)
	Create(ctx context.Context, tenant string, in analysts.RecordInput) (analysts.Record, error)
	Update(ctx context.Context, tenant, ref string, version int64, in analysts.RecordInput) (analysts.Record, error)
	Delete(ctx context.Context, tenant, ref string) error
	Validate(provider string, config json.RawMessage) (warnings []string, err error)
}

// ProviderView is a configured provider on the wire.
type ProviderView struct {
	ID          id.ID           `json:"id"`
	Name        string          `json:"name"`
	Provider    string          `json:"provider" doc:"The kind: openai, claude …; see provider-kinds."`
	Config      json.RawMessage `json:"config" doc:"The provider's settings, with {\"configured\": true} in place of each secret."`
	IsActive    bool            `json:"is_active" doc:"Whether it is asked; at most one is. The local analyzer answers when none is."`
	Description string          `json:"description"`
	Model       string          `json:"model" doc:"The model that is asked: of the settings, the environment, or the default."`
	Warnings    []string        `json:"warnings" doc:"What an operator should see to: a model that has ended, a missing key, an address that is not allowed."`
	Version     int64           `json:"version"`
	CreatedAt   time.Time       `json:"created_at"`
	UpdatedAt   time.Time       `json:"updated_at"`
}

// providerFields are what an operator sets; a field that is left out keeps its value (PATCH) or takes its default.
type providerFields struct {
	Name        *string         `json:"name,omitempty"`
	Provider    *string         `json:"provider,omitempty" doc:"Fixed once the provider exists."`
	Config      json.RawMessage `json:"config,omitempty" doc:"A secret is kept when it is left out or sent back as it was shown, and removed by null. It must be entered again when the address gets another host."`
	IsActive    *bool           `json:"is_active,omitempty" doc:"True: it is asked from now on, and whoever was active is not."`
	Description *string         `json:"description,omitempty"`
	Version     int64           `json:"version,omitempty" doc:"The version that was read: the change is refused if there is a newer one. Left out: not compared."`
}

type providerInput struct{ Body providerFields }

type providerChange struct {
	ByRef
	Body providerFields
}

type providerCheck struct {
	Body struct {
		Provider string          `json:"provider"`
		Config   json.RawMessage `json:"config,omitempty"`
	}
}

type providerValidity struct {
	Valid    bool     `json:"valid"`
	Warnings []string `json:"warnings"`
}

func (a *API) providerRoutes(h huma.API) {
	path := "/api/v1/providers"
	get(a, h, path, "list-providers", "Configured providers of analyses, by name",
		func(ctx context.Context, tenant string, _ *struct{}) (storage.Page[ProviderView], error) {
			list, err := a.Providers.List(ctx, tenant)
			views := make([]ProviderView, len(list))
			for i, r := range list {
				views[i] = viewProvider(r)
			}
			return all(views).Body, err
		})
	get(a, h, path+"/{ref}", "get-provider", "One provider",
		func(ctx context.Context, tenant string, in *ByRef) (ProviderView, error) {
			r, err := a.Providers.Get(ctx, tenant, in.Ref)
			return viewProvider(r), err
		})
	create := op(http.MethodPost, path, "create-provider", "Configure a provider; it is asked once it is active")
	create.DefaultStatus = http.StatusCreated
	create.Metadata = map[string]any{alsoKey: alsoWrong(a.alsoProvider)}
	change(a, h, create, func(ctx context.Context, c caller, in *providerInput) (*answer[ProviderView], error) {
		made, err := a.Providers.Create(ctx, c.tenant, in.Body.over(analysts.RecordInput{}))
		return &answer[ProviderView]{Body: viewProvider(made)}, err
	})
	change(a, h, op(http.MethodPut, path+"/{ref}", "replace-provider", "Set every field; what is left out takes its default, secrets are kept"),
		func(ctx context.Context, c caller, in *providerChange) (*answer[ProviderView], error) {
			return a.updateProvider(ctx, c, in, func(was analysts.Record) analysts.RecordInput {
				return analysts.RecordInput{Name: was.Name, Provider: was.Provider, Config: json.RawMessage("{}")}
			})
		})
	change(a, h, op(http.MethodPatch, path+"/{ref}", "update-provider", "Change the fields that are given"),
		func(ctx context.Context, c caller, in *providerChange) (*answer[ProviderView], error) {
			return a.updateProvider(ctx, c, in, analysts.InputOf)
		})
	change(a, h, op(http.MethodDelete, path+"/{ref}", "delete-provider", "Remove a provider and its key; what it wrote stays"),
		func(ctx context.Context, c caller, in *ByRef) (*nothing, error) {
			return nil, a.Providers.Delete(ctx, c.tenant, in.Ref)
		})
	change(a, h, op(http.MethodPost, path+"/validate", "validate-provider", "Check settings without saving them; 422 lists what is wrong"),
		func(_ context.Context, _ caller, in *providerCheck) (*answer[providerValidity], error) {
			warnings, err := a.Providers.Validate(in.Body.Provider, in.Body.Config)
			return &answer[providerValidity]{Body: providerValidity{Valid: true, Warnings: texts(warnings)}}, err
		})
	a.providerUseRoutes(h)
}

// alsoProvider looks at the settings in a body in which something else is wrong.
func (a *API) alsoProvider(_ context.Context, _, _ string, body map[string]any) error {
	provider, isText := body["provider"].(string)
	given, isObject := body["config"].(map[string]any)
	if !isText || !isObject {
		return nil
	}
	config, err := json.Marshal(given)
	if err != nil {
		return fmt.Errorf("write settings: %w", err)
	}
	_, err = a.Providers.Validate(provider, config)
	return err
}

func (a *API) updateProvider(ctx context.Context, c caller, in *providerChange, base func(analysts.Record) analysts.RecordInput) (*answer[ProviderView], error) {
	was, err := a.Providers.Get(ctx, c.tenant, in.Ref)
	if err != nil {
		return nil, err
	}
	version := in.Body.Version
	if version == 0 {
		version = was.Version
	}
	now, err := a.Providers.Update(ctx, c.tenant, was.ID.String(), version, in.Body.over(base(was)))
	return &answer[ProviderView]{Body: viewProvider(now)}, err
}

// over writes the given fields over others.
func (f providerFields) over(in analysts.RecordInput) analysts.RecordInput {
	set(&in.Name, f.Name)
	set(&in.Provider, f.Provider)
	set(&in.IsActive, f.IsActive)
	set(&in.Description, f.Description)
	if len(f.Config) > 0 {
		in.Config = f.Config
	}
	return in
}

func viewProvider(r analysts.Record) ProviderView {
	return ProviderView{
		ID: r.ID, Name: r.Name, Provider: r.Provider, Config: r.Config.V, IsActive: r.IsActive, Description: r.Description,
		Model: r.Model, Warnings: texts(r.Warnings), Version: r.Version, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}
}

// texts is a list on the wire, empty rather than null.
func texts(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
