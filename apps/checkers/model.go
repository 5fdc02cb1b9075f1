package checkers

import (
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// CheckRun is one check that was run, as it is kept.
type CheckRun struct {
	ID          id.ID          `json:"id" gorm:"column:id;primaryKey"`
	TenantID    string         `json:"-" gorm:"column:tenant_id"`
	CheckerName string         `json:"checker_name" gorm:"column:checker_name"`
	Hostname    string         `json:"hostname" gorm:"column:hostname"`
	Status      Status         `json:"status" gorm:"column:status" enum:"ok,warning,critical,unknown"`
	Message     string         `json:"message" gorm:"column:message"`
	Metrics     map[string]any `json:"metrics" gorm:"column:metrics;serializer:json"`
	Error       string         `json:"error" gorm:"column:error" doc:"Why the status is unknown."`
	Warning     *float64       `json:"warning_threshold" gorm:"column:warning_threshold"`
	Critical    *float64       `json:"critical_threshold" gorm:"column:critical_threshold"`
	Origin      string         `json:"origin" gorm:"column:origin" doc:"What asked for it: api, page, cli, pipeline."`
	AlertID     *id.ID         `json:"alert_id" gorm:"column:alert_id" doc:"The alert that came of it, null when none did."`
	RunID       *id.ID         `json:"run_id" gorm:"column:run_id" doc:"The pipeline's run that asked first; others may have used it too."`
	DurationMS  int64          `json:"duration_ms" gorm:"column:duration_ms"`
	ExecutedAt  time.Time      `json:"executed_at" gorm:"column:executed_at"`
	TraceID     string         `json:"trace_id" gorm:"column:trace_id"`

	IsOK         bool `json:"is_ok" gorm:"-"`
	IsCritical   bool `json:"is_critical" gorm:"-"`
	HasIssue     bool `json:"has_issue" gorm:"-" doc:"It is not ok."`
	CreatedAlert bool `json:"created_alert" gorm:"-" doc:"There is an alert_id."`
}

// TableName implements gorm's Tabler.
func (CheckRun) TableName() string { return "check_runs" }

// derive fills what follows from the rest.
func (r *CheckRun) derive() {
	r.IsOK, r.IsCritical, r.HasIssue = r.Status == OK, r.Status == Critical, r.Status != OK
	r.CreatedAlert = r.AlertID != nil
	r.ExecutedAt = r.ExecutedAt.UTC()
	if r.Metrics == nil {
		r.Metrics = map[string]any{}
	}
}

// Point is what several runs of a check say, for a chart.
type Point struct {
	At     time.Time `json:"at" doc:"Beginning of the time that it stands for."`
	Runs   int       `json:"runs"`
	Status Status    `json:"status" doc:"The worst one."`
	// The metric that the thresholds are about; null when no run had it.
	Min  *float64 `json:"min"`
	Mean *float64 `json:"mean"`
	Max  *float64 `json:"max"`
}

// History is how a check went over a time.
type History struct {
	CheckerName string    `json:"checker_name"`
	Hostname    string    `json:"hostname"`
	Metric      string    `json:"metric" doc:"What min, mean and max are of."`
	Unit        string    `json:"unit"`
	Since       time.Time `json:"since"`
	Until       time.Time `json:"until"`
	Step        float64   `json:"step_s" doc:"Seconds that a point stands for."`
	Warning     *float64  `json:"warning_threshold" doc:"As they were in the newest run."`
	Critical    *float64  `json:"critical_threshold"`
	Points      []Point   `json:"points" doc:"Oldest first; times without a run have none."`
}
