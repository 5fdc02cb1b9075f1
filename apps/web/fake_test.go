package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/incidenthub/incidenthub/apps/alerts"
	"github.com/incidenthub/incidenthub/apps/analysts"
	"github.com/incidenthub/incidenthub/apps/auth"
	"github.com/incidenthub/incidenthub/apps/changes"
	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/intelligence"
	"github.com/incidenthub/incidenthub/apps/ledger"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/apps/silences"
	"github.com/incidenthub/incidenthub/apps/sources"
	"github.com/incidenthub/incidenthub/apps/web"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/preflight"
	"github.com/incidenthub/incidenthub/internal/platform/pubsub"
	"github.com/incidenthub/incidenthub/internal/platform/queue"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

const (
	ownerToken = "owner-token"
	readToken  = "read-token"
	ingestKey  = "ingest-key"
)

// hub is an in-memory hub that fits every interface of the UI.
type hub struct {
	mu         sync.Mutex
	now        time.Time
	incidents  []alerts.IncidentDetail
	lines      map[id.ID][]alerts.TimelineEntry
	receipts   []orchestration.ReceiptDetail
	runs       []orchestration.RunDetail
	told       []notify.DeliveryView
	messages   []notify.MessageView
	channels   []notify.Channel
	sources    []sources.Source
	pipelines  []orchestration.Definition
	schedules  map[id.ID]*orchestration.Schedule
	books      ledger.Report
	sessions   map[string]auth.Session
	events     pubsub.Broadcaster
	refuse     error // what acts answer with
	queues     queue.View
	trouble    queue.Trouble
	jobs       []queue.Row
	checks     []checkers.CheckRun
	asked      []checkers.Request // for checks
	analyses   []intelligence.AnalysisDetail
	analysed   []intelligence.Request
	changes    []changes.Change
	preflights []preflight.Run
	providers  []analysts.Record
	usage      []intelligence.Usage
	silences   []silences.Silence
	silenced   []silences.Input
	resent     []string // channel and who
	tested     []string // providers that were tested
	testFails  string   // class of the error that a test ends in
	pausedName string   // of the provider that is left alone

	handSays notify.SendResult // what becomes of a test message
}

func (h *hub) config() web.Config {
	return web.Config{
		Incidents: h, Flow: h, Deliveries: h, Resender: h, Shows: h, Inbox: inboxPart{h}, Channels: channelPart{h}, Hand: channelPart{h}, Previews: channelPart{h}, Silences: silencePart{h}, Sources: sourcePart{h}, Pipelines: pipelinePart{h},
		Acts: h, Samples: h, Reprocess: h, Books: h, Ledger: h, Why: h, Sessions: h, Events: &h.events, Queues: queuePart{h},
		Checks: checkPart{h}, Checker: checkPart{h}, Analyses: analysisPart{h}, Analyst: analysisPart{h}, Changes: changePart{h}, Preflights: preflightPart{h},
		Providers: providerPart{h}, Spending: providerPart{h}, Tester: providerPart{h}, Paused: h.paused, Models: func(string) []string { return []string{"gpt-6-luna", "gpt-6-nova"} },
		Draw: drawing, Kinds: []channel.Spec{bridge{}.Spec(), box{}.Spec()},
	}
}

func pageOf[T any](all []T, p storage.Paging, idOf func(*T) id.ID) storage.Page[T] {
	var rows []T
	for i := range all {
		v := idOf(&all[i])
		if p.Before.IsZero() || slices.Compare(v[:], p.Before[:]) < 0 {
			rows = append(rows, all[i])
		}
		if len(rows) > p.Size() {
			break
		}
	}
	return storage.PageOf(rows, p, idOf)
}

func (h *hub) Incidents(_ context.Context, _ string, f alerts.IncidentFilter, p storage.Paging) (storage.Page[alerts.Incident], error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var rows []alerts.Incident
	for i := range h.incidents {
		one := h.incidents[i].Incident
		if known := h.incidents[i].Alerts; len(known) > 0 {
			one.Instance = event.Instance(known[0].Labels)
		}
		if len(f.Statuses) > 0 && !slices.Contains(f.Statuses, string(one.Status)) || !strings.Contains(strings.ToLower(one.Title), strings.ToLower(f.Text)) {
			continue
		}
		rows = append(rows, one)
	}
	return pageOf(rows, p, func(i *alerts.Incident) id.ID { return i.ID }), nil
}

func (h *hub) find(incident id.ID) *alerts.IncidentDetail {
	for i := range h.incidents {
		if h.incidents[i].ID == incident {
			return &h.incidents[i]
		}
	}
	return nil
}

func (h *hub) Incident(_ context.Context, _ string, incident id.ID) (alerts.IncidentDetail, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if one := h.find(incident); one != nil {
		return *one, nil
	}
	return alerts.IncidentDetail{}, fmt.Errorf("incident %s: %w", incident, storage.ErrNotFound)
}

func (h *hub) Timeline(_ context.Context, _ string, incident id.ID) ([]alerts.TimelineEntry, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.lines[incident]), nil
}

func (h *hub) Counts(context.Context, string) (alerts.IncidentCounts, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var c alerts.IncidentCounts
	for i := range h.incidents {
		switch h.incidents[i].Status {
		case event.IncidentOpen:
			c.Open++
		case event.IncidentAcknowledged:
			c.Acknowledged++
		case event.IncidentResolved:
			c.Resolved++
		case event.IncidentClosed:
			c.Closed++
		}
	}
	return c, nil
}

