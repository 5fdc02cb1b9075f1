package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/incidenthub/incidenthub/apps/sources"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/secret"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// SourceView is a webhook entry on the wire.
type SourceView struct {
	ID                 id.ID           `json:"id"`
	Name               string          `json:"name"`
	Driver             string          `json:"driver" doc:"Empty: detected by the shape of each body."`
	SourceName         string          `json:"source_name" doc:"Replaces the source of its alerts when set."`
	Description        string          `json:"description"`
	GroupBy            json.RawMessage `json:"group_by" doc:"A list of labels, or vendor for the sender's own group key; empty: the hub's rule."`
	KeyPrefix          string          `json:"key_prefix" doc:"The ingest key's first characters."`
	Signature          string          `json:"signature" doc:"The scheme by which its senders sign, empty for none."`
	SecretConfigured   bool            `json:"signature_secret_configured"`
	PreviousConfigured bool            `json:"signature_previous_configured"`
	IsDefault          bool            `json:"is_default"`
	IsActive           bool            `json:"is_active"`
	Version            int64           `json:"version"`
	CreatedAt          time.Time       `json:"created_at"`
	UpdatedAt          time.Time       `json:"updated_at"`
}

type newSource struct {
	SourceView
	Key string `json:"key" doc:"The ingest key. It is shown this once and cannot be read again."`
}

// sourceFields are what an operator sets; a field that is left out keeps its value (PATCH) or takes its default.
type sourceFields struct {
	Name              *string         `json:"name,omitempty"`
	Driver            *string         `json:"driver,omitempty"`
	SourceName        *string         `json:"source_name,omitempty"`
	Description       *string         `json:"description,omitempty"`
	GroupBy           json.RawMessage `json:"group_by,omitempty"`
	Signature         *string         `json:"signature,omitempty" doc:"pagerduty, grafana, newrelic or generic; for grafana with a signed time: grafana;timestamp=<header>."`
	SignatureSecret   *secret.String  `json:"signature_secret,omitempty" doc:"Write only. Left out or *** keeps it, an empty text removes it."`
	SignaturePrevious *secret.String  `json:"signature_previous,omitempty" doc:"Write only: a second secret that is valid."`
	Key               *secret.String  `json:"key,omitempty" doc:"Write only: an ingest key of your own, at least 20 characters. Left out: a generated one, or the one it has."`
	IsActive          *bool           `json:"is_active,omitempty"`
	Version           int64           `json:"version,omitempty" doc:"The version that was read: the change is refused if there is a newer one. Left out: not compared."`
}

type sourceInput struct{ Body sourceFields }

type sourceChange struct {
	ByRef
	Body sourceFields
}

func (a *API) sourceRoutes(h huma.API) {
	get(a, h, "/api/v1/sources", "list-sources", "Webhook entries, by name",
		func(ctx context.Context, tenant string, _ *struct{}) (storage.Page[SourceView], error) {
			list, err := a.Sources.List(ctx, tenant)
			if err != nil {
				return storage.Page[SourceView]{}, err
			}
			views := make([]SourceView, len(list))
			for i, s := range list {
				if views[i], err = viewSource(s); err != nil {
					return storage.Page[SourceView]{}, err
				}
			}
			return all(views).Body, nil
		})
	get(a, h, "/api/v1/sources/{ref}", "get-source", "One webhook entry",
		func(ctx context.Context, tenant string, in *ByRef) (SourceView, error) {
			s, err := a.Sources.Get(ctx, tenant, in.Ref)
			if err != nil {
				return SourceView{}, err
			}
			return viewSource(s)
		})
	create := op(http.MethodPost, "/api/v1/sources", "create-source", "Make a webhook entry with a key of its own")
	create.DefaultStatus = http.StatusCreated
	change(a, h, create, func(ctx context.Context, c caller, in *sourceInput) (*answer[newSource], error) {
		return withKey(a.Sources.Create(ctx, c.tenant, in.Body.over(sources.Input{IsActive: true})))
	})
	change(a, h, op(http.MethodPut, "/api/v1/sources/{ref}", "replace-source", "Set every field; what is left out takes its default"),
		func(ctx context.Context, c caller, in *sourceChange) (*answer[SourceView], error) {
			return a.updateSource(ctx, c, in, func(sources.Source) sources.Input { return sources.Input{IsActive: true} })
		})
	change(a, h, op(http.MethodPatch, "/api/v1/sources/{ref}", "update-source", "Change the fields that are given"),
		func(ctx context.Context, c caller, in *sourceChange) (*answer[SourceView], error) {
			return a.updateSource(ctx, c, in, sources.InputOf)
		})
	change(a, h, op(http.MethodDelete, "/api/v1/sources/{ref}", "delete-source", "Remove an entry; what it received stays"),
		func(ctx context.Context, c caller, in *ByRef) (*nothing, error) {
			return nil, a.Sources.Delete(ctx, c.tenant, in.Ref)
		})
	change(a, h, op(http.MethodPost, "/api/v1/sources/{ref}/rotate-key", "rotate-source-key", "Replace its key at once"),
		func(ctx context.Context, c caller, in *ByRef) (*answer[newSource], error) {
			return withKey(a.Sources.RotateKey(ctx, c.tenant, in.Ref))
		})
}

