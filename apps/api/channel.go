package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// ChannelView is a channel on the wire.
type ChannelView struct {
	ID          id.ID           `json:"id"`
	Name        string          `json:"name"`
	Driver      string          `json:"driver"`
	Config      json.RawMessage `json:"config" doc:"The driver's settings, with {\"configured\": true} in place of each secret."`
	IsActive    bool            `json:"is_active"`
	Description string          `json:"description"`
	MinSeverity event.Severity  `json:"min_severity" doc:"The least severity that it is told; empty: all."`
	BuiltIn     bool            `json:"built_in" doc:"The inbox, which stays."`
	Version     int64           `json:"version"`
	CreatedAt   time.Time       `json:"created_at"`
	UpdatedAt   time.Time       `json:"updated_at"`
}

// channelFields are what an operator sets; a field that is left out keeps its value (PATCH) or takes its default.
type channelFields struct {
	Name        *string         `json:"name,omitempty"`
	Driver      *string         `json:"driver,omitempty" doc:"Fixed once the channel exists."`
	Config      json.RawMessage `json:"config,omitempty" doc:"A secret is kept when it is left out or sent back as it was shown, and removed by null."`
	IsActive    *bool           `json:"is_active,omitempty"`
	Description *string         `json:"description,omitempty"`
	MinSeverity *event.Severity `json:"min_severity,omitempty" doc:"info, warning, critical or empty."`
	Version     int64           `json:"version,omitempty" doc:"The version that was read: the change is refused if there is a newer one. Left out: not compared."`
}

type channelInput struct{ Body channelFields }

type channelChange struct {
	ByRef
	Body channelFields
}

type validateInput struct {
	Body struct {
		Driver string          `json:"driver"`
		Config json.RawMessage `json:"config,omitempty"`
	}
}

type validity struct {
	Valid bool `json:"valid"`
}

func (a *API) channelRoutes(h huma.API) {
	path := "/api/v1/channels"
	get(a, h, path, "list-channels", "Channels, by name",
		func(ctx context.Context, tenant string, _ *struct{}) (storage.Page[ChannelView], error) {
			list, err := a.Channels.List(ctx, tenant)
			views := make([]ChannelView, len(list))
			for i, c := range list {
				views[i] = viewChannel(c)
			}
			return all(views).Body, err
		})
	get(a, h, path+"/{ref}", "get-channel", "One channel",
		func(ctx context.Context, tenant string, in *ByRef) (ChannelView, error) {
			c, err := a.Channels.Get(ctx, tenant, in.Ref)
			return viewChannel(c), err
		})
	create := op(http.MethodPost, path, "create-channel", "Make a channel")
	create.DefaultStatus = http.StatusCreated
	change(a, h, create, func(ctx context.Context, c caller, in *channelInput) (*answer[ChannelView], error) {
		made, err := a.Channels.Create(ctx, c.tenant, in.Body.over(notify.ChannelInput{IsActive: true}))
		return &answer[ChannelView]{Body: viewChannel(made)}, err
	})
	change(a, h, op(http.MethodPut, path+"/{ref}", "replace-channel", "Set every field; what is left out takes its default, secrets are kept"),
		func(ctx context.Context, c caller, in *channelChange) (*answer[ChannelView], error) {
			return a.updateChannel(ctx, c, in, func(was notify.Channel) notify.ChannelInput {
				return notify.ChannelInput{Name: was.Name, Driver: was.Driver, Config: json.RawMessage("{}"), IsActive: true}
			})
		})
	change(a, h, op(http.MethodPatch, path+"/{ref}", "update-channel", "Change the fields that are given"),
		func(ctx context.Context, c caller, in *channelChange) (*answer[ChannelView], error) {
			return a.updateChannel(ctx, c, in, notify.InputOf)
		})
	change(a, h, op(http.MethodDelete, path+"/{ref}", "delete-channel", "Remove a channel; the log of what it told stays"),
		func(ctx context.Context, c caller, in *ByRef) (*nothing, error) {
			return nil, a.Channels.Delete(ctx, c.tenant, in.Ref)
		})
	change(a, h, op(http.MethodPost, path+"/validate", "validate-channel", "Check settings without saving them; 422 lists what is wrong"),
		func(_ context.Context, _ caller, in *validateInput) (*answer[validity], error) {
			return &answer[validity]{Body: validity{Valid: true}}, a.Channels.Validate(in.Body.Driver, in.Body.Config)
		})
}

func (a *API) updateChannel(ctx context.Context, c caller, in *channelChange, base func(notify.Channel) notify.ChannelInput) (*answer[ChannelView], error) {
	was, err := a.Channels.Get(ctx, c.tenant, in.Ref)
	if err != nil {
		return nil, err
	}
	version := in.Body.Version
	if version == 0 {
		version = was.Version
	}
	now, err := a.Channels.Update(ctx, c.tenant, was.ID.String(), version, in.Body.over(base(was)))
	return &answer[ChannelView]{Body: viewChannel(now)}, err
}

// over writes the given fields over others.
func (f channelFields) over(in notify.ChannelInput) notify.ChannelInput {
	set(&in.Name, f.Name)
	set(&in.Driver, f.Driver)
	set(&in.IsActive, f.IsActive)
	set(&in.Description, f.Description)
	set(&in.MinSeverity, f.MinSeverity)
	if len(f.Config) > 0 {
		in.Config = f.Config
	}
	return in
}

func viewChannel(c notify.Channel) ChannelView {
	return ChannelView{
		ID: c.ID, Name: c.Name, Driver: c.Driver, Config: c.Config.V, IsActive: c.IsActive, Description: c.Description,
		MinSeverity: c.MinSeverity, BuiltIn: c.BuiltIn(), Version: c.Version, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt,
	}
}
