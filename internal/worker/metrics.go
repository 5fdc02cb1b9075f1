package worker

import "github.com/prometheus/client_golang/prometheus"

// Collectors are the bell's figures for a registry.
func (b *Bell) Collectors() []prometheus.Collector {
	up := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "incidenthub_redis_up", Help: "1 while Redis takes rings of this process.",
	}, func() float64 {
		if b.health.isAway() {
			return 0
		}
		return 1
	})
	out := []prometheus.Collector{up}
	for what, n := range map[string]interface{ Load() int64 }{
		"asked": &b.counts.asked, "sent": &b.counts.sent, "spared": &b.counts.spared, "failed": &b.counts.failed, "heard": &b.counts.heard,
	} {
		out = append(out, prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "incidenthub_rings_total", Help: "Rings of the doorbell: asked for, sent, spared because enough waited, failed, heard.",
			ConstLabels: prometheus.Labels{"what": what},
		}, func() float64 { return float64(n.Load()) }))
	}
	return out
}
