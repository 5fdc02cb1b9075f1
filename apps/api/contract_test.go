package api_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/platform/id"
)

func keysOf(m any) []string {
	var out []string
	for k := range m.(map[string]any) {
		out = append(out, k)
	}
	return out
}

func TestContractShapes(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	h.want(201, "POST", "/api/v1/definitions", `{"name":"mine","config":`+good+`}`)
	run := id.New()
	h.exec(`INSERT INTO runs (id, tenant_id, trace_id, definition_id, definition_name, definition_version, state, status, source, environment, origin,
		error_type, error_message, created_at, updated_at) VALUES (?, 'default', 't', ?, 'mine', 1, 'failed', 'failed', 'grafana', 'production', 'manual',
		'timeout', 'took too long', ?, ?)`, run, id.New(), h.db.Now(), h.db.Now())
	h.exec(`INSERT INTO node_runs (run_id, node, tenant_id, type, state, attempt) VALUES (?, 'in', 'default', 'ingest', 'failed', 1)`, run)
	h.exec(`INSERT INTO node_attempts (run_id, node, attempt, tenant_id, state, error_type, error, started_at, duration_us)
		VALUES (?, 'in', 1, 'default', 'failed', 'timeout', 'took too long', ?, 1500)`, run, h.db.Now())

	list := h.want(200, "GET", "/orchestration/pipelines/?status=failed&source=grafana&limit=10", "")
	if list["count"] != 1.0 {
		t.Fatalf("runs %v", list)
	}
	sorted := cmp.Transformer("set", func(s []string) map[string]bool {
		m := map[string]bool{}
		for _, k := range s {
			m[k] = true
		}
		return m
	})
	want := []string{"trace_id", "run_id", "status", "current_stage", "source", "created_at", "total_duration_ms"}
	if diff := cmp.Diff(want, keysOf(list["runs"].([]any)[0]), sorted); diff != "" {
		t.Errorf("run (-want +got):\n%s", diff)
	}
	one := h.want(200, "GET", "/orchestration/pipeline/"+run.String()+"/", "")
	if diff := cmp.Diff(map[string]any{"type": "timeout", "message": "took too long", "retryable": false}, one["last_error"]); diff != "" {
		t.Errorf("last_error (-want +got):\n%s", diff)
	}
	stage := one["stage_executions"].([]any)[0].(map[string]any)
	if stage["stage"] != "ingest" || stage["status"] != "failed" || stage["attempt"] != 1.0 || stage["duration_ms"] != 1.5 || stage["error_type"] != "timeout" {
		t.Errorf("stage %v", stage)
	}
	definitions := h.want(200, "GET", "/orchestration/definitions/", "")
	want = []string{"name", "description", "version", "is_active", "tags", "node_count", "created_by", "updated_at"}
	if diff := cmp.Diff(want, keysOf(definitions["definitions"].([]any)[0]), sorted); diff != "" || definitions["count"] != 1.0 {
		t.Errorf("definitions (-want +got):\n%s", diff)
	}
	if got := h.want(200, "GET", "/orchestration/definitions/mine/", ""); got["config"] == nil {
		t.Errorf("definition %v", got)
	}
	valid := map[string]any{"name": "mine", "version": 1.0, "valid": true, "errors": []any{}}
	if diff := cmp.Diff(valid, h.want(200, "POST", "/orchestration/definitions/mine/validate/", "")); diff != "" {
		t.Errorf("validate (-want +got):\n%s", diff)
	}
	for _, path := range []string{"/orchestration/pipeline/" + id.New().String() + "/", "/orchestration/pipeline/nonsense", "/orchestration/definitions/nobody/"} {
		w := h.call(h.read, "GET", path, "")
		if got, _ := decode(t, w)["error"].(string); w.Code != 404 || !strings.Contains(got, "not found") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	if w := h.call(h.read, "GET", "/orchestration/pipelines/?limit=x", ""); w.Code != 400 {
		t.Errorf("limit=x: %d", w.Code)
	}
}
