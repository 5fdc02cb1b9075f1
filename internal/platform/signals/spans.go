package signals

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/fnv"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/incidenthub/incidenthub/internal/platform/fault"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

const (
	exportTime  = 5 * time.Second // for one batch
	exportBatch = 512             // spans
	tracesPath  = "/v1/traces"
)

// spanSink exports a span for each execution of a node, below one for its run. Ids are made of the hub's own: the trace's
// is the trace_id of rows and logs, a run's span is the end of its id, so that spans of several processes fit together
// and one that is told twice is the same span.
type spanSink struct {
	exporter *otlptrace.Exporter
	client   *http.Client
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	trouble  trouble
	ended    []sdktrace.ReadOnlySpan
}

func newSpanSink(endpoint, version string, log *slog.Logger) (*spanSink, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, errors.New("signals: the OTLP endpoint must be a URL such as http://collector:4318, without user and query")
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = tracesPath
	}
	s := &spanSink{trouble: trouble{log: log, what: "otlp"}}
	// The collector is named by who runs the hub, like its database; so no address guard, but also no proxy and no redirect.
	s.client = &http.Client{
		Timeout:       exportTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: (&net.Dialer{Timeout: dialTime}).DialContext, TLSHandshakeTimeout: dialTime, MaxIdleConnsPerHost: 1,
			IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true,
		},
	}
	s.exporter = otlptracehttp.NewUnstarted(otlptracehttp.WithEndpointURL(u.String()), otlptracehttp.WithHTTPClient(s.client),
		otlptracehttp.WithTimeout(exportTime), otlptracehttp.WithRetry(otlptracehttp.RetryConfig{Enabled: false}))
	s.provider = sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.AlwaysSample()), sdktrace.WithIDGenerator(givenIDs{}),
		sdktrace.WithSpanProcessor((*collected)(s)), sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "incidenthub"), attribute.String("service.version", version),
			attribute.String("service.instance.id", id.New().String()),
		)))
	s.tracer = s.provider.Tracer("github.com/incidenthub/incidenthub")
	return s, nil
}

func (s *spanSink) write(ctx context.Context, e *Event) (lost int) {
	if e.Kind != StageSucceeded && e.Kind != StageFailed && e.Kind != RunEnded {
		return 0 // spans are made when they end
	}
	traceID, err := id.Parse(e.Run.TraceID)
	if err != nil || e.Run.ID.IsZero() {
		return 1
	}
	ids := given{trace: trace.TraceID(traceID), span: runSpan(e.Run.ID)}
	parent, name := e.Run.Parent, "pipeline "+e.Run.Pipeline
	if e.Kind != RunEnded {
		ids.span, parent, name = nodeSpan(e.Run.ID, e.Node, e.Attempt), e.Run.ID, "stage "+e.Stage
	}
	within := context.WithValue(ctx, givenKey{}, ids)
	if !parent.IsZero() {
		within = trace.ContextWithRemoteSpanContext(within, trace.NewSpanContext(trace.SpanContextConfig{
			TraceID: ids.trace, SpanID: runSpan(parent), TraceFlags: trace.FlagsSampled, Remote: true,
		}))
	}
	_, span := s.tracer.Start(within, name, trace.WithTimestamp(e.At), trace.WithAttributes(s.attributes(e)...))
	if e.Kind == StageFailed || e.Status == "failed" {
		span.SetStatus(codes.Error, e.message())
	}
	span.End(trace.WithTimestamp(e.At.Add(e.Took)))
	if len(s.ended) >= exportBatch {
		return s.flush(ctx)
	}
	return 0
}

func (s *spanSink) attributes(e *Event) []attribute.KeyValue {
	tags := e.tags()
	if e.Kind == StageFailed {
		tags = append(tags, tag{"error_type", e.ErrorType}, tag{"retryable", e.Retryable})
	}
	if e.Kind == RunEnded {
		tags = append(tags, tag{"status", e.Status})
	}
	out := make([]attribute.KeyValue, 0, len(tags))
	for _, t := range tags {
		switch v := t.value.(type) {
		case string:
			if v != "" {
				out = append(out, attribute.String(t.key, v))
			}
		case int:
			out = append(out, attribute.Int(t.key, v))
		case bool:
			out = append(out, attribute.Bool(t.key, v))
		}
	}
	return out
}

func (s *spanSink) flush(ctx context.Context) (lost int) {
	if len(s.ended) == 0 {
		return 0
	}
	spans := s.ended
	s.ended = nil
	err := s.exporter.ExportSpans(ctx, spans)
	s.trouble.saw(ctx, err)
	if err != nil {
		return len(spans)
	}
	return 0
}

func (s *spanSink) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := s.provider.Shutdown(ctx); err != nil {
		s.trouble.log.DebugContext(ctx, "end the spans", "error", fault.Public(err))
	}
	s.client.CloseIdleConnections()
}

// runSpan is the random end of a UUIDv7.
func runSpan(run id.ID) trace.SpanID { return trace.SpanID(run[8:]) }

func nodeSpan(run id.ID, node string, attempt int) (out trace.SpanID) {
	h := fnv.New64a()
	_, _ = h.Write(run[:])
	_, _ = h.Write([]byte(node + "\x00" + strconv.Itoa(attempt)))
	binary.BigEndian.PutUint64(out[:], max(1, h.Sum64())) // zero is no id
	return out
}

// given are the ids of the span that is started with a context.
type given struct {
	trace trace.TraceID
	span  trace.SpanID
}

type givenKey struct{}

// givenIDs takes them from there.
type givenIDs struct{}

// NewIDs implements sdktrace.IDGenerator.
func (givenIDs) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	ids, _ := ctx.Value(givenKey{}).(given)
	return ids.trace, ids.span
}

// NewSpanID implements sdktrace.IDGenerator.
func (givenIDs) NewSpanID(ctx context.Context, _ trace.TraceID) trace.SpanID {
	ids, _ := ctx.Value(givenKey{}).(given)
	return ids.span
}

// collected keeps ended spans for the next flush. All of it happens in the sink's goroutine.
type collected spanSink

// OnStart implements sdktrace.SpanProcessor.
func (*collected) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

// OnEnd implements sdktrace.SpanProcessor.
func (c *collected) OnEnd(s sdktrace.ReadOnlySpan) { c.ended = append(c.ended, s) }

// Shutdown implements sdktrace.SpanProcessor.
func (*collected) Shutdown(context.Context) error { return nil }

// ForceFlush implements sdktrace.SpanProcessor.
func (*collected) ForceFlush(context.Context) error { return nil }
