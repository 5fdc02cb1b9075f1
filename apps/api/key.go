package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/incidenthub/incidenthub/apps/auth"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// KeyView is an API key on the wire, without the key.
type KeyView struct {
	ID               id.ID       `json:"id"`
	Name             string      `json:"name"`
	Prefix           string      `json:"prefix" doc:"The key's first characters."`
	Scopes           auth.Scopes `json:"scopes"`
	AllowedEndpoints []string    `json:"allowed_endpoints" doc:"Path prefixes that the key is good for; empty: all."`
	IsActive         bool        `json:"is_active"`
	CreatedAt        time.Time   `json:"created_at"`
	ExpiresAt        *time.Time  `json:"expires_at"`
	LastUsedAt       *time.Time  `json:"last_used_at" doc:"Up to a minute late."`
}

type newKey struct {
	KeyView
	Key string `json:"key" doc:"The key itself. It is shown this once and cannot be read again."`
}

type keyInput struct {
	Body struct {
		Name             string      `json:"name"`
		Scopes           auth.Scopes `json:"scopes" doc:"Some of ingest, read, respond, edit, admin."`
		AllowedEndpoints []string    `json:"allowed_endpoints,omitempty"`
		ExpiresAt        *time.Time  `json:"expires_at,omitempty"`
	}
}

func (a *API) keyRoutes(h huma.API) {
	get(a, h, "/api/v1/keys", "list-keys", "API keys, newest first",
		func(ctx context.Context, tenant string, _ *struct{}) (storage.Page[KeyView], error) {
			keys, err := a.Keys.ListKeys(ctx, tenant)
			if err != nil {
				return storage.Page[KeyView]{}, err
			}
			views := make([]KeyView, len(keys))
			for i, k := range keys {
				views[i] = viewKey(k)
			}
			return all(views).Body, nil
		})
	create := op(http.MethodPost, "/api/v1/keys", "create-key", "Make a key; the answer is the only place where it can be read")
	create.DefaultStatus = http.StatusCreated
	change(a, h, create, func(ctx context.Context, c caller, in *keyInput) (*answer[newKey], error) {
		k, raw, err := a.Keys.CreateKey(ctx, c.tenant, auth.KeyInput{
			Name: in.Body.Name, Scopes: in.Body.Scopes, AllowedEndpoints: in.Body.AllowedEndpoints, ExpiresAt: in.Body.ExpiresAt,
		})
		return &answer[newKey]{Body: newKey{KeyView: viewKey(k), Key: raw}}, err
	})
	change(a, h, op(http.MethodDelete, "/api/v1/keys/{ref}", "revoke-key", "Make a key useless"),
		func(ctx context.Context, c caller, in *ByRef) (*answer[KeyView], error) {
			k, err := a.Keys.RevokeKey(ctx, c.tenant, in.Ref)
			return &answer[KeyView]{Body: viewKey(k)}, err
		})
}

func viewKey(k auth.Key) KeyView {
	return KeyView{
		ID: k.ID, Name: k.Name, Prefix: k.KeyPrefix, Scopes: k.Scopes.V, AllowedEndpoints: k.AllowedEndpoints.V,
		IsActive: k.IsActive, CreatedAt: k.CreatedAt, ExpiresAt: k.ExpiresAt, LastUsedAt: k.LastUsedAt,
	}
}
