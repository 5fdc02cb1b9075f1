package checkers

import (
	"context"
	"fmt"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Key names a check on a host.
type Key struct{ Checker, Hostname string }

// Moment is a run in short.
type Moment struct {
	CheckerName string    `gorm:"column:checker_name"`
	Hostname    string    `gorm:"column:hostname"`
	ID          id.ID     `gorm:"column:id"`
	Status      Status    `gorm:"column:status"`
	ExecutedAt  time.Time `gorm:"column:executed_at"`
}

// Recent returns the last n runs of each check on each host in the last seven days, oldest first.
func (s *Store) Recent(ctx context.Context, tenant string, n int) (map[Key][]Moment, error) {
	var rows []Moment
	err := s.db.Read(ctx).Raw(`SELECT checker_name, hostname, id, status, executed_at FROM (SELECT checker_name, hostname, id, status, executed_at,
		ROW_NUMBER() OVER (PARTITION BY checker_name, hostname ORDER BY id DESC) AS nth FROM check_runs c WHERE tenant_id = ? AND id >= ?) newest
		WHERE nth <= ? ORDER BY id LIMIT ?`, tenant, id.Before(s.db.Now().Add(-latestFrom)), n, n*maxLatest).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("list the last checks: %w", storage.Classify(err))
	}
	out := map[Key][]Moment{}
	for _, m := range rows {
		k := Key{m.CheckerName, m.Hostname}
		m.ExecutedAt = m.ExecutedAt.UTC()
		out[k] = append(out[k], m)
	}
	return out, nil
}
