package server

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// hushed shows what silences do: a hub that tells nobody should not look like one that has nothing to tell.
type hushed struct{ core *core }

var (
	descSilences = prometheus.NewDesc("incidenthub_silences", "Silences that are not over. status: active or pending. kind: silence or maintenance.", []string{"status", "kind"}, nil)
	descHeld     = prometheus.NewDesc("incidenthub_held_incidents", "Incidents that are told at the end of what silences them, if they still fire.", nil, nil)
	descHeldOf   = prometheus.NewDesc("incidenthub_held_alerts", "Alerts of these incidents that are held back.", nil, nil)
	descHeldFor  = prometheus.NewDesc("incidenthub_held_oldest_seconds", "For how long the longest held alert has been; 0 when none is.", nil, nil)
	descRetold   = prometheus.NewDesc("incidenthub_retold_total", "Incidents that this process has told at the end of what silenced them.", nil, nil)
)

// Describe implements prometheus.Collector.
func (hushed) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descSilences, descHeld, descHeldOf, descHeldFor, descRetold} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (h hushed) Collect(ch chan<- prometheus.Metric) {
	now := h.core.clock.Now()
	for kind, by := range h.core.silent.Count(now) {
		for status, n := range by {
			ch <- prometheus.MustNewConstMetric(descSilences, prometheus.GaugeValue, float64(n), string(status), kind)
		}
	}
	ch <- prometheus.MustNewConstMetric(descRetold, prometheus.CounterValue, float64(h.core.retells.Told()))
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	var held struct{ Alerts, Incidents int64 }
	var oldest []time.Time
	db := h.core.db.Read(ctx)
	const open = `FROM holds h JOIN incidents i ON i.id = h.incident_id AND i.status = 'open'` // what is not is told only if somebody opens it again
	if db.Raw(`SELECT count(*) AS alerts, count(DISTINCT h.incident_id) AS incidents `+open).Scan(&held).Error != nil ||
		db.Raw(`SELECT h.held_at `+open+` ORDER BY h.held_at LIMIT 1`).Scan(&oldest).Error != nil {
		return
	}
	age := 0.0
	if len(oldest) == 1 {
		age = max(now.Sub(oldest[0]).Seconds(), 0)
	}
	ch <- prometheus.MustNewConstMetric(descHeld, prometheus.GaugeValue, float64(held.Incidents))
	ch <- prometheus.MustNewConstMetric(descHeldOf, prometheus.GaugeValue, float64(held.Alerts))
	ch <- prometheus.MustNewConstMetric(descHeldFor, prometheus.GaugeValue, age)
}
