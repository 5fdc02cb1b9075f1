package auth

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// every is the time between two clean-ups, and so how late last_used_at may be.
const every = time.Minute

// usage remembers in memory when keys were used, until Flush writes it. It holds at most one entry per key.
type usage struct {
	mu   sync.Mutex
	seen map[id.ID]time.Time
}

func (u *usage) note(key id.ID, at time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.seen == nil {
		u.seen = map[id.ID]time.Time{}
	}
	u.seen[key] = at
}

func (u *usage) take() map[id.ID]time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	seen := u.seen
	u.seen = nil
	return seen
}

// Flush writes when keys were last used and deletes sessions that are over. Run calls it once a minute.
func (s *Service) Flush(ctx context.Context) error {
	seen := s.usage.take()
	if len(seen) > 0 {
		err := s.db.InTx(ctx, func(ctx context.Context) error {
			for key, at := range seen {
				err := s.db.From(ctx).Model(&Key{}).Where("id = ? AND (last_used_at IS NULL OR last_used_at < ?)", key, at).
					UpdateColumn("last_used_at", at).Error
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("write when keys were used: %w", err)
		}
	}
	if err := s.db.From(ctx).Where("expiry <= ?", s.db.Now()).Delete(&sessionRow{}).Error; err != nil {
		return fmt.Errorf("delete sessions that are over: %w", storage.Classify(err))
	}
	return nil
}

// Run flushes once a minute until ctx ends, and once more then. It returns when that is done.
func (s *Service) Run(ctx context.Context) {
	for clock.Sleep(ctx, every) == nil {
		s.flush(ctx)
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	s.flush(last)
}

func (s *Service) flush(ctx context.Context) {
	if err := s.Flush(ctx); err != nil {
		s.log.WarnContext(ctx, "keys and sessions not tidied up", "error", err)
	}
}
