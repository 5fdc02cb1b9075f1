package checkers

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Store keeps and reads what checks said. It is safe for concurrent use.
type Store struct{ db *storage.DB }

// NewStore returns a Store.
func NewStore(db *storage.DB) *Store { return &Store{db: db} }

// Filter narrows a list of runs; zero fields do not.
type Filter struct {
	Checker  string
	Hostname string
	Status   Status
	RunID    id.ID     // of a pipeline
	Since    time.Time // executed from then on
}

// List lists runs, newest first.
func (s *Store) List(ctx context.Context, tenant string, f Filter, p storage.Paging) (storage.Page[CheckRun], error) {
	q := s.db.Read(ctx).Where("tenant_id = ?", tenant)
	for _, c := range []struct{ column, value string }{{"checker_name", f.Checker}, {"hostname", f.Hostname}, {"status", string(f.Status)}} {
		if c.value != "" {
			q = q.Where(c.column+" = ?", c.value)
		}
	}
	if !f.RunID.IsZero() {
		q = q.Where("run_id = ?", f.RunID)
	}
	if !f.Since.IsZero() { // ids are made after the check began
		q = q.Where("id >= ? AND executed_at >= ?", id.Before(f.Since), f.Since.UTC())
	}
	var rows []CheckRun
	if err := p.Apply(q).Find(&rows).Error; err != nil {
		return storage.Page[CheckRun]{}, fmt.Errorf("list checks: %w", storage.Classify(err))
	}
	for i := range rows {
		rows[i].derive()
	}
	return storage.PageOf(rows, p, func(r *CheckRun) id.ID { return r.ID }), nil
}

// Get returns one run.
func (s *Store) Get(ctx context.Context, tenant string, run id.ID) (CheckRun, error) {
	var r CheckRun
	if err := s.db.Read(ctx).Where("tenant_id = ? AND id = ?", tenant, run).Take(&r).Error; err != nil {
		return CheckRun{}, storage.Missing(err, "check "+run.String())
	}
	r.derive()
	return r, nil
}

// latestFrom is how far back Latest looks.
const latestFrom = 7 * 24 * time.Hour

// maxLatest bounds Latest.
const maxLatest = 500

// Latest returns the newest run of each check on each host in the last seven days, by check and host.
func (s *Store) Latest(ctx context.Context, tenant string) ([]CheckRun, error) {
	rows := []CheckRun{}
	err := s.db.Read(ctx).Raw(`SELECT * FROM (SELECT c.*, ROW_NUMBER() OVER (PARTITION BY checker_name, hostname ORDER BY id DESC) AS nth
		FROM check_runs c WHERE tenant_id = ? AND id >= ?) newest WHERE nth = 1 ORDER BY checker_name, hostname LIMIT ?`,
		tenant, id.Before(s.db.Now().Add(-latestFrom)), maxLatest).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("list the newest checks: %w", storage.Classify(err))
	}
	for i := range rows {
		rows[i].derive()
	}
	return rows, nil
}

// Bounds of a history.
const (
	DefaultPoints = 120
	MaxPoints     = 500
	MaxHistory    = 30 * 24 * time.Hour
	maxRead       = 100_000 // rows
)

// HistoryQuery asks for a History.
type HistoryQuery struct {
	Checker  string
	Hostname string
	Since    time.Time // zero: a day ago
	Points   int       // at most; 0: DefaultPoints
}

// History sums up the runs of one check on one host for a chart. spec says which metric it is about.
func (s *Store) History(ctx context.Context, tenant string, spec Spec, q HistoryQuery) (History, error) {
	now := s.db.Now()
	if q.Since.IsZero() {
		q.Since = now.Add(-24 * time.Hour)
	}
	if oldest := now.Add(-MaxHistory); q.Since.Before(oldest) {
		q.Since = oldest
	}
	if q.Points <= 0 {
		q.Points = DefaultPoints
	}
	q.Points = min(q.Points, MaxPoints)
	h := History{
		CheckerName: spec.Name, Hostname: q.Hostname, Metric: spec.Metric, Unit: spec.Unit, Since: q.Since.UTC(), Until: now, Points: []Point{},
	}
	step := max(now.Sub(h.Since)/time.Duration(q.Points), time.Second).Truncate(time.Second)
	for now.Sub(h.Since) > step*time.Duration(q.Points) {
		step += time.Second
	}
	h.Step = step.Seconds()
	var rows []CheckRun
	err := s.db.Read(ctx).Select("id, status, metrics, warning_threshold, critical_threshold, executed_at").
		Where("tenant_id = ? AND checker_name = ? AND hostname = ? AND id >= ? AND executed_at >= ?", tenant, spec.Name, q.Hostname, id.Before(h.Since), h.Since).
		Order("id DESC").Limit(maxRead).Find(&rows).Error
	if err != nil {
		return History{}, fmt.Errorf("read the history of %s: %w", spec.Name, storage.Classify(err))
	}
	if len(rows) > 0 {
		h.Warning, h.Critical = rows[0].Warning, rows[0].Critical
	}
	h.Points = points(rows, h.Since, step, spec.Metric)
	return h, nil
}

// points sums up rows, newest first, into points, oldest first.
func points(rows []CheckRun, since time.Time, step time.Duration, metric string) []Point {
	out := []Point{}
	at, values := int64(-1), 0
	for i := len(rows) - 1; i >= 0; i-- {
		r := &rows[i]
		n := int64(r.ExecutedAt.Sub(since) / step)
		if n > at { // a run that took long may be kept after later ones: it is counted with them
			at, values = n, 0
			out = append(out, Point{At: since.Add(step * time.Duration(n)), Status: OK})
		}
		p := &out[len(out)-1]
		p.Runs++
		p.Status = Worse(p.Status, r.Status)
		v, ok := r.Metrics[metric].(float64)
		if !ok {
			continue
		}
		values++
		if p.Mean == nil {
			p.Min, p.Mean, p.Max = new(v), new(v), new(v)
			continue
		}
		*p.Min, *p.Max = math.Min(*p.Min, v), math.Max(*p.Max, v)
		*p.Mean += (v - *p.Mean) / float64(values)
	}
	return out
}

// keep writes a run.
func (s *Store) keep(ctx context.Context, r CheckRun) error {
	err := s.db.InTx(ctx, func(ctx context.Context) error { return s.db.From(ctx).Create(&r).Error })
	if err != nil {
		return fmt.Errorf("keep a check: %w", storage.Classify(err))
	}
	return nil
}

// link notes which alerts came of runs.
func (s *Store) link(ctx context.Context, tenant string, alerts map[id.ID]id.ID) error {
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		for run, alert := range alerts {
			err := s.db.From(ctx).Exec("UPDATE check_runs SET alert_id = ? WHERE id = ? AND tenant_id = ?", alert, run, tenant).Error
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("note the alerts of checks: %w", storage.Classify(err))
	}
	return nil
}
