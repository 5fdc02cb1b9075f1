package cli_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/cli"
)

const (
	ended = `{"run_id":"r-1","definition_name":"pipeline","definition_version":1,"trace_id":"t-1","state":"succeeded","created_at":"2026-03-01T12:00:00Z",
		"nodes":[{"node_id":"ingest","node_type":"ingest","state":"succeeded","attempt":1}],"graph":null}`
	plan = `{"outcome":"queued","driver":"generic","trace_id":"t-1","observations":[
		{"name":"New \u001b[2J","status":"firing","severity":"critical","routes":[{"definition":"pipeline","state":"would_send","reason":""}]},
		{"name":"Bad","rejected":"it has no name","routes":[]}],
		"incidents":[{"id":"i-1","known":false,"title":"New","status":"open","severity":"critical","events":[{"seq":1,"kind":"opened"}]},
			{"id":"i-2","known":true,"title":"Old","status":"open","severity":"warning","events":[{"seq":4,"kind":"alert_added"}]}],
		"runs":[{"definition":"pipeline","state":"succeeded","nodes":[{"node":"ingest","type":"ingest","state":"succeeded"},
			{"node":"check","type":"context","state":"failed","error":"the probe broke"}]}],
		"messages":[{"channel":"ops","driver":"generic","kind":"firing","state":"would_send","title":"[CRITICAL] New","body":"line one\nline two"},
			{"channel":"night","driver":"generic","kind":"firing","state":"suppressed","reason":"below_min_severity","title":"[CRITICAL] New"}]}`
)

// asks runs a command against answers and returns its end and what it asked.
func asks(t *testing.T, answers map[string]string, args ...string) (result, []string) {
	t.Helper()
	a := newAPI(t, answers)
	s := newShell(t)
	s.vars["HUB_TOKEN"] = "the-key"
	return s.run(t, `{"name":"from stdin"}`, append(args, "--server", a.URL)...), a.asked
}

