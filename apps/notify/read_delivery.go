package notify

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Reader answers questions about deliveries and messages and writes nothing. It is safe for concurrent use. Missing rows, and rows
// of other tenants, are storage.ErrNotFound.
type Reader struct{ db *storage.DB }

// NewReader returns a Reader.
func NewReader(db *storage.DB) (*Reader, error) {
	if db == nil {
		return nil, errors.New("notify: the reader needs a database")
	}
	return &Reader{db: db}, nil
}

// DeliveryFilter narrows a list of deliveries; zero fields do not. Incident and Run are looked up by index.
type DeliveryFilter struct {
	States   []string
	Kinds    []channel.Kind
	Severity string
	Reason   string
	Channel  id.ID
	Incident id.ID
	Run      id.ID // which waited for it
	// Attempts: list the attempts of each delivery too.
	Attempts bool
}

// DeliveryView is a delivery as lists, pages and the API show it.
type DeliveryView struct {
	ID            id.ID         `json:"id" gorm:"column:id"`
	IncidentID    id.ID         `json:"incident_id" gorm:"column:incident_id"` // zero when only a run is behind it
	IncidentTitle string        `json:"incident_title" gorm:"column:incident_title"`
	EventSeq      int64         `json:"event_seq" gorm:"column:event_seq"`
	ChannelID     id.ID         `json:"channel_id" gorm:"column:channel_id"`
	ChannelName   string        `json:"channel" gorm:"column:channel_name"`         // the last that it had when it is deleted; "" for a message by hand without a channel
	ChannelGone   bool          `json:"channel_deleted" gorm:"column:channel_gone"` // the channel is deleted
	Driver        string        `json:"driver" gorm:"column:driver"`
	Kind          channel.Kind  `json:"kind" gorm:"column:kind"`
	State         string        `json:"state" gorm:"column:state"`
	Reason        string        `json:"reason" gorm:"column:reason"`
	Detail        string        `json:"detail" gorm:"column:detail"`         // the reason in a sentence
	Cause         string        `json:"cause" gorm:"column:cause"`           // what made it, unless it was a pipeline: fallback, reminder, resend, test …
	InsteadID     id.ID         `json:"instead_id" gorm:"column:instead_id"` // the delivery that tells another channel what this one did not
	HeldBy        id.ID         `json:"held_by" gorm:"column:held_by"`       // the silence that holds it back
	Severity      string        `json:"severity" gorm:"column:severity"`
	Title         string        `json:"title" gorm:"column:title"` // "" when nothing was rendered
	IdemKey       string        `json:"idempotency_key" gorm:"column:idem_key"`
	MessageID     id.ID         `json:"message_id" gorm:"column:message_id"`
	TraceID       string        `json:"trace_id" gorm:"column:trace_id"`
	ProviderRef   string        `json:"provider_ref" gorm:"column:provider_ref"`
	Parts         int           `json:"parts" gorm:"column:parts"`   // that a long message is sent in
	Sent          int           `json:"sent" gorm:"column:sent"`     // parts that have arrived
	Partly        string        `json:"partly" gorm:"column:partly"` // delivered, but not to all: for whom it was not taken
	Remark        string        `json:"remark" gorm:"column:remark"` // what went wrong while it was written
	AttemptCount  int           `json:"attempt_count" gorm:"column:attempts"`
	Attempts      []AttemptView `json:"attempts,omitempty" gorm:"-"` // oldest first
	CreatedAt     time.Time     `json:"created_at" gorm:"column:created_at"`
	ExpiresAt     time.Time     `json:"expires_at" gorm:"column:expires_at"` // no attempt is made after it
	NextAt        *time.Time    `json:"next_at" gorm:"column:next_at"`
	Waits         string        `json:"waits" gorm:"-"` // what it waits for, in a sentence; "" unless it is pending
	Standing      standing      `json:"-" gorm:"embedded"`
	SendingSince  *time.Time    `json:"sending_since" gorm:"column:sending_since"` // set while an attempt is on the wire
	FinishedAt    *time.Time    `json:"finished_at" gorm:"column:finished_at"`
}

// AttemptView is one attempt to send a message.
type AttemptView struct {
	MessageID id.ID           `json:"-" gorm:"column:message_id"`
	N         int             `json:"n" gorm:"column:n"`
	At        time.Time       `json:"at" gorm:"column:at"`
	Status    int             `json:"status" gorm:"column:status"` // the receiver's, 0 when it did not answer
	LatencyMS float64         `json:"latency_ms" gorm:"column:latency_ms"`
	Verdict   channel.Verdict `json:"verdict" gorm:"column:verdict"`
	Error     string          `json:"error" gorm:"column:error"`
	Response  string          `json:"response" gorm:"column:response"`
}

