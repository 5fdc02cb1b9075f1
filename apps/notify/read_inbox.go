package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// unreadWindow is how many of the newest messages Unread looks at: the count must not get dearer as the inbox grows.
const unreadWindow = 5000

// maxMarked is how many messages can be marked at once.
const maxMarked = 1000

// ErrTooMany is returned for a request to mark more messages than one statement should.
var ErrTooMany = fmt.Errorf("mark at most %d messages at once, or all up to one", maxMarked)

// Inbox shows the messages of the channels whose driver is the inbox. It is safe for concurrent use.
type Inbox struct{ db *storage.DB }

// NewInbox returns an Inbox.
func NewInbox(db *storage.DB) (*Inbox, error) {
	if db == nil {
		return nil, errors.New("notify: the inbox needs a database")
	}
	return &Inbox{db: db}, nil
}

// InboxFilter narrows the list of messages; zero fields do not.
type InboxFilter struct {
	Unread   bool
	Severity string
	Incident id.ID
	Channel  id.ID // one of several inbox channels
}

// InboxMessage is a message of the inbox.
type InboxMessage struct {
	ID         id.ID           `json:"id"`
	ChannelID  id.ID           `json:"channel_id"`
	IncidentID id.ID           `json:"incident_id"`
	IdemKey    string          `json:"idempotency_key"`
	Severity   string          `json:"severity"`
	Title      string          `json:"title"`
	Event      channel.Kind    `json:"event"`
	Text       string          `json:"text"`
	Body       json.RawMessage `json:"body"` // everything: alerts, labels, links (driver inbox, type Message)
	CreatedAt  time.Time       `json:"created_at"`
	ReadAt     *time.Time      `json:"read_at"` // nil: unread
}

type inboxRow struct {
	ID         id.ID      `gorm:"column:id"`
	ChannelID  id.ID      `gorm:"column:channel_id"`
	IncidentID id.ID      `gorm:"column:incident_id"`
	IdemKey    string     `gorm:"column:idem_key"`
	Severity   string     `gorm:"column:severity"`
	Title      string     `gorm:"column:title"`
	Encoding   int        `gorm:"column:encoding"`
	Body       []byte     `gorm:"column:body"`
	CreatedAt  time.Time  `gorm:"column:created_at"`
	ReadAt     *time.Time `gorm:"column:read_at"`
}

// List returns messages, newest first.
func (b *Inbox) List(ctx context.Context, tenant string, f InboxFilter, p storage.Paging) (storage.Page[InboxMessage], error) {
	q, err := b.messages(ctx, b.db.Read(ctx), tenant, f.Channel)
	if err != nil {
		return storage.Page[InboxMessage]{}, err
	}
	if f.Unread {
		q = q.Where("read_at IS NULL")
	}
	if f.Severity != "" {
		q = q.Where("severity = ?", f.Severity)
	}
	if !f.Incident.IsZero() {
		q = q.Where("incident_id = ?", f.Incident)
	}
	var rows []inboxRow
	if err := p.Apply(q).Find(&rows).Error; err != nil {
		return storage.Page[InboxMessage]{}, fmt.Errorf("list inbox messages: %w", storage.Classify(err))
	}
	messages := make([]InboxMessage, len(rows))
	for i := range rows {
		if messages[i], err = rows[i].view(); err != nil {
			return storage.Page[InboxMessage]{}, err
		}
	}
	return storage.PageOf(messages, p, func(m *InboxMessage) id.ID { return m.ID }), nil
}

func (r *inboxRow) view() (InboxMessage, error) {
	raw, err := shown(r.Encoding, r.Body)
	if err != nil {
		return InboxMessage{}, fmt.Errorf("body of message %s: %w", r.ID, err)
	}
	m := InboxMessage{
		ID: r.ID, ChannelID: r.ChannelID, IncidentID: r.IncidentID, IdemKey: r.IdemKey, Severity: r.Severity, Title: r.Title,
		Body: raw, CreatedAt: r.CreatedAt, ReadAt: r.ReadAt,
	}
	var body struct {
		Event channel.Kind `json:"event"`
		Text  string       `json:"text"`
	}
	if json.Unmarshal(raw, &body) == nil { // else the title has to do
		m.Event, m.Text = body.Event, body.Text
	}
	return m, nil
}

// messages starts a query of the inbox's messages, by the index over channel and id.
func (b *Inbox) messages(ctx context.Context, db *gorm.DB, tenant string, only id.ID) (*gorm.DB, error) {
	var channels []id.ID
	err := b.db.Read(ctx).Model(&Channel{}).Where("tenant_id = ? AND driver = ?", tenant, InboxName).Pluck("id", &channels).Error
	if err != nil {
		return nil, fmt.Errorf("load the inbox channels: %w", storage.Classify(err))
	}
	q := db.Table("messages").Where("tenant_id = ?", tenant)
	switch {
	case len(channels) == 0:
		return q.Where("1 = 0"), nil
	case !only.IsZero():
		return q.Where("channel_id = ? AND channel_id IN ?", only, channels), nil
	case len(channels) == 1:
		return q.Where("channel_id = ?", channels[0]), nil // IN would sort the whole inbox for a page
	default:
		return q.Where("channel_id IN ?", channels), nil
	}
}

// Unread counts the unread messages among the newest 5,000.
func (b *Inbox) Unread(ctx context.Context, tenant string) (int, error) {
	q, err := b.messages(ctx, b.db.Read(ctx), tenant, id.ID{})
	if err != nil {
		return 0, err
	}
	var n int64
	newest := q.Select("read_at").Order("id DESC").Limit(unreadWindow)
	if err := b.db.Read(ctx).Table("(?) AS newest", newest).Where("read_at IS NULL").Count(&n).Error; err != nil {
		return 0, fmt.Errorf("count unread messages: %w", storage.Classify(err))
	}
	return int(n), nil
}

// MarkRead marks messages as read and returns how many were not. Unknown ids are passed over.
func (b *Inbox) MarkRead(ctx context.Context, tenant string, messages ...id.ID) (int, error) {
	if len(messages) == 0 {
		return 0, nil
	}
	if len(messages) > maxMarked {
		return 0, ErrTooMany
	}
	return b.mark(ctx, tenant, "id IN ?", messages)
}

// MarkAllRead marks every message up to and including one, which is the newest that the reader has seen.
func (b *Inbox) MarkAllRead(ctx context.Context, tenant string, upTo id.ID) (int, error) {
	return b.mark(ctx, tenant, "id <= ?", upTo)
}

func (b *Inbox) mark(ctx context.Context, tenant, which string, arg any) (int, error) {
	q, err := b.messages(ctx, b.db.From(ctx), tenant, id.ID{})
	if err != nil {
		return 0, err
	}
	res := q.Where(which, arg).Where("read_at IS NULL").UpdateColumn("read_at", b.db.Now())
	if res.Error != nil {
		return 0, fmt.Errorf("mark messages as read: %w", storage.Classify(res.Error))
	}
	return int(res.RowsAffected), nil
}
