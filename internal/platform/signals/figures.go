package signals

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// maxNames is how many sources, and pipelines, have figures of their own; further ones share "other".
const maxNames = 100

// bounded keeps words from outside from making ever more time series. The zero value is ready.
type bounded struct {
	mu    sync.RWMutex
	known map[string]struct{}
}

func (b *bounded) of(name string) string {
	b.mu.RLock()
	_, ok := b.known[name]
	full := len(b.known) >= maxNames
	b.mu.RUnlock()
	switch {
	case ok:
		return name
	case full || len(name) > maxSegment:
		return "other"
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.known == nil {
		b.known = map[string]struct{}{}
	}
	if len(b.known) >= maxNames {
		return "other"
	}
	b.known[name] = struct{}{}
	return name
}

// figures are Prometheus'. They are updated in place: nothing about them can break or wait.
type figures struct {
	sources, pipelines bounded
	started            *prometheus.CounterVec
	completed          *prometheus.CounterVec
	duration           *prometheus.HistogramVec
	stages             *prometheus.CounterVec
	stageDuration      *prometheus.HistogramVec
}

func newFigures() *figures {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "incidenthub_pipeline_" + name, Help: help}, labels)
	}
	histogram := func(name, help string, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "incidenthub_pipeline_" + name, Help: help, Buckets: []float64{.001, .003, .01, .03, .1, .3, 1, 3, 10, 30, 100, 300},
		}, labels)
	}
	return &figures{
		started:       counter("started_total", "Runs that started.", "pipeline", "source"),
		completed:     counter("completed_total", "Runs that ended, by their last status.", "pipeline", "source", "status"),
		duration:      histogram("duration_seconds", "Time from the start of a run to its end.", "status"),
		stages:        counter("stage_total", "Executions of nodes: started, succeeded, failed, retrying.", "stage", "signal"),
		stageDuration: histogram("stage_duration_seconds", "Time that one execution of a node took.", "stage"),
	}
}

func (f *figures) all() []prometheus.Collector {
	return []prometheus.Collector{f.started, f.completed, f.duration, f.stages, f.stageDuration}
}

func (f *figures) observe(events []Event) {
	for n := range events {
		e := &events[n]
		if e.Run == nil {
			continue
		}
		switch e.Kind {
		case RunStarted:
			f.started.WithLabelValues(f.pipelines.of(e.Run.Pipeline), f.sources.of(e.Run.Source)).Inc()
		case RunEnded:
			f.completed.WithLabelValues(f.pipelines.of(e.Run.Pipeline), f.sources.of(e.Run.Source), e.Status).Inc()
			f.duration.WithLabelValues(e.Status).Observe(e.Took.Seconds())
		case StageStarted:
			f.stages.WithLabelValues(e.Stage, "started").Inc()
		case StageSucceeded:
			f.stages.WithLabelValues(e.Stage, "succeeded").Inc()
			f.stageDuration.WithLabelValues(e.Stage).Observe(e.Took.Seconds())
		case StageFailed:
			f.stages.WithLabelValues(e.Stage, "failed").Inc()
			f.stageDuration.WithLabelValues(e.Stage).Observe(e.Took.Seconds())
		case StageRetrying:
			f.stages.WithLabelValues(e.Stage, "retrying").Inc()
		}
	}
}