// DeliveryDetail is one delivery with what was sent and who waited for it.
type DeliveryDetail struct {
	DeliveryView
	Body     json.RawMessage `json:"body"` // as sent; null when nothing was rendered
	Routes   []RouteView     `json:"routes"`
	Instead  []OtherView     `json:"instead"`   // the delivery that InsteadID names, and those that stand in for that one in turn
	StandsIn []OtherView     `json:"stands_in"` // deliveries whose news this one tells instead, or later
}

// OtherView is a delivery that another one has to do with.
type OtherView struct {
	ID          id.ID        `json:"id" gorm:"column:id"`
	ChannelName string       `json:"channel" gorm:"column:channel_name"` // "" once the channel is deleted
	Kind        channel.Kind `json:"kind" gorm:"column:kind"`
	State       string       `json:"state" gorm:"column:state"`
	Reason      string       `json:"reason" gorm:"column:reason"`
	Cause       string       `json:"cause" gorm:"column:cause"`
	InsteadID   id.ID        `json:"-" gorm:"column:instead_id"`
}

// RouteView is a run whose notify node asked for a delivery; Node is "" for resolves, which go by state and not by route.
type RouteView struct {
	RunID          id.ID  `json:"run_id" gorm:"column:run_id"`
	DefinitionID   id.ID  `json:"definition_id" gorm:"column:definition_id"`
	DefinitionName string `json:"definition" gorm:"column:definition_name"`
	Node           string `json:"node" gorm:"column:node"`
}

const deliveryColumns = `d.id, d.incident_id, COALESCE(i.title, '') AS incident_title, d.event_seq, d.channel_id,
	COALESCE(c.name, g.name, '') AS channel_name, c.id IS NULL AND g.channel_id IS NOT NULL AS channel_gone, COALESCE(m.driver, c.driver, g.driver, '') AS driver, d.kind, d.state, d.reason, d.detail, d.cause, d.instead_id, d.held_by, d.severity,
	COALESCE(m.title, '') AS title, d.idem_key, d.message_id, d.trace_id, COALESCE(m.provider_ref, '') AS provider_ref,
	COALESCE(m.parts, 0) AS parts, CASE WHEN d.state = 'delivered' THEN COALESCE(m.parts, 0) ELSE COALESCE(m.sent, 0) END AS sent, COALESCE(m.remark, '') AS remark, d.attempts,
	CASE WHEN d.state = 'delivered' THEN COALESCE((SELECT a.error FROM message_attempts a WHERE a.message_id = d.message_id AND a.verdict = 'done' ORDER BY a.n DESC LIMIT 1), '') ELSE '' END AS partly,
	d.created_at, d.expires_at, d.next_at, d.sending_since, d.finished_at, ` + standingColumns

// joined reads deliveries, chosen by picked, with the names of what they refer to.
func (r *Reader) joined(ctx context.Context, picked *gorm.DB) *gorm.DB {
	return r.db.Read(ctx).Table("(?) AS d", picked).Select(deliveryColumns).
		Joins("LEFT JOIN channels c ON c.id = d.channel_id AND c.tenant_id = d.tenant_id").
		Joins("LEFT JOIN former_channels g ON g.channel_id = d.channel_id AND g.tenant_id = d.tenant_id").
		Joins("LEFT JOIN jobs j ON d.state = 'pending' AND j.kind = ? AND j.ref = d.id AND j.node = ''", JobDeliver).
		Joins("LEFT JOIN channel_troubles t ON d.state = 'pending' AND t.channel_id = d.channel_id").
		Joins("LEFT JOIN messages m ON m.id = d.message_id").
		Joins("LEFT JOIN incidents i ON i.id = d.incident_id").
		Order("d.id DESC")
}

// Deliveries lists deliveries, newest first.
func (r *Reader) Deliveries(ctx context.Context, tenant string, f DeliveryFilter, p storage.Paging) (storage.Page[DeliveryView], error) {
	q := r.db.Read(ctx).Table("deliveries").Where("tenant_id = ?", tenant)
	q = storage.Seldom(q, "state", f.States, "state = 'dead'", event.StateDead)
	q = f.narrow(q)
	if !f.Run.IsZero() {
		q = q.Where("id IN (SELECT id FROM deliveries WHERE run_id = ? UNION ALL SELECT delivery_id FROM delivery_routes WHERE run_id = ?)", f.Run, f.Run)
	}
	var rows []DeliveryView
	if err := r.joined(ctx, p.Apply(q)).Find(&rows).Error; err != nil {
		return storage.Page[DeliveryView]{}, fmt.Errorf("list deliveries: %w", storage.Classify(err))
	}
	r.explain(rows)
	page := storage.PageOf(rows, p, func(d *DeliveryView) id.ID { return d.ID })
	if f.Attempts {
		if err := r.attach(ctx, tenant, page.Items); err != nil {
			return storage.Page[DeliveryView]{}, err
		}
	}
	return page, nil
}

