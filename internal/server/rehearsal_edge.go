package server

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// edge is the beginning of a window. It brings rows as they are now back to what they were then.
type edge struct {
	at    time.Time // when the window's receipts began to come in
	first id.ID     // the one with the least id
}

// crowd is how far apart in time receipts may be whose ids are the other way round: pushes that come together are stored in any order.
const crowd = time.Minute

// there leaves the incidents that were there already. Those of about the window's beginning are told by who opened them.
func (e *edge) there(db *gorm.DB, rows []seedIncident) ([]seedIncident, error) {
	rows = slices.DeleteFunc(rows, func(r seedIncident) bool { return !r.CreatedAt.Before(e.at.Add(crowd)) })
	var about []id.ID
	for i := range rows {
		if rows[i].CreatedAt.After(e.at.Add(-crowd)) {
			about = append(about, rows[i].ID)
		}
	}
	if len(about) == 0 {
		return rows, nil
	}
	var before []id.ID
	if err := db.Raw(`SELECT DISTINCT a.incident_id FROM alerts a JOIN alert_history h ON h.alert_id = a.id
		WHERE a.incident_id IN ? AND h.incident_id = a.incident_id AND h.receipt_id < ?`, about, e.first).Scan(&before).Error; err != nil {
		return nil, fmt.Errorf("read the incidents' history: %w", storage.Classify(err))
	}
	return slices.DeleteFunc(rows, func(r seedIncident) bool { return slices.Contains(about, r.ID) && !slices.Contains(before, r.ID) }), nil
}

// incidents are those that were there already, as their events tell.
func (e *edge) incidents(db *gorm.DB, rows []seedIncident) ([]seedIncident, error) {
	rows, err := e.there(db, rows)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	byID := map[id.ID]*seedIncident{}
	ids := make([]id.ID, 0, len(rows))
	for i := range rows {
		byID[rows[i].ID] = &rows[i]
		ids = append(ids, rows[i].ID)
	}
	var last []struct {
		IncidentID id.ID `gorm:"column:incident_id"`
		Seq        int64 `gorm:"column:seq"`
	}
	if err := db.Raw(`SELECT incident_id, max(seq) AS seq FROM incident_events WHERE incident_id IN ? AND created_at < ? GROUP BY incident_id`, ids, e.at).
		Scan(&last).Error; err != nil {
		return nil, fmt.Errorf("read the incidents' events: %w", storage.Classify(err))
	}
	for _, l := range last {
		byID[l.IncidentID].EventSeq = l.Seq
	}
	events, err := db.Raw(`SELECT incident_id, kind, details, created_at FROM incident_events WHERE incident_id IN ?
		AND kind IN ('opened', 'reopened', 'acknowledged', 'resolved', 'closed', 'severity_raised') ORDER BY incident_id, seq DESC`, ids).Rows()
	if err != nil {
		return nil, fmt.Errorf("read the incidents' events: %w", storage.Classify(err))
	}
	defer events.Close()
	settled := map[id.ID]bool{}
	for events.Next() {
		var incident id.ID
		var kind string
		var details storage.JSON[json.RawMessage]
		var at time.Time
		if err := events.Scan(&incident, &kind, &details, &at); err != nil {
			return nil, fmt.Errorf("read an incident's event: %w", storage.Classify(err))
		}
		e.rewind(byID[incident], kind, details.V, at, settled)
	}
	return rows, storage.Classify(events.Err())
}

// rewind takes one event, the newest first, back from an incident, or learns from it where it stood.
func (e *edge) rewind(r *seedIncident, kind string, details json.RawMessage, at time.Time, settled map[id.ID]bool) {
	before := at.Before(e.at)
	switch {
	case event.EventKind(kind) == event.EventSeverityRaised:
		var about struct {
			From string `json:"from"`
		}
		if !before && json.Unmarshal(details, &about) == nil && about.From != "" {
			r.Severity = about.From
		}
	case !before || settled[r.ID]:
	default:
		settled[r.ID] = true
		r.Status = kind
		if k := event.EventKind(kind); k == event.EventOpened || k == event.EventReopened {
			r.Status = string(event.IncidentOpen)
		}
		if event.IncidentStatus(r.Status).Active() {
			r.ResolvedAt, r.ClosedAt = nil, nil
		}
	}
}

