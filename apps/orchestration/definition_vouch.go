package orchestration

import (
	"context"
	"errors"
	"fmt"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Vouch notes that the operator, who has the database at hand, says the same as the newest version of a definition. Nothing that comes
// over the API or a page may call it.
func (s *DefinitionService) Vouch(ctx context.Context, tenant, ref string) error {
	d, err := s.Get(ctx, tenant, ref)
	if err != nil {
		return err
	}
	vouched, err := s.Vouched(ctx, tenant, d.ID, d.Version)
	if err != nil || vouched {
		return err
	}
	err = s.db.InTx(ctx, func(ctx context.Context) error {
		return s.db.From(ctx).Exec("UPDATE definition_versions SET vouched = true WHERE definition_id = ? AND version = ? AND tenant_id = ?",
			d.ID, d.Version, tenant).Error
	})
	if err != nil {
		return fmt.Errorf("vouch for pipeline %.100q: %w", ref, storage.Classify(err))
	}
	return nil
}

// Vouched reports whether the operator wrote a version, or said the same later. Nobody vouches for a version that is not there.
func (s *DefinitionService) Vouched(ctx context.Context, tenant string, definition id.ID, version int64) (bool, error) {
	v, err := s.Version(ctx, tenant, definition, version)
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	return v.Vouched, err
}
