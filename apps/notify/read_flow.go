package notify

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// flowMost is how many deliveries are counted at most, the newest: a page should not read a year of them.
const flowMost = 50_000

// Flow is what became of the deliveries of some time.
type Flow struct {
	Steps []FlowStep // oldest first; steps without a delivery are left out
	// Since is from when on all are counted: later than was asked for when there were more than 50,000.
	Since time.Time
}

// FlowStep counts the deliveries that were made in one step of time.
type FlowStep struct {
	At                                   time.Time
	Delivered, Pending, Suppressed, Dead int64
}

// Flow counts deliveries since a time, by steps of at least a second. Of the filter States, Kinds, Severity, Channel and Incident count.
func (r *Reader) Flow(ctx context.Context, tenant string, f DeliveryFilter, since time.Time, every time.Duration) (Flow, error) {
	newest := f.narrow(r.db.Read(ctx).Table("deliveries").Where("tenant_id = ? AND id >= ? AND reason <> ?", tenant, id.Before(since), event.ReasonDryRun)).
		Select("created_at, state").Order("id DESC").Limit(flowMost)
	seconds := int64(max(every, time.Second) / time.Second)
	step := "floor(extract(epoch FROM created_at) / ?)::bigint"
	if r.db.Engine() == storage.SQLite {
		step, seconds = "created_at / ?", seconds*1_000_000
	}
	var rows []struct {
		Step  int64  `gorm:"column:step"`
		State string `gorm:"column:state"`
		N     int64  `gorm:"column:n"`
	}
	if err := r.db.Read(ctx).Table("(?) AS d", newest).Select(step+" AS step, state, count(*) AS n", seconds).Group("1, 2").Order("1").
		Find(&rows).Error; err != nil {
		return Flow{}, fmt.Errorf("count deliveries: %w", storage.Classify(err))
	}
	out, total := Flow{Since: since}, int64(0)
	for _, row := range rows {
		at := time.Unix(row.Step*int64(max(every, time.Second)/time.Second), 0).UTC()
		if n := len(out.Steps); n == 0 || !out.Steps[n-1].At.Equal(at) {
			out.Steps = append(out.Steps, FlowStep{At: at})
		}
		out.Steps[len(out.Steps)-1].add(row.State, row.N)
		total += row.N
	}
	if total >= flowMost {
		out.Since = out.Steps[0].At
	}
	return out, nil
}

func (s *FlowStep) add(state string, n int64) {
	switch state {
	case event.StateDelivered:
		s.Delivered += n
	case event.StateSuppressed:
		s.Suppressed += n
	case event.StateDead:
		s.Dead += n
	default:
		s.Pending += n
	}
}

// narrow applies the parts of a filter that are columns.
func (f DeliveryFilter) narrow(q *gorm.DB) *gorm.DB {
	if len(f.Kinds) > 0 {
		q = q.Where("kind IN ?", f.Kinds)
	}
	if f.Severity != "" {
		q = q.Where("severity = ?", f.Severity)
	}
	if f.Reason != "" {
		q = q.Where("reason = ?", f.Reason)
	}
	if !f.Channel.IsZero() {
		q = q.Where("channel_id = ?", f.Channel)
	}
	if !f.Incident.IsZero() {
		q = q.Where("incident_id = ?", f.Incident)
	}
	return q
}
