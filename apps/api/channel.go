package api

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/period"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// ChannelView is a channel on the wire.
type ChannelView struct {
	ID          id.ID            `json:"id"`
	Name        string           `json:"name"`
	Driver      string           `json:"driver"`
	Config      json.RawMessage  `json:"config" doc:"The driver's settings, with {\"configured\": true} in place of each secret."`
	IsActive    bool             `json:"is_active"`
	Description string           `json:"description"`
	MinSeverity event.Severity   `json:"min_severity" doc:"The least severity that it is told; empty: all."`
	Renotify    string           `json:"renotify" doc:"How long after the last message a reminder follows while it still fires: 30m, 4h, 2d; empty: never."`
	Fallback    *ChannelFallback `json:"fallback" doc:"Who is told when this channel cannot be; null: nobody."`
	Throttle    *ChannelThrottle `json:"throttle" doc:"How many messages it takes in how long; null: any number."`
	State       string           `json:"state" enum:"active,inactive,off,failing" doc:"off: its settings say that nothing is sent. failing: what it was to be told has failed since it took something last."`
	StateDetail string           `json:"state_detail" doc:"Why it tells nobody, in a sentence."`
	Trouble     *notify.Trouble  `json:"trouble" doc:"What is known of a channel that fails; null: it does not."`
	Warnings    []string         `json:"warnings" doc:"What to know after a change: who falls back on a channel that is told nothing, which pipelines name it by a name that is gone."`
	BuiltIn     bool             `json:"built_in" doc:"The inbox, which stays."`
	Version     int64            `json:"version"`
	CreatedAt   time.Time        `json:"created_at"`
	UpdatedAt   time.Time        `json:"updated_at"`
}

// channelFields are what an operator sets; a field that is left out keeps its value (PATCH) or takes its default.
type channelFields struct {
	Name        *string         `json:"name,omitempty"`
	Driver      *string         `json:"driver,omitempty" doc:"Fixed once the channel exists."`
	Config      json.RawMessage `json:"config,omitempty" doc:"A secret is kept when it is left out or sent back as it was shown, and removed by null."`
	IsActive    *bool           `json:"is_active,omitempty"`
	Description *string         `json:"description,omitempty"`
	MinSeverity *event.Severity `json:"min_severity,omitempty" doc:"info, warning, critical or empty."`
	Renotify    wireSpan        `json:"renotify,omitzero" required:"false"`
	Fallback    wireFallback    `json:"fallback,omitzero" required:"false"`
	Throttle    wireThrottle    `json:"throttle,omitzero" required:"false"`
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
	create.Metadata = map[string]any{alsoKey: alsoWrong(a.alsoChannel)}
	change(a, h, create, func(ctx context.Context, c caller, in *channelInput) (*answer[ChannelView], error) {
		made, err := a.Channels.Create(ctx, c.tenant, in.Body.over(notify.ChannelInput{IsActive: true}))
		if err != nil {
			return nil, err
		}
		return a.changedChannel(ctx, c.tenant, "", made), nil
	})
	replace, update := op(http.MethodPut, path+"/{ref}", "replace-channel", "Set every field; what is left out takes its default, secrets are kept"),
		op(http.MethodPatch, path+"/{ref}", "update-channel", "Change the fields that are given")
	replace.Metadata, update.Metadata = create.Metadata, create.Metadata
	change(a, h, replace,
		func(ctx context.Context, c caller, in *channelChange) (*answer[ChannelView], error) {
			return a.updateChannel(ctx, c, in, func(was notify.Channel) notify.ChannelInput {
				return notify.ChannelInput{Name: was.Name, Driver: was.Driver, Config: json.RawMessage("{}"), IsActive: true}
			})
		})
	change(a, h, update,
		func(ctx context.Context, c caller, in *channelChange) (*answer[ChannelView], error) {
			return a.updateChannel(ctx, c, in, notify.InputOf)
		})
	change(a, h, op(http.MethodDelete, path+"/{ref}", "delete-channel", "Remove a channel that no active pipeline names and no other one falls back on; the log of what it told stays"),
		func(ctx context.Context, c caller, in *ByRef) (*nothing, error) {
			return nil, a.deleteChannel(ctx, c.tenant, in.Ref)
		})
	a.channelUseRoutes(h)
	change(a, h, op(http.MethodPost, path+"/validate", "validate-channel", "Check settings without saving them; 422 lists what is wrong"),
		func(_ context.Context, _ caller, in *validateInput) (*answer[validity], error) {
			return &answer[validity]{Body: validity{Valid: true}}, a.Channels.Validate(in.Body.Driver, in.Body.Config)
		})
}

// alsoChannel looks at the settings in a body in which something else is wrong.
func (a *API) alsoChannel(ctx context.Context, tenant, ref string, body map[string]any) error {
	given, ok := body["config"].(map[string]any)
	if !ok {
		return nil
	}
	config, err := json.Marshal(given)
	if err != nil {
		return fmt.Errorf("write settings: %w", err)
	}
	if ref != "" {
		return a.Channels.ValidateStored(ctx, tenant, ref, config)
	}
	if driver, ok := body["driver"].(string); ok {
		return a.Channels.Validate(driver, config)
	}
	return nil
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
	if err != nil {
		return nil, err
	}
	return a.changedChannel(ctx, c.tenant, was.Name, now), nil
}

// over writes the given fields over others.
func (f channelFields) over(in notify.ChannelInput) notify.ChannelInput {
	set(&in.Name, f.Name)
	set(&in.Driver, f.Driver)
	set(&in.IsActive, f.IsActive)
	set(&in.Description, f.Description)
	set(&in.MinSeverity, f.MinSeverity)
	set(&in.Renotify, f.Renotify.span)
	if f.Fallback.given {
		in.Fallback, in.FallbackAfter = f.Fallback.channel, f.Fallback.after
	}
	if f.Throttle.given {
		in.Throttle = f.Throttle.Throttle
	}
	if len(f.Config) > 0 {
		in.Config = f.Config
	}
	return in
}

func viewChannel(c notify.Channel) ChannelView {
	in := notify.InputOf(c)
	v := ChannelView{
		ID: c.ID, Name: c.Name, Driver: c.Driver, Config: c.Config.V, IsActive: c.IsActive, Description: c.Description,
		MinSeverity: c.MinSeverity, Renotify: period.Text(in.Renotify), BuiltIn: c.BuiltIn(), Version: c.Version, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt,
		State: c.State, StateDetail: c.Why, Trouble: c.Trouble, Warnings: c.Warnings(),
	}
	if in.Fallback != "" {
		v.Fallback = &ChannelFallback{Channel: cmp.Or(c.FallbackName, in.Fallback), After: period.Text(in.FallbackAfter)}
	}
	if in.Throttle != (notify.Throttle{}) {
		v.Throttle = &ChannelThrottle{Messages: in.Throttle.Messages, Per: period.Text(in.Throttle.Per)}
	}
	return v
}
