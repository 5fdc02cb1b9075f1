package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/cli"
	"github.com/incidenthub/incidenthub/apps/intelligence"
	"github.com/incidenthub/incidenthub/internal/platform/config"
	"github.com/incidenthub/incidenthub/providers"
)

// analyst plays the local analyzer: it says what it was given, or fails.
type analyst struct{ err error }

func (analyst) Names() []string { return []string{"local"} }

func (a analyst) Make(string, json.RawMessage) (providers.Provider, error) { return a, nil }

func (analyst) Name() string { return "local" }

func (a analyst) Analyze(_ context.Context, r *providers.Request) (*providers.Answer, error) {
	if a.err != nil {
		return nil, a.err
	}
	r.Context = ""
	said, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	sure := 0.756
	return &providers.Answer{Result: &providers.Result{Summary: "Looked \x1b[2J", ProbableCause: "It is so.", Confidence: &sure, Recommendations: []providers.Recommendation{
		{Type: r.Kind, Priority: "high", Title: "Asked " + r.Kind, Description: string(said), Actions: []string{"free -m", "rm -rf /"}, Evidence: []string{"C1", "A7"}},
	}}}, nil
}

// analyse runs a command with a given standard input and analyzer.
func analyse(t *testing.T, of analyst, in string, args ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = cli.Run(t.Context(), cli.Program{
		In: strings.NewReader(in), Out: &stdout, Err: &stderr, Getenv: func(string) string { return "" },
		Analyzer: func(_ config.Config, log *slog.Logger) (*intelligence.Analyzer, error) {
			return intelligence.NewAnalyzer(intelligence.AnalyzerConfig{Providers: of, Log: log})
		},
	}, args)
	return code, stdout.String(), stderr.String()
}

func TestAnalyze(t *testing.T) {
	t.Parallel()
	const plain = `{"title":"host unhealthy","severity":"warning","unknown":[1],"alerts":[{"name":"B"},7,{"name":"A"}],
		"checks":[{"checker_name":"cpu","status":"ok"},{"checker_name":"disk","status":"critical","message":"/ is full","metrics":{"percent":97}}],
		"history":[{"title":"then","summary":"it was the disk","resolved_at":"2026-01-01T00:00:00Z"}],"metadata":{"path":"/var"}}`
	for name, in := range map[string]string{"plain": plain, "wrapped": `{"incident":` + plain + `,"other":1}`} {
		code, out, errs := analyse(t, analyst{}, in, "analyze", "--incident", "-", "--provider", "local", "--json")
		if code != 0 || errs != "" {
			t.Fatalf("%s: %d %s", name, code, errs)
		}
		var got map[string]any
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			t.Fatal(err)
		}
		var keys []string
		for k := range got {
			keys = append(keys, k)
		}
		if len(keys) != 15 || got["rung"] != "local" || got["provider"] != "local" || got["fallback_used"] != false || got["grounded"] != true || got["truncated"] != false ||
			got["error_class"] != "" || got["summary"] != "Looked" || got["confidence"] != 0.756 || got["probable_cause"] != "It is so." || got["duration_ms"] == nil ||
			!cmp.Equal(got["usage"], map[string]any{"prompt_tokens": nil, "completion_tokens": nil, "total_tokens": nil}) {
			t.Errorf("%s: %v %s", name, keys, out)
		}
		r := got["recommendations"].([]any)[0].(map[string]any)
		if !cmp.Equal(r["actions"], []any{"free -m"}) || !cmp.Equal(r["evidence"], []any{"C1"}) || r["type"] != "general" {
			t.Errorf("%s: recommendation %v", name, r)
		}
		var asked providers.Request
		if err := json.Unmarshal([]byte(r["description"].(string)), &asked); err != nil {
			t.Fatal(err)
		}
		ev := asked.Evidence
		if asked.Incident.Title != "host unhealthy" || len(ev.Alerts) != 2 || ev.Alerts[0].ID != "A1" || ev.Alerts[0].Name != "B" || ev.Checks[0].ID != "C1" ||
			ev.Checks[0].Name != "disk" || ev.Checks[1].ID != "C2" || ev.History[0].ID != "H1" || asked.Incident.Metadata["path"] != "/var" {
			t.Errorf("%s: asked %+v", name, asked)
		}
	}
}

func TestAnalyzeForPeople(t *testing.T) {
	t.Parallel()
	code, out, _ := analyse(t, analyst{}, `{"checks":[{"checker_name":"x"}]}`, "analyze", "--incident", "-")
	if code != 0 || strings.ContainsRune(out, '\x1b') || !strings.Contains(out, "Probable cause (76 % sure)\nIt is so.") || !strings.Contains(out, "   $ free -m\n") {
		t.Errorf("%d %s", code, out)
	}
	code, out, _ = analyse(t, analyst{err: errors.New("no")}, `{"alerts":[{"name":"Disk"}]}`, "analyze", "--incident", "-")
	if code != 0 || !strings.Contains(out, "Look into Disk") || !strings.Contains(out, "provider local failed: internal (the analyzer broke).") {
		t.Errorf("%d %s", code, out)
	}
}

