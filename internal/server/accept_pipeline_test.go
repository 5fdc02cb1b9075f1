package server_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// payloadOf is a push as a payload.
func payloadOf(push string) json.RawMessage { return json.RawMessage(push) }

// pipelineRun is what the contract's view of a run holds.
type pipelineRun struct {
	TraceID       string `json:"trace_id"`
	RunID         string `json:"run_id"`
	Status        string `json:"status"`
	Source        string `json:"source"`
	Environment   string `json:"environment"`
	Origin        string `json:"origin"`
	Definition    string `json:"definition_name"`
	TotalAttempts int    `json:"total_attempts"`
	MaxRetries    int    `json:"max_retries"`
	Payload       string `json:"normalized_payload_ref"`
	Checks        string `json:"checker_output_ref"`
	Intelligence  string `json:"intelligence_output_ref"`
	Notify        string `json:"notify_output_ref"`
	FellBack      bool   `json:"intelligence_fallback_used"`
	LastError     *struct {
		Type, Message string
		Retryable     bool
	} `json:"last_error"`
	Executions []struct {
		Stage   string `json:"stage"`
		Status  string `json:"status"`
		Attempt int    `json:"attempt"`
		Key     string `json:"idempotency_key"`
		Error   string `json:"error_message"`
		Skip    string `json:"skip_reason"`
	} `json:"stage_executions"`
}

func pipelineOf(h hub, run any) pipelineRun {
	var out pipelineRun
	h.Get("/orchestration/pipeline/"+run.(string)+"/", &out)
	return out
}

// steps are a run's executions in short.
func (r pipelineRun) steps() []string {
	var out []string
	for _, e := range r.Executions {
		out = append(out, strings.TrimSpace(e.Stage+" "+e.Status+" "+e.Skip))
	}
	return out
}

// looks is a context node that counts its calls and fails while it is told to.
type looks struct {
	calls   *atomic.Int64
	failing *atomic.Bool
}

func newLooks() looks { return looks{&atomic.Int64{}, &atomic.Bool{}} }

func (l looks) Run(*orchestration.NodeContext) orchestration.Result {
	l.calls.Add(1)
	if l.failing.Load() {
		return orchestration.Result{Err: errors.New("the probe broke"), Type: "probe"}
	}
	return orchestration.Result{Output: obj{"checks_run": 3, "checks_passed": 3, "checks_failed": 0}}
}

