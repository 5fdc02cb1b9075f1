package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

func (h *hub) Deliveries(_ context.Context, _ string, f notify.DeliveryFilter, p storage.Paging) (storage.Page[notify.DeliveryView], error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var rows []notify.DeliveryView
	for _, d := range h.told {
		if len(f.States) > 0 && !slices.Contains(f.States, d.State) || !f.Channel.IsZero() && d.ChannelID != f.Channel ||
			!f.Incident.IsZero() && d.IncidentID != f.Incident {
			continue
		}
		rows = append(rows, d)
	}
	return pageOf(rows, p, func(d *notify.DeliveryView) id.ID { return d.ID }), nil
}

// canned is a message with one piece of each kind.
var canned = []channel.Shown{
	{Name: "subject", Media: "text/plain", Text: "[CRITICAL] <script>alert(1)</script>"},
	{Name: "html", Media: "text/html", Text: "<!doctype html><style>p{color:#b00}</style><p>Checkout is down</p><script>document.title='run'</script>"},
	{Name: "json", Media: "application/json", Text: "{\n  \"a\": 1\n}"},
}

func (h *hub) Show(_ id.ID, body []byte) []channel.Shown {
	if len(body) == 0 {
		return nil
	}
	return canned
}

func (h *hub) Delivery(_ context.Context, _ string, delivery id.ID) (notify.DeliveryDetail, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, d := range h.told {
		if d.ID == delivery {
			out := notify.DeliveryDetail{DeliveryView: d, Routes: []notify.RouteView{{RunID: h.runs[0].ID, DefinitionName: "night", Node: "tell-all"}}}
			if d.State != "suppressed" {
				out.Body = json.RawMessage(`{"a":1}`)
			}
			return out, nil
		}
	}
	return notify.DeliveryDetail{}, storage.ErrNotFound
}

func (h *hub) Resend(_ context.Context, _ string, delivery id.ID, channelRef, by string) (id.ID, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range h.told {
		if d := &h.told[i]; d.ID == delivery {
			if d.State == "pending" {
				return id.ID{}, fmt.Errorf("it is on its way: %w", event.ErrRefused)
			}
			d.State = "pending"
			h.resent = append(h.resent, channelRef+" by "+by)
			return delivery, nil
		}
	}
	return id.ID{}, storage.ErrNotFound
}

func (h *hub) Flow(_ context.Context, _ string, f notify.DeliveryFilter, since time.Time, every time.Duration) (notify.Flow, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	at := map[time.Time]notify.FlowStep{}
	for _, d := range h.told {
		if d.CreatedAt.Before(since) || !f.Channel.IsZero() && d.ChannelID != f.Channel {
			continue
		}
		k := d.CreatedAt.UTC().Truncate(every)
		s := at[k]
		s.At = k
		switch d.State {
		case "delivered":
			s.Delivered++
		case "suppressed":
			s.Suppressed++
		case "dead":
			s.Dead++
		default:
			s.Pending++
		}
		at[k] = s
	}
	out := notify.Flow{Since: since}
	for _, k := range slices.SortedFunc(maps.Keys(at), time.Time.Compare) {
		out.Steps = append(out.Steps, at[k])
	}
	return out, nil
}

func (h *hub) LastTold(_ context.Context, _ string, incidents []id.ID) (map[id.ID][]notify.DeliveryView, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := map[id.ID][]notify.DeliveryView{}
	for _, d := range h.told { // newest first
		known := slices.ContainsFunc(out[d.IncidentID], func(o notify.DeliveryView) bool { return o.ChannelID == d.ChannelID })
		if slices.Contains(incidents, d.IncidentID) && !known {
			out[d.IncidentID] = append(out[d.IncidentID], d)
		}
	}
	for _, list := range out {
		slices.SortStableFunc(list, func(a, b notify.DeliveryView) int { return strings.Compare(a.ChannelName, b.ChannelName) })
	}
	return out, nil
}

func (h *hub) Message(_ context.Context, _ string, message id.ID) (notify.MessageView, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range h.messages {
		if m.ID == message {
			return m, nil
		}
	}
	return notify.MessageView{}, storage.ErrNotFound
}

// inboxPart is the hub's web.Inbox.
type inboxPart struct{ h *hub }

func (n inboxPart) List(_ context.Context, _ string, _ notify.InboxFilter, p storage.Paging) (storage.Page[notify.InboxMessage], error) {
	n.h.mu.Lock()
	defer n.h.mu.Unlock()
	var rows []notify.InboxMessage
	for _, m := range n.h.messages {
		var body struct{ Text string }
		if err := json.Unmarshal(m.Body, &body); err != nil {
			return storage.Page[notify.InboxMessage]{}, err
		}
		rows = append(rows, notify.InboxMessage{
			ID: m.ID, IncidentID: m.IncidentID, Severity: m.Severity, Title: m.Title, Text: body.Text, Body: m.Body, CreatedAt: m.CreatedAt, ReadAt: m.ReadAt,
		})
	}
	return pageOf(rows, p, func(m *notify.InboxMessage) id.ID { return m.ID }), nil
}

func (n inboxPart) Unread(context.Context, string) (int, error) {
	n.h.mu.Lock()
	defer n.h.mu.Unlock()
	count := 0
	for _, m := range n.h.messages {
		if m.ReadAt == nil {
			count++
		}
	}
	return count, nil
}

func (n inboxPart) MarkRead(_ context.Context, _ string, messages ...id.ID) (int, error) {
	return n.mark(func(m id.ID) bool { return slices.Contains(messages, m) })
}

func (n inboxPart) MarkAllRead(_ context.Context, _ string, upTo id.ID) (int, error) {
	return n.mark(func(m id.ID) bool { return slices.Compare(m[:], upTo[:]) <= 0 })
}

func (n inboxPart) mark(which func(id.ID) bool) (int, error) {
	n.h.mu.Lock()
	defer n.h.mu.Unlock()
	marked := 0
	for i := range n.h.messages {
		if which(n.h.messages[i].ID) && n.h.messages[i].ReadAt == nil {
			at := n.h.now
			n.h.messages[i].ReadAt = &at
			marked++
		}
	}
	return marked, nil
}

// pipelinePart is the hub's web.Pipelines.
type pipelinePart struct{ h *hub }

func (n pipelinePart) List(context.Context, string, bool) ([]orchestration.Definition, error) {
	return n.h.pipelines, nil
}

func (n pipelinePart) Schedule(_ context.Context, d orchestration.Definition) (*orchestration.Schedule, error) {
	return n.h.schedules[d.ID], nil
}

func (n pipelinePart) Get(_ context.Context, _, ref string) (orchestration.Definition, error) {
	for _, p := range n.h.pipelines {
		if p.ID.String() == ref {
			return p, nil
		}
	}
	return orchestration.Definition{}, storage.ErrNotFound
}
