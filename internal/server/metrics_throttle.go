package server

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// throttled shows what channels are not told because they had their messages.
type throttled struct{ core *core }

var (
	descThrottled    = prometheus.NewDesc("incidenthub_throttled_incidents", "Incidents that a channel is told when its throttle has room, if they still fire.", []string{"channel"}, nil)
	descThrottledFor = prometheus.NewDesc("incidenthub_throttled_oldest_seconds", "For how long the longest of them has been held back; 0 when none is.", nil, nil)
)

// Describe implements prometheus.Collector.
func (throttled) Describe(ch chan<- *prometheus.Desc) {
	ch <- descThrottled
	ch <- descThrottledFor
}

// Collect implements prometheus.Collector.
func (l throttled) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	var held []struct {
		Name string
		N    int64
	}
	var oldest []time.Time
	db := l.core.db.Read(ctx)
	if db.Raw(`SELECT c.name, (SELECT count(*) FROM throttle_holds h WHERE h.channel_id = c.id) AS n FROM channels c
			WHERE c.tenant_id = ? AND c.throttle_messages > 0`, tenant).Scan(&held).Error != nil ||
		db.Raw(`SELECT held_at FROM throttle_holds ORDER BY held_at LIMIT 1`).Scan(&oldest).Error != nil {
		return
	}
	age := 0.0
	if len(oldest) == 1 {
		age = max(l.core.clock.Now().Sub(oldest[0]).Seconds(), 0)
	}
	for _, h := range held {
		ch <- prometheus.MustNewConstMetric(descThrottled, prometheus.GaugeValue, float64(h.N), h.Name)
	}
	ch <- prometheus.MustNewConstMetric(descThrottledFor, prometheus.GaugeValue, age)
}
