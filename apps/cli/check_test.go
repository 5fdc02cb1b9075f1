package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/apps/checkers/checkertest"
	"github.com/incidenthub/incidenthub/apps/cli"
	"github.com/incidenthub/incidenthub/internal/platform/config"
	"github.com/incidenthub/incidenthub/internal/platform/host"
)

// gauge is a check that finds what its settings say.
type gauge struct {
	name  string
	value float64
}

type gaugeConfig struct {
	Value checkers.Number `json:"value"`
	Paths checkers.Texts  `json:"paths"`
	Fail  string          `json:"fail"`
}

func (g gauge) Spec() checkers.Spec {
	return checkers.Spec{
		Name: g.name, Doc: "A gauge.", Unit: "%", Warning: new(70.0), Critical: new(90.0), Metric: "value", Config: gaugeConfig{Value: checkers.Number(g.value)},
	}
}

func (g gauge) Check(_ context.Context, in checkers.Input) (checkers.Finding, error) {
	cfg, err := checkers.Settings(in, gaugeConfig{Value: checkers.Number(g.value)})
	if err == nil && cfg.Fail != "" {
		err = errors.New(cfg.Fail)
	}
	message := fmt.Sprintf("at %g\x1b[31m of %v", cfg.Value, cfg.Paths)
	if in.Guarded || in.Shared || !in.Command {
		message = "not the operator's own"
	}
	return checkers.Finding{Status: in.Judge(float64(cfg.Value)), Message: message, Metrics: map[string]any{"value": float64(cfg.Value), "list": []string{"a"}}}, err
}

// checking runs a command on a made-up machine.
func checking(t *testing.T, vars map[string]string, args ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = cli.Run(t.Context(), cli.Program{
		Out: &stdout, Err: &stderr, Getenv: func(k string) string { return vars[k] },
		Checks: func(_ config.Config, log *slog.Logger) (*checkers.Service, error) {
			set, err := checkers.NewSet(gauge{"low", 50}, gauge{"disk", 60})
			if err != nil {
				return nil, err
			}
			return checkers.New(checkers.Config{Set: set, Log: log, Probe: &checkertest.Host{Samples: []*host.Sample{{Hostname: "web-01"}}}})
		},
	}, args)
	return code, stdout.String(), stderr.String()
}

func TestCheckHealthExits(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]int{
		"":                                               0,
		"low":                                            0,
		"--set low.value=70":                             0,
		"--set low.value=95":                             2,
		"--set low.fail=x":                               1,
		"--set low.fail=x --set disk.value=95":           2,
		"--fail-on-warning":                              0,
		"--fail-on-warning --set low.value=70":           1,
		"--fail-on-warning --set low.value=95":           1,
		"--fail-on-critical --set low.value=70":          0,
		"--fail-on-critical --set low.value=95":          1,
		"--fail-on-critical --set low.fail=x":            1,
		"--warning-threshold 40 --critical-threshold 55": 2,
		"--critical-threshold=95 --set low.value=91":     0,
		"nobody":                        1,
		"low nobody":                    1,
		"low nobody --set low.value=95": 2,
		"--set value=1":                 2, // not understood
		"--set low.valeu=1":             1,
		"--config /no/such/file":        2,
		"--timeout=-1s":                 2,
		"--nonsense":                    2,
	} {
		if got, out, errs := checking(t, nil, append([]string{"check-health"}, strings.Fields(args)...)...); got != want {
			t.Errorf("%s: exit %d, want %d\n%s%s", args, got, want, out, errs)
		}
	}
}

func TestCheckHealth(t *testing.T) {
	t.Parallel()
	code, out, errs := checking(t, map[string]string{"COLUMNS": "40"}, "check-health", "--disk-paths", "/,/var", "--set", "low.value=95", "nobody", "low", "disk")
	want := `Checks of web-01

  critical  low   at 95 [31m of []
  ok        disk  at 60 [31m of [/ /var]

2 checks: 1 ok, 0 warning, 1 critical, 0 unknown
`
	if diff := cmp.Diff(want, out); diff != "" || code != 2 || errs != "incidenthub: unknown check \"nobody\"; available are low, disk\n" {
		t.Errorf("exit %d, %s(-want +got):\n%s", code, errs, diff)
	}
	file := filepath.Join(t.TempDir(), "checks.yaml")
	if err := os.WriteFile(file, []byte("low: {value: 75}\n__all__:\n  warning_threshold: 74\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, _ = checking(t, nil, "check-health", "--json", "--config", file)
	var got struct {
		Hostname string           `json:"hostname"`
		Results  []map[string]any `json:"results"`
		Summary  map[string]int   `json:"summary"`
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int{"total": 2, "ok": 1, "warning": 1, "critical": 0, "unknown": 0}, got.Summary); diff != "" || code != 0 || got.Hostname != "web-01" ||
		got.Results[0]["checker_name"] != "low" || got.Results[0]["status"] != "warning" || got.Results[0]["warning_threshold"] != 74.0 || got.Results[0]["check_run_id"] != nil {
		t.Errorf("exit %d, %s", code, out)
	}
	if code, out, _ = checking(t, nil, "check-health", "--list"); code != 0 || !strings.Contains(out, "disk   70 / 90 %") {
		t.Errorf("exit %d, %s", code, out)
	}
	if code, out, _ = checking(t, nil, "check-health", "--list", "--json"); code != 0 || !json.Valid([]byte(out)) || !strings.Contains(out, `"config_schema"`) {
		t.Errorf("exit %d, %s", code, out)
	}
}

func TestRunCheck(t *testing.T) {
	t.Parallel()
	code, out, _ := checking(t, nil, "run-check", "low", "--set", "value=72", "--disk-paths", "/")
	if want := "WARNING: at 72 [31m of []\n\nlist   [\"a\"]\nvalue  72\n"; out != want || code != 0 {
		t.Errorf("exit %d, %q", code, out)
	}
	code, out, _ = checking(t, nil, "run-check", "disk", "--disk-paths", "/srv", "--critical-threshold", "50", "--json")
	var got checkers.Result
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != 2 || got.Status != checkers.Critical || !strings.HasSuffix(got.Message, "[/srv]") {
		t.Errorf("exit %d, %s (%v)", code, out, err)
	}
	if code, out, errs := checking(t, nil, "run-check", "nobody"); code != 1 || out != "" || !strings.Contains(errs, "available are low, disk") {
		t.Errorf("exit %d, %s%s", code, out, errs)
	}
}
