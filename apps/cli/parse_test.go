package cli_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/cli"
)

const alertmanager = `{"version":"4","groupKey":"{}:{alertname=\"DiskFull\"}","status":"firing","receiver":"hub","groupLabels":{},
"commonLabels":{},"commonAnnotations":{},"externalURL":"http://am","alerts":[{"status":"firing","labels":{"alertname":"DiskFull",
"severity":"critical","instance":"db-1"},"annotations":{"summary":"98 % used"},"startsAt":"2026-03-01T12:00:00Z",
"endsAt":"0001-01-01T00:00:00Z","generatorURL":"","fingerprint":"1f8ab1c6cbbc1f2a"},"not an alert"]}`

func TestParse(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	var got struct {
		Driver   string           `json:"driver"`
		Source   string           `json:"source"`
		Version  string           `json:"version"`
		GroupKey string           `json:"group_key"`
		Alerts   []map[string]any `json:"alerts"`
		Rejected []map[string]any `json:"rejected"`
	}
	decode(t, s.ok(t, alertmanager, "parse"), &got)
	if got.Driver != "alertmanager" || got.Source != "alertmanager" || got.Version != "4" || !strings.Contains(got.GroupKey, "DiskFull") {
		t.Errorf("%+v", got)
	}
	want := []map[string]any{{
		"fingerprint": "1f8ab1c6cbbc1f2a", "name": "DiskFull", "status": "firing", "severity": "critical",
		"started_at": "2026-03-01T12:00:00Z", "ended_at": nil, "description": "98 % used",
		"labels":      map[string]any{"alertname": "DiskFull", "severity": "critical", "instance": "db-1"},
		"annotations": map[string]any{"summary": "98 % used"},
	}}
	if diff := cmp.Diff(want, got.Alerts); diff != "" {
		t.Error(diff)
	}
	if len(got.Rejected) != 1 || got.Rejected[0]["index"] != 1.0 || got.Rejected[0]["reason"] == "" {
		t.Errorf("rejected %v", got.Rejected)
	}
}

// What a sender does not carry is printed as a first sight would store it.
func TestParseFirstSight(t *testing.T) {
	t.Parallel()
	var got struct{ Alerts []map[string]any }
	decode(t, newShell(t).ok(t, `{"alerts":[{"name":"A"}]}`, "parse", "--driver", "generic", "-"), &got)
	if len(got.Alerts) != 1 || got.Alerts[0]["severity"] != "warning" {
		t.Fatalf("%v", got)
	}
	started, _ := got.Alerts[0]["started_at"].(string)
	if at, err := time.Parse(time.RFC3339, started); err != nil || time.Since(at).Abs() > time.Minute {
		t.Errorf("started_at %q", started)
	}
	for _, key := range []string{"labels", "annotations"} {
		if _, ok := got.Alerts[0][key].(map[string]any); !ok {
			t.Errorf("%s is %v", key, got.Alerts[0][key])
		}
	}
}

func TestParseRefused(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	for name, tt := range map[string]struct {
		in   string
		args []string
		want []string
	}{
		"no driver fits": {`{"hello":"world"}`, nil, []string{
			"no driver recognises", "\n    pagerduty     neither", "\n    zabbix        fewer", "\n    generic       no list alerts", "parse --driver NAME",
		}},
		"not JSON":       {`hello`, nil, []string{"not JSON"}},
		"not an object":  {`[1]`, nil, []string{"list"}},
		"unknown driver": {`{}`, []string{"--driver", "nagios"}, []string{"nagios", "alertmanager"}},
		"wrong driver":   {`{"hello":"world"}`, []string{"--driver", "zabbix"}, []string{"zabbix"}},
		"no such file":   {``, []string{"/no/such/file"}, []string{"/no/such/file"}},
	} {
		r := s.run(t, tt.in, append([]string{"parse"}, tt.args...)...)
		if r.code != cli.ExitFailed {
			t.Errorf("%s: exit %d", name, r.code)
		}
		for _, want := range tt.want {
			if !strings.Contains(r.err, want) {
				t.Errorf("%s: no %q in\n%s", name, want, r.err)
			}
		}
	}
}

func TestLint(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	good := `{"version":"1.0","nodes":[{"id":"alerts_in","type":"ingest"},{"id":"tell","type":"notify","config":{"channels":["*"]}}]}`
	bad := `{"version":"1.0","nodes":[{"id":"alerts_in","type":"ingest","next":"tel"},{"id":"tell","type":"notfy"}]}`
	if out := s.ok(t, good, "lint", "-"); out != "-: ok\n" {
		t.Error(out)
	}
	r := s.run(t, bad, "lint", "-")
	if r.code != cli.ExitFailed || !strings.Contains(r.out, `/nodes/0/next`) || !strings.Contains(r.out, `did you mean "notify"?`) {
		t.Errorf("%+v", r)
	}
	r = s.run(t, bad, "lint", "--json", "-")
	var reports []struct {
		OK       bool
		Problems []struct{ Pointer, Message, Severity string }
	}
	decode(t, r.out, &reports)
	if r.code != cli.ExitFailed || len(reports) != 1 || reports[0].OK || len(reports[0].Problems) < 2 || reports[0].Problems[0].Severity != "error" {
		t.Errorf("%+v", r)
	}
	yaml := "channels:\n  - {name: ops, driver: webhook, config: {token: \"${UNSET}\"}}\npipelines:\n  - name: p\n    config: "
	if out := s.ok(t, yaml+good, "lint", "-"); out != "-: ok\n" {
		t.Error(out)
	}
	if r := s.run(t, yaml+bad, "lint", "-"); r.code != cli.ExitFailed || !strings.Contains(r.out, `-: line 5: pipeline "p": config.nodes.0.next`) {
		t.Errorf("%+v", r)
	}
	if r := s.run(t, "a: [", "lint", "-"); r.code != cli.ExitFailed || !strings.Contains(r.out, "line 1: not valid YAML") {
		t.Errorf("%+v", r)
	}
}