// TestBuiltInPipeline: the four stages by the contract's door, one trace id everywhere, refs, the walk, alerts and incidents as by a push.
func TestBuiltInPipeline(t *testing.T) {
	t.Parallel()
	servertest.Forms(t, func(t *testing.T, begin func(servertest.Setup) hub) {
		look := newLooks()
		h := begin(servertest.Setup{Acts: true, Env: map[string]string{"ORCHESTRATION_MAX_RETRIES_PER_STAGE": "2"}, Handlers: map[string]orchestration.Handler{"context": look}})
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		h.Tell("other", servertest.NewReceiver(t))
		trace := id.New().String()
		got := h.Want(http.StatusOK, http.MethodPost, "/orchestration/pipeline/sync/", obj{
			"payload": payloadOf(servertest.Fire("Disk")), "source": "cron", "environment": "staging", "trace_id": trace, "labels": obj{"team": "db"},
			"notify_channel": "ops", "checker_names": []string{"cpu"},
		})
		if got["status"] != "COMPLETED" || got["trace_id"] != trace || got["incident_id"] == nil || got["final_error"] != nil || got["started_at"] == nil ||
			got["completed_at"] == nil || got["total_duration_ms"] == nil {
			t.Errorf("result %v", got)
		}
		if diff := cmp.Diff([]any{"ingest", "check", "analyze", "notify"}, got["stages_completed"]); diff != "" {
			t.Errorf("stages (-want +got):\n%s", diff)
		}
		ingest, check, analyze, notify := got["ingest"].(obj), got["check"].(obj), got["analyze"].(obj), got["notify"].(obj)
		if ingest["alerts_created"] != 1.0 || ingest["incident_id"] != got["incident_id"] || check["checks_run"] != 3.0 || notify["channels_succeeded"] != 1.0 {
			t.Errorf("outputs %v, %v, %v", ingest, check, notify)
		}
		// The alert is about another machine than this one: there are the facts, and they are an answer.
		if analyze["fallback_used"] != false || analyze["rung"] != "facts" || len(analyze["errors"].([]any)) != 0 || len(analyze["recommendations"].([]any)) == 0 {
			t.Errorf("analyze %v", analyze)
		}
		run := got["run_id"].(string)
		for stage, want := range map[string]struct{ field, ref string }{
			"ingest": {"normalized_payload_ref", "payload:"}, "check": {"checker_output_ref", "checker:"}, "notify": {"notify_output_ref", "notify:"},
		} {
			part := got[stage].(obj)
			if part[want.field] != want.ref+trace+":"+run+":"+stage || len(part["errors"].([]any)) != 0 || part["duration_ms"] == nil {
				t.Errorf("%s: %v", stage, part)
			}
		}
		one := pipelineOf(h, run)
		if one.Status != "notified" || one.Source != "cron" || one.Environment != "staging" || one.Origin != "manual" || one.Definition != "pipeline" || one.LastError != nil ||
			one.MaxRetries != 2 || one.TotalAttempts != 1 || one.FellBack || one.Intelligence != "intelligence:"+trace+":"+run+":analyze" || one.Payload != "payload:"+trace+":"+run+":ingest" {
			t.Errorf("run %+v", one)
		}
		if diff := cmp.Diff([]string{"ingest succeeded", "check succeeded", "analyze succeeded", "notify succeeded"}, one.steps()); diff != "" {
			t.Errorf("executions (-want +got):\n%s", diff)
		}
		if e := one.Executions[0]; e.Key != run+":ingest:1" {
			t.Errorf("idempotency key %s", e.Key)
		}
		told(t, r, "firing")
		m := r.Last()
		if m.Tags["trace_id"] != trace || m.Tags["run_id"] != run || len(m.Alerts) != 1 || m.Alerts[0].Labels["team"] != "db" {
			t.Errorf("message %+v", m)
		}
		list := h.Want(http.StatusOK, http.MethodGet, "/orchestration/pipelines/?status=notified&source=cron&limit=5", nil)
		if list["count"] != 1.0 {
			t.Errorf("list %v", list)
		}
		// What changes nothing is not told again, and the run says which incident it was about.
		again := h.Want(http.StatusOK, http.MethodPost, "/orchestration/pipeline/sync/", obj{"payload": payloadOf(servertest.Fire("Disk")), "notify_channel": "ops"})
		if again["status"] != "COMPLETED" || again["incident_id"] != got["incident_id"] || again["notify"] != nil {
			t.Errorf("again: %v", again)
		}
		// The alert is a usual one: its end comes by a push and is told.
		h.Send(servertest.Resolve("Disk"))
		told(t, waits(r, 2), "firing", "resolved")
		// Nobody sees the pipeline among those that route.
		if d := h.Want(http.StatusOK, http.MethodGet, "/api/v1/definitions", nil); strings.Contains(jsonOf(d), `"name":"pipeline"`) {
			t.Error("the built-in pipeline stands in the list of definitions")
		}

		queued := h.Want(http.StatusAccepted, http.MethodPost, "/orchestration/pipeline", obj{"payload": payloadOf(servertest.Fire("Net")), "notify_driver": "ops"})
		if queued["status"] != "queued" || queued["task_id"] == nil || queued["trace_id"] == nil {
			t.Errorf("queued %v", queued)
		}
		told(t, waits(r, 3), "firing", "resolved", "firing")

		checked := h.Want(http.StatusOK, http.MethodPost, "/orchestration/pipeline/sync", obj{"payload": payloadOf(servertest.Fire("Ignored")), "checks_only": true})
		if checked["status"] != "COMPLETED" || checked["ingest"] != nil || checked["notify"] != nil || checked["incident_id"] != nil {
			t.Errorf("checks only: %v", checked)
		}
		if one := pipelineOf(h, checked["run_id"]); one.Status != "checked" || len(one.Executions) != 1 || one.Checks == "" {
			t.Errorf("checks only: %+v", one)
		}
		atRest(t, h, map[string]int64{"delivered": 3, "suppressed": 1, "(duplicate)": 1})
	})
}

func jsonOf(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // it came as JSON
	}
	return string(raw)
}

