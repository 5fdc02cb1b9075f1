package server

import (
	"github.com/prometheus/client_golang/prometheus"
)

// told shows how channels do: one that fails tells nobody, and does not say so by itself.
type told struct{ core *core }

var (
	labelsChannel = []string{"channel", "driver"}
	descAttempts  = prometheus.NewDesc("incidenthub_delivery_attempts_total", "Tries to send a message to an active channel, by this process. verdict: done, retry, permanent or dropped.", append(labelsChannel, "verdict"), nil)
	descGivenUp   = prometheus.NewDesc("incidenthub_deliveries_dead_total", "Deliveries to an active channel that this process has given up.", labelsChannel, nil)
	descLeftAlone = prometheus.NewDesc("incidenthub_channel_breaker_open", "1 while this process leaves an active channel alone because it fails.", labelsChannel, nil)
	descFailing   = prometheus.NewDesc("incidenthub_channel_failing", "1 while what an active channel was to be told has failed since it took something last, in any process.", labelsChannel, nil)
)

// Describe implements prometheus.Collector.
func (told) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descAttempts, descGivenUp, descLeftAlone, descFailing} {
		ch <- d
	}
}

// Collect implements prometheus.Collector. It reads memory only.
func (t told) Collect(ch chan<- prometheus.Metric) {
	for _, f := range t.core.notify.Figures() {
		if f.Tenant != tenant {
			continue
		}
		for verdict, n := range f.Attempts {
			ch <- prometheus.MustNewConstMetric(descAttempts, prometheus.CounterValue, float64(n), f.Name, f.Driver, string(verdict))
		}
		ch <- prometheus.MustNewConstMetric(descGivenUp, prometheus.CounterValue, float64(f.Dead), f.Name, f.Driver)
		ch <- prometheus.MustNewConstMetric(descLeftAlone, prometheus.GaugeValue, oneIf(f.Open), f.Name, f.Driver)
		ch <- prometheus.MustNewConstMetric(descFailing, prometheus.GaugeValue, oneIf(f.Failing), f.Name, f.Driver)
	}
}

func oneIf(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
