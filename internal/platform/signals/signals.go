// Package signals tells the outside how runs go: as log lines, to statsd, to Prometheus and as OpenTelemetry spans. It is
// told after the commit, never waits, and cannot fail: each backend has a bounded queue and a goroutine of its own, and
// what a slow or broken one cannot take is dropped and counted.
package signals

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// Kind is what happened.
type Kind int

// The kinds of events.
const (
	RunStarted     Kind = iota + 1
	RunEnded            // Status and Took
	StageStarted        // with Stage, Node, Attempt, like all that follow
	StageSucceeded      // Took
	StageFailed         // Took, Count = failures so far, ErrorType, Message, Retryable
	StageRetrying       // Delay, Count = retries so far
)

// Run names a run. Its values are those of the run's row.
type Run struct {
	TraceID                       string
	ID, Parent, Incident          id.ID // zero: none
	Pipeline, Source, Fingerprint string
	Environment                   string
	Attempts                      int // 1, and 1 more for each resume
}

// Event is one thing that happened to a run. What a kind does not have stays zero.
type Event struct {
	Kind      Kind
	Run       *Run      // not changed after Emit
	Stage     string    // kind of the node: ingest, context, …; the word on metrics
	Node      string    // id of the node in its definition
	Attempt   int       // of the node
	At        time.Time // when it began, also for what has ended
	Took      time.Duration
	Status    string // of a run that ended, as on the wire
	Count     int
	Delay     time.Duration
	ErrorType string
	Message   string
	Retryable bool
}

// Backends that Config.Backend may name.
const (
	Logging = "logging"
	Statsd  = "statsd"
)

// Config says where signals go besides Prometheus, which always has them.
type Config struct {
	Backend  string // Logging or Statsd, or both with a comma between; "" is Logging
	Host     string // of statsd
	Port     int
	Prefix   string // of statsd's names
	Endpoint string // OTLP over HTTP, such as http://collector:4318 (/v1/traces is added when there is no path); "": no spans
	Version  string // of the hub, on spans
	Log      *slog.Logger
}

// Signals hands events to the backends. A nil *Signals takes everything and does nothing. It is safe for concurrent use.
type Signals struct {
	figures *figures
	pipes   []*pipe
	stop    chan struct{}
	once    sync.Once
	work    sync.WaitGroup
}

// New returns Signals that connect to nothing yet.
func New(c Config) (*Signals, error) {
	if c.Log == nil {
		return nil, errors.New("signals: Log is required")
	}
	log := c.Log.With("app", "signals")
	s := &Signals{figures: newFigures(), stop: make(chan struct{})}
	if c.Backend == "" {
		c.Backend = Logging
	}
	for name := range strings.SplitSeq(c.Backend, ",") {
		switch name = strings.TrimSpace(name); name {
		case Logging:
			s.pipes = append(s.pipes, newPipe(name, newLogSink(log)))
		case Statsd:
			sink, err := newStatsdSink(c.Host, c.Port, c.Prefix, log)
			if err != nil {
				return nil, err
			}
			s.pipes = append(s.pipes, newPipe(name, sink))
		default:
			return nil, fmt.Errorf("signals: no backend is called %q: there are %s and %s", name, Logging, Statsd)
		}
	}
	if c.Endpoint != "" {
		sink, err := newSpanSink(c.Endpoint, c.Version, log)
		if err != nil {
			return nil, err
		}
		s.pipes = append(s.pipes, newPipe("otlp", sink))
	}
	return s, nil
}

// Start begins to work on what is emitted.
func (s *Signals) Start() {
	if s == nil {
		return
	}
	for _, p := range s.pipes {
		s.work.Go(func() { p.loop(s.stop) })
	}
}

// Emit takes what a committed transaction did. It never waits. events and their runs must not be changed afterwards.
func (s *Signals) Emit(events []Event) {
	if s == nil || len(events) == 0 {
		return
	}
	s.figures.observe(events)
	for _, p := range s.pipes {
		p.offer(events)
	}
}

// Stop sends what is queued, for as long as ctx allows. What is emitted later only counts.
func (s *Signals) Stop(ctx context.Context) {
	if s == nil {
		return
	}
	s.once.Do(func() {
		for _, p := range s.pipes {
			p.end(ctx)
		}
		close(s.stop)
	})
	s.work.Wait()
}

// Dropped counts the events that a backend did not get, by its name.
func (s *Signals) Dropped() map[string]int64 {
	out := map[string]int64{}
	if s != nil {
		for _, p := range s.pipes {
			out[p.name] = p.lost()
		}
	}
	return out
}

// Collectors are the figures for a registry.
func (s *Signals) Collectors() []prometheus.Collector {
	if s == nil {
		return nil
	}
	out := s.figures.all()
	for _, p := range s.pipes {
		out = append(out, prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "incidenthub_signals_dropped_total", Help: "Events of runs that a backend for signals did not get.",
			ConstLabels: prometheus.Labels{"backend": p.name},
		}, func() float64 { return float64(p.lost()) }))
	}
	return out
}