// TestBuiltInPipelineFails: a payload that nobody can use makes a run that failed, on record, without another try, again when it is resumed,
// and tells nobody.
func TestBuiltInPipelineFails(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		for name, tt := range map[string]struct {
			body any
			want string
		}{
			"no object":       {obj{"payload": "text"}, "the payload is not an object"},
			"a list":          {obj{"payload": []any{1}}, "the payload is not an object"},
			"none":            {obj{}, "the payload is not an object"},
			"nothing at all":  {nil, "the payload is not an object"},
			"null":            {obj{"payload": nil}, "the payload is not an object"},
			"of no tool":      {obj{"payload": obj{"hello": 1}}, "recognises"},
			"unknown driver":  {obj{"payload": payloadOf(servertest.Fire("Disk")), "driver": "nosuch"}, `unknown driver "nosuch"`},
			"another's shape": {obj{"payload": payloadOf(servertest.Fire("Disk")), "driver": "pagerduty"}, ""},
		} {
			got := h.Want(http.StatusOK, http.MethodPost, "/orchestration/pipeline/sync/", tt.body)
			final, _ := got["final_error"].(obj)
			if got["status"] != "FAILED" || final["error_type"] != "ingest" || final["retryable"] != false || !strings.Contains(final["message"].(string), tt.want) {
				t.Errorf("%s: %v", name, got)
				continue
			}
			if len(got["stages_completed"].([]any)) != 0 || got["notify"] != nil || got["check"] != nil || len(got["ingest"].(obj)["errors"].([]any)) != 1 {
				t.Errorf("%s: stages %v", name, got)
			}
			one := pipelineOf(h, got["run_id"])
			if one.Status != "failed" || one.LastError == nil || len(one.Executions) != 4 || one.Executions[0].Attempt != 1 {
				t.Errorf("%s: %+v", name, one)
			}
			again := h.Want(http.StatusOK, http.MethodPost, "/orchestration/pipeline/"+got["run_id"].(string)+"/resume/", obj{})
			if again["status"] != "FAILED" || again["final_error"].(obj)["message"] != final["message"] {
				t.Errorf("%s, resumed: %v", name, again)
			}
			one = pipelineOf(h, got["run_id"])
			if one.TotalAttempts != 2 || len(one.Executions) < 2 || one.Executions[1].Attempt != 2 {
				t.Errorf("%s, resumed: %+v", name, one)
			}
		}
		told(t, r)
	})
}

// TestBuiltInPipelineRefuses: what cannot be done is refused with the names of the fields, and leaves nothing behind.
func TestBuiltInPipelineRefuses(t *testing.T) {
	t.Parallel()
	h := servertest.Start(t, nil)
	h.Tell("ops", servertest.NewReceiver(t))
	fire := payloadOf(servertest.Fire("Disk"))
	nothingWritten(t, h, func() {
		for name, tt := range map[string]struct {
			body any
			want []string
		}{
			"no JSON":          {`{`, []string{"not valid JSON"}},
			"no object":        {`[]`, []string{"JSON"}},
			"wrong kind":       {`{"payload":{},"checker_names":"cpu"}`, []string{"checker_names"}},
			"no_incidents":     {obj{"payload": fire, "no_incidents": true}, []string{"no_incidents"}},
			"notify_config":    {obj{"payload": fire, "notify_config": obj{"endpoint": "http://x"}}, []string{"notify_config"}},
			"several":          {obj{"payload": fire, "no_incidents": true, "notify_config": 1, "trace_id": "a b", "notify_channel": "x"}, []string{"no_incidents", "notify_config", "trace_id", "notify_channel"}},
			"no such channel":  {obj{"payload": fire, "notify_channel": "nobody"}, []string{"notify_channel"}},
			"another's driver": {obj{"payload": fire, "notify_channel": "ops", "notify_driver": "slack"}, []string{"notify_channel"}},
			"no such driver":   {obj{"payload": fire, "notify_driver": "pigeon"}, []string{"notify_driver", "pigeon"}},
			"a secret":         {obj{"payload": fire, "provider_config": obj{"api_key": "k"}}, []string{"provider_config/api_key"}},
			"checks only":      {obj{"checks_only": true, "provider": "openai", "labels": obj{"a": "b"}}, []string{"provider", "labels"}},
			"control":          {obj{"payload": fire, "source": "a\u0000b"}, []string{"source"}},
		} {
			for _, path := range []string{"/orchestration/pipeline/", "/orchestration/pipeline/sync", "/orchestration/pipeline/?dry_run=1"} {
				got := h.Want(http.StatusBadRequest, http.MethodPost, path, tt.body)
				for _, want := range tt.want {
					if text, _ := got["error"].(string); !strings.Contains(text, want) {
						t.Errorf("%s: %v does not name %s", name, got, want)
					}
				}
			}
		}
	})
}

