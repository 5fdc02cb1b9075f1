package server

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/incidenthub/incidenthub/apps/intelligence"
)

// asked shows what this process asks providers of analyses, and what that costs.
type asked struct{ stats func() []intelligence.Stats }

var (
	descAsked   = prometheus.NewDesc("incidenthub_provider_calls_total", "Calls of providers of analyses by this process. class: ok, or the class of the error.", []string{"provider", "class"}, nil)
	descTook    = prometheus.NewDesc("incidenthub_provider_call_seconds", "How long calls of providers took, tries and waits included.", []string{"provider"}, nil)
	descTokens  = prometheus.NewDesc("incidenthub_provider_tokens_total", "Tokens that providers say they took. kind: prompt or completion.", []string{"provider", "kind"}, nil)
	descCost    = prometheus.NewDesc("incidenthub_provider_cost_total", "Money that calls cost, in the unit of the provider's prices; nothing without prices.", []string{"provider"}, nil)
	descCached  = prometheus.NewDesc("incidenthub_provider_cached_total", "Answers that served again, without a call.", []string{"provider"}, nil)
	descRefused = prometheus.NewDesc("incidenthub_provider_refused_total", "Calls that were not made. class: budget, or what the breaker is open for.", []string{"provider", "class"}, nil)
	descBreaker = prometheus.NewDesc("incidenthub_provider_breaker_open", "1 while this process leaves the provider alone because it failed.", []string{"provider"}, nil)
)

// Describe implements prometheus.Collector.
func (asked) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descAsked, descTook, descTokens, descCost, descCached, descRefused, descBreaker} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (a asked) Collect(ch chan<- prometheus.Metric) {
	count := func(d *prometheus.Desc, n float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, n, labels...)
	}
	for _, s := range a.stats() {
		for class, n := range s.Calls {
			count(descAsked, float64(n), s.Provider, class)
		}
		for class, n := range s.Refused {
			count(descRefused, float64(n), s.Provider, class)
		}
		count(descTokens, float64(s.Prompt), s.Provider, "prompt")
		count(descTokens, float64(s.Completion), s.Provider, "completion")
		count(descCost, float64(s.CostMicros)/1e6, s.Provider)
		count(descCached, float64(s.Cached), s.Provider)
		open := 0.0
		if s.Open {
			open = 1
		}
		ch <- prometheus.MustNewConstMetric(descBreaker, prometheus.GaugeValue, open, s.Provider)
		ch <- prometheus.MustNewConstHistogram(descTook, s.Count, s.Seconds, s.Buckets, s.Provider)
	}
}