func (h *hub) Receipts(_ context.Context, _ string, f orchestration.ReceiptFilter, p storage.Paging) (storage.Page[orchestration.Receipt], error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var rows []orchestration.Receipt
	for i := range h.receipts {
		if f.Outcome == "" || f.Outcome == h.receipts[i].Outcome {
			rows = append(rows, h.receipts[i].Receipt)
		}
	}
	return pageOf(rows, p, func(r *orchestration.Receipt) id.ID { return r.ID }), nil
}

func (h *hub) Receipt(_ context.Context, _ string, receipt id.ID) (orchestration.ReceiptDetail, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range h.receipts {
		if h.receipts[i].ID == receipt {
			return h.receipts[i], nil
		}
	}
	return orchestration.ReceiptDetail{}, storage.ErrNotFound
}

func (h *hub) Body(ctx context.Context, tenant string, receipt id.ID) ([]byte, error) {
	r, err := h.Receipt(ctx, tenant, receipt)
	return []byte(r.Body), err
}

func (h *hub) Runs(_ context.Context, _ string, f orchestration.RunFilter, p storage.Paging) (storage.Page[orchestration.Run], error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var rows []orchestration.Run
	for i := range h.runs {
		r := h.runs[i].Run
		if f.State != "" && r.State != f.State || !f.Incident.IsZero() && (r.IncidentID == nil || *r.IncidentID != f.Incident) {
			continue
		}
		rows = append(rows, r)
	}
	return pageOf(rows, p, func(r *orchestration.Run) id.ID { return r.ID }), nil
}

func (h *hub) Run(_ context.Context, _ string, run id.ID) (orchestration.RunDetail, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range h.runs {
		if h.runs[i].ID == run {
			return h.runs[i], nil
		}
	}
	return orchestration.RunDetail{}, storage.ErrNotFound
}

func (h *hub) act(incident id.ID, actor, kind string, to event.IncidentStatus, detail map[string]string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.refuse != nil {
		return h.refuse
	}
	one := h.find(incident)
	if one == nil {
		return storage.ErrNotFound
	}
	if to != "" {
		one.Status, one.IsOpen, one.IsResolved = to, to == event.IncidentOpen, !to.Active()
	}
	raw, err := json.Marshal(detail)
	if err != nil {
		return err
	}
	at := h.now
	one.UpdatedAt = at
	h.lines[incident] = append([]alerts.TimelineEntry{{At: at, Kind: "incident", Event: kind, Actor: actor, Details: raw}}, h.lines[incident]...)
	h.events.Publish("default", pubsub.Event{Kind: "incident", ID: incident})
	return nil
}

func (h *hub) Acknowledge(_ context.Context, _ string, incident id.ID, actor string) error {
	return h.act(incident, actor, "acknowledged", event.IncidentAcknowledged, nil)
}

func (h *hub) Resolve(_ context.Context, _ string, incident id.ID, actor, _ string) error {
	return h.act(incident, actor, "resolved", event.IncidentResolved, nil)
}

func (h *hub) Close(_ context.Context, _ string, incident id.ID, actor string) error {
	return h.act(incident, actor, "closed", event.IncidentClosed, nil)
}

func (h *hub) Reopen(_ context.Context, _ string, incident id.ID, actor string) error {
	return h.act(incident, actor, "reopened", event.IncidentOpen, nil)
}

func (h *hub) Note(_ context.Context, _ string, incident id.ID, actor, text string) error {
	return h.act(incident, actor, "note", "", map[string]string{"text": text})
}

func (h *hub) Send(_ context.Context, _, driver string) (id.ID, error) {
	body, err := web.Sample(driver, h.now)
	if err != nil {
		return id.ID{}, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	r := receiptOf(h, driver, string(body), 0)
	r.Origin = "manual"
	h.receipts = append([]orchestration.ReceiptDetail{r}, h.receipts...)
	h.events.Publish("default", pubsub.Event{Kind: "receipt", ID: r.ID})
	return r.ID, nil
}

func (h *hub) Reprocess(_ context.Context, _ string, receipt id.ID) (id.ID, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	again := h.receipts[0]
	again.ID, again.ReprocessOf = id.New(), &receipt
	h.receipts = append([]orchestration.ReceiptDetail{again}, h.receipts...)
	return again.ID, nil
}

func (h *hub) Last(context.Context, string) (ledger.Report, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.books, nil
}

func (h *hub) OpenSession(_ context.Context, token string) (auth.Session, error) {
	scopes := map[string]auth.Scopes{ownerToken: {auth.ScopeAdmin}, readToken: {auth.ScopeRead}}[token]
	switch {
	case token == ingestKey:
		return auth.Session{}, fmt.Errorf("%w: it needs the scope read", auth.ErrForbidden)
	case scopes == nil:
		return auth.Session{}, auth.ErrUnauthorized
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	s := auth.Session{Secret: id.New().String(), Principal: auth.Principal{Tenant: "default", Name: "owner", Scopes: scopes}}
	h.sessions[s.Secret] = s
	return s, nil
}

func (h *hub) LoadSession(_ context.Context, secret string) (auth.Session, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s, ok := h.sessions[secret]
	if !ok {
		return auth.Session{}, auth.ErrUnauthorized
	}
	return s, nil
}

func (h *hub) EndSession(_ context.Context, secret string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.sessions, secret)
	return nil
}