// attach loads the attempts of all deliveries in one query.
func (r *Reader) attach(ctx context.Context, tenant string, deliveries []DeliveryView) error {
	at := make(map[id.ID][]int, len(deliveries)) // a bundled message belongs to several deliveries
	messages := make([]id.ID, 0, len(deliveries))
	for i := range deliveries {
		if m := deliveries[i].MessageID; !m.IsZero() {
			if at[m] == nil {
				messages = append(messages, m)
			}
			at[m] = append(at[m], i)
		}
	}
	attempts, err := r.attempts(ctx, tenant, messages)
	if err != nil {
		return err
	}
	for _, a := range attempts {
		for _, i := range at[a.MessageID] {
			deliveries[i].Attempts = append(deliveries[i].Attempts, a)
		}
	}
	return nil
}

func (r *Reader) attempts(ctx context.Context, tenant string, messages []id.ID) ([]AttemptView, error) {
	if len(messages) == 0 {
		return nil, nil
	}
	var rows []AttemptView
	err := r.db.Read(ctx).Table("message_attempts").
		Select("message_id, n, at, status, CAST(latency_us AS double precision) / 1000 AS latency_ms, verdict, error, response").
		Where("tenant_id = ? AND message_id IN ?", tenant, messages).
		Order("message_id, n").Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("load attempts: %w", storage.Classify(err))
	}
	return rows, nil
}

// Delivery returns one delivery with its attempts, its message's body, and the runs that waited for it.
func (r *Reader) Delivery(ctx context.Context, tenant string, delivery id.ID) (DeliveryDetail, error) {
	what := "delivery " + delivery.String()
	var d DeliveryDetail
	q := r.db.Read(ctx).Table("deliveries").Where("tenant_id = ? AND id = ?", tenant, delivery)
	if err := r.joined(ctx, q).Take(&d.DeliveryView).Error; err != nil {
		return DeliveryDetail{}, storage.Missing(err, what)
	}
	one := []DeliveryView{d.DeliveryView}
	r.explain(one)
	if err := r.attach(ctx, tenant, one); err != nil {
		return DeliveryDetail{}, err
	}
	d.DeliveryView = one[0]
	if !d.MessageID.IsZero() {
		m, err := r.message(ctx, tenant, d.MessageID)
		if err != nil {
			return DeliveryDetail{}, err
		}
		d.Body = m.Body
	}
	if err := r.related(ctx, tenant, &d); err != nil {
		return DeliveryDetail{}, fmt.Errorf("load who stood in for %s: %w", what, storage.Classify(err))
	}
	d.Routes = []RouteView{}
	err := r.db.Read(ctx).Raw(`SELECT t.run_id, t.definition_id, t.node, COALESCE(r.definition_name, '') AS definition_name FROM (
			SELECT run_id, definition_id, node FROM deliveries WHERE id = ? AND tenant_id = ? AND run_id IS NOT NULL
			UNION ALL SELECT run_id, definition_id, node FROM delivery_routes WHERE delivery_id = ? AND tenant_id = ?) t
		LEFT JOIN runs r ON r.id = t.run_id ORDER BY t.run_id`, delivery, tenant, delivery, tenant).Scan(&d.Routes).Error
	if err != nil {
		return DeliveryDetail{}, fmt.Errorf("load the routes of %s: %w", what, storage.Classify(err))
	}
	return d, nil
}

// LastTold returns the newest delivery of each of the incidents to each channel, by channel name, with one query for all of them.
func (r *Reader) LastTold(ctx context.Context, tenant string, incidents []id.ID) (map[id.ID][]DeliveryView, error) {
	if len(incidents) == 0 {
		return map[id.ID][]DeliveryView{}, nil
	}
	newest := r.db.Read(ctx).Table("deliveries").Where("tenant_id = ? AND incident_id IN ? AND idem_key NOT LIKE 'dry:%'", tenant, incidents).
		Select("deliveries.*, row_number() OVER (PARTITION BY incident_id, channel_id ORDER BY event_seq DESC, id DESC) AS nr")
	var rows []DeliveryView
	if err := r.joined(ctx, newest).Where("d.nr = 1").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("load who was told: %w", storage.Classify(err))
	}
	r.explain(rows)
	out := make(map[id.ID][]DeliveryView, len(incidents))
	for _, d := range rows {
		out[d.IncidentID] = append(out[d.IncidentID], d)
	}
	for _, list := range out {
		slices.SortStableFunc(list, func(a, b DeliveryView) int { return cmp.Compare(a.ChannelName, b.ChannelName) })
	}
	return out, nil
}
