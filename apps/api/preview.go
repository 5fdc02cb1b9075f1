package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/incidenthub/incidenthub/apps/auth"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Previews shows what channels would send, and sends nothing; *notify.Previewer fits.
type Previews interface {
	Previews(ctx context.Context, tenant string, in notify.PreviewInput) ([]notify.Preview, error)
}

type previewInput struct {
	Body struct {
		IncidentID string          `json:"incident_id,omitempty" doc:"A stored incident. Without it and without payload: a sample." maxLength:"64"`
		Payload    json.RawMessage `json:"payload,omitempty" doc:"Body of a webhook, read as if it had come in. It is not stored."`
		PayloadOf  string          `json:"payload_driver,omitempty" doc:"Webhook driver of the payload; left out: by its shape." maxLength:"100"`
		Event      channel.Kind    `json:"event,omitempty" doc:"firing, updated, reminder, acknowledged, resolved, test or sent; left out: what fits."`
		Channel    string          `json:"channel,omitempty" doc:"Id or name of one channel; left out: all of them." maxLength:"200"`
		Driver     string          `json:"driver,omitempty" doc:"With config: a kind of channel that is not stored." maxLength:"100"`
		Config     json.RawMessage `json:"config,omitempty" doc:"Settings instead of the stored ones. Needs the scope edit."`
	}
}

// MessagePreview is what one channel would send.
type MessagePreview struct {
	ChannelID *id.ID         `json:"channel_id" doc:"null for settings that are not stored."`
	Channel   string         `json:"channel"`
	Driver    string         `json:"driver"`
	IsActive  bool           `json:"is_active"`
	Title     string         `json:"title"`
	Shown     []MessagePiece `json:"shown" doc:"The message as its receiver sees it, piece by piece."`
	Parts     int            `json:"parts" doc:"How many calls it takes."`
	Bytes     int            `json:"bytes" doc:"Of the stored message."`
	Remark    string         `json:"remark" doc:"What went wrong without stopping the message, such as a template that failed."`
	Missing   []string       `json:"missing" doc:"Variables that the channel's own templates ask for and the message has not."`
	Error     string         `json:"error" doc:"Why nothing can be shown."`
}

// MessagePiece is one piece of a message. Its text is not escaped for anything.
type MessagePiece struct {
	Name  string `json:"name"`
	Media string `json:"media_type"`
	Text  string `json:"text"`
}

func (a *API) previewRoutes(h huma.API) {
	described := op(http.MethodPost, "/api/v1/notifications/preview", "preview-notifications", "Show what channels would send about an incident, a payload or a sample; nothing is sent")
	described.MaxBodyBytes = maxPayload
	change(a, h, described,
		func(ctx context.Context, c caller, in *previewInput) (*answer[storage.Page[MessagePreview]], error) {
			if len(in.Body.Config) > 0 { // settings of the caller's own
				p, err := who(ctx)
				if err == nil {
					err = p.Require(auth.ScopeEdit)
				}
				if err != nil {
					return nil, err
				}
			}
			list, err := a.Previews.Previews(ctx, c.tenant, notify.PreviewInput{
				IncidentID: in.Body.IncidentID, Payload: in.Body.Payload, PayloadOf: in.Body.PayloadOf, Event: in.Body.Event, Channel: in.Body.Channel,
				Driver: in.Body.Driver, Config: in.Body.Config,
			})
			views := make([]MessagePreview, len(list))
			for i, p := range list {
				views[i] = viewPreview(p)
			}
			return all(views), err
		})
}

func viewPreview(p notify.Preview) MessagePreview {
	v := MessagePreview{
		Channel: p.Channel, Driver: p.Driver, IsActive: p.Active, Title: p.Title, Shown: []MessagePiece{}, Parts: p.Parts, Bytes: p.Bytes, Remark: p.Remark,
		Missing: texts(p.Missing), Error: p.Error,
	}
	if !p.ChannelID.IsZero() {
		v.ChannelID = &p.ChannelID
	}
	for _, s := range p.Shown {
		v.Shown = append(v.Shown, MessagePiece{s.Name, s.Media, s.Text})
	}
	return v
}
