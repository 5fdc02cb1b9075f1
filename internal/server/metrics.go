package server

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/orchestration"
)

// measure registers what shows a standstill from outside: due work and its age, and what became of every alert.
func (c *core) measure(r *prometheus.Registry) error {
	own := []prometheus.Collector{collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), &books{core: c}, hushed{c}, throttled{c}, told{c}, asked{c.analysts.Stats}}
	for _, m := range append(append(own, c.bell.Collectors()...), c.signals.Collectors()...) {
		if err := r.Register(m); err != nil {
			return err
		}
	}
	return nil
}

// books reads the jobs and the ledger when it is scraped.
type books struct{ core *core }

var (
	descDue    = prometheus.NewDesc("incidenthub_jobs_due", "Jobs that are due and not taken.", []string{"queue"}, nil)
	descAge    = prometheus.NewDesc("incidenthub_jobs_oldest_due_seconds", "Age of the oldest due job.", []string{"queue"}, nil)
	descRows   = prometheus.NewDesc("incidenthub_ledger_rows", "What became of every observation on every route.", []string{"state"}, nil)
	descPruned = prometheus.NewDesc("incidenthub_pruned_rows_total", "Rows removed because they were over and old, by any process.", []string{"table"}, nil)
	descPrune  = prometheus.NewDesc("incidenthub_pruned_timestamp_seconds", "When pruning came to its end last; 0 when something kept it from that.", nil, nil)
	descOldest = prometheus.NewDesc("incidenthub_oldest_push_seconds", "Age of the oldest push that is kept.", nil, nil)
	descEvened = prometheus.NewDesc("incidenthub_ledger_balanced", "1 when the last check of the books found nothing wrong.", nil, nil)
)

// Describe implements prometheus.Collector.
func (*books) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descDue, descAge, descRows, descEvened, descPruned, descPrune, descOldest} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (b *books) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	b.jobs(ctx, ch)
	b.pruned(ctx, ch)
	if t, err := b.core.totals.Totals(ctx, tenant); err == nil {
		for state, n := range map[string]int64{
			"pending": t.Counts.Pending, "delivered": t.Counts.Delivered, "suppressed": t.Counts.Suppressed, "dead": t.Counts.Dead,
			"no_route": t.Counts.NoRoute, "rejected": t.Counts.Rejected,
		} {
			ch <- prometheus.MustNewConstMetric(descRows, prometheus.GaugeValue, float64(n), state)
		}
	}
	if r, err := b.core.checker.Last(ctx, tenant); err == nil {
		v := 0.0
		if r.Balanced {
			v = 1
		}
		ch <- prometheus.MustNewConstMetric(descEvened, prometheus.GaugeValue, v)
	}
}

func (b *books) pruned(ctx context.Context, ch chan<- prometheus.Metric) {
	st, err := b.core.retention.State(ctx)
	if err != nil {
		return
	}
	for table, n := range st.Total {
		ch <- prometheus.MustNewConstMetric(descPruned, prometheus.CounterValue, float64(n), table)
	}
	if st.Problem != "" {
		ch <- prometheus.MustNewConstMetric(descPrune, prometheus.GaugeValue, 0)
	} else if st.EndedAt != nil {
		ch <- prometheus.MustNewConstMetric(descPrune, prometheus.GaugeValue, float64(st.EndedAt.Unix()))
	}
	if st.Oldest != nil {
		ch <- prometheus.MustNewConstMetric(descOldest, prometheus.GaugeValue, b.core.clock.Now().Sub(*st.Oldest).Seconds())
	}
}

func (b *books) jobs(ctx context.Context, ch chan<- prometheus.Metric) {
	now := b.core.clock.Now()
	var rows []struct {
		Queue string
		N     int64
	}
	if b.core.db.Read(ctx).Raw(`SELECT queue, count(*) AS n FROM jobs WHERE due_at <= ? GROUP BY queue`, now).Scan(&rows).Error != nil {
		return
	}
	due := map[string]int64{orchestration.QueueIngest: 0, notify.QueueNotify: 0, notify.QueueTimers: 0}
	for _, r := range rows {
		due[r.Queue] = r.N
	}
	for q, n := range due {
		ch <- prometheus.MustNewConstMetric(descDue, prometheus.GaugeValue, float64(n), q)
		age := 0.0
		var oldest []time.Time
		if b.core.db.Read(ctx).Raw(`SELECT due_at FROM jobs WHERE queue = ? AND due_at <= ? ORDER BY due_at LIMIT 1`, q, now).
			Scan(&oldest).Error == nil && len(oldest) == 1 {
			age = now.Sub(oldest[0]).Seconds()
		}
		ch <- prometheus.MustNewConstMetric(descAge, prometheus.GaugeValue, age, q)
	}
}
