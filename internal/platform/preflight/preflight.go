// Package preflight has the words for checks of a hub's own setup, and keeps what they found.
package preflight

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Level is what a check says. A run's overall status is ok, warn or error: info counts as ok.
type Level string

// The levels.
const (
	OK    Level = "ok"
	Info  Level = "info"
	Warn  Level = "warn"
	Error Level = "error"
)

// Groups are what --only takes, in the order in which they are shown.
func Groups() []string {
	return []string{"security", "environment", "pipeline", "crontab", "migrations", "database"}
}

// Check is what was found of one thing.
type Check struct {
	Group   string `json:"group"`
	Name    string `json:"name"`
	Level   Level  `json:"level" enum:"ok,info,warn,error"`
	Message string `json:"message"`
	Hint    string `json:"hint" doc:"What to do, empty where nothing has to be done."`
}

// Run is one preflight.
type Run struct {
	ID            id.ID                 `json:"id" gorm:"column:id;primaryKey"`
	TenantID      string                `json:"-" gorm:"column:tenant_id"`
	InstanceID    string                `json:"instance_id" gorm:"column:instance_id" doc:"The machine that was looked at."`
	Passed        int                   `json:"passed" gorm:"column:passed"`
	Warnings      int                   `json:"warnings" gorm:"column:warnings"`
	Errors        int                   `json:"errors" gorm:"column:errors"`
	OverallStatus Level                 `json:"overall_status" gorm:"column:overall_status" enum:"ok,warn,error"`
	TriggeredBy   string                `json:"triggered_by" gorm:"column:triggered_by"`
	Checks        storage.JSON[[]Check] `json:"-" gorm:"column:checks"`
	CreatedAt     time.Time             `json:"created_at" gorm:"column:created_at"`
	List          []Check               `json:"checks" gorm:"-"`
}

// TableName implements gorm's Tabler.
func (Run) TableName() string { return "preflight_runs" }

// Sum makes a run of what was found.
func Sum(checks []Check, instance, by string, at time.Time) Run {
	r := Run{ID: id.New(), InstanceID: instance, TriggeredBy: by, CreatedAt: at, List: checks, OverallStatus: OK}
	if r.List == nil {
		r.List = []Check{}
	}
	for _, c := range checks {
		switch c.Level {
		case Error:
			r.Errors++
		case Warn:
			r.Warnings++
		default:
			r.Passed++
		}
	}
	switch {
	case r.Errors > 0:
		r.OverallStatus = Error
	case r.Warnings > 0:
		r.OverallStatus = Warn
	}
	return r
}

// Wanted reports whether a group is among those asked for; none are all.
func Wanted(only []string, group string) bool { return len(only) == 0 || slices.Contains(only, group) }

// Save keeps a run.
func Save(ctx context.Context, db *storage.DB, tenant string, r Run) error {
	r.TenantID, r.Checks = tenant, storage.Doc(r.List)
	err := db.InTx(ctx, func(ctx context.Context) error { return db.From(ctx).Create(&r).Error })
	if err != nil {
		return fmt.Errorf("keep the preflight: %w", storage.Classify(err))
	}
	return nil
}

// List lists runs, newest first.
func List(ctx context.Context, db *storage.DB, tenant string, p storage.Paging) (storage.Page[Run], error) {
	var rows []Run
	if err := p.Apply(db.Read(ctx).Where("tenant_id = ?", tenant)).Find(&rows).Error; err != nil {
		return storage.Page[Run]{}, fmt.Errorf("list preflights: %w", storage.Classify(err))
	}
	for i := range rows {
		rows[i].List, rows[i].CreatedAt = rows[i].Checks.V, rows[i].CreatedAt.UTC()
	}
	return storage.PageOf(rows, p, func(r *Run) id.ID { return r.ID }), nil
}
