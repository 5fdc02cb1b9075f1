package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// maxPayload bounds the body of a run by hand, in bytes.
const maxPayload = 9 << 20

// contractRunning is a route that begins or takes up runs; it answers with the status that call returns.
type contractRunning struct {
	path, name, summary string
	call                func(ctx context.Context, c caller, g *gin.Context) (status int, answer any, err error)
}

// contractPipelineRoutes registers the routes by which older tools run pipelines.
func (a *API) contractPipelineRoutes(e *gin.Engine, doc *huma.OpenAPI) {
	for _, r := range []contractRunning{
		{"/orchestration/pipeline", "contract-run-pipeline", "Run the built-in pipeline; answers at once with 202", a.contractStart},
		{"/orchestration/pipeline/sync", "contract-run-pipeline-sync", "Run the built-in pipeline and answer with its result, also when it failed; 202 when it goes on", a.contractSync},
		{"/orchestration/pipeline/{id}/resume", "contract-resume-run", "Take a failed run up again and answer with its result; what succeeded is not done again", a.contractResume},
		{"/orchestration/definitions/{ref}/execute", "contract-execute-definition", "Run an active definition: 200 when it completed, 500 when it failed, 202 with async=true or when it goes on", a.contractExecute},
	} {
		o := op(http.MethodPost, r.path, r.name, r.summary)
		media := map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{Type: huma.TypeObject}}}
		o.RequestBody = &huma.RequestBody{Content: media}
		o.Responses = map[string]*huma.Response{"200": {Description: "OK", Content: media}, "202": {Description: "Accepted", Content: media}}
		o.Parameters = pathParameters(r.path)
		if r.name != "contract-resume-run" {
			o.Parameters = append(o.Parameters, &huma.Param{
				Name: "dry_run", In: "query", Description: "Only say what would happen: nothing is stored and nothing is sent.", Schema: &huma.Schema{Type: huma.TypeBoolean},
			})
		}
		if r.name == "contract-execute-definition" {
			o.Parameters = append(o.Parameters, &huma.Param{
				Name: "async", In: "query", Description: "Answer at once.", Schema: &huma.Schema{Type: huma.TypeBoolean},
			})
		}
		doc.AddOperation(&o)
		a.both(e, http.MethodPost, r.path, a.answering(r))
	}
}

// answering makes a handler of what begins runs; refusals are {"error": "…"} with 400 or 404.
func (a *API) answering(r contractRunning) gin.HandlerFunc {
	return func(c *gin.Context) {
		ctx := c.Request.Context()
		p, err := who(ctx)
		if err == nil {
			var v any
			var status int
			if status, v, err = r.call(ctx, caller{p.Tenant, p.Name}, c); err == nil {
				c.PureJSON(status, v)
				return
			}
		}
		f := a.fail(ctx, err)
		for name, values := range f.GetHeaders() {
			c.Header(name, values[0])
		}
		answer := gin.H{"error": f.Detail}
		if e := (*BadExecution)(nil); errors.As(err, &e) {
			answer["error"], answer["errors"] = e.Error(), linesOf(e.Problems)
		}
		if f.Status == http.StatusUnprocessableEntity || f.Status == http.StatusConflict {
			f.Status = http.StatusBadRequest // the contract knows no others
		}
		c.PureJSON(f.Status, answer)
	}
}

// pipelineBody is what the built-in pipeline is asked for.
type pipelineBody struct {
	ExecutionFields
	ChecksOnly     bool                      `json:"checks_only"`
	CheckerNames   []string                  `json:"checker_names"`
	CheckerConfigs map[string]map[string]any `json:"checker_configs"`
	Hostname       string                    `json:"hostname"`
	NoIncidents    bool                      `json:"no_incidents"`
	Provider       string                    `json:"provider"`
	ProviderConfig map[string]any            `json:"provider_config"`
	NotifyDriver   string                    `json:"notify_driver"`
	NotifyChannel  string                    `json:"notify_channel"`
	NotifyConfig   json.RawMessage           `json:"notify_config"`
}

