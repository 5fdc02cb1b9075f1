package api

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/trace"
)

// EngineConfig says what all HTTP doors share.
type EngineConfig struct {
	Log *slog.Logger
	// TrustedProxies are addresses or CIDRs whose X-Forwarded-For is believed; none: the peer is the client.
	TrustedProxies []string
	// Metrics takes the counters of requests; nil: none are kept.
	Metrics prometheus.Registerer
	// Missing answers browsers that ask for a page that is not there; nil: they get a Problem as everybody does.
	Missing gin.HandlerFunc
}

// NewEngine returns the router that api, web and the webhook intake register on. It gives each request a trace id, logs it
// without its query and body, survives panics, and answers in problem+json for what is not there.
func NewEngine(c EngineConfig) (*gin.Engine, error) {
	if c.Log == nil {
		return nil, errors.New("api: the engine needs a Log")
	}
	gin.SetMode(gin.ReleaseMode) // the other modes print every route
	e := gin.New()
	e.RedirectTrailingSlash = false // a redirected POST loses its body
	e.RedirectFixedPath = false
	e.HandleMethodNotAllowed = true
	e.MaxMultipartMemory = 1 << 20
	if err := e.SetTrustedProxies(c.TrustedProxies); err != nil {
		return nil, fmt.Errorf("read the trusted proxies: %w", err)
	}
	observe, err := requestMetrics(c.Metrics)
	if err != nil {
		return nil, err
	}
	squeeze, err := compressed()
	if err != nil {
		return nil, err
	}
	e.Use(traced, logged(c.Log, observe), squeeze, recovered(c.Log), hardened)
	e.NoRoute(func(ctx *gin.Context) {
		if c.Missing != nil && !strings.HasPrefix(ctx.Request.URL.Path, "/api/") && strings.Contains(ctx.GetHeader("Accept"), "text/html") {
			c.Missing(ctx)
			return
		}
		newProblem(http.StatusNotFound, "There is nothing at this address; GET /openapi.json lists what there is.").write(ctx)
	})
	e.NoMethod(func(ctx *gin.Context) {
		allow := ctx.Writer.Header().Get("Allow")
		newProblem(http.StatusMethodNotAllowed, "This address takes "+allow+".").write(ctx)
	})
	return e, nil
}

// TraceHeader carries the id under which the hub's log and rows know a request.
const TraceHeader = "X-Trace-Id"

func traced(c *gin.Context) {
	ctx, id := trace.Ensure(c.Request.Context())
	c.Request = c.Request.WithContext(ctx)
	c.Header(TraceHeader, id)
	c.Next()
}

// logged writes one line per request: never the query or the body, and the route's pattern instead of the path, since a
// path can hold a token.
func logged(log *slog.Logger, observe func(method, route string, status int, seconds float64)) gin.HandlerFunc {
	return func(c *gin.Context) {
		watch := clock.Start()
		c.Next()
		route, status, took := c.FullPath(), c.Writer.Status(), watch.Elapsed()
		if route == "" {
			route = "(none)"
		}
		observe(c.Request.Method, route, status, took.Seconds())
		level := slog.LevelDebug
		if status >= http.StatusInternalServerError {
			level = slog.LevelWarn
		}
		log.Log(c.Request.Context(), level, "request served", "method", c.Request.Method, "route", route, "status", status,
			"bytes", c.Writer.Size(), "duration_ms", float64(took.Microseconds())/1000, "client", c.ClientIP())
	}
}

func recovered(log *slog.Logger) gin.HandlerFunc {
	return func(c *gin.Context) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(p) // net/http's own way to cut a connection
			}
			log.ErrorContext(c.Request.Context(), "request panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			if c.Writer.Written() {
				panic(http.ErrAbortHandler) // half an answer must not look whole
			}
			newProblem(http.StatusInternalServerError, internalDetail).write(c)
		}()
		c.Next()
	}
}

// hardened sets what every answer has; pages loosen the policy for themselves.
func hardened(c *gin.Context) {
	h := c.Writer.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
	c.Next()
}

func requestMetrics(to prometheus.Registerer) (func(method, route string, status int, seconds float64), error) {
	if to == nil {
		return func(string, string, int, float64) {}, nil
	}
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "incidenthub_http_request_duration_seconds", Help: "Time from a request's header to the end of its answer.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5, 30},
	}, []string{"method", "route", "status"})
	if err := to.Register(seconds); err != nil {
		return nil, fmt.Errorf("register the metrics of requests: %w", err)
	}
	return func(method, route string, status int, took float64) {
		seconds.WithLabelValues(knownMethod(method), route, strconv.Itoa(status)).Observe(took)
	}, nil
}

// knownMethod keeps made-up methods from becoming time series.
func knownMethod(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return m
	default:
		return "other"
	}
}
