package api

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// What older tools read of a run that has ended: pipelineResult of the built-in pipeline, executionResult of all others.

// The words for the end of a run.
const (
	pipelineCompleted  = "COMPLETED"
	pipelineFailed     = "FAILED"
	executionCompleted = "completed"
	executionFailed    = "failed"
)

type pipelineResult struct {
	TraceID         string      `json:"trace_id"`
	RunID           id.ID       `json:"run_id"`
	Status          string      `json:"status"`
	IncidentID      *id.ID      `json:"incident_id"`
	StartedAt       *time.Time  `json:"started_at"`
	CompletedAt     *time.Time  `json:"completed_at"`
	TotalDurationMS *float64    `json:"total_duration_ms"`
	StagesCompleted []string    `json:"stages_completed"`
	Ingest          gin.H       `json:"ingest,omitempty"`
	Check           gin.H       `json:"check,omitempty"`
	Analyze         gin.H       `json:"analyze,omitempty"`
	Notify          gin.H       `json:"notify,omitempty"`
	FinalError      *finalError `json:"final_error,omitempty"`
}

type finalError struct {
	ErrorType string `json:"error_type"`
	Message   string `json:"message"`
	Retryable bool   `json:"retryable"`
}

type executionResult struct {
	TraceID           string                `json:"trace_id"`
	RunID             id.ID                 `json:"run_id"`
	Definition        string                `json:"definition"`
	DefinitionVersion int64                 `json:"definition_version"`
	Status            string                `json:"status"`
	IncidentID        *id.ID                `json:"incident_id"`
	ExecutedNodes     []string              `json:"executed_nodes"`
	SkippedNodes      []string              `json:"skipped_nodes"`
	NodeResults       map[string]nodeResult `json:"node_results"`
	DurationMS        *float64              `json:"duration_ms"`
	Error             *string               `json:"error"`
}

type nodeResult struct {
	NodeID     string          `json:"node_id"`
	NodeType   string          `json:"node_type"`
	Output     json.RawMessage `json:"output"`
	Errors     []string        `json:"errors"`
	DurationMS float64         `json:"duration_ms"`
	Skipped    bool            `json:"skipped"`
	SkipReason string          `json:"skip_reason"`
}

// States of runs and nodes that results tell apart.
const (
	stateSucceeded = "succeeded"
	stateFailed    = "failed"
	stateSkipped   = "skipped"
)

// resultOf is what a run that has ended is answered with, and the status that says how the run of a definition ended.
func resultOf(d *orchestration.RunDetail) (status int, result any) {
	if isFixed(d) {
		return http.StatusOK, pipelineResultOf(d)
	}
	r := executionResultOf(d)
	if r.Status == executionFailed {
		return http.StatusInternalServerError, r
	}
	return http.StatusOK, r
}

// isFixed reports whether a run is of the built-in pipeline.
func isFixed(d *orchestration.RunDetail) bool {
	return d.DefinitionName == orchestration.FixedName && len(d.Nodes) > 0 && !slices.ContainsFunc(d.Nodes, func(n orchestration.NodeRun) bool {
		return orchestration.StageOf(n.Node, n.Type) != n.Node
	})
}

// inOrder returns a run's nodes as its graph has them.
func inOrder(d *orchestration.RunDetail) []orchestration.NodeRun {
	place := map[string]int{}
	if d.Graph != nil {
		for _, n := range d.Graph.Nodes {
			place[n.ID] = n.Layer<<16 + n.Row
		}
	}
	nodes := slices.Clone(d.Nodes)
	slices.SortStableFunc(nodes, func(a, b orchestration.NodeRun) int { return cmp.Compare(place[a.Node], place[b.Node]) })
	return nodes
}

// ran reports whether a node was executed.
func ran(n *orchestration.NodeRun) bool { return len(n.Attempts) > 0 }