// alerts are those that were there already, as their history tells.
func (e *edge) alerts(db *gorm.DB, rows []seedAlert) ([]seedAlert, error) {
	byID := map[id.ID]*seedAlert{}
	ids := make([]id.ID, 0, len(rows))
	for i := range rows {
		byID[rows[i].ID] = &rows[i]
		ids = append(ids, rows[i].ID)
	}
	there, err := e.lastSeen(db, ids, byID)
	if err != nil {
		return nil, err
	}
	if err := e.takeBack(db, ids, byID); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(rows, func(r seedAlert) bool { return !there[r.ID] }), nil
}

// lastSeen puts alerts back to what the last observation before the window left; there are those that had one.
func (e *edge) lastSeen(db *gorm.DB, ids []id.ID, byID map[id.ID]*seedAlert) (there map[id.ID]bool, err error) {
	var last []struct {
		AlertID     id.ID                           `gorm:"column:alert_id"`
		Status      string                          `gorm:"column:new_status"`
		IncidentID  id.ID                           `gorm:"column:incident_id"`
		ReceiptID   id.ID                           `gorm:"column:receipt_id"`
		At          time.Time                       `gorm:"column:created_at"`
		Description string                          `gorm:"column:description"`
		Labels      storage.JSON[map[string]string] `gorm:"column:labels"`
		Annotations storage.JSON[map[string]string] `gorm:"column:annotations"`
		Passive     *bool                           `gorm:"column:passive"`
	}
	if err := db.Raw(`SELECT h.alert_id, h.new_status, h.incident_id, h.receipt_id, h.created_at, COALESCE(o.description, '') AS description, o.labels,
			o.annotations, o.passive
		FROM (SELECT alert_id, new_status, incident_id, receipt_id, idx, created_at, row_number() OVER (PARTITION BY alert_id ORDER BY id DESC) AS nr
		      FROM alert_history WHERE alert_id IN ? AND receipt_id < ?) h
		LEFT JOIN observations o ON o.receipt_id = h.receipt_id AND o.idx = h.idx WHERE h.nr = 1`, ids, e.first).Scan(&last).Error; err != nil {
		return nil, fmt.Errorf("read the alerts' history: %w", storage.Classify(err))
	}
	there = map[id.ID]bool{}
	for _, l := range last {
		r := byID[l.AlertID]
		there[r.ID] = true
		r.Status, r.IncidentID, r.ReceiptID, r.ReceivedAt = l.Status, l.IncidentID, l.ReceiptID, l.At
		if l.Status == string(event.StatusFiring) {
			r.EndedAt = nil
		}
		if l.Passive == nil || *l.Passive {
			continue // it carries only a few of them
		}
		if l.Description != "" {
			r.Description = l.Description
		}
		if len(l.Labels.V) > 0 {
			r.Labels = l.Labels
		}
		if len(l.Annotations.V) > 0 {
			r.Annotations = l.Annotations
		}
	}
	return there, nil
}

// takeBack undoes what the window and the time after it did to the severity and the count of alerts.
func (e *edge) takeBack(db *gorm.DB, ids []id.ID, byID map[id.ID]*seedAlert) error {
	var seen []struct {
		AlertID id.ID `gorm:"column:alert_id"`
		N       int64 `gorm:"column:n"`
	}
	if err := db.Raw(`SELECT alert_id, count(*) AS n FROM alert_history WHERE alert_id IN ? AND receipt_id >= ?
		AND event IN ('created', 'updated', 'refired', 'superseded') GROUP BY alert_id`, ids, e.first).Scan(&seen).Error; err != nil {
		return fmt.Errorf("read the alerts' history: %w", storage.Classify(err))
	}
	for _, s := range seen {
		byID[s.AlertID].Occurrences = max(1, byID[s.AlertID].Occurrences-s.N)
	}
	changes, err := db.Raw(`SELECT alert_id, details FROM alert_history WHERE alert_id IN ? AND receipt_id >= ? AND CAST(details AS text) LIKE '%"severity"%'
		ORDER BY alert_id, id DESC`, ids, e.first).Rows()
	if err != nil {
		return fmt.Errorf("read the alerts' history: %w", storage.Classify(err))
	}
	defer changes.Close()
	for changes.Next() {
		var alert id.ID
		var details storage.JSON[struct {
			Changed struct {
				Severity []string `json:"severity"`
			} `json:"changed"`
		}]
		if err := changes.Scan(&alert, &details); err != nil {
			return fmt.Errorf("read an alert's history: %w", storage.Classify(err))
		}
		if s := details.V.Changed.Severity; len(s) == 2 {
			byID[alert].Severity = s[0]
		}
	}
	return storage.Classify(changes.Err())
}
