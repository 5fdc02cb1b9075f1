package signals

import (
	"errors"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/fault"
)

// signal is one named signal of an event (contract 10.8).
type signal struct {
	name   string
	metric metric
	took   time.Duration // timing
	value  int           // gauge
	extra  []tag
}

// metric is what a signal is to statsd.
type metric int

const (
	counter metric = iota
	timing
	gauge
)

type tag struct {
	key   string
	value any
}

// signals are an event's, in the order in which they are told.
func (e *Event) signals() []signal {
	switch e.Kind {
	case RunStarted:
		return []signal{{name: "pipeline.started"}}
	case RunEnded:
		status := []tag{{"status", e.Status}}
		return []signal{{name: "pipeline.completed", extra: status}, {name: "pipeline.duration", metric: timing, took: e.Took, extra: status}}
	case StageStarted:
		return []signal{{name: "pipeline.stage.started"}}
	case StageSucceeded:
		return []signal{{name: "pipeline.stage.succeeded"}, {name: "pipeline.stage.duration", metric: timing, took: e.Took}}
	case StageFailed:
		return []signal{
			{name: "pipeline.stage.failed", extra: []tag{{"error_type", e.ErrorType}, {"message", e.message()}, {"retryable", e.Retryable}}},
			{name: "pipeline.stage.duration", metric: timing, took: e.Took},
			{name: "pipeline.stage.failure_count", metric: gauge, value: e.Count},
		}
	case StageRetrying:
		return []signal{
			{name: "pipeline.stage.retrying", extra: []tag{{"delay", e.Delay.Seconds()}}},
			{name: "pipeline.stage.retry_count", metric: gauge, value: e.Count},
		}
	default:
		return nil
	}
}

// message is what may be shown of the failure.
func (e *Event) message() string {
	if e.Message == "" {
		return ""
	}
	return fault.Public(errors.New(e.Message))
}

// tags are on every signal, but for the trace id.
func (e *Event) tags() []tag {
	attempt := e.Attempt
	if e.Stage == "" {
		attempt = max(1, e.Run.Attempts)
	}
	return []tag{
		{"run_id", e.Run.ID.String()},
		{"pipeline", e.Run.Pipeline},
		{"stage", e.Stage},
		{"node", e.Node},
		{"incident_id", e.Run.Incident.String()},
		{"source", e.Run.Source},
		{"alert_fingerprint", e.Run.Fingerprint},
		{"environment", e.Run.Environment},
		{"attempt", attempt},
	}
}
