package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// The routes under /orchestration keep the shapes that older tools read: lists in a field of their own beside a count, and
// errors as {"error": "…"}. Everything in them is also under /api/v1, in its form.

type contractRun struct {
	TraceID         string    `json:"trace_id"`
	RunID           id.ID     `json:"run_id"`
	Status          string    `json:"status"`
	CurrentStage    string    `json:"current_stage"` // id of the node that it is at
	Source          string    `json:"source"`
	CreatedAt       time.Time `json:"created_at"`
	TotalDurationMS *float64  `json:"total_duration_ms"`
}

type contractStage struct {
	Stage        string    `json:"stage"` // the node's kind
	NodeID       string    `json:"node_id"`
	Status       string    `json:"status"`
	Attempt      int64     `json:"attempt"`
	StartedAt    time.Time `json:"started_at"`
	CompletedAt  time.Time `json:"completed_at"`
	DurationMS   float64   `json:"duration_ms"`
	ErrorType    string    `json:"error_type"`
	ErrorMessage string    `json:"error_message"`
}

type contractRunDetail struct {
	orchestration.Run
	CurrentStage    string          `json:"current_stage"`
	StageExecutions []contractStage `json:"stage_executions"`
}

type contractDefinition struct {
	Name        string    `json:"name"`
	Description string    `json:"description"`
	Version     int64     `json:"version"`
	IsActive    bool      `json:"is_active"`
	Tags        []string  `json:"tags"`
	NodeCount   int       `json:"node_count"`
	CreatedBy   string    `json:"created_by"`
	UpdatedAt   time.Time `json:"updated_at"`
}

// contractual makes a handler of what answers with a value; errors take the contract's shape.
func (a *API) contractual(answer func(ctx context.Context, tenant string, c *gin.Context) (any, error)) gin.HandlerFunc {
	return func(c *gin.Context) {
		ctx := c.Request.Context()
		p, err := who(ctx)
		var v any
		if err == nil {
			v, err = answer(ctx, p.Tenant, c)
		}
		if err != nil {
			f := a.fail(ctx, err)
			for name, values := range f.GetHeaders() {
				c.Header(name, values[0])
			}
			c.JSON(f.Status, gin.H{"error": f.Detail})
			return
		}
		c.JSON(http.StatusOK, v)
	}
}

func (a *API) contractRuns(ctx context.Context, tenant string, c *gin.Context) (any, error) {
	limit := storage.DefaultPageSize
	if given := c.Query("limit"); given != "" {
		n, err := strconv.Atoi(given)
		if err != nil || n < 1 {
			return nil, newProblem(http.StatusBadRequest, "limit must be a whole number from 1 on")
		}
		limit = n
	}
	page, err := a.Flow.Runs(ctx, tenant, orchestration.RunFilter{Status: c.Query("status"), Source: c.Query("source")}, storage.Paging{Limit: limit})
	if err != nil {
		return nil, err
	}
	runs := make([]contractRun, len(page.Items))
	for i, r := range page.Items {
		runs[i] = contractRun{r.TraceID, r.ID, r.Status, r.CurrentNode, r.Source, r.CreatedAt, r.TotalDurationMS}
	}
	return gin.H{"count": len(runs), "runs": runs}, nil
}

func (a *API) contractRun(ctx context.Context, tenant string, c *gin.Context) (any, error) {
	run, err := ByID{ID: c.Param("id")}.key("run")
	if err != nil {
		return nil, err
	}
	d, err := a.Flow.Run(ctx, tenant, run)
	if err != nil {
		return nil, err
	}
	out := contractRunDetail{Run: d.Run, CurrentStage: d.CurrentNode, StageExecutions: []contractStage{}}
	for _, n := range d.Nodes {
		for _, t := range n.Attempts {
			out.StageExecutions = append(out.StageExecutions, contractStage{
				n.Type, n.Node, t.State, t.Attempt, t.StartedAt, t.CompletedAt, t.DurationMS, t.ErrorType, t.Error,
			})
		}
	}
	return out, nil
}

func (a *API) contractDefinitions(ctx context.Context, tenant string, c *gin.Context) (any, error) {
	list, err := a.Definitions.List(ctx, tenant, strings.EqualFold(c.Query("include_inactive"), "true"))
	if err != nil {
		return nil, err
	}
	out := make([]contractDefinition, len(list))
	for i, d := range list {
		v := viewDefinition(d)
		out[i] = contractDefinition{v.Name, v.Description, v.Version, v.IsActive, v.Tags, v.NodeCount, v.CreatedBy, v.UpdatedAt}
	}
	return gin.H{"count": len(out), "definitions": out}, nil
}

func (a *API) contractDefinition(ctx context.Context, tenant string, c *gin.Context) (any, error) {
	d, err := a.Definitions.Get(ctx, tenant, c.Param("ref"))
	return viewDefinition(d), err
}
