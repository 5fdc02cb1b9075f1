package signals

import (
	"context"
	"log/slog"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/trace"
)

// Lines that are logged: a burst whole, a flood in part. A hub that takes in thousands of alerts a second would write tens
// of thousands of lines, for more than the alerts themselves cost.
const (
	linesBurst  = 5000
	linesSecond = 500
	linesEvent  = 3 // at most
	tellEvery   = 10 * time.Second
)

// logSink writes a line for each signal. The logger's handler adds trace_id from the context.
type logSink struct {
	log     *slog.Logger
	tokens  float64
	since   clock.Stopwatch
	skipped int
	told    clock.Stopwatch
}

func newLogSink(log *slog.Logger) *logSink {
	return &logSink{log: log, tokens: linesBurst, since: clock.Start(), told: clock.Start()}
}

func (l *logSink) write(ctx context.Context, e *Event) (lost int) {
	l.tokens = min(linesBurst, l.tokens+linesSecond*l.since.Elapsed().Seconds())
	l.since = clock.Start()
	if l.tokens < linesEvent {
		l.skipped++
		return 1
	}
	signals := e.signals()
	l.tokens -= float64(len(signals))
	ctx = trace.With(ctx, e.Run.TraceID)
	level := slog.LevelInfo
	if e.Kind == StageFailed {
		level = slog.LevelWarn
	}
	tags := e.tags()
	for _, s := range signals {
		attrs := make([]slog.Attr, 0, len(tags)+len(s.extra)+2)
		attrs = append(attrs, slog.String("signal", s.name))
		switch s.metric {
		case timing:
			attrs = append(attrs, slog.Float64("value_ms", milliseconds(s.took)))
		case gauge:
			attrs = append(attrs, slog.Int("value", s.value))
		case counter:
		}
		for _, t := range tags {
			attrs = append(attrs, slog.Any(t.key, t.value))
		}
		for _, t := range s.extra {
			attrs = append(attrs, slog.Any(t.key, t.value))
		}
		l.log.LogAttrs(ctx, level, "signal", attrs...)
	}
	return 0
}

func (l *logSink) flush(ctx context.Context) (lost int) {
	if l.skipped > 0 && l.told.Elapsed() > tellEvery {
		l.log.WarnContext(ctx, "signals came too fast to be logged one by one", "events_not_logged", l.skipped)
		l.skipped, l.told = 0, clock.Start()
	}
	return 0
}

func (l *logSink) close() {}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
