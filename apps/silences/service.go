package silences

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/failpoint"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Create makes a silence. What is wrong with the input comes as *Invalid, all at once.
func (s *Service) Create(ctx context.Context, tenant string, in Input, by string) (Silence, error) {
	now, err := s.now(ctx)
	if err != nil {
		return Silence{}, err
	}
	c, err := in.check(now, nil)
	if err != nil {
		return Silence{}, err
	}
	made := c.silence
	made.ID, made.TenantID, made.CreatedBy, made.Version, made.CreatedAt, made.UpdatedAt = id.New(), tenant, line(by), 1, now, now
	if err := s.meet(ctx, &made, c.matchers, now); err != nil {
		return Silence{}, err
	}
	err = s.change(ctx, func(ctx context.Context) error {
		var live int64
		if err := s.db.From(ctx).Model(&row{}).Where("tenant_id = ? AND expired_at IS NULL AND (ends_at IS NULL OR ends_at > ?)", tenant, now).
			Count(&live).Error; err != nil {
			return err
		}
		if live >= mostLive {
			return ErrTooMany
		}
		if err := s.giveName(ctx, tenant, made.Name, now); err != nil {
			return err
		}
		r := made.row()
		return s.db.From(ctx).Create(&r).Error
	})
	if err != nil {
		return Silence{}, fmt.Errorf("create a silence: %w", err)
	}
	s.log.InfoContext(ctx, "silence created", "silence_id", made.ID, "kind", made.Kind, "matchers", made.Matchers, "by", made.CreatedBy)
	return made, s.describe(ctx, tenant, now, &made)
}

// giveName takes a name from a silence that is over by its time though nobody has booked that yet.
func (s *Service) giveName(ctx context.Context, tenant, name string, now time.Time) error {
	if name == "" {
		return nil
	}
	return s.db.From(ctx).Exec(`UPDATE silences SET expired_at = ends_at, version = version + 1
		WHERE tenant_id = ? AND name = ? AND expired_at IS NULL AND ends_at <= ?`, tenant, name, now).Error
}

// meet notes that a silence which ends with what it matches has matched something, before that can be over again.
func (s *Service) meet(ctx context.Context, made *Silence, ms Matchers, now time.Time) error {
	if !made.UntilResolved || made.StartsAt.After(now) || !made.UsedAt.IsZero() {
		return nil
	}
	return s.firing(ctx, made.TenantID, func(a *event.Alert) bool {
		if ms.Match(a) {
			made.UsedAt = now
		}
		return made.UsedAt.IsZero()
	})
}

// Get returns one silence.
func (s *Service) Get(ctx context.Context, tenant string, silence id.ID) (Silence, error) {
	now, err := s.now(ctx)
	if err != nil {
		return Silence{}, err
	}
	got, err := s.find(s.db.Read(ctx), tenant, silence)
	if err != nil {
		return Silence{}, err
	}
	return got, s.describe(ctx, tenant, now, &got)
}

func (s *Service) find(db *gorm.DB, tenant string, silence id.ID) (Silence, error) {
	var r row
	if err := db.Where("tenant_id = ? AND id = ?", tenant, silence).Take(&r).Error; err != nil {
		return Silence{}, storage.Missing(err, "silence "+silence.String())
	}
	return r.silence()
}

// Update replaces what in holds, if the silence still has that version (0: whatever it has). One that is over stays over.
func (s *Service) Update(ctx context.Context, tenant string, silence id.ID, version int64, in Input, by string) (Silence, error) {
	now, err := s.now(ctx)
	if err != nil {
		return Silence{}, err
	}
	was, err := s.find(s.db.From(ctx), tenant, silence)
	if err != nil {
		return Silence{}, err
	}
	if version != 0 && version != was.Version {
		return Silence{}, fmt.Errorf("update silence %s: %w", silence, ErrConflict)
	}
	if err := was.over(now); err != nil {
		return Silence{}, err
	}
	c, err := in.check(now, &was)
	if err != nil {
		return Silence{}, err
	}
	next := c.silence
	next.ID, next.TenantID, next.CreatedBy, next.CreatedAt, next.Version, next.UpdatedAt = was.ID, tenant, was.CreatedBy, was.CreatedAt, was.Version, now
	if slices.Equal(next.Matchers, was.Matchers) { // what others matched does not make it used
		next.UsedAt = was.UsedAt
	}
	if err := s.meet(ctx, &next, c.matchers, now); err != nil {
		return Silence{}, err
	}
	err = s.change(ctx, func(ctx context.Context) error { return s.save(ctx, &next) })
	if err != nil {
		return Silence{}, fmt.Errorf("update silence %s: %w", silence, err)
	}
	s.log.InfoContext(ctx, "silence changed", "silence_id", next.ID, "version", next.Version, "matchers", next.Matchers, "by", line(by))
	return next, s.describe(ctx, tenant, now, &next)
}

// over refuses to change what has ended.
func (s *Silence) over(now time.Time) error {
	if !s.ExpiredAt.IsZero() || !s.EndsAt.IsZero() && !s.EndsAt.After(now) {
		return fmt.Errorf("the silence is over; make a new one: %w", event.ErrRefused)
	}
	return nil
}

// Expire ends a silence now. It stays in the list. Ending what is over is no error.
func (s *Service) Expire(ctx context.Context, tenant string, silence id.ID, by string) (Silence, error) {
	now, err := s.now(ctx)
	if err != nil {
		return Silence{}, err
	}
	got, err := s.find(s.db.From(ctx), tenant, silence)
	if err != nil || got.over(now) != nil {
		if err == nil {
			err = s.describe(ctx, tenant, now, &got)
		}
		return got, err
	}
	err = s.change(ctx, func(ctx context.Context) error {
		return s.db.From(ctx).Exec(`UPDATE silences SET expired_at = ?, expired_by = ?, updated_at = ?, version = version + 1
			WHERE tenant_id = ? AND id = ? AND expired_at IS NULL`, now, line(by), now, tenant, silence).Error
	})
	if err != nil {
		return Silence{}, fmt.Errorf("expire silence %s: %w", silence, err)
	}
	s.log.InfoContext(ctx, "silence expired", "silence_id", silence, "by", line(by))
	return s.Get(ctx, tenant, silence)
}

// save writes every column that may change, if nobody was faster.
func (s *Service) save(ctx context.Context, next *Silence) error {
	if err := s.giveName(ctx, next.TenantID, next.Name, next.UpdatedAt); err != nil {
		return err
	}
	was := next.Version
	next.Version++
	r := next.row()
	res := s.db.From(ctx).Model(&row{}).Where("tenant_id = ? AND id = ? AND version = ? AND expired_at IS NULL", next.TenantID, next.ID, was).
		Select("*").Omit("id", "tenant_id", "created_by", "created_at", "expired_at", "expired_by").Updates(&r)
	if res.Error != nil {
		return res.Error
	}
	if res.RowsAffected == 0 {
		return ErrConflict
	}
	return nil
}

// change runs fn in a transaction that tells every process to read the silences again.
func (s *Service) change(ctx context.Context, fn func(ctx context.Context) error) error {
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		if err := s.db.BumpGeneration(ctx); err != nil {
			return err
		}
		return fn(ctx)
	})
	if storage.Duplicate(err) {
		return ErrExists
	}
	if err == nil {
		failpoint.Hit(failpoint.Committed)
		s.changed()
	}
	return err
}
