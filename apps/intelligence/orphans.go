package intelligence

import (
	"context"
	"fmt"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/providers"
)

// Times of looking for analyses whose process died.
const (
	orphansEvery = time.Minute
	// orphanAge is when an analysis that says that it runs does not, wherever its process is: none takes longer than longest. The rest is
	// for clocks that differ.
	orphanAge = longest + time.Minute
)

// orphansAtOnce bounds what one look reads and one transaction writes.
const orphansAtOnce = 500

// ended is what is said of them.
const ended = "the process ended"

// Start looks for analyses whose process died, now and every minute.
func (s *Service) Start() {
	s.sweeping.Go(func() {
		for begin := true; ; begin = false {
			if n, err := s.failOrphans(s.life, begin); err != nil && s.life.Err() == nil {
				s.log.WarnContext(s.life, "look for analyses whose process ended", "error", err)
			} else if n > 0 {
				s.log.InfoContext(s.life, "analyses whose process ended have failed", "n", n)
			}
			if clock.Sleep(s.life, orphansEvery) != nil {
				return
			}
		}
	})
}

type orphan struct {
	ID        id.ID
	TenantID  string
	Owner     string
	CreatedAt time.Time
}

// running has an index of its own, of rows that run: there are few.
const running = `SELECT id, tenant_id, owner, created_at FROM analyses WHERE status = 'running' ORDER BY id LIMIT ?`

// failOrphans gives rows an end whose process has died before it could. Begin: this process has just begun, and with SQLite it is the
// only one.
func (s *Service) failOrphans(ctx context.Context, begin bool) (int, error) {
	var rows []orphan
	if err := s.db.Read(ctx).Raw(running, orphansAtOnce).Scan(&rows).Error; err != nil {
		return 0, fmt.Errorf("look for analyses that run: %w", storage.Classify(err))
	}
	var gone []orphan
	var keys []id.ID
	now := s.db.Now()
	alone := begin && s.db.Engine() == storage.SQLite
	for _, r := range rows {
		if now.Sub(r.CreatedAt) > orphanAge || hasEnded(r.Owner) || alone && (r.Owner == "" || r.Owner != s.owner) {
			gone, keys = append(gone, r), append(keys, r.ID)
		}
	}
	if len(gone) == 0 {
		return 0, nil
	}
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		return s.db.From(ctx).Exec(`UPDATE analyses SET status = ?, error_class = ?, error_message = ?, completed_at = ? WHERE id IN ? AND status = 'running'`,
			StatusFailed, providers.ErrInternal, ended, now, keys).Error
	})
	if err != nil {
		return 0, fmt.Errorf("end analyses whose process ended: %w", storage.Classify(err))
	}
	if s.changed != nil {
		for _, r := range gone {
			s.changed(r.TenantID, "analysis", r.ID)
		}
	}
	return len(gone), nil
}
