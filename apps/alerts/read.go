package alerts

import (
	"context"
	"errors"
	"fmt"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Most rows of one detail.
const (
	HistoryLimit  = 200
	AlertLimit    = 200
	TimelineLimit = 500
)

// Reader answers questions about alerts and incidents and writes nothing. It is safe for concurrent use. Missing rows, and
// rows of other tenants, are storage.ErrNotFound.
type Reader struct{ db *storage.DB }

// NewReader returns a Reader.
func NewReader(db *storage.DB) (*Reader, error) {
	if db == nil {
		return nil, errors.New("alerts: the reader needs a database")
	}
	return &Reader{db: db}, nil
}

// AlertFilter narrows a list of alerts; zero fields do not. Source with Fingerprint, and Incident, are looked up by index.
type AlertFilter struct {
	Status      string
	Severity    string
	Source      string
	Fingerprint string
	Name        string // exactly
	Incident    id.ID
	Text        string // part of the name or of the labels, whatever the case
}

// Alerts lists alerts, newest first.
func (r *Reader) Alerts(ctx context.Context, tenant string, f AlertFilter, p storage.Paging) (storage.Page[Alert], error) {
	q := r.db.Read(ctx).Table("alerts").Where("tenant_id = ?", tenant)
	for _, c := range []struct{ column, value string }{
		{"source", f.Source}, {"fingerprint", f.Fingerprint}, {"severity", f.Severity}, {"name", f.Name},
	} {
		if c.value != "" {
			q = q.Where(c.column+" = ?", c.value)
		}
	}
	if f.Status != "" {
		q = storage.Seldom(q, "status", []string{f.Status}, "status = 'firing'", "firing")
	}
	if !f.Incident.IsZero() {
		q = q.Where("incident_id = ?", f.Incident)
	}
	if f.Text != "" {
		cond, args := storage.Like(f.Text, "name", "labels")
		q = q.Where(cond, args...)
	}
	var rows []Alert
	if err := p.Apply(q).Find(&rows).Error; err != nil {
		return storage.Page[Alert]{}, fmt.Errorf("list alerts: %w", storage.Classify(err))
	}
	r.deriveAll(rows)
	return storage.PageOf(rows, p, func(a *Alert) id.ID { return a.ID }), nil
}

// Alert returns one alert with its history.
func (r *Reader) Alert(ctx context.Context, tenant string, alert id.ID) (AlertDetail, error) {
	d := AlertDetail{History: []HistoryEntry{}}
	err := r.db.Read(ctx).Table("alerts").Where("tenant_id = ? AND id = ?", tenant, alert).Take(&d.Alert).Error
	if err != nil {
		return AlertDetail{}, storage.Missing(err, "alert "+alert.String())
	}
	d.derive(r.db.Now())
	err = r.db.Read(ctx).Table("alert_history").Where("alert_id = ? AND tenant_id = ?", alert, tenant).
		Order("id DESC").Limit(HistoryLimit).Find(&d.History).Error
	if err != nil {
		return AlertDetail{}, fmt.Errorf("load the history of alert %s: %w", alert, storage.Classify(err))
	}
	return d, nil
}

func (r *Reader) deriveAll(rows []Alert) {
	now := r.db.Now()
	for i := range rows {
		rows[i].derive(now)
	}
}