// refused lists what of a request this hub does not do: an option is honoured or refused, never passed over.
func (b *pipelineBody) refused() []orchestration.LintProblem {
	var out []orchestration.LintProblem
	add := func(field, message, suggestion string) {
		out = append(out, orchestration.LintProblem{Pointer: "/" + field, Message: message, Suggestion: suggestion, Severity: "error"})
	}
	if b.NoIncidents && !b.ChecksOnly {
		add("no_incidents", "alerts that are taken in belong to incidents", "leave it out, or ask for checks_only or a dry run")
	}
	if given(b.NotifyConfig) {
		add("notify_config", "channels are made before they are used", "make one with POST /api/v1/channels and name it in notify_channel")
	}
	if !b.ChecksOnly {
		return out
	}
	for _, f := range []struct {
		name  string
		given bool
	}{
		{"provider", b.Provider != ""},
		{"provider_config", len(b.ProviderConfig) > 0},
		{"notify_driver", b.NotifyDriver != ""},
		{"notify_channel", b.NotifyChannel != ""},
		{"labels", len(b.Labels) > 0},
	} {
		if f.given {
			add(f.name, "with checks_only there is nothing that it could be for", "leave it out")
		}
	}
	return out
}

// given reports whether an optional object says anything.
func given(raw json.RawMessage) bool {
	var fields map[string]json.RawMessage
	raw = bytes.TrimSpace(raw)
	return len(raw) > 0 && (json.Unmarshal(raw, &fields) != nil || len(fields) > 0)
}

// fixed reads a request for the built-in pipeline.
func (a *API) fixed(ctx context.Context, c caller, g *gin.Context) (Execution, error) {
	var b pipelineBody
	if err := payloadBody(g, &b); err != nil {
		return Execution{}, err
	}
	e, err := b.of(ctx, c.name, "api")
	bad := b.refused()
	if also := (*BadExecution)(nil); errors.As(err, &also) {
		bad = append(also.Problems, bad...)
	}
	if !isWord(b.Hostname, maxRunWord) {
		bad = append(bad, orchestration.LintProblem{Pointer: "/hostname", Message: fmt.Sprintf("use at most %d characters, none of them a control character", maxRunWord), Severity: "error"})
	}
	e.Fixed = &orchestration.Fixed{
		ChecksOnly: b.ChecksOnly, Checkers: b.CheckerNames, CheckerConfigs: b.CheckerConfigs, Hostname: b.Hostname,
		Provider: b.Provider, ProviderConfig: b.ProviderConfig,
	}
	err = a.told(ctx, c.tenant, e.Fixed, b.NotifyDriver, b.NotifyChannel)
	if also := (*BadExecution)(nil); errors.As(err, &also) {
		bad = append(bad, also.Problems...)
	} else if err != nil {
		return e, err
	}
	if bad != nil {
		return e, &BadExecution{bad}
	}
	return e, nil
}

// told says who hears of a run of the built-in pipeline: a channel, those of a driver, or all. As elsewhere in the contract what is given
// as a driver may be the name of a channel.
func (a *API) told(ctx context.Context, tenant string, f *orchestration.Fixed, driver, channel string) error {
	name, pointer := channel, "/notify_channel"
	if name == "" {
		name, pointer = driver, "/notify_driver"
	}
	if name == "" {
		return nil
	}
	c, err := a.Channels.Get(ctx, tenant, name)
	found := err == nil && c.IsActive
	switch {
	case err != nil && !errors.Is(err, storage.ErrNotFound):
		return err
	case channel == "" && !found:
		f.Drivers = []string{driver}
	case !found:
		return badExecution(pointer, "there is no active channel of this name", "GET /api/v1/channels lists them")
	case channel != "" && driver != "" && driver != c.Driver && driver != c.Name:
		return badExecution(pointer, fmt.Sprintf("this channel is of the driver %q", c.Driver), "leave notify_driver out")
	default:
		f.Channels = []string{c.Name}
	}
	return nil
}

// payloadBody reads a JSON object that may hold a payload; empty is {}.
func payloadBody(g *gin.Context, out any) error {
	raw, err := io.ReadAll(http.MaxBytesReader(g.Writer, g.Request.Body, maxPayload))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return newProblem(http.StatusRequestEntityTooLarge, fmt.Sprintf("The body has more than %d bytes.", maxPayload))
	}
	if err != nil {
		return newProblem(http.StatusBadRequest, "The body ended early.")
	}
	if raw = bytes.TrimSpace(raw); len(raw) == 0 {
		return nil
	}
	return readObject(raw, out)
}

// yes reads a switch of the query.
func yes(g *gin.Context, name string) bool {
	on, err := strconv.ParseBool(g.Query(name))
	return err == nil && on || strings.EqualFold(g.Query(name), "yes")
}

func (a *API) contractStart(ctx context.Context, c caller, g *gin.Context) (int, any, error) {
	e, err := a.fixed(ctx, c, g)
	if err != nil {
		return 0, nil, err
	}
	return a.contractBegin(ctx, c, g, e, true)
}

