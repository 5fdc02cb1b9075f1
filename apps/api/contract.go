package api

import (
	"context"
	"encoding/json"
	"fmt"
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
	Stage          string     `json:"stage"` // of the built-in pipeline, else the node's kind
	NodeID         string     `json:"node_id"`
	Status         string     `json:"status"`
	Attempt        int64      `json:"attempt"`
	IdempotencyKey string     `json:"idempotency_key"`
	StartedAt      *time.Time `json:"started_at"`
	CompletedAt    *time.Time `json:"completed_at"`
	DurationMS     *float64   `json:"duration_ms"`
	ErrorType      string     `json:"error_type"`
	ErrorMessage   string     `json:"error_message"`
	ErrorRetryable bool       `json:"error_retryable"`
	SkipReason     string     `json:"skip_reason,omitempty"`
}

type contractRunDetail struct {
	orchestration.Run
	orchestration.RunRefs
	CurrentStage    string          `json:"current_stage"`
	MaxRetries      int             `json:"max_retries"`
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
			c.PureJSON(f.Status, gin.H{"error": f.Detail})
			return
		}
		c.PureJSON(http.StatusOK, v)
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
	out := contractRunDetail{
		Run: d.Run, RunRefs: d.RunRefs, CurrentStage: d.CurrentNode, MaxRetries: triesOf(d.Config), StageExecutions: []contractStage{},
	}
	for _, n := range inOrder(&d) {
		out.StageExecutions = append(out.StageExecutions, executionsOf(&d, &n)...)
	}
	return out, nil
}

// executionsOf are the executions of a node, with the one that is under way; of a node that is left out there is one that says why.
func executionsOf(d *orchestration.RunDetail, n *orchestration.NodeRun) []contractStage {
	out := make([]contractStage, 0, len(n.Attempts)+1)
	stage := contractStage{Stage: orchestration.StageOf(n.Node, n.Type), NodeID: n.Node}
	for _, t := range n.Attempts {
		s := stage
		s.Status, s.Attempt, s.ErrorType, s.ErrorMessage, s.ErrorRetryable = t.State, t.Attempt, t.ErrorType, t.Error, t.Retryable
		s.StartedAt, s.CompletedAt, s.DurationMS = &t.StartedAt, &t.CompletedAt, &t.DurationMS
		out = append(out, s)
	}
	switch n.State {
	case "ready", "running":
		stage.Status, stage.Attempt, stage.StartedAt = "running", n.Attempt, n.StartedAt
		out = append(out, stage)
	case "retrying":
		stage.Status, stage.Attempt = "retrying", n.Attempt
		out = append(out, stage)
	case stateSkipped:
		stage.Status, stage.Attempt, stage.CompletedAt, stage.SkipReason = stateSkipped, n.Attempt, n.CompletedAt, n.Reason
		out = append(out, stage)
	}
	for i := range out {
		out[i].IdempotencyKey = fmt.Sprintf("%s:%s:%d", d.ID, n.Node, out[i].Attempt)
	}
	return out
}

// triesOf is how often a definition has a failed node tried in all, unless the node says otherwise.
func triesOf(config json.RawMessage) int {
	var d struct {
		Defaults struct {
			MaxRetries *int `json:"max_retries"`
		} `json:"defaults"`
	}
	if json.Unmarshal(config, &d) != nil || d.Defaults.MaxRetries == nil {
		return 3
	}
	return *d.Defaults.MaxRetries
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
