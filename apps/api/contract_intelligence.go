package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/intelligence"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/trace"
	"github.com/incidenthub/incidenthub/providers"
)

// contractIntelligence are the routes by which older tools ask for recommendations. Each analysis that they ask for is kept as any other.
func (a *API) contractIntelligence(e *gin.Engine, doc *huma.OpenAPI) {
	for _, r := range []struct {
		plain
		query []string
	}{
		{plain{"/intelligence/health", "contract-intelligence-health", "Whether there is somebody to ask", "application/json", a.intelligenceHealth}, nil},
		{plain{"/intelligence/providers", "contract-list-providers", "Who can be asked", "application/json", a.contractual(a.intelligenceProviders)}, nil},
		{plain{"/intelligence/recommendations", "contract-get-recommendations", "Recommendations about an incident, or about the host", "application/json", a.contractual(a.recommendationsByQuery)}, []string{"incident_id", "provider"}},
		{plain{"/intelligence/memory", "contract-memory-report", "What uses the memory of this host", "application/json", a.contractual(a.memoryReport)}, []string{"top_n"}},
		{plain{"/intelligence/disk", "contract-disk-report", "What uses the disk of this host", "application/json", a.contractual(a.diskReport)}, []string{"path", "threshold_mb", "old_days"}},
	} {
		a.plain(e, doc, http.MethodGet, r.plain)
		for _, name := range r.query {
			o := doc.Paths[r.path].Get
			o.Parameters = append(o.Parameters, &huma.Param{Name: name, In: "query", Schema: &huma.Schema{Type: huma.TypeString}})
		}
	}
	post := contractRunning{"/intelligence/recommendations", "contract-recommend", "Recommendations about an incident, or about the host", a.recommendationsByBody}
	o := op(http.MethodPost, post.path, post.name, post.summary)
	media := map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{Type: huma.TypeObject}}}
	o.RequestBody = &huma.RequestBody{Content: media}
	o.Responses = map[string]*huma.Response{"200": {Description: "OK", Content: media}}
	doc.AddOperation(&o)
	a.both(e, http.MethodPost, post.path, a.answering(post))
}

// intelligenceHealth needs no key, as in the tools that it stands in for: it tells names of providers and nothing else.
func (a *API) intelligenceHealth(c *gin.Context) {
	c.PureJSON(http.StatusOK, gin.H{"status": "healthy", "app": "intelligence", "providers": a.Analysts.Names()})
}

func (a *API) intelligenceProviders(context.Context, string, *gin.Context) (any, error) {
	names := a.Analysts.Names()
	return gin.H{"providers": names, "count": len(names)}, nil
}

func (a *API) recommendationsByQuery(ctx context.Context, tenant string, c *gin.Context) (any, error) {
	return a.recommend(ctx, tenant, c.Query("incident_id"), c.Query("provider"), nil)
}

// recommendationsBody is what is asked for. The incident may be null.
type recommendationsBody struct {
	IncidentID *string        `json:"incident_id"`
	Provider   string         `json:"provider"`
	Config     map[string]any `json:"config"`
}

func (a *API) recommendationsByBody(ctx context.Context, c caller, g *gin.Context) (int, any, error) {
	var b recommendationsBody
	if err := payloadBody(g, &b); err != nil {
		return 0, nil, err
	}
	incident := ""
	if b.IncidentID != nil {
		incident = *b.IncidentID
	}
	v, err := a.recommend(ctx, c.tenant, incident, b.Provider, b.Config)
	return http.StatusOK, v, err
}

func (a *API) recommend(ctx context.Context, tenant, incident, provider string, config map[string]any) (any, error) {
	if provider == "" {
		provider = intelligence.Local
	}
	r := &intelligence.Request{Tenant: tenant, TraceID: trace.From(ctx), Provider: provider, Patience: analysisTime}
	var about any
	if incident != "" {
		key, err := id.Parse(incident)
		if err != nil {
			return nil, fmt.Errorf("incident %.100q: %w", incident, storage.ErrNotFound)
		}
		r.IncidentID, r.Gather, about = key, true, key.String()
	}
	if err := a.configure(r, config); err != nil {
		return nil, newProblem(http.StatusBadRequest, "config: "+err.Error())
	}
	got, err := a.asked(ctx, r)
	if err != nil {
		return nil, err
	}
	return gin.H{"provider": got.Provider, "incident_id": about, "recommendations": got.Recommendations, "count": len(got.Recommendations)}, nil
}

// asked makes an analysis; who cannot be asked is the caller's mistake.
func (a *API) asked(ctx context.Context, r *intelligence.Request) (*intelligence.Analysis, error) {
	got, err := a.Analysts.Analyze(ctx, r)
	if errors.Is(err, intelligence.ErrUnknownProvider) {
		return nil, newProblem(http.StatusBadRequest, err.Error())
	}
	if own := (*providers.Error)(nil); errors.As(err, &own) {
		return nil, newProblem(http.StatusInternalServerError, "The analysis did not succeed: "+intelligence.Why(own.Class)+".")
	}
	return got, err
}

func (a *API) memoryReport(ctx context.Context, tenant string, c *gin.Context) (any, error) {
	n, err := wholeQuery(c, "top_n", 10, 100)
	if err != nil {
		return nil, err
	}
	got, err := a.asked(ctx, &intelligence.Request{
		Tenant: tenant, TraceID: trace.From(ctx), Provider: intelligence.Local, Kind: providers.Memory, Timeout: analysisTime, NoFallback: true,
		Options: providers.Options{TopProcesses: n},
	})
	if err != nil {
		return nil, err
	}
	return gin.H{"type": providers.Memory, "recommendations": got.Recommendations, "count": len(got.Recommendations)}, nil
}

func (a *API) diskReport(ctx context.Context, tenant string, c *gin.Context) (any, error) {
	at, err := reportPath(c.Query("path"))
	o := providers.Options{Path: at}
	if err == nil {
		o.LargeFileMB, err = wholeQuery(c, "threshold_mb", 100, 1<<30)
	}
	if err == nil {
		o.OldFileDays, err = wholeQuery(c, "old_days", 30, 36500)
	}
	if err != nil {
		return nil, err
	}
	got, err := a.asked(ctx, &intelligence.Request{
		Tenant: tenant, TraceID: trace.From(ctx), Provider: intelligence.Local, Kind: providers.Disk, Timeout: analysisTime, NoFallback: true, Options: o,
	})
	if err != nil {
		return nil, err
	}
	return gin.H{"type": providers.Disk, "path": at, "recommendations": got.Recommendations, "count": len(got.Recommendations)}, nil
}

// reportRoots are where callers may have the disk looked at, beside the whole of it.
var reportRoots = []string{"/var", "/tmp", "/home", "/opt", "/srv", "/usr"}

// reportPath is the folder that a caller may ask about; none is the whole disk.
func reportPath(given string) (string, error) {
	if given == "" || given == "/" {
		return "/", nil
	}
	clean := path.Clean(given)
	ok := path.IsAbs(given) && !strings.ContainsRune(given, 0) && len(given) <= 4096
	for _, root := range reportRoots {
		if ok && (clean == root || strings.HasPrefix(clean, root+"/")) {
			return clean, nil
		}
	}
	return "", newProblem(http.StatusBadRequest, "Invalid path")
}

func wholeQuery(c *gin.Context, name string, otherwise, most int) (int, error) {
	given := c.Query(name)
	if given == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(given)
	if err != nil || n < 1 || n > most {
		return 0, newProblem(http.StatusBadRequest, fmt.Sprintf("%s must be a whole number from 1 to %d", name, most))
	}
	return n, nil
}
