package api

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/incidenthub/incidenthub/apps/auth"
)

// plainRoutes registers what huma does not serve and adds it to the document.
func (a *API) plainRoutes(e *gin.Engine, doc *huma.OpenAPI) {
	metrics := promhttp.HandlerFor(a.Metrics, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
	for _, r := range []plain{
		{"/healthz", "healthz", "200 when the hub can take alerts in, else 503", "application/json", a.healthz},
		{"/livez", "livez", "200 while the process runs", "application/json", livez},
		{"/metrics", "metrics", "Metrics for Prometheus", "text/plain", gin.WrapH(metrics)},
		{"/openapi.json", "openapi", "This document", "application/openapi+json", a.openAPI},
		{"/docs", "docs", "This document for people", "text/html", a.docs},
		{"/api/v1/events", "stream-events", "Hints about what changes, as server-sent events", "text/event-stream", a.stream},
		{"/api/v1/receipts/{id}/body", "get-receipt-body", "The raw body as it was received", "application/octet-stream", a.receiptBody},
		{"/api/v1/schemas/definition.json", "definition-schema", "The JSON Schema of definitions, for editors", "application/schema+json", a.definitionSchema},
		{"/orchestration/pipelines", "contract-list-runs", "Runs, newest first", "application/json", a.contractual(a.contractRuns)},
		{"/orchestration/pipeline/{id}", "contract-get-run", "One run with its executions", "application/json", a.contractual(a.contractRun)},
		{"/orchestration/definitions", "contract-list-definitions", "Pipeline definitions", "application/json", a.contractual(a.contractDefinitions)},
		{"/orchestration/definitions/{ref}", "contract-get-definition", "One definition", "application/json", a.contractual(a.contractDefinition)},
	} {
		a.plain(e, doc, http.MethodGet, r)
	}
	a.contractDefinitionRoutes(e, doc)
	a.contractPipelineRoutes(e, doc)
	a.contractIntelligence(e, doc)
	a.contractNotify(e, doc)
	for _, path := range []string{"/alerts/webhook", "/alerts/webhook/{driver}"} {
		describeWebhook(doc, path)
	}
}

// plain is a route that huma does not serve.
type plain struct {
	path, name, summary, media string
	handler                    gin.HandlerFunc
}

func (a *API) plain(e *gin.Engine, doc *huma.OpenAPI, method string, r plain) {
	o := op(method, r.path, r.name, r.summary)
	o.Responses = map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{r.media: {}}}}
	o.Parameters = pathParameters(r.path)
	doc.AddOperation(&o)
	a.both(e, method, r.path, r.handler)
}

// pathParameters describes the parts of a path that vary.
func pathParameters(path string) []*huma.Param {
	var list []*huma.Param
	for part := range strings.SplitSeq(path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			list = append(list, &huma.Param{Name: strings.TrimSuffix(name, "}"), In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}})
		}
	}
	return list
}

// describeWebhook adds the intake, which has a door of its own, to the document.
func describeWebhook(doc *huma.OpenAPI, path string) {
	o := op(http.MethodPost, path, "post-alerts"+strings.NewReplacer("/alerts/webhook", "", "/", "-", "{", "", "}", "").Replace(path),
		"Take alerts in from a monitoring tool")
	o.Tags = []string{"webhook"}
	o.Description = "Answers 202 once they are on disk; the key of a source, or a key with the scope ingest, opens it."
	o.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{Type: huma.TypeObject}}}}
	o.Responses = map[string]*huma.Response{"202": {Description: "Stored", Content: map[string]*huma.MediaType{"application/json": {}}}}
	o.Parameters = pathParameters(path)
	doc.AddOperation(&o)
	o.Security = []map[string][]string{{"key": {}}, {"header": {}}}
	o.Extensions = map[string]any{"x-scope": string(auth.ScopeIngest)}
}

func (a *API) healthz(c *gin.Context) {
	if err := a.Ready.Ready(c.Request.Context()); err != nil {
		a.log.WarnContext(c.Request.Context(), "not ready", "error", err)
		p := newProblem(http.StatusServiceUnavailable, "The hub cannot take alerts in at the moment; its log says why.")
		p.retryAfter = retrySoon
		p.write(c)
		return
	}
	c.JSON(http.StatusOK, gin.H{"status": "ok"})
}

func livez(c *gin.Context) { c.JSON(http.StatusOK, gin.H{"status": "ok"}) }

func (a *API) openAPI(c *gin.Context) {
	body, err := a.document()
	if err != nil {
		a.refuse(c, fmt.Errorf("write the OpenAPI document: %w", err))
		return
	}
	c.Data(http.StatusOK, "application/openapi+json", body)
}

func (a *API) docs(c *gin.Context) {
	body, err := a.page()
	if err != nil {
		a.refuse(c, fmt.Errorf("write the page of the API: %w", err))
		return
	}
	c.Header("Content-Security-Policy", "default-src 'none'; style-src '"+docsStyle()+"'; frame-ancestors 'none'; base-uri 'none'")
	c.Data(http.StatusOK, "text/html; charset=utf-8", body)
}
