package api_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// TestRunsGoOn: a call that has waited long enough is answered with the run's id.
func TestRunsGoOn(t *testing.T) {
	t.Parallel()
	h := onSQLite(t) // its runs never end
	for _, path := range []string{"/orchestration/pipeline/sync/", "/orchestration/pipeline/", "/orchestration/definitions/p/execute/"} {
		got := h.want(202, "POST", path, `{"payload":{"name":"x"},"trace_id":"my-trace.1"}`)
		if got["status"] != "queued" || got["trace_id"] != "my-trace.1" {
			t.Errorf("%s: %v", path, got)
		}
	}
	if got := h.want(202, "POST", "/api/v1/definitions/p/execute", `{"payload":{"name":"x"}}`); got["over"] != false || got["run"] != nil {
		t.Errorf("own form: %v", got)
	}
	for _, want := range []string{`"Definition":"p"`, `"Source":"api"`, `"By":"admin`, `"Payload":{"name":"x"}`} {
		if got := h.acts.calls[len(h.acts.calls)-1]; !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
}

// TestExecuteRefused: refusals of the hub are 409 in its own form, and 400 in the contract's.
func TestExecuteRefused(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	h.acts.err = fmt.Errorf("the pipeline has no nodes: %w", event.ErrRefused)
	problem(t, h.call(h.edit, "POST", "/api/v1/definitions/p/execute", `{}`), 409)
	if got := h.want(400, "POST", "/orchestration/definitions/p/execute/", `{}`); got["error"] != "the pipeline has no nodes" {
		t.Errorf("contract: %v", got)
	}
	h.acts.err = nil
	for body, pointer := range map[string]string{
		`{"trace_id":"a b"}`: "/trace_id", `{"incident_id":"x"}`: "/incident_id", `{"labels":{"":"x"}}`: "/labels", `{"source":"a\u0000"}`: "/source",
	} {
		p := problem(t, h.call(h.edit, "POST", "/api/v1/definitions/p/execute", body), 422)
		if len(p.Errors) != 1 || p.Errors[0].Pointer != pointer {
			t.Errorf("%s: %+v", body, p.Errors)
		}
	}
	if got := h.want(400, "POST", "/orchestration/pipeline", `{"labels":{"a":1}}`); !strings.Contains(got["error"].(string), "labels") {
		t.Errorf("a label that is no text: %v", got)
	}
	if w := h.call(h.edit, "POST", "/orchestration/pipeline", `{"payload":"`+strings.Repeat("x", 10<<20)+`"}`); w.Code != 413 {
		t.Errorf("a large body: %d", w.Code)
	}
	h.want(404, "POST", "/orchestration/pipeline/"+id.New().String()+"/resume/", ``)
}
