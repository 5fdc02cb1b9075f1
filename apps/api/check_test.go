package api_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/apps/checkers/checkertest"
	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// gauge is a check that finds what its settings say.
type gauge struct{ name string }

type gaugeConfig struct {
	Value checkers.Number `json:"value"`
	Fail  string          `json:"fail"`
}

func (g gauge) Spec() checkers.Spec {
	warning, critical := 70.0, 90.0
	return checkers.Spec{Name: g.name, Doc: "A gauge.", Unit: "%", Warning: &warning, Critical: &critical, Metric: "value", Config: gaugeConfig{Value: 50}}
}

func (g gauge) Check(_ context.Context, in checkers.Input) (checkers.Finding, error) {
	cfg, err := checkers.Settings(in, gaugeConfig{Value: 50})
	if err == nil && cfg.Fail != "" {
		err = errors.New(cfg.Fail)
	}
	v := float64(cfg.Value)
	return checkers.Finding{Status: in.Judge(v), Message: fmt.Sprintf("at %g, guarded %t", v, in.Guarded), Metrics: map[string]any{"value": v}}, err
}

// checks runs gauges on a made-up host.
func checks(t *testing.T, db *storage.DB) *checkers.Service {
	t.Helper()
	set, err := checkers.NewSet(gauge{"left"}, gauge{"right"})
	if err != nil {
		t.Fatal(err)
	}
	s, err := checkers.New(checkers.Config{
		Set: set, Log: slog.New(slog.DiscardHandler), Store: checkers.NewStore(db),
		Probe: &checkertest.Host{Samples: []*host.Sample{{Hostname: "web-01", OS: "linux"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

func statuses(list any) (out []string) {
	for _, r := range list.([]any) {
		r := r.(map[string]any)
		out = append(out, fmt.Sprint(r["checker_name"], " ", r["status"]))
	}
	return out
}

func TestChecks(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]func(*testing.T) *hub{"sqlite": onSQLite, "postgres": onPostgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := h(t)
			began := time.Now().UTC().Add(-time.Minute).Format(time.RFC3339)
			kinds := h.want(200, "GET", "/api/v1/checkers", "")["items"].([]any)
			schema := kinds[0].(map[string]any)["config_schema"].(map[string]any)["properties"].(map[string]any)
			if len(kinds) != 2 || schema["value"] == nil || schema["warning_threshold"].(map[string]any)["default"] != 70.0 {
				t.Errorf("checkers: %v", kinds)
			}
			first := h.want(200, "POST", "/api/v1/checks/run", `{}`)
			if diff := cmp.Diff([]string{"left ok", "right ok"}, statuses(first["results"])); diff != "" || first["hostname"] != "web-01" {
				t.Errorf("all (-want +got):\n%s%v", diff, first)
			}
			second := h.want(200, "POST", "/api/v1/checks/run", `{"checkers":["right","nobody","left"],"warning_threshold":40,"checker_configs":{
				"__all__":{"value":80},"left":{"fail":"no gauge"},"right":{"warning_threshold":60}}}`)
			if diff := cmp.Diff([]string{"right warning", "left unknown"}, statuses(second["results"])); diff != "" || second["checks_failed"] != 2.0 {
				t.Errorf("some (-want +got):\n%s%v", diff, second)
			}
			if errs := fmt.Sprint(second["errors"]); errs != `[unknown check "nobody"; available are left, right]` {
				t.Errorf("errors %s", errs)
			}
			right := second["results"].([]any)[0].(map[string]any)
			if right["message"] != "at 80, guarded true" || right["warning_threshold"] != 60.0 {
				t.Errorf("right: %v", right)
			}
			for query, want := range map[string][]string{
				"":                                   {"left unknown", "right warning", "right ok", "left ok"},
				"?checker=left":                      {"left unknown", "left ok"},
				"?status=warning&hostname=web-01":    {"right warning"},
				"?hostname=web-02":                   nil,
				"?since=" + began:                    {"left unknown", "right warning", "right ok", "left ok"},
				"?since=2999-01-01T00:00:00Z":        nil,
				"?run=" + id.New().String():          nil,
				"?checker=right&status=ok&limit=200": {"right ok"},
			} {
				got := statuses(h.want(200, "GET", "/api/v1/checks"+query, "")["items"])
				if strings.HasPrefix(query, "?checker") || strings.HasPrefix(query, "?status") || want == nil {
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("%s (-want +got):\n%s", query, diff)
					}
				} else if len(got) != len(want) { // what runs at once is kept in any order
					t.Errorf("%s: %v", query, got)
				}
			}
			page := h.want(200, "GET", "/api/v1/checks?limit=3", "")
			rest := h.want(200, "GET", "/api/v1/checks?limit=3&cursor="+page["next_cursor"].(string), "")
			if len(page["items"].([]any)) != 3 || len(rest["items"].([]any)) != 1 || rest["next_cursor"] != "" {
				t.Errorf("pages: %v, %v", page, rest)
			}
			row := h.want(200, "GET", "/api/v1/checks/"+right["check_run_id"].(string), "")
			if row["status"] != "warning" || row["has_issue"] != true || row["is_ok"] != false || row["alert_id"] != nil || row["created_alert"] != false ||
				row["origin"] != "api" || row["metrics"].(map[string]any)["value"] != 80.0 || row["trace_id"] == "" {
				t.Errorf("row %v", row)
			}
			if diff := cmp.Diff([]string{"left unknown", "right warning"}, statuses(h.want(200, "GET", "/api/v1/checks/latest", "")["items"])); diff != "" {
				t.Errorf("latest (-want +got):\n%s", diff)
			}
			past := h.want(200, "GET", "/api/v1/checks/history?checker=right&hostname=web-01&points=10", "")
			points := past["points"].([]any)
			if last := points[len(points)-1].(map[string]any); len(points) != 1 || last["runs"] != 2.0 || last["min"] != 50.0 || last["max"] != 80.0 ||
				last["mean"] != 65.0 || last["status"] != "warning" || past["warning_threshold"] != 60.0 || past["metric"] != "value" {
				t.Errorf("history %v", past)
			}
			problem(t, h.call(h.read, "GET", "/api/v1/checks/history?checker=nobody&hostname=x", ""), 404)
			problem(t, h.call(h.read, "GET", "/api/v1/checks/"+id.New().String(), ""), 404)
			problem(t, h.call(h.read, "GET", "/api/v1/checks?since=yesterday", ""), 422)
		})
	}
}

func TestChecksRefused(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	for body, want := range map[string]string{
		`{"checkers":["nobody"]}`:                                    `/checkers: unknown check "nobody"; available are left, right`,
		`{"checker_configs":{"left":{"valu":1}}}`:                    `/checker_configs/left: unknown setting "valu"; there are value, fail, enabled, timeout, warning_threshold, critical_threshold`,
		`{"checker_configs":{"left":{"value":"much"}}}`:              `/checker_configs/left: value: want a number`,
		`{"checker_configs":{"left":[]}}`:                            `/checker_configs/left: settings must be a JSON object`,
		`{"checker_configs":{"nobody":{}}}`:                          `/checker_configs/nobody: unknown check "nobody"; available are left, right`,
		`{"checker_configs":{"__all__":{"x":1}}}`:                    `/checker_configs/__all__: settings: __all__: unknown setting "x"; there are critical_threshold, enabled, fail, timeout, value, warning_threshold`,
		`{"checker_configs":{"left":{"timeout":0}}}`:                 `/checker_configs/left: timeout: want more than 0 and at most 600 seconds`,
		`{"checkers":["left"],"checker_configs":{"left":{"a/b":1}}}`: `/checker_configs/left: unknown setting "a/b"; there are value, fail, enabled, timeout, warning_threshold, critical_threshold`,
		`{"labels":{"":"x"}}`:                                        "/labels: a label has a name of 1 to 100 characters and a value of at most 500, without control characters",
		`{"hostname":"a\u0007b"}`:                                    "/hostname: use no control characters",
		`{"trace_id":"a b"}`:                                         "/trace_id: use 1 to 64 letters, digits and . _ : -",
	} {
		p := problem(t, h.call(h.edit, "POST", "/api/v1/checks/run", body), 422)
		if len(p.Errors) == 0 || p.Errors[0].Pointer+": "+p.Errors[0].Message != want {
			t.Errorf("%s:\n got %+v\nwant %s", body, p.Errors, want)
		}
	}
	if list := h.want(200, "GET", "/api/v1/checks", "")["items"].([]any); len(list) != 0 {
		t.Errorf("refused, and run: %v", list)
	}
}
