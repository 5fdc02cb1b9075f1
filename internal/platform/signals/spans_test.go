//go:build unix

package signals_test

import (
	"compress/gzip"
	"encoding/hex"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/signals"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// receiver is an OpenTelemetry collector of the test.
type receiver struct {
	*httptest.Server
	mu       sync.Mutex
	spans    []*otlp.Span
	resource map[string]string
	paths    map[string]bool
}

func receive(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{resource: map[string]string{}, paths: map[string]bool{}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body := io.Reader(req.Body)
		if req.Header.Get("Content-Encoding") == "gzip" {
			var err error
			if body, err = gzip.NewReader(req.Body); err != nil {
				t.Error(err)
			}
		}
		b, err := io.ReadAll(body)
		if err != nil {
			t.Error(err)
		}
		var got collector.ExportTraceServiceRequest
		if err := proto.Unmarshal(b, &got); err != nil {
			t.Error(err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.paths[req.Method+" "+req.URL.Path] = true
		for _, rs := range got.GetResourceSpans() {
			for _, a := range rs.GetResource().GetAttributes() {
				r.resource[a.GetKey()] = a.GetValue().GetStringValue()
			}
			for _, ss := range rs.GetScopeSpans() {
				r.spans = append(r.spans, ss.GetSpans()...)
			}
		}
	}))
	t.Cleanup(r.Close)
	return r
}

// span is what a test looks at.
type span struct {
	Name, Trace, Parent string
	Start               time.Time
	Took                time.Duration
	Status              string
	Attributes          map[string]any
}

// read returns the spans by their ids.
func (r *receiver) read(t *testing.T) map[string]span {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	out := map[string]span{}
	for _, s := range r.spans {
		own := span{
			Name: s.GetName(), Trace: hex.EncodeToString(s.GetTraceId()), Parent: hex.EncodeToString(s.GetParentSpanId()),
			Start: time.Unix(0, int64(s.GetStartTimeUnixNano())).UTC(), Took: time.Duration(s.GetEndTimeUnixNano() - s.GetStartTimeUnixNano()),
			Attributes: map[string]any{},
		}
		if s.GetStatus().GetCode() == otlp.Status_STATUS_CODE_ERROR {
			own.Status = "error: " + s.GetStatus().GetMessage()
		}
		for _, a := range s.GetAttributes() {
			switch v := a.GetValue().GetValue().(type) {
			case *common.AnyValue_StringValue:
				own.Attributes[a.GetKey()] = v.StringValue
			case *common.AnyValue_IntValue:
				own.Attributes[a.GetKey()] = int(v.IntValue)
			case *common.AnyValue_BoolValue:
				own.Attributes[a.GetKey()] = v.BoolValue
			}
		}
		out[hex.EncodeToString(s.GetSpanId())] = own
	}
	return out
}

// TestSpans has one process that fails a node, and another that carries the run to its end.
func TestSpans(t *testing.T) {
	t.Parallel()
	r := receive(t)
	parent, child := aRun(), aRun()
	child.TraceID, child.Parent = parent.TraceID, parent.ID
	events := life(child)
	for _, part := range [][]signals.Event{events[:3], events[3:]} {
		s := begin(t, signals.Config{Endpoint: r.URL, Version: "v1.2.3", Log: slog.New(slog.DiscardHandler)})
		s.Emit(part)
		stop(t, s, 5*time.Second)
		if got := s.Dropped()["otlp"]; got != 0 {
			t.Errorf("%d events dropped", got)
		}
	}
	own := func(more map[string]any) map[string]any {
		m := map[string]any{
			"run_id": child.ID.String(), "pipeline": "full", "incident_id": child.Incident.String(), "source": "grafana", "alert_fingerprint": "f-1",
			"environment": "production",
		}
		maps.Copy(m, more)
		return m
	}
	spanOf := func(i id.ID) string { return hex.EncodeToString(i[8:]) }
	traceID := strings.ReplaceAll(child.TraceID, "-", "")
	got := r.read(t)
	if run, ok := got[spanOf(child.ID)]; ok {
		want := span{
			Name: "pipeline full", Trace: traceID, Parent: spanOf(parent.ID), Start: at, Took: 3020 * time.Millisecond,
			Attributes: own(map[string]any{"attempt": 1, "status": "notified"}),
		}
		if diff := cmp.Diff(want, run); diff != "" {
			t.Errorf("run -want +got:\n%s", diff)
		}
	} else {
		t.Error("the run has no span")
	}
	delete(got, spanOf(child.ID))
	want := map[string]span{
		"1": {
			Name: "stage notify", Trace: traceID, Parent: spanOf(child.ID), Start: at, Took: 1500 * time.Microsecond,
			Status: "error: POST https://hooks.example.org: timeout",
			Attributes: own(map[string]any{
				"stage": "notify", "node": "tell", "attempt": 1, "error_type": "timeout", "retryable": true,
			}),
		},
		"2": {
			Name: "stage notify", Trace: traceID, Parent: spanOf(child.ID), Start: at.Add(3 * time.Second), Took: 20 * time.Millisecond,
			Attributes: own(map[string]any{"stage": "notify", "node": "tell", "attempt": 2}),
		},
	}
	byAttempt := map[string]span{}
	for key, s := range got {
		if len(key) != 16 || key == strings.Repeat("0", 16) {
			t.Errorf("span id %q", key)
		}
		byAttempt[map[any]string{1: "1", 2: "2"}[s.Attributes["attempt"]]] = s
	}
	if diff := cmp.Diff(want, byAttempt); diff != "" {
		t.Errorf("nodes -want +got:\n%s", diff)
	}
	if !r.paths["POST /v1/traces"] || len(r.paths) != 1 || r.resource["service.name"] != "incidenthub" || r.resource["service.version"] != "v1.2.3" {
		t.Errorf("paths %v, resource %v", r.paths, r.resource)
	}
}

// TestSpanToldTwice is a process that dies after the commit and another that tells the same again.
func TestSpanToldTwice(t *testing.T) {
	t.Parallel()
	r := receive(t)
	events := life(aRun())
	for range 2 {
		s := begin(t, signals.Config{Endpoint: r.URL + "/v1/traces", Log: slog.New(slog.DiscardHandler)})
		s.Emit(events)
		stop(t, s, 5*time.Second)
	}
	if got := r.read(t); len(got) != 3 || len(r.spans) != 6 {
		t.Errorf("%d ids for %d spans", len(got), len(r.spans))
	}
}

func TestBadTraceID(t *testing.T) {
	t.Parallel()
	r := receive(t)
	s := begin(t, signals.Config{Endpoint: r.URL, Log: slog.New(slog.DiscardHandler)})
	run := aRun()
	run.TraceID = "not-a-trace"
	s.Emit(life(run))
	stop(t, s, 5*time.Second)
	if got := s.Dropped()["otlp"]; got != 3 || len(r.read(t)) != 0 {
		t.Errorf("%d dropped, %v", got, r.read(t))
	}
}

func TestCollectorIsBroken(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"refuses":       func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusBadRequest) },
		"is overloaded": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
		"redirects": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		},
		"hangs": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // only then the server sees that the client has gone
			<-r.Context().Done()
		},
		"drops the line": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"is away":        nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			endpoint := "http://127.0.0.1:1" // a port that nobody is given
			if answer != nil {
				server := httptest.NewServer(answer)
				t.Cleanup(server.Close)
				endpoint = server.URL
			}
			var out lines
			statsd := listen(t)
			s := begin(t, signals.Config{
				Backend: "statsd", Host: "127.0.0.1", Port: statsd.port, Endpoint: endpoint, Log: out.logger(),
			})
			fast(t, s, 4000) // more events than wait
			if !strings.HasPrefix(statsd.read(t), "pipeline.started.none.grafana:1|c") {
				t.Error("statsd suffers with it")
			}
			testkit.Eventually(t, patience, func() bool {
				return len(out.read(t, "a backend does not take signals; runs go on, signals are dropped and counted")) == 1
			}, "that it is broken is not logged")
			if s.Dropped()["otlp"] == 0 {
				t.Error("nothing is counted as dropped")
			}
			stop(t, s, 500*time.Millisecond)
		})
	}
}