func TestAnalyzeSettings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := write("good.yaml", "top_n_processes: 3\nscan_paths: [/var]\ntimeout_s: 2.5\napi_key: sk-1\n")
	code, out, errs := analyse(t, analyst{}, `{}`, "analyze", "--incident", "-", "--json", "--config", good)
	if code != 0 || !strings.Contains(out, `\"top_n_processes\":3`) || !strings.Contains(out, `\"scan_paths\":[\"/var\"]`) || !strings.Contains(errs, `no setting "api_key"`) {
		t.Errorf("%d %s %s", code, out, errs)
	}
	for name, args := range map[string][]string{
		"settings that are wrong": {"--incident", "-", "--config", write("bad.json", `{"timeout_s":"soon"}`)},
		"settings that are none":  {"--incident", "-", "--config", write("none.yaml", "a: [b")},
		"twice standard input":    {"--incident", "-", "--config", "-"},
		"no such file":            {"--incident", filepath.Join(dir, "gone.json")},
		"no such provider":        {"--incident", "-", "--provider", "psychic"},
		"no incident":             {},
	} {
		if code, out, errs := analyse(t, analyst{}, `{}`, append([]string{"analyze"}, args...)...); code != 2 || out != "" || errs == "" {
			t.Errorf("%s: %d %q %q", name, code, out, errs)
		}
	}
	for name, in := range map[string]string{"not JSON": "{bad", "a list": "[]", "nothing": "", "deep": strings.Repeat(`{"a":`, 200) + "1" + strings.Repeat("}", 200)} {
		if code, out, errs := analyse(t, analyst{}, in, "analyze", "--incident", "-", "--json"); code != 2 || out != "" || !strings.Contains(errs, "cannot be read") {
			t.Errorf("%s: %d %q %q", name, code, out, errs)
		}
	}
}

func TestGetRecommendations(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		args []string
		want []string // kinds, then what the options hold
		has  string
	}{
		"plain":  {nil, []string{""}, `{}`},
		"memory": {[]string{"--memory", "--top-n", "3"}, []string{"memory"}, `{\"top_n_processes\":3}`},
		"disk":   {[]string{"--disk", "--path", "/var", "--threshold-mb", "5", "--old-days", "9"}, []string{"disk"}, `{\"large_file_threshold_mb\":5,\"old_file_days\":9,\"path\":\"/var\"}`},
		"a path": {[]string{"--path", "/var"}, []string{"disk"}, `\"path\":\"/var\"`},
		"all":    {[]string{"--all"}, []string{"memory", "disk", "cpu"}, `{}`},
	} {
		code, out, errs := analyse(t, analyst{}, "", append([]string{"get-recommendations", "--json"}, tt.args...)...)
		var got struct {
			Provider        string                     `json:"provider"`
			IncidentID      *string                    `json:"incident_id"`
			Recommendations []providers.Recommendation `json:"recommendations"`
			Count           int                        `json:"count"`
		}
		if err := json.Unmarshal([]byte(out), &got); code != 0 || err != nil {
			t.Fatalf("%s: %d %s %v", name, code, errs, err)
		}
		var kinds []string
		for _, r := range got.Recommendations {
			kinds = append(kinds, strings.TrimSpace(strings.TrimPrefix(r.Title, "Asked")))
		}
		if !cmp.Equal(kinds, tt.want) || got.Provider != "local" || got.IncidentID != nil || got.Count != len(tt.want) || !strings.Contains(out, tt.has) {
			t.Errorf("%s: %v %s", name, kinds, out)
		}
	}
	if code, out, _ := analyse(t, analyst{}, "", "get-recommendations", "--list-providers"); code != 0 || out != "local\n" {
		t.Errorf("providers: %d %q", code, out)
	}
	if code, out, _ := analyse(t, analyst{}, "", "get-recommendations", "--memory"); code != 0 || !strings.HasPrefix(out, "\n1. [high] Asked memory (memory)\n") {
		t.Errorf("for people: %d %q", code, out)
	}
	if code, _, errs := analyse(t, analyst{err: errors.New("no")}, "", "get-recommendations", "--memory"); code != 1 || !strings.Contains(errs, "the analyzer broke") {
		t.Errorf("a machine that cannot be looked at: %d %q", code, errs)
	}
	for name, args := range map[string][]string{
		"an incident and a report": {"--incident-id", "x", "--memory"}, "an incident and a path": {"--incident-id", "x", "--path", "/"},
		"a list and a report": {"--list-providers", "--all"}, "memory of a path": {"--memory", "--path", "/var"}, "too many": {"--top-n", "1000"},
		"no such provider": {"--provider", "psychic"},
	} {
		if code, out, errs := analyse(t, analyst{}, "", append([]string{"get-recommendations"}, args...)...); code != 2 || out != "" || errs == "" {
			t.Errorf("%s: %d %q %q", name, code, out, errs)
		}
	}
}

func TestGetRecommendationsOfAnIncident(t *testing.T) {
	t.Parallel()
	a := newAPI(t, map[string]string{"POST /intelligence/recommendations/": `{"provider":"local","incident_id":"i-1","count":1,"recommendations":[
		{"type":"disk","priority":"high","title":` + text(hostile) + `,"description":"d","actions":["df -h"],"evidence":["A1"]}]}`})
	s := newShell(t)
	s.vars["HUB_SERVER"], s.vars["HUB_TOKEN"] = a.URL, "the-key"
	if out := s.ok(t, "", "get-recommendations", "--incident-id", "i-1", "--top-n", "4"); !strings.Contains(out, "1. [high] disk  [2J full (disk)") || strings.ContainsRune(out, '\x1b') {
		t.Errorf("%q", out)
	}
	if want := `POST /intelligence/recommendations/ {"config":{"top_n_processes":4},"incident_id":"i-1","provider":"local"}`; a.asked[0] != want {
		t.Errorf("asked %s", a.asked[0])
	}
}
