package api

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// plainRoutes registers what huma does not serve and adds it to the document.
func (a *API) plainRoutes(e *gin.Engine, doc *huma.OpenAPI) {
	metrics := promhttp.HandlerFor(a.Metrics, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
	for _, r := range []struct {
		path, name, summary, media string
		handler                    gin.HandlerFunc
	}{
		{"/healthz", "healthz", "200 when the hub can take alerts in, else 503", "application/json", a.healthz},
		{"/livez", "livez", "200 while the process runs", "application/json", livez},
		{"/metrics", "metrics", "Metrics for Prometheus", "text/plain", gin.WrapH(metrics)},
		{"/openapi.json", "openapi", "This document", "application/openapi+json", a.openAPI},
		{"/docs", "docs", "This document for people", "text/html", a.docs},
		{"/api/v1/events", "stream-events", "Hints about what changes, as server-sent events", "text/event-stream", a.stream},
		{"/api/v1/receipts/{id}/body", "get-receipt-body", "The raw body as it was received", "application/octet-stream", a.receiptBody},
	} {
		o := op(http.MethodGet, r.path, r.name, r.summary)
		o.Responses = map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{r.media: {}}}}
		if r.path == "/api/v1/receipts/{id}/body" {
			o.Parameters = []*huma.Param{{Name: "id", In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}}}
		}
		doc.AddOperation(&o)
		a.both(e, http.MethodGet, r.path, r.handler)
	}
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

func (a *API) openAPI(c *gin.Context) { c.Data(http.StatusOK, "application/openapi+json", a.document) }

func (a *API) docs(c *gin.Context) {
	c.Header("Content-Security-Policy", "default-src 'none'; style-src '"+docsStyle()+"'; frame-ancestors 'none'; base-uri 'none'")
	c.Data(http.StatusOK, "text/html; charset=utf-8", a.page)
}
