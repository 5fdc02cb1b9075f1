package server

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/silences"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// pastStep is how many messages are read at once.
const pastStep = 200

// past fits what was sent to apps/silences: deliveries, with the alerts as they were pushed.
type past struct{ db *storage.DB }

type pastDelivery struct {
	ID         id.ID     `gorm:"column:id"`
	IncidentID id.ID     `gorm:"column:incident_id"`
	RunID      id.ID     `gorm:"column:run_id"`
	ReceiptID  id.ID     `gorm:"column:receipt_id"`
	Title      string    `gorm:"column:title"`
	Channel    string    `gorm:"column:channel"`
	CreatedAt  time.Time `gorm:"column:created_at"`
}

type pastAlert struct {
	Of       id.ID  `gorm:"column:of"` // run, or incident
	ID       id.ID  `gorm:"column:id"`
	Name     string `gorm:"column:name"`
	Severity string `gorm:"column:severity"`
	Source   string `gorm:"column:source"`
	Labels   string `gorm:"column:labels"`
}

// Messages implements silences.Past. What no push is behind is judged by all alerts of the incident, as they are now.
func (p past) Messages(ctx context.Context, tenant string, since time.Time, fn func(silences.Message) (more bool)) error {
	var last id.ID
	for {
		q := p.db.Read(ctx).Table("deliveries AS d").
			Select("d.id, d.incident_id, d.run_id, r.receipt_id, i.title, COALESCE(c.name, '') AS channel, d.created_at").
			Joins("JOIN incidents i ON i.id = d.incident_id LEFT JOIN channels c ON c.id = d.channel_id LEFT JOIN runs r ON r.id = d.run_id").
			Where("d.tenant_id = ? AND d.id >= ? AND d.created_at >= ?", tenant, id.Before(since), since).
			Where("d.kind IN ('firing', 'updated', 'reminder') AND d.state IN ('pending', 'sending', 'delivered', 'dead')")
		if !last.IsZero() {
			q = q.Where("d.id < ?", last)
		}
		var rows []pastDelivery
		if err := q.Order("d.id DESC").Limit(pastStep).Scan(&rows).Error; err != nil {
			return fmt.Errorf("read what was sent: %w", storage.Classify(err))
		}
		alerts, err := p.alerts(ctx, rows)
		if err != nil {
			return err
		}
		for _, d := range rows {
			last = d.ID
			of := alerts[d.RunID]
			if len(of) == 0 {
				of = alerts[d.IncidentID]
			}
			if !fn(silences.Message{Incident: d.IncidentID, Title: d.Title, Channel: d.Channel, At: d.CreatedAt.UTC(), Alerts: of}) {
				return nil
			}
		}
		if len(rows) < pastStep {
			return nil
		}
	}
}

// alerts are those that messages told of, by run and by incident.
func (p past) alerts(ctx context.Context, rows []pastDelivery) (map[id.ID][]*event.Alert, error) {
	out := map[id.ID][]*event.Alert{}
	if len(rows) == 0 {
		return out, nil
	}
	var receipts, runs, incidents []id.ID
	for _, d := range rows {
		if !d.ReceiptID.IsZero() {
			receipts, runs = append(receipts, d.ReceiptID), append(runs, d.RunID)
		}
		incidents = append(incidents, d.IncidentID)
	}
	var pushed, all []pastAlert
	if len(receipts) > 0 {
		if err := p.db.Read(ctx).Raw(`SELECT l.run_id AS of, a.id, CASE WHEN o.name = '' THEN a.name ELSE o.name END AS name,
				CASE WHEN o.severity = '' THEN a.severity ELSE o.severity END AS severity, a.source, o.labels
			FROM ledger l JOIN observations o ON o.receipt_id = l.receipt_id AND o.idx = l.idx JOIN alerts a ON a.id = l.alert_id
			WHERE l.receipt_id IN ? AND l.run_id IN ? AND o.status = 'firing'`, receipts, runs).Scan(&pushed).Error; err != nil {
			return nil, fmt.Errorf("read what was pushed: %w", storage.Classify(err))
		}
	}
	if err := p.db.Read(ctx).Raw(`SELECT incident_id AS of, id, name, severity, source, labels FROM alerts WHERE incident_id IN ?`, incidents).
		Scan(&all).Error; err != nil {
		return nil, fmt.Errorf("read the alerts of incidents: %w", storage.Classify(err))
	}
	for _, a := range append(pushed, all...) {
		one := &event.Alert{ID: a.ID, Name: a.Name, Severity: event.Severity(a.Severity), Source: a.Source, Status: event.StatusFiring}
		if err := json.Unmarshal([]byte(a.Labels), &one.Labels); err != nil {
			return nil, fmt.Errorf("read the labels of alert %s: %w", a.ID, err)
		}
		out[a.Of] = append(out[a.Of], one)
	}
	return out, nil
}
