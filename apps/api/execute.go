package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/apps/rehearsal"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/trace"
)

// Execution asks for a run by hand of one pipeline: a stored one, one that is stored nowhere, or the built-in one.
type Execution struct {
	Definition string // id or name of an active one
	Config     json.RawMessage
	Fixed      *orchestration.Fixed
	// Payload is the body of a push in the form of any driver. Empty, null and {}: there is nothing to take in, but for the built-in
	// pipeline, which then fails. What is no payload that can be used makes a run that fails in its ingest node.
	Payload     json.RawMessage
	Driver      string            // of the payload; "": as the pipeline or the payload says, else by shape
	Labels      map[string]string // put onto every alert of the payload, over its own
	Incident    id.ID             // what a run without payload is about
	Source      string            // what the run shows as its source
	Environment string
	TraceID     string
	By          string
}

// Executed names what began.
type Executed struct {
	RunID     id.ID
	TraceID   string
	ReceiptID id.ID // zero when nothing was taken in
}

// BadExecution refuses what was asked for, with all that is wrong; the pointers are into the request.
type BadExecution struct{ Problems []orchestration.LintProblem } //nolint:errname // as the Invalid of services

// Error implements error.
func (e *BadExecution) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = strings.TrimPrefix(p.Pointer, "/") + ": " + p.Message
		if p.Suggestion != "" {
			lines[i] += " (" + p.Suggestion + ")"
		}
	}
	return strings.Join(lines, "; ")
}

// badExecution is a BadExecution with one problem.
func badExecution(pointer, message, suggestion string) error {
	return &BadExecution{[]orchestration.LintProblem{{Pointer: pointer, Message: message, Suggestion: suggestion, Severity: "error"}}}
}

// Pipelines begins runs by hand; internal/server fits. What cannot be done is a *BadExecution, or wraps event.ErrRefused.
type Pipelines interface {
	Execute(ctx context.Context, tenant string, e Execution) (Executed, error)
	// Wait returns when a run has ended, with those that it began for further incidents; false when ctx ends first.
	Wait(ctx context.Context, tenant string, run id.ID) (bool, error)
	// Rehearse says what Execute would do, and does nothing.
	Rehearse(ctx context.Context, tenant string, e Execution) (rehearsal.DryRunResult, error)
}

// executionWait is how long a call waits for its run. Clients and proxies often give up after a minute.
const executionWait = 50 * time.Second

// patient are the routes that wait for runs and receivers, with the time that they may take.
var patient = map[string]time.Duration{
	"/orchestration/pipeline/sync":             executionWait + 10*time.Second,
	"/orchestration/pipeline/{id}/resume":      executionWait + 10*time.Second,
	"/orchestration/definitions/{ref}/execute": executionWait + 10*time.Second,
	"/api/v1/definitions/{ref}/execute":        executionWait + 10*time.Second,
	"/api/v1/definitions/execute":              executionWait + 10*time.Second,

	"/api/v1/channels/{ref}/test": sendWait,
	"/notify/send":                sendWait,
	"/notify/send/{target}":       sendWait,
	"/notify/batch":               batchWait,
	"/api/v1/checks/run":          checksTime,
}

// await waits for a run as long as a call may, and returns it; false: it goes on.
func (a *API) await(ctx context.Context, tenant string, run id.ID) (orchestration.RunDetail, bool, error) {
	waiting, cancel := context.WithTimeout(ctx, executionWait)
	defer cancel()
	over, err := a.Pipelines.Wait(waiting, tenant, run)
	if err != nil || !over {
		return orchestration.RunDetail{}, false, err
	}
	d, err := a.Flow.Run(ctx, tenant, run)
	return d, err == nil, err
}

// Bounds of texts that runs show.
const (
	maxRunWord = 100
	maxLabels  = 50
	maxLabel   = 500
)

// ExecutionFields are what all requests for runs by hand share.
type ExecutionFields struct {
	Payload     json.RawMessage   `json:"payload,omitempty" doc:"What a monitoring tool would send. Left out, null or {}: there is nothing to take in."`
	Source      string            `json:"source,omitempty" doc:"What the run shows as its source." maxLength:"100"`
	Environment string            `json:"environment,omitempty" doc:"Left out: production." maxLength:"100"`
	TraceID     string            `json:"trace_id,omitempty" doc:"Goes with everything that comes of it: 1 to 64 letters, digits and . _ : -. Left out: the request's own."`
	Driver      string            `json:"driver,omitempty" doc:"Tool that the payload is of. Left out: as the pipeline or the payload says, else by its shape."`
	Labels      map[string]string `json:"labels,omitempty" doc:"Put onto every alert of the payload, over its own."`
}

// of checks the shared fields.
func (x ExecutionFields) of(ctx context.Context, by, source string) (Execution, error) {
	e := Execution{
		Payload: x.Payload, Driver: x.Driver, Labels: x.Labels, Source: x.Source, Environment: x.Environment, TraceID: x.TraceID, By: by,
	}
	var bad []orchestration.LintProblem
	add := func(pointer, message string) {
		bad = append(bad, orchestration.LintProblem{Pointer: pointer, Message: message, Severity: "error"})
	}
	if e.Source == "" {
		e.Source = source
	}
	for _, f := range []struct{ pointer, text string }{{"/source", e.Source}, {"/environment", e.Environment}, {"/driver", e.Driver}} {
		if !isWord(f.text, maxRunWord) {
			add(f.pointer, fmt.Sprintf("use at most %d characters, none of them a control character", maxRunWord))
		}
	}
	if e.TraceID == "" {
		e.TraceID = trace.From(ctx)
	} else if !isTrace(e.TraceID) {
		add("/trace_id", "use 1 to 64 letters, digits and . _ : -")
	}
	if len(e.Labels) > maxLabels {
		add("/labels", fmt.Sprintf("use at most %d labels", maxLabels))
	}
	for k, v := range e.Labels {
		if k == "" || !isWord(k, maxRunWord) || !isWord(v, maxLabel) {
			add("/labels", fmt.Sprintf("a label has a name of 1 to %d characters and a value of at most %d, without control characters", maxRunWord, maxLabel))
			break
		}
	}
	if bad != nil {
		return e, &BadExecution{bad}
	}
	return e, nil
}