func pipelineResultOf(d *orchestration.RunDetail) pipelineResult {
	r := pipelineResult{
		TraceID: d.TraceID, RunID: d.ID, Status: pipelineCompleted, IncidentID: d.IncidentID, StartedAt: d.StartedAt, CompletedAt: d.CompletedAt,
		TotalDurationMS: d.TotalDurationMS, StagesCompleted: []string{},
	}
	if d.State != stateSucceeded {
		r.Status, r.FinalError = pipelineFailed, &finalError{ErrorType: d.State}
		if e := d.LastError; e != nil {
			r.FinalError = &finalError{e.Type, e.Message, e.Retryable}
		}
	}
	for _, n := range inOrder(d) {
		if !ran(&n) {
			continue
		}
		stage, done := stageResult(&n), n.State == stateSucceeded
		switch n.Node {
		case orchestration.StageIngest:
			stage["normalized_payload_ref"], r.Ingest = d.NormalizedPayloadRef, stage
		case orchestration.StageCheck:
			stage["checker_output_ref"], r.Check = d.CheckerOutputRef, stage
		case orchestration.StageAnalyze:
			stage["intelligence_output_ref"], r.Analyze = d.IntelligenceOutputRef, stage
			if done = done || d.IntelligenceFallbackUsed; done {
				analysis(stage, &n)
			}
		case orchestration.StageNotify:
			stage["notify_output_ref"], r.Notify = d.NotifyOutputRef, stage
		}
		if done {
			r.StagesCompleted = append(r.StagesCompleted, n.Node)
		}
	}
	return r
}

// stageResult is what a node gave out, with its errors and the time that it took.
func stageResult(n *orchestration.NodeRun) gin.H {
	stage := gin.H{}
	if json.Unmarshal(n.Output, &stage) != nil || stage == nil {
		stage = gin.H{}
	}
	var told []any
	if list, ok := stage["errors"].([]any); ok {
		told = list
	}
	for _, e := range errorsOf(n) {
		told = append(told, e)
	}
	if told == nil {
		told = []any{}
	}
	stage["errors"], stage["duration_ms"] = told, duration(n)
	return stage
}

// analysis completes what the analyze stage gave out. When it gave out nothing and the run went on, it says so in the words of an analysis;
// why is in the stage's executions.
func analysis(stage gin.H, n *orchestration.NodeRun) {
	if n.State != stateSucceeded {
		stage["fallback_used"], stage["confidence"], stage["errors"] = true, 0.0, []any{}
		stage["summary"] = "AI analysis is not available."
		stage["probable_cause"] = "AI analysis is not available; the cause has to be found by hand."
		stage["recommendations"] = []gin.H{{
			"title": "Investigate by hand", "description": "No analysis could be made of this incident. Look at its alerts and checks.", "priority": "high",
		}}
		stage["count"] = 1
		return
	}
	var first struct {
		Recommendations []struct {
			Title       string `json:"title"`
			Description string `json:"description"`
		} `json:"recommendations"`
		Description string `json:"description"`
	}
	_ = json.Unmarshal(n.Output, &first) // what is of another kind is left as it is
	for name, value := range map[string]any{"fallback_used": false, "confidence": 0.8} {
		if stage[name] == nil {
			stage[name] = value
		}
	}
	cause := first.Description
	if len(first.Recommendations) > 0 {
		cause = cmp.Or(cause, first.Recommendations[0].Description)
		if stage["summary"] == nil {
			stage["summary"] = first.Recommendations[0].Title
		}
	}
	if stage["probable_cause"] == nil && cause != "" {
		stage["probable_cause"] = cause
	}
}

// errorsOf is why a node's last execution failed, none for others.
func errorsOf(n *orchestration.NodeRun) []string {
	if n.State != stateFailed {
		return []string{}
	}
	if n.Error == "" {
		return []string{cmp.Or(n.Reason, n.State)}
	}
	return []string{n.Error}
}

func duration(n *orchestration.NodeRun) float64 {
	if n.DurationMS == nil {
		return 0
	}
	return *n.DurationMS
}

func executionResultOf(d *orchestration.RunDetail) executionResult {
	r := executionResult{
		TraceID: d.TraceID, RunID: d.ID, Definition: d.DefinitionName, DefinitionVersion: d.DefinitionVersion, Status: executionCompleted,
		IncidentID: d.IncidentID, ExecutedNodes: []string{}, SkippedNodes: []string{}, NodeResults: map[string]nodeResult{}, DurationMS: d.TotalDurationMS,
	}
	if d.State != stateSucceeded {
		why := d.State
		if d.LastError != nil {
			why = d.LastError.Message
		}
		r.Status, r.Error = executionFailed, &why
	}
	for _, n := range inOrder(d) {
		out := nodeResult{NodeID: n.Node, NodeType: n.Type, Output: n.Output, Errors: errorsOf(&n), DurationMS: duration(&n)}
		if len(out.Output) == 0 {
			out.Output = json.RawMessage("null")
		}
		if ran(&n) {
			r.ExecutedNodes = append(r.ExecutedNodes, n.Node)
		} else {
			out.Skipped, out.SkipReason, out.Errors = true, cmp.Or(n.Reason, n.State), []string{}
			r.SkippedNodes = append(r.SkippedNodes, n.Node)
		}
		r.NodeResults[n.Node] = out
	}
	return r
}
