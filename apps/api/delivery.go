package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

type deliveryQuery struct {
	PageQuery
	State    []string       `query:"state" doc:"Any of these." enum:"pending,sending,delivered,suppressed,dead"`
	Kind     []channel.Kind `query:"kind" doc:"Any of these: firing, updated, resolved, test …" maxItems:"10"`
	Severity string         `query:"severity" enum:"critical,warning,info,success"`
	Reason   string         `query:"reason" doc:"silenced, below_min_severity, http_404 …" maxLength:"200"`
	Channel  string         `query:"channel" doc:"Id or name of a channel." maxLength:"200"`
	Incident string         `query:"incident" doc:"Id of an incident." format:"uuid"`
	Run      string         `query:"run" doc:"Id of a run that waited for it." format:"uuid"`
	Attempts bool           `query:"attempts" doc:"Also the attempts of each."`
}

type inboxQuery struct {
	PageQuery
	Unread   bool   `query:"unread" doc:"Only those that nobody has read."`
	Severity string `query:"severity" enum:"critical,warning,info,success"`
	Incident string `query:"incident" doc:"Id of an incident." format:"uuid"`
}

type readInput struct {
	Body struct {
		IDs  []idText `json:"ids,omitempty" doc:"These messages." maxItems:"1000"`
		UpTo *idText  `json:"up_to,omitempty" doc:"All messages up to and including this one."`
	}
}

// read returns what is to be marked: ids, or the message up to which all are.
func (in *readInput) read() (ids []id.ID, upTo *id.ID, err error) {
	texts, pointer := in.Body.IDs, "/ids/%d"
	switch {
	case in.Body.UpTo != nil && len(texts) > 0:
		return nil, nil, unusable("/up_to", "give either ids or up_to")
	case in.Body.UpTo == nil && len(texts) == 0:
		return nil, nil, unusable("/ids", "is required, unless up_to is given")
	case in.Body.UpTo != nil:
		texts, pointer = []idText{*in.Body.UpTo}, "/up_to"
	}
	ids = make([]id.ID, len(texts))
	for i, text := range texts {
		if ids[i], err = id.Parse(string(text)); err != nil {
			return nil, nil, unusable(strings.ReplaceAll(pointer, "%d", strconv.Itoa(i)), wantID)
		}
	}
	if in.Body.UpTo != nil {
		return nil, &ids[0], nil
	}
	return ids, nil, nil
}

type marked struct {
	Marked int `json:"marked" doc:"How many were unread before."`
}

type unread struct {
	Unread int `json:"unread" doc:"Among the newest 5,000."`
}

func (a *API) deliveryRoutes(h huma.API) {
	get(a, h, "/api/v1/deliveries", "list-deliveries", "What had to be told to whom, newest first", a.listDeliveries)
	get(a, h, "/api/v1/deliveries/{id}", "get-delivery", "One delivery with its attempts, what was sent, and who waited for it",
		func(ctx context.Context, tenant string, in *ByID) (notify.DeliveryDetail, error) {
			delivery, err := in.key("delivery")
			if err != nil {
				return notify.DeliveryDetail{}, err
			}
			return a.Deliveries.Delivery(ctx, tenant, delivery)
		})
	change(a, h, op(http.MethodPost, "/api/v1/deliveries/{id}/resend", "resend-delivery",
		"Tell again: a dead delivery goes out once more as it is; of a delivered one the incident gets a new event for its channel alone. The answer is the delivery that is on its way"), a.resend)
	get(a, h, "/api/v1/messages/{id}", "get-message", "One message as it was sent, with its attempts",
		func(ctx context.Context, tenant string, in *ByID) (notify.MessageView, error) {
			message, err := in.key("message")
			if err != nil {
				return notify.MessageView{}, err
			}
			return a.Deliveries.Message(ctx, tenant, message)
		})
}

type resendInput struct {
	ByID
	Body *struct {
		Channel string `json:"channel,omitempty" doc:"Name or id of the channel that is told instead of the delivery's own." maxLength:"100"`
	} `required:"false"`
}

func (a *API) resend(ctx context.Context, c caller, in *resendInput) (*answer[notify.DeliveryDetail], error) {
	delivery, err := in.key("delivery")
	if err != nil {
		return nil, err
	}
	to := ""
	if in.Body != nil {
		to = in.Body.Channel
	}
	sent, err := a.Resender.Resend(ctx, c.tenant, delivery, to, c.name)
	if err != nil {
		return nil, err
	}
	detail, err := a.Deliveries.Delivery(ctx, c.tenant, sent)
	return &answer[notify.DeliveryDetail]{Body: detail}, err
}

func (a *API) listDeliveries(ctx context.Context, tenant string, in *deliveryQuery) (storage.Page[notify.DeliveryView], error) {
	none := storage.Page[notify.DeliveryView]{}
	page, err := in.page()
	if err != nil {
		return none, err
	}
	f := notify.DeliveryFilter{States: in.State, Kinds: in.Kind, Severity: in.Severity, Reason: in.Reason, Attempts: in.Attempts}
	if f.Incident, err = filterID("incident", in.Incident); err != nil {
		return none, err
	}
	if f.Run, err = filterID("run", in.Run); err != nil {
		return none, err
	}
	if in.Channel != "" {
		c, err := a.Channels.Get(ctx, tenant, in.Channel)
		if err != nil {
			return none, err
		}
		f.Channel = c.ID
	}
	return a.Deliveries.Deliveries(ctx, tenant, f, page)
}

func (a *API) inboxRoutes(h huma.API) {
	get(a, h, "/api/v1/inbox", "list-inbox", "Messages of the built-in inbox, newest first",
		func(ctx context.Context, tenant string, in *inboxQuery) (storage.Page[notify.InboxMessage], error) {
			page, err := in.page()
			if err != nil {
				return storage.Page[notify.InboxMessage]{}, err
			}
			incident, err := filterID("incident", in.Incident)
			if err != nil {
				return storage.Page[notify.InboxMessage]{}, err
			}
			return a.Inbox.List(ctx, tenant, notify.InboxFilter{Unread: in.Unread, Severity: in.Severity, Incident: incident}, page)
		})
	get(a, h, "/api/v1/inbox/unread", "count-unread", "How many messages nobody has read",
		func(ctx context.Context, tenant string, _ *struct{}) (unread, error) {
			n, err := a.Inbox.Unread(ctx, tenant)
			return unread{n}, err
		})
	change(a, h, op(http.MethodPost, "/api/v1/inbox/read", "mark-read", "Mark messages as read"),
		func(ctx context.Context, c caller, in *readInput) (*answer[marked], error) {
			ids, upTo, err := in.read()
			var n int
			switch {
			case err != nil:
				return nil, err
			case upTo != nil:
				n, err = a.Inbox.MarkAllRead(ctx, c.tenant, *upTo)
			default:
				n, err = a.Inbox.MarkRead(ctx, c.tenant, ids...)
			}
			return &answer[marked]{Body: marked{n}}, err
		})
}