// TestResumeByContract: a failed run goes on where it failed, nobody is told twice, and the result holds what was done before.
func TestResumeByContract(t *testing.T) {
	t.Parallel()
	servertest.Forms(t, func(t *testing.T, begin func(servertest.Setup) hub) {
		look := newLooks()
		h := begin(servertest.Setup{Acts: true, Handlers: map[string]orchestration.Handler{"context": look}})
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		look.failing.Store(true)
		h.Only("p", obj{"version": "1.0", "nodes": []any{
			obj{"id": "in", "type": "ingest", "next": "tell"},
			obj{"id": "tell", "type": "notify", "config": obj{"channels": []string{"ops"}}, "next": "look"},
			obj{"id": "look", "type": "context", "required": true},
		}})
		failed := h.Want(http.StatusInternalServerError, http.MethodPost, "/orchestration/definitions/p/execute/", obj{"payload": payloadOf(servertest.Fire("Disk"))})
		if failed["status"] != "failed" || failed["error"] != "Node look failed: the probe broke" {
			t.Fatalf("execution %v", failed)
		}
		run := failed["run_id"].(string)
		path := "/orchestration/pipeline/" + run + "/resume/"
		for body, want := range map[string]int{`{`: 400, `[]`: 400, `{"payload":{"name":"x"}}`: 400} {
			h.Want(want, http.MethodPost, path, body)
		}
		h.Want(http.StatusNotFound, http.MethodPost, "/orchestration/pipeline/"+id.New().String()+"/resume/", nil)
		look.failing.Store(false)
		again := h.Want(http.StatusOK, http.MethodPost, path, nil)
		if diff := cmp.Diff([]any{"in", "tell", "look"}, again["executed_nodes"]); diff != "" || again["status"] != "completed" || again["error"] != nil {
			t.Errorf("resumed %v\n%s", again, diff)
		}
		if got := again["node_results"].(obj)["tell"].(obj)["output"].(obj)["channels_succeeded"]; got != 1.0 {
			t.Errorf("what was told before: %v", again)
		}
		one := pipelineOf(h, run)
		if one.TotalAttempts != 2 || one.Status != "notified" || one.Executions[len(one.Executions)-1].Attempt != 2 {
			t.Errorf("run %+v", one)
		}
		told(t, r, "firing")
		h.Want(http.StatusBadRequest, http.MethodPost, path, nil) // it has not failed
	})
}

