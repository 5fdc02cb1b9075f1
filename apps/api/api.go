// Package api is the hub's JSON API: it decodes requests, checks who may make them, calls one method of a service and
// encodes what that returns. It holds no rules of its own but the table of permissions. The webhook intake lives beside it.
package api

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/incidenthub/incidenthub/apps/changes"
	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/apps/intelligence"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/preflight"
	"github.com/incidenthub/incidenthub/internal/platform/queue"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Config holds what the API needs; all of it is required but SessionCookie.
type Config struct {
	Log     *slog.Logger
	Version string // of the hub, for the document
	// SessionCookie is the cookie in which a browser brings its session; "" takes keys only.
	SessionCookie string

	Auth      Auth
	Keys      Keys
	Alerts    Alerts
	Acts      Acts
	RunActs   RunActs
	Pipelines Pipelines
	Flow      Flow
	Reprocess Reprocess
	Sources   Sources
	Ledger    Ledger
	Retention Retention
	Books     Books
	Ready     Ready
	Events    Events
	Queues    Queues
	Metrics   prometheus.Gatherer
	Channels  Channels
	// ChannelKinds are what a channel can be, Hand tells by hand.
	ChannelKinds []channel.Spec
	Hand         Hand
	Previews     Previews
	Resender     Resender
	Deliveries   Deliveries
	Inbox        Inbox
	Definitions  Definitions
	Backtests    Backtests
	Changes      Changes
	Silences     Silences
	Preflights   Preflights
	Checks       Checks
	CheckRuns    CheckRuns
	Analysts     Analysts
	Analyses     Analyses
	Providers    Providers
	// ProviderTests and ProviderUsage go with Providers.
	ProviderTests ProviderTests
	ProviderUsage ProviderUsage
	// DefinitionSchema is the JSON Schema of definitions with the names that a tenant may use now.
	DefinitionSchema func(ctx context.Context, tenant string) (json.RawMessage, error)
}

// API serves the routes. It is safe for concurrent use once registered.
type API struct {
	Config
	log      *slog.Logger
	rates    *rates
	origin   *http.CrossOriginProtection
	document func() ([]byte, error) // OpenAPI, as served; written when somebody asks, which few do
	page     func() ([]byte, error) // the same for people
}

// New returns an API.
func New(c Config) (*API, error) {
	var missing []string
	v := reflect.ValueOf(c)
	for i := range v.NumField() {
		if f := v.Field(i); (f.Kind() == reflect.Interface || f.Kind() == reflect.Pointer || f.Kind() == reflect.Func) && f.IsNil() {
			missing = append(missing, v.Type().Field(i).Name)
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("api: %s are required", strings.Join(missing, ", "))
	}
	return &API{Config: c, log: c.Log.With("app", "api"), rates: newRates(clock.System()), origin: http.NewCrossOriginProtection()}, nil
}

// setHuma changes settings that huma keeps in package variables: they hold for the process, whoever uses it.
var setHuma = sync.OnceFunc(func() {
	huma.DefaultArrayNullable = false
	huma.NewError = fromHuma
})

// schemaName tells apart two types that are called alike.
func schemaName(t reflect.Type, hint string) string {
	if t == reflect.TypeFor[orchestration.LintProblem]() {
		return "LintProblem"
	}
	if t == reflect.TypeFor[changes.Change]() { // the differences of two definitions are changes too
		return "RecordedChange"
	}
	if t == reflect.TypeFor[intelligence.TestResult]() {
		return "ProviderTest"
	}
	if t.PkgPath() == reflect.TypeFor[intelligence.Usage]().PkgPath() && strings.HasPrefix(t.Name(), "Usage") {
		return "Provider" + t.Name()
	}
	if t == reflect.TypeFor[storage.Page[preflight.Run]]() {
		return "PagePreflightRun"
	}
	if t.PkgPath() == reflect.TypeFor[preflight.Run]().PkgPath() {
		return "Preflight" + t.Name()
	}
	if t.PkgPath() == reflect.TypeFor[queue.View]().PkgPath() && !strings.Contains(t.Name(), "[") {
		return "Queue" + t.Name()
	}
	if t.PkgPath() == reflect.TypeFor[checkers.Report]().PkgPath() && !strings.HasPrefix(t.Name(), "Check") {
		return "Check" + t.Name()
	}
	return huma.DefaultSchemaNamer(t, hint)
}

// Register adds the routes to an engine. It is called once.
func (a *API) Register(e *gin.Engine) {
	setHuma()
	c := huma.DefaultConfig("incidenthub", a.Version)
	c.Info.Description = "Alerts, incidents, pipelines and what became of everything. Lists are newest first; next_cursor asks for the next page."
	c.OpenAPIPath, c.DocsPath, c.SchemasPath, c.CreateHooks = "", "", "", nil
	c.AllowAdditionalPropertiesByDefault = true // of answers, which may get more; tighten closes what is sent
	c.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"key":    {Type: "http", Scheme: "bearer", Description: "An API key."},
		"header": {Type: "apiKey", In: "header", Name: "X-API-Key", Description: "The same key for senders that cannot set Authorization."},
	}
	c.Formats = map[string]huma.Format{mediaJSON: plainFormat, "json": plainFormat}
	c.Transformers = append(c.Transformers, addTrace)
	c.OnAddOperation = append(c.OnAddOperation, describeAccess)
	h := huma.NewAPI(c, &adapter{api: a, engine: e, schemas: c.Components.Schemas})
	for _, add := range []func(huma.API){
		a.alertRoutes, a.incidentRoutes, a.actRoutes, a.receiptRoutes, a.runRoutes, a.runActRoutes, a.sourceRoutes, a.definitionRoutes, a.executeRoutes, a.channelRoutes, a.deliveryRoutes, a.inboxRoutes, a.ledgerRoutes, a.whyRoutes, a.retentionRoutes, a.keyRoutes, a.changeRoutes, a.preflightRoutes, a.analysisRoutes, a.providerRoutes, a.silenceRoutes,
	} {
		add(h)
	}
	a.checkRoutes(h)
	a.previewRoutes(h)
	a.backtestRoutes(h)
	a.plainRoutes(e, h.OpenAPI())
	a.queueRoutes(h)
	tighten(h.OpenAPI())
	a.document = sync.OnceValues(func() ([]byte, error) { return json.Marshal(h.OpenAPI()) })
	a.page = sync.OnceValues(func() ([]byte, error) { return renderDocs(h.OpenAPI()) })
}

