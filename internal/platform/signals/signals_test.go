//go:build unix

package signals_test

import (
	"context"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/incidenthub/incidenthub/internal/platform/signals"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

func TestLogging(t *testing.T) {
	t.Parallel()
	var out lines
	s := begin(t, signals.Config{Log: out.logger()})
	r := aRun()
	s.Emit(life(r))
	stop(t, s, time.Second)

	line := func(signal string, more map[string]any) map[string]any {
		m := map[string]any{
			"level": "INFO", "msg": "signal", "app": "signals", "signal": signal, "trace_id": r.TraceID, "run_id": r.ID.String(), "pipeline": "full",
			"stage": "", "node": "", "incident_id": r.Incident.String(), "source": "grafana", "alert_fingerprint": "f-1", "environment": "production",
			"attempt": 1.0,
		}
		maps.Copy(m, more)
		return m
	}
	stage := func(signal string, attempt float64, more map[string]any) map[string]any {
		m := line(signal, map[string]any{"stage": "notify", "node": "tell", "attempt": attempt})
		maps.Copy(m, more)
		return m
	}
	want := []map[string]any{
		line("pipeline.started", nil),
		stage("pipeline.stage.started", 1, nil),
		stage("pipeline.stage.failed", 1, map[string]any{
			"level": "WARN", "error_type": "timeout", "message": "POST https://hooks.example.org: timeout", "retryable": true,
		}),
		stage("pipeline.stage.duration", 1, map[string]any{"level": "WARN", "value_ms": 1.5}),
		stage("pipeline.stage.failure_count", 1, map[string]any{"level": "WARN", "value": 1.0}),
		stage("pipeline.stage.retrying", 1, map[string]any{"delay": 2.5}),
		stage("pipeline.stage.retry_count", 1, map[string]any{"value": 1.0}),
		stage("pipeline.stage.started", 2, nil),
		stage("pipeline.stage.succeeded", 2, nil),
		stage("pipeline.stage.duration", 2, map[string]any{"value_ms": 20.0}),
		line("pipeline.completed", map[string]any{"status": "notified"}),
		line("pipeline.duration", map[string]any{"status": "notified", "value_ms": 3020.0}),
	}
	if diff := cmp.Diff(want, out.read(t, "signal")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestFloodOfLines writes a burst whole and a flood in part.
func TestFloodOfLines(t *testing.T) {
	t.Parallel()
	var out lines
	s := begin(t, signals.Config{Log: out.logger()})
	r := aRun()
	for range 2500 { // 12 lines each
		s.Emit(life(r))
		time.Sleep(10 * time.Microsecond)
	}
	stop(t, s, 10*time.Second)
	wrote, dropped := len(out.read(t, "signal")), s.Dropped()[signals.Logging]
	if wrote < 4900 || wrote > 20000 || dropped < 1000 {
		t.Errorf("%d lines written, %d events dropped", wrote, dropped)
	}
}

func TestStatsd(t *testing.T) {
	t.Parallel()
	statsd := listen(t)
	s := begin(t, signals.Config{Backend: "statsd", Host: "localhost", Port: statsd.port, Prefix: "pipeline", Log: testkit.Logger(t)})
	s.Emit(life(aRun()))
	want := `pipeline.pipeline.started.none.grafana:1|c
pipeline.pipeline.stage.started.notify.grafana:1|c
pipeline.pipeline.stage.failed.notify.grafana:1|c
pipeline.pipeline.stage.duration.notify.grafana:1.5|ms
pipeline.pipeline.stage.failure_count.notify.grafana:1|g
pipeline.pipeline.stage.retrying.notify.grafana:1|c
pipeline.pipeline.stage.retry_count.notify.grafana:1|g
pipeline.pipeline.stage.started.notify.grafana:1|c
pipeline.pipeline.stage.succeeded.notify.grafana:1|c
pipeline.pipeline.stage.duration.notify.grafana:20|ms
pipeline.pipeline.completed.none.grafana:1|c
pipeline.pipeline.duration.none.grafana:3020|ms`
	if diff := cmp.Diff(want, statsd.read(t)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestStatsdNames has sources that want to be more than a part of a name, and very many of them.
func TestStatsdNames(t *testing.T) {
	t.Parallel()
	statsd := listen(t)
	s := begin(t, signals.Config{Backend: "statsd", Host: "127.0.0.1", Port: statsd.port, Log: testkit.Logger(t)})
	hostile := aRun()
	hostile.Source = "a.b:1|c\nforged\x00é"
	s.Emit([]signals.Event{{Kind: signals.RunStarted, Run: hostile}})
	if got, want := statsd.read(t), "pipeline.started.none.a_b_1_c_forged__:1|c"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for n := range 300 {
		r := aRun()
		r.Source = "s" + strconv.Itoa(n)
		s.Emit([]signals.Event{{Kind: signals.RunStarted, Run: r}})
	}
	names, total := map[string]bool{}, 0
	for total < 300 {
		packet := statsd.read(t)
		if len(packet) > 1400 {
			t.Errorf("a packet of %d bytes", len(packet))
		}
		for line := range strings.SplitSeq(packet, "\n") {
			names[line] = true
			total++
		}
	}
	if len(names) != 100 || !names["pipeline.started.none.other:1|c"] { // the hostile one is the hundredth
		t.Errorf("%d names", len(names))
	}
}

func TestStatsdIsDown(t *testing.T) {
	t.Parallel()
	for name, host := range map[string]string{"nobody listens": "127.0.0.1", "no such name": "statsd.invalid"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out lines
			s := begin(t, signals.Config{Backend: "statsd", Host: host, Port: 1, Log: out.logger()}) // a port that nobody is given
			testkit.Eventually(t, patience, func() bool {
				fast(t, s, 10)
				return s.Dropped()[signals.Statsd] > 100
			}, "nothing is counted as dropped")
			const broken = "a backend does not take signals; runs go on, signals are dropped and counted"
			if got := len(out.read(t, broken)); got != 1 {
				t.Errorf("logged %d times", got)
			}
		})
	}
}

func TestPrometheus(t *testing.T) {
	t.Parallel()
	s, err := signals.New(signals.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	s.Emit(life(aRun())) // counted although nothing was started
	got := map[string]float64{}
	for name, m := range gather(t, s) {
		got[name] = m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
	}
	want := map[string]float64{
		"incidenthub_pipeline_started_total full grafana":            1,
		"incidenthub_pipeline_completed_total full grafana notified": 1,
		"incidenthub_pipeline_duration_seconds notified":             1,
		"incidenthub_pipeline_stage_total started notify":            2,
		"incidenthub_pipeline_stage_total failed notify":             1,
		"incidenthub_pipeline_stage_total retrying notify":           1,
		"incidenthub_pipeline_stage_total succeeded notify":          1,
		"incidenthub_pipeline_stage_duration_seconds notify":         2,
		"incidenthub_signals_dropped_total logging":                  0,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for n := range 1000 { // what others send must not make ever more series
		r := aRun()
		r.Source = "s" + strconv.Itoa(n)
		s.Emit([]signals.Event{{Kind: signals.RunStarted, Run: r}})
	}
	if n := len(gather(t, s)); n > 150 {
		t.Errorf("%d series", n)
	}
	s.Stop(t.Context())
}

// gather returns what a scrape would see, by name and label values.
func gather(t *testing.T, s *signals.Signals) map[string]*dto.Metric {
	t.Helper()
	r := prometheus.NewRegistry()
	for _, c := range s.Collectors() {
		if err := r.Register(c); err != nil {
			t.Fatal(err)
		}
	}
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*dto.Metric{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			words := []string{f.GetName()}
			for _, l := range m.GetLabel() {
				words = append(words, l.GetValue())
			}
			out[strings.Join(words, " ")] = m
		}
	}
	return out
}

// TestBackendsAreApart has a log that nobody reads: statsd goes on, and so does the caller.
func TestBackendsAreApart(t *testing.T) {
	t.Parallel()
	statsd := listen(t)
	read, write := io.Pipe()
	s, err := signals.New(signals.Config{
		Backend: "logging, statsd", Host: "127.0.0.1", Port: statsd.port, Log: slog.New(slog.NewTextHandler(write, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	fast(t, s, 5000) // more than waits
	if !strings.HasPrefix(statsd.read(t), "pipeline.started.none.grafana:1|c\n") {
		t.Error("statsd got something else")
	}
	if got := s.Dropped()[signals.Logging]; got == 0 {
		t.Error("nothing was dropped")
	}
	_ = read.Close() // writes fail from here on
	stop(t, s, 5*time.Second)
}

func TestNothing(t *testing.T) {
	t.Parallel()
	var s *signals.Signals
	s.Start()
	s.Emit(life(aRun()))
	s.Stop(t.Context())
	if s.Collectors() != nil || len(s.Dropped()) != 0 {
		t.Error("nothing has figures")
	}
	var out lines
	some := begin(t, signals.Config{Log: out.logger()})
	some.Emit([]signals.Event{{Kind: signals.RunStarted}, {Run: aRun()}}) // no run, no kind
	stop(t, some, time.Second)
	some.Emit(life(aRun()))
	if got := some.Dropped()[signals.Logging]; got != 7 || len(out.read(t, "signal")) != 0 {
		t.Errorf("%d dropped after the end, logged %v", got, out.read(t, "signal"))
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	log := slog.New(slog.DiscardHandler)
	for name, c := range map[string]signals.Config{
		"no log":                       {},
		"an unknown backend":           {Backend: "graphite", Log: log},
		"an empty one in the list":     {Backend: "logging,", Log: log},
		"statsd without a host":        {Backend: "statsd", Port: 8125, Log: log},
		"statsd without a port":        {Backend: "statsd", Host: "localhost", Log: log},
		"an endpoint without a scheme": {Endpoint: "collector:4318", Log: log},
		"an endpoint with a password":  {Endpoint: "http://u:hunter2@collector:4318", Log: log},
		"an endpoint by gRPC":          {Endpoint: "grpc://collector:4317", Log: log},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := signals.New(c); err == nil || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("New = %v", err)
			}
		})
	}
}

// BenchmarkEmit is what a run with seven events costs, in time of its transaction and in CPU of the whole process.
func BenchmarkEmit(b *testing.B) {
	for name, c := range map[string]signals.Config{
		"logging": {},
		"statsd":  {Backend: "statsd", Host: "127.0.0.1", Port: 1},
		"all":     {Backend: "logging,statsd", Host: "127.0.0.1", Port: 1, Endpoint: "http://127.0.0.1:1"},
	} {
		b.Run(name, func(b *testing.B) {
			c.Log = slog.New(slog.NewJSONHandler(nowhere{}, nil))
			s, err := signals.New(c)
			if err != nil {
				b.Fatal(err)
			}
			s.Start()
			defer s.Stop(context.WithoutCancel(b.Context()))
			const runs = 50 // of one transaction
			var events []signals.Event
			for range runs {
				events = append(events, life(aRun())...)
			}
			var inside time.Duration
			cpu, n := cpuTime(), 0
			for b.Loop() {
				began := time.Now()
				s.Emit(slices.Clone(events))
				inside += time.Since(began)
				n += runs
				time.Sleep(10 * time.Millisecond) // 5,000 runs a second at most
			}
			b.ReportMetric(float64(inside.Nanoseconds())/float64(n)/1000, "us-inside/run")
			b.ReportMetric(float64((cpuTime()-cpu).Nanoseconds())/float64(n)/1000, "us-cpu/run")
		})
	}
}

// nowhere takes lines that were written in full.
type nowhere struct{}

func (nowhere) Write(b []byte) (int, error) { return len(b), nil }

// cpuTime is what this process has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