// TestExecute: a definition by hand, with a payload, without, about an incident; what is unknown or cannot be done is refused.
func TestExecute(t *testing.T) {
	t.Parallel()
	servertest.Forms(t, func(t *testing.T, begin func(servertest.Setup) hub) {
		h := begin(servertest.Setup{Acts: true})
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		h.Only("p", pipeline(nil, ingest("shape"),
			obj{"id": "shape", "type": "transform", "config": obj{"source_node": "in", "extract": "severity"}, "next": "no"},
			obj{"id": "no", "type": "transform", "when": "false", "config": obj{"source_node": "in"}, "next": "n"}, notify("n", "ops")),
			"off", pipeline(nil, ingest("n"), notify("n", "ops")),
			"bare", pipeline(obj{"on": "manual"}, notify("n", "ops")), "shade", obj{"version": "1.0", "shadow": true, "nodes": []any{notify("n", "ops")}},
			"drop", pipeline(obj{"discard": true, "priority": 900}))
		h.Want(http.StatusOK, http.MethodPatch, "/api/v1/definitions/off", obj{"is_active": false})
		path := "/orchestration/definitions/p/execute/"
		got := h.Want(http.StatusOK, http.MethodPost, path, obj{"payload": payloadOf(servertest.Fire("Disk")), "environment": "test"})
		if got["status"] != "completed" || got["definition"] != "p" || got["definition_version"] != 1.0 || got["incident_id"] == nil || got["error"] != nil || got["duration_ms"] == nil {
			t.Errorf("execution %v", got)
		}
		if diff := cmp.Diff([2]any{[]any{"in", "shape", "n"}, []any{"no"}}, [2]any{got["executed_nodes"], got["skipped_nodes"]}); diff != "" {
			t.Errorf("nodes (-want +got):\n%s", diff)
		}
		nodes := got["node_results"].(obj)
		shape, no := nodes["shape"].(obj), nodes["no"].(obj)
		if shape["node_type"] != "transform" || shape["output"].(obj)["transformed"] != "critical" || no["skipped"] != true || no["skip_reason"] != "when" {
			t.Errorf("node results %v", nodes)
		}
		if one := pipelineOf(h, got["run_id"]); one.Source != "api" || one.Environment != "test" || !strings.Contains(strings.Join(one.steps(), ","), "transform skipped when") {
			t.Errorf("run %+v", one)
		}
		told(t, r, "firing")

		// Without a payload a run begins all the same; about an incident that is told of once more.
		if got := h.Want(http.StatusOK, http.MethodPost, path, nil); got["status"] != "completed" || got["incident_id"] != nil {
			t.Errorf("without a payload: %v", got)
		}
		about := h.Want(http.StatusOK, http.MethodPost, path, obj{"payload": obj{}, "incident_id": got["incident_id"]})
		if about["status"] != "completed" || about["incident_id"] != got["incident_id"] {
			t.Errorf("about an incident: %v", about)
		}
		if n := len(waits(r, 3).All()); n != 3 || r.Last().IncidentID != got["incident_id"] {
			t.Errorf("told %d times, last %+v", n, r.Last())
		}

		// What is wrapped is unwrapped, and a payload says whose it is.
		wrapped := h.Want(http.StatusOK, http.MethodPost, path, obj{"payload": obj{"driver": "alertmanager", "payload": payloadOf(servertest.Fire("Wrapped"))}})
		if wrapped["status"] != "completed" || wrapped["node_results"].(obj)["in"].(obj)["output"].(obj)["alerts_created"] != 1.0 {
			t.Errorf("wrapped: %v", wrapped)
		}
		failed := h.Want(http.StatusInternalServerError, http.MethodPost, path, obj{"payload": obj{"hello": 1}})
		if failed["status"] != "failed" || failed["error"] == nil {
			t.Errorf("a payload of no tool: %v", failed)
		}
		queued := h.Want(http.StatusAccepted, http.MethodPost, path+"?async=true", obj{"payload": payloadOf(servertest.Fire("Later"))})
		if queued["status"] != "queued" || queued["run_id"] == nil {
			t.Errorf("async: %v", queued)
		}
		h.Rest()
		if run := h.Run(queued["run_id"].(string)); run.State != "succeeded" {
			t.Errorf("async: %+v", run)
		}
		told(t, waits(r, 5), "firing", "firing", "firing", "firing", "firing")

		nothingWritten(t, h, func() {
			for name, tt := range map[string]struct {
				ref    string
				body   any
				status int
			}{
				"unknown": {"nobody", nil, 404}, "not active": {"off", nil, 404}, "no JSON": {"p", `{`, 400}, "a shadow": {"shade", nil, 400},
				"discards": {"drop", payloadOf(servertest.Fire("Disk")), 400}, "payload and incident": {"p", obj{"payload": payloadOf(servertest.Fire("Disk")), "incident_id": id.New()}, 400},
				"no such incident": {"p", obj{"incident_id": id.New()}, 404}, "no id": {"p", obj{"incident_id": "x"}, 400},
				"takes nothing in": {"bare", obj{"payload": obj{"hello": 1}}, 400}, "labels alone": {"p", obj{"labels": obj{"a": "b"}}, 400},
			} {
				if got := h.Want(tt.status, http.MethodPost, "/orchestration/definitions/"+tt.ref+"/execute/", tt.body); got["error"] == nil {
					t.Errorf("%s: %v", name, got)
				}
			}
		})
		atRest(t, h, nil)
	})
}