func isWord(s string, limit int) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= limit && !strings.ContainsFunc(s, unicode.IsControl)
}

func isTrace(s string) bool {
	return len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune("._:-", r)
	})
}

// ExecuteQuery says how a run by hand is answered.
type ExecuteQuery struct {
	Async  bool `query:"async" doc:"Answer at once instead of when the run has ended."`
	DryRun bool `query:"dry_run" doc:"Only say what would happen: nothing is stored and nothing is sent."`
}

type executeInput struct {
	ByRef
	ExecuteQuery
	Body *struct {
		ExecutionFields
		IncidentID idText `json:"incident_id,omitempty" doc:"What a run without payload is about; it is told of once more."`
	}
}

type executeConfigInput struct {
	ExecuteQuery
	Body struct {
		ExecutionFields
		Config     json.RawMessage `json:"config" doc:"The definition. It is kept with the run, and takes part in no routing."`
		IncidentID idText          `json:"incident_id,omitempty" doc:"What a run without payload is about; it is told of once more."`
	}
}

// executeView is what a run by hand is answered with.
type executeView struct {
	Over      bool                     `json:"over" doc:"Whether the run has ended: false with the status 202, and for a dry run."`
	RunID     id.ID                    `json:"run_id"`
	TraceID   string                   `json:"trace_id"`
	ReceiptID id.ID                    `json:"receipt_id" doc:"Of the payload, null when nothing was taken in."`
	Run       *orchestration.RunDetail `json:"run,omitempty" doc:"Of a run that has ended."`
	Plan      *rehearsal.DryRunResult  `json:"plan,omitempty" doc:"Of a dry run."`
}

type executeAnswer struct {
	Status int
	Body   executeView
}

func (a *API) executeRoutes(h huma.API) {
	for _, o := range []struct {
		path, name, summary string
		add                 func(huma.Operation)
	}{
		{
			"/api/v1/definitions/{ref}/execute", "execute-definition", "Run an active pipeline once, by hand", func(o huma.Operation) {
				change(a, h, o, func(ctx context.Context, c caller, in *executeInput) (*executeAnswer, error) {
					var fields ExecutionFields
					var incident idText
					if in.Body != nil {
						fields, incident = in.Body.ExecutionFields, in.Body.IncidentID
					}
					e, err := executing(ctx, c, fields, incident)
					e.Definition = in.Ref
					return a.execute(ctx, c, e, in.ExecuteQuery, err)
				})
			},
		},
		{
			"/api/v1/definitions/execute", "execute-config", "Run a pipeline that is stored nowhere, once", func(o huma.Operation) {
				change(a, h, o, func(ctx context.Context, c caller, in *executeConfigInput) (*executeAnswer, error) {
					e, err := executing(ctx, c, in.Body.ExecutionFields, in.Body.IncidentID)
					e.Config = in.Body.Config
					return a.execute(ctx, c, e, in.ExecuteQuery, err)
				})
			},
		},
	} {
		described := op(http.MethodPost, o.path, o.name, o.summary)
		described.Description = "Answers 200 with the run when that has ended, whatever its end, or with the plan of a dry run; 202 when it goes on."
		described.MaxBodyBytes = maxPayload
		o.add(described)
	}
}

func executing(ctx context.Context, c caller, in ExecutionFields, incident idText) (Execution, error) {
	e, err := in.of(ctx, c.name, "api")
	if err == nil && incident != "" {
		if e.Incident, err = id.Parse(string(incident)); err != nil {
			err = badExecution("/incident_id", wantID, "")
		}
	}
	return e, err
}

func (a *API) execute(ctx context.Context, c caller, e Execution, q ExecuteQuery, err error) (*executeAnswer, error) {
	if err != nil {
		return nil, err
	}
	if q.DryRun {
		plan, err := a.Pipelines.Rehearse(ctx, c.tenant, e)
		return &executeAnswer{Status: http.StatusOK, Body: executeView{TraceID: plan.TraceID, Plan: &plan}}, err
	}
	began, err := a.Pipelines.Execute(ctx, c.tenant, e)
	if err != nil {
		return nil, err
	}
	out := &executeAnswer{Status: http.StatusAccepted, Body: executeView{RunID: began.RunID, TraceID: began.TraceID, ReceiptID: began.ReceiptID}}
	if q.Async {
		return out, nil
	}
	d, over, err := a.await(ctx, c.tenant, began.RunID)
	if err == nil && over {
		out.Status, out.Body.Over, out.Body.Run = http.StatusOK, true, &d
	}
	return out, err
}

// badExecutionOf is what a caller hears of a *BadExecution, nil for other errors.
func badExecutionOf(err error) *Problem {
	e := (*BadExecution)(nil)
	if !errors.As(err, &e) {
		return nil
	}
	p := newProblem(http.StatusUnprocessableEntity, unusableDetail)
	for _, f := range e.Problems {
		p.Errors = append(p.Errors, Detail{Message: f.Message, Pointer: f.Pointer, Suggestion: f.Suggestion, Severity: string(f.Severity)})
	}
	return p
}