func (a *API) updateSource(ctx context.Context, c caller, in *sourceChange, base func(sources.Source) sources.Input) (*answer[SourceView], error) {
	was, err := a.Sources.Get(ctx, c.tenant, in.Ref)
	if err != nil {
		return nil, err
	}
	fields := in.Body.over(base(was))
	version := in.Body.Version
	if version == 0 {
		version = was.Version // what was read here must still hold when it is written
	}
	s, err := a.Sources.Update(ctx, c.tenant, was.ID.String(), version, fields)
	if err != nil {
		return nil, err
	}
	v, err := viewSource(s)
	return &answer[SourceView]{Body: v}, err
}

// over writes the given fields over others. A grouping or a scheme that cannot be read becomes one that the service refuses, so that
// all problems are listed at once.
func (f sourceFields) over(in sources.Input) sources.Input {
	set(&in.Name, f.Name)
	set(&in.Driver, f.Driver)
	set(&in.SourceName, f.SourceName)
	set(&in.Description, f.Description)
	set(&in.IsActive, f.IsActive)
	in.SignatureSecret, in.SignaturePrevious, in.Key = f.SignatureSecret, f.SignaturePrevious, f.Key
	if len(f.GroupBy) > 0 {
		in.GroupBy = sources.GroupBy{}
		if json.Unmarshal(f.GroupBy, &in.GroupBy) != nil {
			in.GroupBy = sources.GroupBy{Vendor: true, Labels: []string{"unreadable"}}
		}
	}
	if f.Signature != nil {
		in.Signature = sources.Signature{}
		if in.Signature.UnmarshalText([]byte(*f.Signature)) != nil {
			in.Signature.Scheme = sources.Scheme(*f.Signature)
		}
	}
	return in
}

// set copies a field that was given.
func set[T any](to *T, given *T) {
	if given != nil {
		*to = *given
	}
}

// withKey answers with an entry and its new key.
func withKey(s sources.Source, key string, err error) (*answer[newSource], error) {
	if err != nil {
		return nil, err
	}
	v, err := viewSource(s)
	return &answer[newSource]{Body: newSource{SourceView: v, Key: key}}, err
}

func viewSource(s sources.Source) (SourceView, error) {
	groupBy, err := json.Marshal(s.GroupBy)
	return SourceView{
		ID: s.ID, Name: s.Name, Driver: s.Driver, SourceName: s.SourceName, Description: s.Description, GroupBy: groupBy,
		KeyPrefix: s.KeyPrefix, Signature: s.Signature.String(), SecretConfigured: s.SignatureConfigured,
		PreviousConfigured: s.PreviousConfigured, IsDefault: s.IsDefault, IsActive: s.IsActive, Version: s.Version,
		CreatedAt: s.CreatedAt, UpdatedAt: s.UpdatedAt,
	}, err
}