// TestExecuteDry: a dry run shows who would be told, with the texts, and nothing else happens.
func TestExecuteDry(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		h.Only("p", pipeline(nil, ingest("n"), notify("n", "ops")))
		h.Send(servertest.Fire("Known"))
		incident := h.Runs("definition=p")[0].IncidentID
		atRest(t, h, nil)
		nothingWritten(t, h, func() {
			for name, tt := range map[string]struct {
				path string
				body obj
			}{
				"built-in":          {"/orchestration/pipeline/sync/?dry_run=1", obj{"payload": payloadOf(servertest.Fire("New")), "notify_channel": "ops", "labels": obj{"team": "db"}}},
				"contract":          {"/orchestration/definitions/p/execute/?dry_run=1", obj{"payload": payloadOf(servertest.Fire("New")), "labels": obj{"team": "db"}}},
				"about an incident": {"/orchestration/definitions/p/execute/?dry_run=1", obj{"incident_id": incident}},
				"nothing":           {"/orchestration/definitions/p/execute/?dry_run=1", obj{}},
			} {
				got := h.Want(http.StatusOK, http.MethodPost, tt.path, tt.body)
				messages, _ := got["messages"].([]any)
				if len(messages) != 1 {
					t.Errorf("%s: %v", name, got)
					continue
				}
				m := messages[0].(obj)
				if m["channel"] != "ops" || m["state"] != "would_send" || m["body"] == "" || tt.body["labels"] != nil && !strings.Contains(m["body"].(string), `"team":"db"`) {
					t.Errorf("%s: %v", name, m)
				}
				if run := got["runs"].([]any)[0].(obj); run["state"] != "succeeded" || run["origin"] != "manual" {
					t.Errorf("%s: run %v", name, run)
				}
			}
			own := h.Want(http.StatusOK, http.MethodPost, "/api/v1/definitions/execute?dry_run=true", obj{
				"config": pipeline(nil, ingest("n"), notify("n", "ops")), "payload": payloadOf(servertest.Fire("New")),
			})
			if plan, _ := own["plan"].(obj); own["over"] != false || len(plan["messages"].([]any)) != 1 {
				t.Errorf("a definition that is stored nowhere: %v", own)
			}
			h.Want(http.StatusBadRequest, http.MethodPost, "/orchestration/pipeline/?dry_run=1", obj{"payload": "text"})
		})
		told(t, r, "firing")
	})
}

// TestExecuteByAPI: the hub's own form of the same, with definitions that are stored nowhere, and replays that tell for real.
func TestExecuteByAPI(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		h.Only("p", pipeline(nil, ingest("n"), notify("n", "ops")))
		got := h.Want(http.StatusOK, http.MethodPost, "/api/v1/definitions/p/execute", obj{"payload": payloadOf(servertest.Fire("Disk"))})
		if run, _ := got["run"].(obj); got["over"] != true || run["state"] != "succeeded" || run["normalized_payload_ref"] == "" || got["receipt_id"] == nil {
			t.Errorf("execution %v", got)
		}
		once := h.Want(http.StatusOK, http.MethodPost, "/api/v1/definitions/execute", obj{
			"config": pipeline(nil, ingest("n"), notify("n", "ops")), "payload": payloadOf(servertest.Fire("Net")), "source": "cli",
		})
		if run, _ := once["run"].(obj); run["definition_name"] != "once" || run["source"] != "cli" || run["state"] != "succeeded" {
			t.Errorf("a definition that is stored nowhere: %v", once)
		}
		bad := h.Want(http.StatusUnprocessableEntity, http.MethodPost, "/api/v1/definitions/execute", obj{"config": obj{"version": "1.0", "nodes": []any{obj{"id": "x", "type": "y"}}}})
		if !strings.Contains(jsonOf(bad), "/config/nodes/0/type") {
			t.Errorf("a definition with problems: %v", bad)
		}
		h.Want(http.StatusAccepted, http.MethodPost, "/api/v1/definitions/p/execute?async=true", nil)
		h.Want(http.StatusNotFound, http.MethodPost, "/api/v1/definitions/nobody/execute", obj{})
		told(t, waits(r, 3), "firing", "firing", "firing")

		run := got["run_id"].(string)
		dry := h.Want(http.StatusOK, http.MethodPost, "/api/v1/runs/"+run+"/replay", nil)
		h.Rest()
		if dry["origin"] != "replay" || len(r.All()) != 3 {
			t.Errorf("a dry replay: %v, told %d", dry["origin"], len(r.All()))
		}
		sent := h.Want(http.StatusOK, http.MethodPost, "/api/v1/runs/"+run+"/replay", obj{"send": true})
		if sent["origin"] != "again" || len(waits(r, 4).All()) != 4 || r.Last().IncidentID != got["run"].(obj)["incident_id"] {
			t.Errorf("a replay that tells: %v, told %d", sent["origin"], len(r.All()))
		}
		h.Send(servertest.Resolve("Disk"))
		waits(r, 5)
		refusal := h.Want(http.StatusConflict, http.MethodPost, "/api/v1/runs/"+run+"/replay", obj{"send": true})
		if !strings.Contains(refusal["detail"].(string), "resolved") {
			t.Errorf("of an incident that has ended: %v", refusal)
		}
		atRest(t, h, nil)
	})
}

// waits is a receiver that was called so often.
func waits(r *servertest.Receiver, n int) *servertest.Receiver {
	r.Waits(n)
	return r
}