// adapter lets huma register on gin: behind the guard, with and without the slash at the end.
type adapter struct {
	api     *API
	engine  *gin.Engine
	schemas huma.Registry
}

// Handle implements huma.Adapter.
func (d *adapter) Handle(op *huma.Operation, handler func(huma.Context)) {
	known := queryOf(d.schemas, op)
	d.api.both(d.engine, op.Method, op.Path, func(c *gin.Context) {
		if known != nil && c.Request.URL.RawQuery != "" {
			c.Request = c.Request.WithContext(withUnknown(c.Request.Context(), c.Request, known))
		}
		if p := d.api.checkBody(d.schemas, op, c); p != nil {
			p.write(c)
			return
		}
		handler(awaited{bare: humagin.NewContext(op, c), request: c.Request})
	})
}

// bare is huma.Context by a name that its own method Context leaves free.
type bare = huma.Context

// awaited gives a body its time to arrive, where there is one to wait for. Without a body net/http watches the connection from the start, and
// a deadline that passes meanwhile looks to it like a caller that hung up: it would end the context of every request that takes longer.
type awaited struct {
	bare
	request *http.Request
}

// SetReadDeadline implements huma.Context.
func (a awaited) SetReadDeadline(t time.Time) error {
	if _, here := a.request.Body.(arrived); here || a.request.Body == nil || a.request.Body == http.NoBody {
		return nil
	}
	return a.bare.SetReadDeadline(t)
}

// ServeHTTP implements huma.Adapter.
func (d *adapter) ServeHTTP(w http.ResponseWriter, r *http.Request) { d.engine.ServeHTTP(w, r) }

// both registers a path in huma's spelling, with {name} for a part that varies.
func (a *API) both(e *gin.Engine, method, path string, handler gin.HandlerFunc) {
	pattern := strings.NewReplacer("{", ":", "}", "").Replace(path)
	for _, p := range []string{pattern, pattern + "/"} {
		e.Handle(method, p, a.guard(method, path), handler)
	}
}

// addTrace puts the trace id into problems that huma writes, and what it overlooks of a request that cannot be used.
func addTrace(ctx huma.Context, _ string, v any) (any, error) {
	if p, ok := v.(*Problem); ok && p.TraceID == "" {
		withTrace := *p
		withTrace.TraceID = traceOf(ctx)
		if p.Status == http.StatusUnprocessableEntity {
			withTrace.Errors = slices.Concat(p.Errors, unknownIn(ctx.Context()))
		}
		return &withTrace, nil
	}
	return v, nil
}
