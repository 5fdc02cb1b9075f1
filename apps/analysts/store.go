package analysts

import (
	"context"
	"fmt"

	"github.com/incidenthub/incidenthub/internal/platform/settings"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

func (r *Record) set(in RecordInput, set settings.Settled) {
	r.Name, r.IsActive, r.Description = in.Name, in.IsActive, in.Description
	r.Config = storage.Doc(set.Masked)
}

// load returns a record to be changed, if it still has that version; 0: whatever it has.
func (s *Service) load(ctx context.Context, tenant, ref string, version int64) (Record, error) {
	r, err := find(s.db.From(ctx), tenant, ref)
	if err != nil {
		return Record{}, err
	}
	if version != 0 && version != r.Version {
		return Record{}, fmt.Errorf("update provider %q: %w", r.Name, ErrConflict)
	}
	return r, nil
}

// makeWay deactivates the others when r is to be active. Their versions grow, so that nobody brings one back who saw it before.
func (s *Service) makeWay(ctx context.Context, r Record) error {
	if !r.IsActive {
		return nil
	}
	return s.db.From(ctx).Exec(`UPDATE providers SET is_active = ?, version = version + 1, updated_at = ?
		WHERE tenant_id = ? AND is_active AND id <> ?`, false, s.db.Now(), r.TenantID, r.ID).Error
}

// save writes every column of r if nobody was faster.
func (s *Service) save(ctx context.Context, r *Record) error {
	was := r.Version
	r.Version++
	r.UpdatedAt = s.db.Now()
	res := s.db.From(ctx).Model(&Record{}).Where("tenant_id = ? AND id = ? AND version = ?", r.TenantID, r.ID, was).
		Select("*").Omit("id", "tenant_id", "provider", "created_at").Updates(r)
	if res.Error != nil {
		return res.Error
	}
	if res.RowsAffected == 0 {
		return ErrConflict
	}
	return nil
}

// change runs fn in a transaction that tells every process to read the providers again. It marks that first: the mark is one row, so that
// changes come one after the other, and whoever makes a provider active sees the one that was.
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
		s.changed()
	}
	return err
}