func (a *API) contractSync(ctx context.Context, c caller, g *gin.Context) (int, any, error) {
	e, err := a.fixed(ctx, c, g)
	if err != nil {
		return 0, nil, err
	}
	return a.contractBegin(ctx, c, g, e, false)
}

// contractBegin begins a run, or says what it would do, and waits for it if it shall.
func (a *API) contractBegin(ctx context.Context, c caller, g *gin.Context, e Execution, async bool) (int, any, error) {
	if yes(g, "dry_run") {
		plan, err := a.Pipelines.Rehearse(ctx, c.tenant, e)
		return http.StatusOK, plan, err
	}
	began, err := a.Pipelines.Execute(ctx, c.tenant, e)
	if err != nil {
		return 0, nil, err
	}
	if async {
		return http.StatusAccepted, queuedRun(began), nil
	}
	d, over, err := a.await(ctx, c.tenant, began.RunID)
	if err != nil {
		return 0, nil, err
	}
	if !over {
		return http.StatusAccepted, queuedRun(began), nil
	}
	if err := a.about(ctx, c.tenant, &d); err != nil {
		return 0, nil, err
	}
	status, result := resultOf(&d)
	return status, result, nil
}

// about names the incident that a run's alerts belong to, also when they changed nothing in it, so that the run did nothing about it.
func (a *API) about(ctx context.Context, tenant string, d *orchestration.RunDetail) error {
	if d.IncidentID != nil || d.ReceiptID == nil {
		return nil
	}
	list, err := a.Flow.Observations(ctx, tenant, *d.ReceiptID, 0, orchestration.ObservationLimit)
	for _, o := range list {
		for _, out := range o.Outcomes {
			if d.IncidentID == nil && out.RunID != nil && *out.RunID == d.ID {
				d.IncidentID = out.IncidentID
			}
		}
	}
	return err
}

// queuedRun is the answer about a run that goes on.
func queuedRun(e Executed) gin.H {
	out := gin.H{"status": "queued", "task_id": e.RunID, "run_id": e.RunID, "trace_id": e.TraceID}
	if !e.ReceiptID.IsZero() {
		out["receipt_id"] = e.ReceiptID
	}
	return out
}

type contractExecuteBody struct {
	ExecutionFields
	IncidentID string `json:"incident_id"`
}

func (a *API) contractExecute(ctx context.Context, c caller, g *gin.Context) (int, any, error) {
	var b contractExecuteBody
	if err := payloadBody(g, &b); err != nil {
		return 0, nil, err
	}
	e, err := executing(ctx, c, b.ExecutionFields, idText(b.IncidentID))
	if err != nil {
		return 0, nil, err
	}
	e.Definition = g.Param("ref")
	return a.contractBegin(ctx, c, g, e, yes(g, "async"))
}

func (a *API) contractResume(ctx context.Context, c caller, g *gin.Context) (int, any, error) {
	run, err := ByID{ID: g.Param("id")}.key("run")
	if err != nil {
		return 0, nil, err
	}
	var b struct {
		Payload json.RawMessage `json:"payload"`
	}
	if err := payloadBody(g, &b); err != nil {
		return 0, nil, err
	}
	d, err := a.Flow.Run(ctx, c.tenant, run)
	if err != nil {
		return 0, nil, err
	}
	if given(b.Payload) {
		return 0, nil, badExecution("/payload", "a run goes on with the payload that it began with", "send another payload to /orchestration/pipeline/")
	}
	switch d.Status {
	case "failed":
		if err := a.RunActs.Resume(ctx, c.tenant, run, c.name); err != nil {
			return 0, nil, err
		}
	case "retrying": // it goes on by itself
	default:
		return 0, nil, newProblem(http.StatusConflict, fmt.Sprintf("Only a failed or retrying run can be resumed, this one is %s.", d.Status))
	}
	began := Executed{RunID: run, TraceID: d.TraceID}
	if d.ReceiptID != nil {
		began.ReceiptID = *d.ReceiptID
	}
	d, over, err := a.await(ctx, c.tenant, run)
	if err != nil {
		return 0, nil, err
	}
	if !over {
		return http.StatusAccepted, queuedRun(began), nil
	}
	if err := a.about(ctx, c.tenant, &d); err != nil {
		return 0, nil, err
	}
	_, result := resultOf(&d)
	return http.StatusOK, result, nil
}