// TestRunPipelineAsks: each option is in what the hub is asked, and nothing else is.
func TestRunPipelineAsks(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "new.json")
	if err := os.WriteFile(file, []byte(`{"version":"1.0"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	answers := map[string]string{
		"POST /orchestration/pipeline/sync/":      `{"status":"COMPLETED","run_id":"r-1"}`,
		"POST /api/v1/definitions/direct/execute": `{"over":true,"run_id":"r-1","run":` + ended + `}`,
		"POST /api/v1/definitions/execute":        `{"over":true,"run_id":"r-1","run":` + ended + `}`,
		"GET /api/v1/runs/r-1":                    ended,
		"GET /api/v1/deliveries":                  `{"items":[]}`,
	}
	usual := func(more string) string {
		return `{"environment":"development","payload":{"name":"x"},"source":"cli"` + more + `}`
	}
	for name, tt := range map[string]struct {
		args []string
		path string
		want string
	}{
		"payload": {[]string{"--payload", `{"name":"x"}`}, "/orchestration/pipeline/sync/", usual("")},
		"stdin": {
			[]string{"--file", "-", "--source", "cron", "--environment", "test", "--trace-id", "t-9"},
			"/orchestration/pipeline/sync/",
			`{"environment":"test","payload":{"name":"from stdin"},"source":"cron","trace_id":"t-9"}`,
		},
		"everything": {
			[]string{
				"--payload", `{"name":"x"}`, "--label", "env=prod", "--label", "team=a;b", "--checkers", "cpu,disk", "--hostname", "h", "--warning-threshold", "70",
				"--critical-threshold", "90.5", "--notify-driver", "generic", "--notify-channel", "ops", "--no-incidents", "--checks-only",
			},
			"/orchestration/pipeline/sync/",
			usual(`,"labels":{"env":"prod","team":"a;b"},"checker_names":["cpu","disk"],"hostname":"h","notify_driver":"generic","notify_channel":"ops",
				"checker_configs":{"__all__":{"warning_threshold":70,"critical_threshold":90.5}},"no_incidents":true,"checks_only":true`),
		},
		"checks only": {[]string{"--checks-only"}, "/orchestration/pipeline/sync/", `{"environment":"development","source":"cli","checks_only":true}`},
		"definition":  {[]string{"--definition", "direct", "--payload", `{"name":"x"}`}, "/api/v1/definitions/direct/execute", usual("")},
		"no payload":  {[]string{"--definition", "direct"}, "/api/v1/definitions/direct/execute", `{"environment":"development","source":"cli"}`},
		"config":      {[]string{"--config", file, "--payload", `{"name":"x"}`}, "/api/v1/definitions/execute", usual(`,"config":{"version":"1.0"}`)},
	} {
		r, asked := asks(t, answers, append([]string{"run-pipeline"}, tt.args...)...)
		if r.code != cli.ExitOK || len(asked) != 3 {
			t.Errorf("%s: %+v asked %q", name, r, asked)
			continue
		}
		body, ok := strings.CutPrefix(asked[0], "POST "+tt.path+" ")
		var got, want any
		if !ok || json.Unmarshal([]byte(body), &got) != nil || json.Unmarshal([]byte(tt.want), &want) != nil {
			t.Errorf("%s: asked %s", name, asked[0])
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if !strings.Contains(r.out, "run r-1") || !strings.Contains(r.out, "ingest") {
			t.Errorf("%s: %s", name, r.out)
		}
	}
}

func TestRunPipelineEnds(t *testing.T) {
	t.Parallel()
	failed := strings.Replace(ended, "succeeded", "failed", 1)
	direct := "POST /api/v1/definitions/direct/execute"
	for name, tt := range map[string]struct {
		answers map[string]string
		args    []string
		code    int
		want    string
	}{
		"failed": {
			map[string]string{"POST /orchestration/pipeline/sync/": `{"status":"FAILED","run_id":"r-1"}`, "GET /api/v1/runs/r-1": failed, "GET /api/v1/deliveries": `{"items":[]}`},
			[]string{"--sample"},
			cli.ExitFailed, "pipeline v1: failed",
		},
		"failed, as JSON": {map[string]string{direct: `{"over":true,"run_id":"r-1","run":` + failed + `}`}, []string{"--definition", "direct", "--json"}, cli.ExitFailed, `"over": true`},
		"goes on":         {map[string]string{"POST /orchestration/pipeline/sync/": `{"status":"queued","run_id":"r-1"}`}, []string{"--sample"}, cli.ExitOK, "run show r-1"},
		"a plan":          {map[string]string{"POST /orchestration/pipeline/sync/": plan}, []string{"--sample", "--dry-run"}, cli.ExitOK, "would send"},
		"another's plan":  {map[string]string{direct: `{"over":false,"plan":` + plan + `}`}, []string{"--definition", "direct", "--dry-run"}, cli.ExitOK, "would send"},
		"no payload":      {nil, nil, cli.ExitFailed, "--sample"},
		"no JSON":         {nil, []string{"--payload", "{"}, cli.ExitFailed, "--payload is not valid JSON"},
		"two payloads":    {nil, []string{"--sample", "--payload", "{}"}, cli.ExitUsage, "--payload"},
		"no file":         {nil, []string{"--file", "/nowhere/x.json"}, cli.ExitFailed, "/nowhere/x.json"},
		"not its option":  {nil, []string{"--definition", "direct", "--checkers", "cpu", "--no-incidents"}, cli.ExitFailed, "--checkers, --no-incidents"},
	} {
		r, _ := asks(t, tt.answers, append([]string{"run-pipeline"}, tt.args...)...)
		if r.code != tt.code || !strings.Contains(r.out+r.err, tt.want) {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestRunPipelinePlan(t *testing.T) {
	t.Parallel()
	r, asked := asks(t, map[string]string{"POST /orchestration/pipeline/sync/": plan}, "run-pipeline", "--sample", "--dry-run")
	want := `Dry run: nothing was stored and nothing was sent.

ALERTS, as of generic
NAME      STATUS  SEVERITY  PIPELINE  BECOMES     WHY
New  [2J  firing  critical  pipeline  would send
Bad                                   rejected    it has no name

INCIDENTS
TITLE  SEVERITY  STATUS  EVENTS       ID
New    critical  open    opened       new
Old    warning   open    alert added  i-2

NODES
PIPELINE  NODE    TYPE     STATE      WHY
pipeline  ingest  ingest   succeeded
pipeline  check   context  failed     the probe broke

MESSAGES
CHANNEL  DRIVER   WHAT    STATE       WHY                 TITLE
ops      generic  firing  would send                      [CRITICAL] New
night    generic  firing  suppressed  below min severity  [CRITICAL] New

MESSAGE 1 to ops
line one
line two
`
	if diff := cmp.Diff(want, r.out); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !strings.HasPrefix(asked[0], "POST /orchestration/pipeline/sync/?dry_run=true ") {
		t.Errorf("asked %s", asked[0])
	}
}

func TestRunPipelineRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ answer, want string }{
		"one":  {`{"error":"no_incidents: alerts belong to incidents","errors":["error: /no_incidents: alerts"]}`, "no_incidents: alerts belong"},
		"many": {`{"error":"a; b","errors":["error: /a: x","error: /b: y"]}`, "error: /b: y"},
	} {
		s := newShell(t)
		s.vars["HUB_TOKEN"] = "the-key"
		r := s.run(t, "", "run-pipeline", "--sample", "--server", refusing(t, tt.answer).URL)
		if r.code != cli.ExitFailed || !strings.Contains(r.err, tt.want) {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestMonitorAndShow(t *testing.T) {
	t.Parallel()
	definitions := `{"items":[{"name":"direct","version":2,"is_active":true,"config":{"version":"1.0","nodes":[{"id":"in","type":"ingest"},{"id":"tell","type":"notify"}]}}]}`
	one := `{"name":"direct","version":2,"is_active":true,"config":{"nodes":[{"id":"in","type":"ingest"}]}}`
	failed := strings.Replace(ended, `"state":"succeeded"`, `"state":"failed","status":"failed","last_error":{"type":"x","message":"it broke"}`, 1)
	for name, tt := range map[string]struct {
		args    []string
		answers map[string]string
		asked   string
		want    []string
	}{
		"monitor": {
			[]string{"monitor-pipeline", "--status", "failed", "--limit", "3"},
			map[string]string{"GET /api/v1/runs": `{"items":[` + failed + `]}`},
			"GET /api/v1/runs?limit=3&status=failed",
			[]string{"r-1", "failed", "it broke"},
		},
		"monitor one": {
			[]string{"monitor-pipeline", "--run-id", "r-1"},
			map[string]string{"GET /api/v1/runs/r-1": ended, "GET /api/v1/deliveries": `{"items":[]}`},
			"GET /api/v1/runs/r-1",
			[]string{"run r-1", "NODES"},
		},
		"show": {
			[]string{"show-pipeline"},
			map[string]string{"GET /api/v1/definitions": definitions},
			"GET /api/v1/definitions?include_inactive=false",
			[]string{"direct", "v2", "webhook", "in:ingest tell:notify"},
		},
		"show all": {
			[]string{"show-pipeline", "--all", "--json"},
			map[string]string{"GET /api/v1/definitions": definitions},
			"GET /api/v1/definitions?include_inactive=true",
			[]string{`"name": "direct"`},
		},
		"show one": {[]string{"show-pipeline", "--name", "direct"}, map[string]string{"GET /api/v1/definitions/direct": one}, "GET /api/v1/definitions/direct", []string{"direct v2, active", "ingest"}},
	} {
		r, asked := asks(t, tt.answers, tt.args...)
		if r.code != cli.ExitOK || asked[0] != tt.asked {
			t.Errorf("%s: %+v asked %q", name, r, asked)
		}
		for _, want := range tt.want {
			if !strings.Contains(r.out, want) {
				t.Errorf("%s: no %q in\n%s", name, want, r.out)
			}
		}
	}
}

func TestReplaySends(t *testing.T) {
	t.Parallel()
	for _, send := range []bool{false, true} {
		args := []string{"run", "replay", "r-1"}
		if send {
			args = append(args, "--send")
		}
		_, asked := asks(t, map[string]string{"POST /api/v1/runs/r-1/replay": ended}, args...)
		if want := `"send":true`; strings.Contains(asked[0], want) != send {
			t.Errorf("send %v: asked %s", send, asked[0])
		}
	}
}

// refusing is a hub that refuses everything as the routes under /orchestration do.
func refusing(t *testing.T, answer string) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(s.Close)
	return s
}
