package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/cli"
	"github.com/incidenthub/incidenthub/apps/intelligence"
	"github.com/incidenthub/incidenthub/internal/platform/config"
	"github.com/incidenthub/incidenthub/providers"
)

// models plays language models: each answers what it is told to, and remembers who was asked with which settings.
type models struct {
	mu   sync.Mutex
	says map[string]string // by name; none: it fails
	got  []string
}

func (*models) Names() []string { return []string{"claude", "local", "ollama"} }

func (m *models) Make(name string, config json.RawMessage) (providers.Provider, error) {
	return oneModel{m, name, string(config)}, nil
}

type oneModel struct {
	of           *models
	name, config string
}

func (o oneModel) Name() string { return o.name }

func (o oneModel) Terms() providers.Terms {
	return providers.Terms{Kind: o.name, Model: o.name + "-1", PriceInput: 1, PriceOutput: 5}
}

func (o oneModel) Analyze(_ context.Context, r *providers.Request) (*providers.Answer, error) {
	o.of.mu.Lock()
	defer o.of.mu.Unlock()
	o.of.got = append(o.of.got, strings.Join(strings.Fields(o.name+" "+r.Options.Model+" "+o.config), " "))
	text, ok := o.of.says[o.name]
	if !ok {
		return nil, &providers.Error{Class: providers.ErrAuth, Err: context.Canceled}
	}
	in, out := int64(1000), int64(100)
	return &providers.Answer{Text: text, Model: o.name + "-2026", Usage: providers.Usage{Prompt: &in, Completion: &out}}, nil
}

// eval runs the command with these models.
func eval(t *testing.T, m *models, in string, args ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = cli.Run(t.Context(), cli.Program{
		In: strings.NewReader(in), Out: &stdout, Err: &stderr, Getenv: func(string) string { return "" },
		Analyzer: func(_ config.Config, log *slog.Logger) (*intelligence.Analyzer, error) {
			return intelligence.NewAnalyzer(intelligence.AnalyzerConfig{Providers: m, Log: log})
		},
	}, append([]string{"eval"}, args...))
	return code, stdout.String(), stderr.String()
}

const example = "../../docs/examples/incidents.jsonl"

// TestEvalOffline: the example of the docs gives what the docs say, each time, and nobody is asked.
func TestEvalOffline(t *testing.T) {
	t.Parallel()
	m := &models{}
	code, first, errs := eval(t, m, "", "--set", example, "--offline")
	if code != 0 || errs != "" || len(m.got) > 0 {
		t.Fatalf("%d %s, asked %v", code, errs, m.got)
	}
	golden := filepath.Join("testdata", "eval.txt")
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(golden, []byte(first), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), first); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for range 3 {
		if _, again, _ := eval(t, m, "", "--set", example, "--offline"); again != first {
			t.Errorf("another time:\n%s", cmp.Diff(first, again))
		}
	}
}

