package intelligence

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
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

// Start looks for analyses whose process died, now and every minute, and removes answers and counts that are old.
func (s *Service) Start() {
	s.sweeping.Go(s.prunes)
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

// endOrphan gives a row an end, if it has none yet.
var endOrphan = storage.Update("analyses", []storage.Column{
	storage.Col("id", storage.UUID), storage.Col("status", storage.Text), storage.Col("error_class", storage.Text), storage.Col("error_message", storage.Text),
	storage.Col("completed_at", storage.Time),
}, "status = v.status, error_class = v.error_class, error_message = v.error_message, completed_at = v.completed_at",
	"t.id = v.id AND t.completed_at IS NULL", "")

// failOrphans gives rows an end whose process has died before it could. Begin: this process has just begun, and with SQLite it is the
// only one.
func (s *Service) failOrphans(ctx context.Context, begin bool) (int, error) {
	var rows []orphan
	if err := s.db.Read(ctx).Raw(running, orphansAtOnce).Scan(&rows).Error; err != nil {
		return 0, fmt.Errorf("look for analyses that run: %w", storage.Classify(err))
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	var gone int
	now := s.db.Now()
	alone := begin && s.db.Engine() == storage.SQLite
	for _, r := range rows {
		if now.Sub(r.CreatedAt) > orphanAge || hasEnded(r.Owner) || alone && (r.Owner == "" || r.Owner != s.owner) {
			gone++
			all.Add(1)
			s.writes.Submit(&write{id: r.ID, orphan: true}, func(err error) {
				defer all.Done()
				switch {
				case err != nil:
					mu.Lock()
					errs = append(errs, err)
					mu.Unlock()
				case s.changed != nil:
					s.changed(r.TenantID, "analysis", r.ID)
				}
			})
		}
	}
	all.Wait()
	if len(errs) > 0 {
		return 0, fmt.Errorf("end analyses whose process ended: %w", errs[0])
	}
	return gone, nil
}
