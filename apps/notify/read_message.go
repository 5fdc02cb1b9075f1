package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/pack"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// MessageView is what was, or will be, sent to one channel.
type MessageView struct {
	ID          id.ID           `json:"id" gorm:"column:id"`
	ChannelID   id.ID           `json:"channel_id" gorm:"column:channel_id"`
	ChannelName string          `json:"channel" gorm:"column:channel_name"` // "" once the channel is deleted
	Driver      string          `json:"driver" gorm:"column:driver"`
	IncidentID  id.ID           `json:"incident_id" gorm:"column:incident_id"`
	IdemKey     string          `json:"idempotency_key" gorm:"column:idem_key"`
	Severity    string          `json:"severity" gorm:"column:severity"`
	Title       string          `json:"title" gorm:"column:title"`
	Body        json.RawMessage `json:"body" gorm:"-"`
	ProviderRef string          `json:"provider_ref" gorm:"column:provider_ref"`
	Verdict     channel.Verdict `json:"verdict" gorm:"column:verdict"` // "" until an attempt ended
	Attempts    []AttemptView   `json:"attempts" gorm:"-"`             // oldest first
	CreatedAt   time.Time       `json:"created_at" gorm:"column:created_at"`
	ReadAt      *time.Time      `json:"read_at" gorm:"column:read_at"` // inbox messages only
}

// messageRow is a message with its body as it is stored.
type messageRow struct {
	MessageView
	Encoding int    `gorm:"column:encoding"`
	Packed   []byte `gorm:"column:body"`
}

// Message returns one message with its attempts.
func (r *Reader) Message(ctx context.Context, tenant string, message id.ID) (MessageView, error) {
	m, err := r.message(ctx, tenant, message)
	if err != nil {
		return MessageView{}, err
	}
	if m.Attempts, err = r.attempts(ctx, tenant, []id.ID{message}); err != nil {
		return MessageView{}, err
	}
	if m.Attempts == nil {
		m.Attempts = []AttemptView{}
	}
	return m, nil
}

func (r *Reader) message(ctx context.Context, tenant string, message id.ID) (MessageView, error) {
	var row messageRow
	err := r.db.Read(ctx).Table("messages m").
		Select("m.id, m.channel_id, COALESCE(c.name, (SELECT g.name || ' (deleted)' FROM former_channels g WHERE g.channel_id = m.channel_id), '') AS channel_name, m.driver, m.incident_id, m.idem_key, m.severity, m.title, m.encoding, m.body, "+
			"m.provider_ref, "+verdictColumn+", m.created_at, m.read_at", InboxName, channel.Done).
		Joins("LEFT JOIN channels c ON c.id = m.channel_id AND c.tenant_id = m.tenant_id").
		Where("m.tenant_id = ? AND m.id = ?", tenant, message).Take(&row).Error
	if err != nil {
		return MessageView{}, storage.Missing(err, "message "+message.String())
	}
	if row.Body, err = shown(row.Encoding, row.Packed); err != nil {
		return MessageView{}, fmt.Errorf("body of message %s: %w", message, err)
	}
	return row.MessageView, nil
}

// verdictColumn is the verdict of the last attempt; an inbox message needs none.
const verdictColumn = `CASE WHEN m.driver = ? THEN ? ELSE
	COALESCE((SELECT a.verdict FROM message_attempts a WHERE a.message_id = m.id ORDER BY a.n DESC LIMIT 1), '') END AS verdict`

// shown is a stored body for people and programs: what is sent, as JSON if it is JSON and as a string if not.
func shown(encoding int, packed []byte) (json.RawMessage, error) {
	body, err := pack.Unpack(encoding, packed)
	if err != nil || json.Valid(body) {
		return body, err
	}
	return channel.Encode(string(body))
}
