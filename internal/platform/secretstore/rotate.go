package secretstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// maxNamed is how many unreadable secrets Verify names.
const maxNamed = 5

// batch is how many rows Reencrypt changes in one transaction.
const batch = 200

// ErrUnreadable is returned when stored secrets do not open: the hub must not start, it would page nobody.
var ErrUnreadable = errors.New("stored secrets cannot be opened")

// Verify opens every stored value and returns ErrUnreadable, naming the first few, when one does not open. Where the key is
// missing the error also wraps secret.ErrNoKey.
func (s *Store) Verify(ctx context.Context) error {
	var rows []row
	if err := s.db.From(ctx).Order("owner, owner_id, field").Find(&rows).Error; err != nil {
		return fmt.Errorf("check the stored secrets: %w", storage.Classify(err))
	}
	var errs []error
	bad := 0
	for _, r := range rows {
		if _, err := s.open(r); err != nil {
			if bad++; bad <= maxNamed {
				errs = append(errs, err)
			}
		}
	}
	if bad == 0 {
		return nil
	}
	return fmt.Errorf("%w: %d of %d: %w", ErrUnreadable, bad, len(rows), errors.Join(errs...))
}

// Reencrypt seals with the first key of the ring whatever an older key sealed, and returns how many values it changed. It may
// run while the hub works and be stopped at any point; a value that changes meanwhile is left as its writer made it.
func (s *Store) Reencrypt(ctx context.Context) (int, error) {
	var rows []row
	if err := s.db.From(ctx).Order("owner, owner_id, field").Find(&rows).Error; err != nil {
		return 0, fmt.Errorf("load the stored secrets: %w", storage.Classify(err))
	}
	var stale []row
	for _, r := range rows {
		if s.ring.Stale(r.Value) {
			stale = append(stale, r)
		}
	}
	done := 0
	for len(stale) > 0 {
		n := min(batch, len(stale))
		changed := 0
		err := s.db.InTx(ctx, func(ctx context.Context) error {
			changed = 0
			for _, r := range stale[:n] {
				ok, err := s.reseal(ctx, r)
				if err != nil {
					return err
				}
				if ok {
					changed++
				}
			}
			return nil
		})
		if err != nil {
			return done, err
		}
		done += changed
		stale = stale[n:]
	}
	return done, nil
}

func (s *Store) reseal(ctx context.Context, r row) (bool, error) {
	v, err := s.open(r)
	if err != nil {
		return false, err
	}
	sealed, err := s.ring.Seal([]byte(v.Reveal()), r.place())
	if err != nil {
		return false, fmt.Errorf("seal %s again: %w", r.place(), err)
	}
	res := s.db.From(ctx).Model(&row{}).
		Where("owner = ? AND owner_id = ? AND field = ? AND value = ?", r.Owner, r.OwnerID, r.Field, r.Value).
		UpdateColumn("value", sealed)
	if res.Error != nil {
		return false, fmt.Errorf("seal %s again: %w", r.place(), storage.Classify(res.Error))
	}
	return res.RowsAffected == 1, nil
}
