// Package changes keeps what people and pipelines say they changed, so that an incident can show what happened shortly before it.
package changes

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Keep is how long changes are kept: none is accepted that is older.
const Keep = 90 * 24 * time.Hour

// Change is something that was changed.
type Change struct {
	ID        id.ID             `json:"id" gorm:"column:id;primaryKey"`
	TenantID  string            `json:"-" gorm:"column:tenant_id"`
	Title     string            `json:"title" gorm:"column:title"`
	Kind      string            `json:"kind" gorm:"column:kind"`
	Service   string            `json:"service" gorm:"column:service"`
	Labels    map[string]string `json:"labels" gorm:"column:labels;serializer:json"`
	URL       string            `json:"url" gorm:"column:url"`
	Author    string            `json:"author" gorm:"column:author"`
	At        time.Time         `json:"at" gorm:"column:at" doc:"When it was changed, not when the hub heard of it."`
	CreatedAt time.Time         `json:"created_at" gorm:"column:created_at"`
}

// TableName implements gorm's Tabler.
func (Change) TableName() string { return "changes" }

// Service keeps changes. It is safe for concurrent use.
type Service struct{ db *storage.DB }

// New returns a Service.
func New(db *storage.DB) (*Service, error) {
	if db == nil {
		return nil, errors.New("changes: a database is required")
	}
	return &Service{db: db}, nil
}

// Record keeps a change. What cannot be kept as it is given is *Invalid, with all that is wrong.
func (s *Service) Record(ctx context.Context, tenant string, in Input) (Change, error) {
	now := s.db.Now()
	c, err := in.change(now)
	if err != nil {
		return Change{}, err
	}
	c.ID, c.TenantID, c.CreatedAt = id.New(), tenant, now
	err = s.db.InTx(ctx, func(ctx context.Context) error { return s.db.From(ctx).Create(&c).Error })
	if err != nil {
		return Change{}, fmt.Errorf("keep a change: %w", storage.Classify(err))
	}
	return c, nil
}

// Delete removes a change.
func (s *Service) Delete(ctx context.Context, tenant string, change id.ID) error {
	return s.db.InTx(ctx, func(ctx context.Context) error {
		done := s.db.From(ctx).Exec("DELETE FROM changes WHERE tenant_id = ? AND id = ?", tenant, change)
		if done.Error != nil {
			return fmt.Errorf("delete change %s: %w", change, storage.Classify(done.Error))
		}
		if done.RowsAffected == 0 {
			return fmt.Errorf("change %s: %w", change, storage.ErrNotFound)
		}
		return nil
	})
}

// Filter narrows a list; zero fields do not.
type Filter struct {
	Service      string
	Kind         string
	Since, Until time.Time         // At is from Since on, and before Until
	Labels       map[string]string // each must be there with that value
}

// List lists changes by the time at which they were made, newest first. The cursor is the last change of the page before.
func (s *Service) List(ctx context.Context, tenant string, f Filter, p storage.Paging) (storage.Page[Change], error) {
	page := storage.Page[Change]{Items: []Change{}}
	var at time.Time
	if !p.Before.IsZero() {
		var last []Change
		if err := s.db.Read(ctx).Where("tenant_id = ? AND id = ?", tenant, p.Before).Limit(1).Find(&last).Error; err != nil {
			return page, fmt.Errorf("find the page before: %w", storage.Classify(err))
		}
		if len(last) == 0 {
			return page, storage.ErrCursor
		}
		at = last[0].At
	}
	last := p.Before
	for {
		rows, err := s.page(ctx, tenant, f, at, last)
		if err != nil {
			return page, err
		}
		for _, c := range rows {
			at, last = c.At, c.ID
			if !holds(c.Labels, f.Labels) {
				continue
			}
			if len(page.Items) == p.Size() {
				page.NextCursor = page.Items[len(page.Items)-1].ID.String()
				return page, nil
			}
			page.Items = append(page.Items, c)
		}
		if len(rows) < listStep {
			return page, nil
		}
	}
}

// listStep is how many rows are read at once: labels are compared here, in the same way for both engines.
const listStep = 500

// page reads the rows that come after one, or the newest when that is zero.
func (s *Service) page(ctx context.Context, tenant string, f Filter, at time.Time, after id.ID) ([]Change, error) {
	q := s.db.Read(ctx).Where("tenant_id = ?", tenant)
	if !after.IsZero() {
		q = q.Where("(at, id) < (?, ?)", at.UTC(), after)
	}
	q = during(q, f.Since, f.Until)
	if f.Service != "" {
		q = q.Where("service = ?", f.Service)
	}
	if f.Kind != "" {
		q = q.Where("kind = ?", f.Kind)
	}
	var rows []Change
	if err := q.Order("at DESC, id DESC").Limit(listStep).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list changes: %w", storage.Classify(err))
	}
	for i := range rows {
		rows[i].At, rows[i].CreatedAt = rows[i].At.UTC(), rows[i].CreatedAt.UTC()
		if rows[i].Labels == nil {
			rows[i].Labels = map[string]string{}
		}
	}
	return rows, nil
}

func during(q *gorm.DB, since, until time.Time) *gorm.DB {
	if !since.IsZero() {
		q = q.Where("at >= ?", since.UTC())
	}
	if !until.IsZero() {
		q = q.Where("at < ?", until.UTC())
	}
	return q
}

// holds reports whether labels have all of these values.
func holds(labels, want map[string]string) bool {
	for k, v := range want {
		if got, ok := labels[k]; !ok || got != v {
			return false
		}
	}
	return true
}