// TestEvalWhoIsMeasured: names, models and versions choose among what was recorded.
func TestEvalWhoIsMeasured(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		args []string
		want []string
	}{
		"all":       {nil, []string{"claude claude-haiku-5-5 1", "ollama llama3.1 1"}},
		"one":       {[]string{"--provider", "ollama"}, []string{"ollama llama3.1 1"}},
		"order":     {[]string{"--provider", "ollama,claude"}, []string{"ollama llama3.1 1", "claude claude-haiku-5-5 1"}},
		"a model":   {[]string{"--provider", "ollama", "--model", "llama3.1"}, []string{"ollama llama3.1 1"}},
		"a version": {[]string{"--prompt-version", "1", "--provider", "claude"}, []string{"claude claude-haiku-5-5 1"}},
	} {
		code, out, errs := eval(t, &models{}, "", append([]string{"--set", example, "--offline", "--json"}, tt.args...)...)
		var r struct {
			Offline bool
			Results []struct {
				Provider, Model string
				PromptVersion   string `json:"prompt_version"`
				Incidents       []struct{ ID string }
			}
		}
		if err := json.Unmarshal([]byte(out), &r); err != nil || code != 0 || !r.Offline {
			t.Fatalf("%s: %d %v %s", name, code, err, errs)
		}
		var got []string
		for _, one := range r.Results {
			got = append(got, one.Provider+" "+one.Model+" "+one.PromptVersion)
			if len(one.Incidents) != 4 {
				t.Errorf("%s: %d incidents", name, len(one.Incidents))
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

const twoIncidents = `# for tests
{"id": "a", "incident": {"title": "Disk", "alerts": [{"name": "D", "description": "password=hunter2-hunter2"}]}, "label": {"type": "disk", "keywords": "log"}}
{"id": "b", "incident": {"title": "Net", "alerts": [{"name": "N"}]}, "label": {"type": "network"}}
`

// TestEvalLive: those who are asked are asked once for each incident, with their settings; what they said is recorded, and can be measured
// again without them.
func TestEvalLive(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	set := write("set.jsonl", twoIncidents)
	m := &models{says: map[string]string{"claude": `{"summary":"s","probable_cause":"c","confidence":0.5,"recommendations":[
		{"type":"disk","priority":"high","title":"A big log","description":"It grew. token: sk-abcdefghijklmnopqrstuvwx","actions":["rm -rf /var","du -sh /var"],"evidence":["A1","C4"],"details":{}}]}`}}
	config := write("p.yaml", "claude: {api_key: k1, timeout_s: 5}\nollama: {host: h1}\n")
	record := filepath.Join(dir, "answers.jsonl")
	code, out, errs := eval(t, m, "", "--set", set, "--provider", "claude,ollama", "--config", config, "--record", record)
	slices.Sort(m.got)
	if diff := cmp.Diff([]string{
		`claude {"api_key":"k1","timeout_s":5}`, `claude {"api_key":"k1","timeout_s":5}`, `ollama {"host":"h1"}`, `ollama {"host":"h1"}`,
	}, m.got); diff != "" {
		t.Errorf("asked: %s", diff)
	}
	if code != cli.ExitFailed || !strings.Contains(errs, "ollama ollama-1") || !strings.Contains(errs, "answered nothing") || !strings.Contains(errs, "1/2 claude a: answered in") {
		t.Errorf("%d %s", code, errs)
	}
	for _, want := range []string{
		"Hits: top-1 1 of 2, top-3 1 of 2, type 1 of 2, cause 1 of 1, evidence -; false alarms -.",
		"Unsupported: 0 of 2 claims, 2 unknown ids, 0 answers not grounded, 0 cut, 2 commands removed.",
		"Cost: 2000 + 200 tokens, 0.0030 in money", "Answered 0 of 2; rungs: facts 2; errors: auth 2.",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
	kept, err := os.ReadFile(record)
	if err != nil || bytes.Contains(kept, []byte("sk-abcdef")) || bytes.Contains(kept, []byte("k1")) || bytes.Count(kept, []byte("\n")) != 2 {
		t.Errorf("recorded: %v %s", err, kept)
	}
	if info, err := os.Stat(record); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("its mode: %v %v", info, err)
	}
	m.got = nil
	code, again, errs := eval(t, m, "", "--set", record, "--offline", "--provider", "claude")
	if code != 0 || len(m.got) > 0 || !strings.Contains(again, "Hits: top-1 1 of 2, top-3 1 of 2, type 1 of 2, cause 1 of 1") || !strings.Contains(again, "2 unknown ids") ||
		!strings.Contains(again, "Cost: 2000 + 200 tokens, 0.0030 in money") {
		t.Errorf("again: %d %s\n%s", code, errs, again)
	}
	// A second model of the same provider is recorded beside the first.
	if code, _, errs := eval(t, m, "", "--set", record, "--provider", "claude", "--model", "m2,m3", "--config", write("one.yaml", "api_key: k2"), "--record", record); code != 0 {
		t.Errorf("%d %s", code, errs)
	}
	slices.Sort(m.got)
	if len(m.got) != 4 || !strings.HasPrefix(m.got[0], `claude m2 {"api_key":"k2"`) || !strings.HasPrefix(m.got[3], `claude m3 {"api_key":"k2"`) {
		t.Errorf("asked %v", m.got)
	}
	_, all, _ := eval(t, m, "", "--set", record, "--offline", "--json")
	for _, want := range []string{`"model": "claude-1"`, `"model": "m2"`, `"model": "m3"`, `"model": "ollama-1"`} {
		if !strings.Contains(all, want) {
			t.Errorf("no %s in %s", want, all)
		}
	}
}

// TestEvalVerdict: the exit code is for whoever gates on it.
func TestEvalVerdict(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]int{"--min-top1 100": 1, "--min-top1 34": 1, "--provider claude --min-top1 100": 0, "--provider ollama --min-top1 33": 1, "--provider ollama": 0} {
		code, out, errs := eval(t, &models{}, "", append([]string{"--set", example, "--offline"}, strings.Fields(args)...)...)
		if code != want || out == "" || (want == 1) != strings.Contains(errs, "was right at once in 0 of 3") {
			t.Errorf("%s: %d %s", args, code, errs)
		}
	}
	if code, _, errs := eval(t, &models{}, twoIncidents, "--set", "-", "--provider", "claude"); code != 1 || !strings.Contains(errs, "answered nothing") {
		t.Errorf("a key that is refused: %d %s", code, errs)
	}
}

// TestEvalBadInput: what cannot be used is said, before anybody is asked.
func TestEvalBadInput(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config := filepath.Join(dir, "c.yaml")
	if err := os.WriteFile(config, []byte("api_key: k"), 0o600); err != nil {
		t.Fatal(err)
	}
	const offline, live = "--set - --offline", "--set - --provider claude"
	for name, tt := range map[string]struct{ in, args, want string }{
		"no set":                    {"", "--offline", "--set"},
		"no such file":              {"", "--set " + dir + "/none --offline", "none"},
		"bad set":                   {"{\"id\": \"a\"}\n{]", offline, "line 1 (a): \"incident\" is missing"},
		"bad set, JSON":             {"\n{]", offline, "line 2: it is not JSON"},
		"empty":                     {"", offline, "there is no incident in it"},
		"nobody":                    {twoIncidents, "--set -", "--provider says who is asked"},
		"no answers":                {twoIncidents, offline, "has no answers of anybody; it has: none at all"},
		"no answers of one":         {twoIncidents, live + " --offline --model x", "has no answers of claude x"},
		"unknown provider":          {twoIncidents, "--set - --provider psychic", "psychic"},
		"unknown provider, offline": {twoIncidents, offline + " --provider psychic", "psychic"},
		"model of several":          {twoIncidents, "--set - --provider claude,ollama --model x", "--model goes with one --provider"},
		"prompt that is none":       {twoIncidents, live + " --prompt-version 99", `version "99"`},
		"record offline":            {twoIncidents, offline + " --record x", "nobody is asked"},
		"record to nowhere":         {twoIncidents, live + " --record -", "name of a file"},
		"bad bar":                   {twoIncidents, offline + " --min-top1 101", "0 to 100"},
		"twice standard input":      {twoIncidents, live + " --config -", "not both"},
		"settings of nobody":        {twoIncidents, "--set - --provider claude,ollama --config " + config, "under their names"},
	} {
		m := &models{says: map[string]string{"claude": "x"}}
		code, out, errs := eval(t, m, tt.in, strings.Fields(tt.args)...)
		if code != cli.ExitUsage || out != "" || !strings.Contains(errs, tt.want) || len(m.got) > 0 {
			t.Errorf("%s: %d %q %q, asked %v", name, code, out, errs, m.got)
		}
	}
}
