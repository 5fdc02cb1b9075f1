package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/incidenthub/incidenthub/apps/intelligence"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/providers"
)

// ProviderTests asks a configured provider once, with the settings that are stored; internal/server fits intelligence to it.
type ProviderTests interface {
	// Test gives what came of the call. An error is of what cannot be called at all.
	Test(ctx context.Context, tenant, ref string) (intelligence.TestResult, error)
}

// ProviderUsage tells what was asked of providers, and what that cost; *intelligence.Reader fits.
type ProviderUsage interface {
	// Usage is by name: of the record, or of the kind where nothing is stored.
	Usage(ctx context.Context, tenant string, since time.Time) ([]intelligence.Usage, error)
}

// ProviderKind is what a provider can be.
type ProviderKind struct {
	Name         string          `json:"name"`
	Label        string          `json:"label" doc:"For people."`
	Description  string          `json:"description"`
	Experimental bool            `json:"experimental" doc:"It speaks to something that its vendor has not published."`
	KeyEnv       string          `json:"key_env" doc:"The environment variable that has the key when the settings have none; empty: there is none."`
	ModelEnv     string          `json:"model_env" doc:"The same for the model."`
	Fields       []ProviderField `json:"fields"`
}

// ProviderField is one setting of a kind.
type ProviderField struct {
	Key         string   `json:"key"`
	Type        string   `json:"type" enum:"string,url,number,boolean,map" doc:"url is a string, map an object of strings."`
	Description string   `json:"description"`
	Default     string   `json:"default"`
	Enum        []string `json:"enum" doc:"The values that may be given; empty: any."`
	Secret      bool     `json:"secret" doc:"It is never shown again. Of a map, only the values whose name looks so."`
	Destination bool     `json:"destination" doc:"The address that the secrets are sent to. When its host changes, secrets must be entered again."`
}

type usageQuery struct {
	ByRef
	Days int `query:"days" default:"30" minimum:"1" maximum:"366" doc:"How far back, in days."`
}

type usageOfAllQuery struct {
	Days int `query:"days" default:"30" minimum:"1" maximum:"366" doc:"How far back, in days."`
}

func (a *API) providerUseRoutes(h huma.API) {
	path := "/api/v1/providers"
	get(a, h, "/api/v1/provider-kinds", "list-provider-kinds", "What a provider can be, with the fields of its settings",
		func(context.Context, string, *struct{}) (storage.Page[ProviderKind], error) {
			kinds := []ProviderKind{}
			for _, spec := range a.Providers.Kinds() {
				kinds = append(kinds, viewKind(spec))
			}
			return all(kinds).Body, nil
		})
	change(a, h, op(http.MethodPost, path+"/{ref}/test", "test-provider", "Ask a provider once, past cache, breaker and budgets"),
		func(ctx context.Context, c caller, in *ByRef) (*answer[intelligence.TestResult], error) {
			got, err := a.ProviderTests.Test(ctx, c.tenant, in.Ref)
			return &answer[intelligence.TestResult]{Body: got}, err
		})
	get(a, h, "/api/v1/provider-usage", "list-provider-usage", "Calls, tokens, money and time of all providers",
		func(ctx context.Context, tenant string, in *usageOfAllQuery) (storage.Page[intelligence.Usage], error) {
			list, err := a.ProviderUsage.Usage(ctx, tenant, since(in.Days))
			return all(list).Body, err
		})
	get(a, h, path+"/{ref}/usage", "get-provider-usage", "Calls, tokens, money and time of one provider, by the hour",
		func(ctx context.Context, tenant string, in *usageQuery) (intelligence.Usage, error) {
			r, err := a.Providers.Get(ctx, tenant, in.Ref)
			if err != nil {
				return intelligence.Usage{}, err
			}
			list, err := a.ProviderUsage.Usage(ctx, tenant, since(in.Days))
			for _, u := range list {
				if u.Provider == r.Name {
					return u, err
				}
			}
			return intelligence.Usage{Provider: r.Name, Hours: []intelligence.UsageOfHour{}}, err
		})
}

func since(days int) time.Time {
	return clock.System().Now().AddDate(0, 0, -days)
}

func viewKind(spec providers.Spec) ProviderKind {
	k := ProviderKind{
		Name: spec.Name, Label: spec.Label, Description: spec.Description, Experimental: spec.Experimental, KeyEnv: spec.KeyEnv, ModelEnv: spec.ModelEnv,
		Fields: make([]ProviderField, len(spec.Fields)),
	}
	for i, f := range spec.Fields {
		k.Fields[i] = viewField(f)
	}
	return k
}

func viewField(f settings.Field) ProviderField {
	return ProviderField{
		Key: f.Key, Type: string(f.Type), Description: f.Doc, Default: f.Default, Enum: texts(f.Enum), Secret: f.Secret, Destination: f.Destination,
	}
}
