package cli_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/analysts"
	"github.com/incidenthub/incidenthub/apps/cli"
	"github.com/incidenthub/incidenthub/apps/intelligence"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
	"github.com/incidenthub/incidenthub/providers"
)

// offered are two kinds of providers.
type offered struct{}

func (offered) Names() []string { return []string{"local", "ollama", "openai"} }

func (offered) Spec(name string) (providers.Spec, bool) {
	spec := providers.Spec{Name: name, Label: strings.ToUpper(name), KeyEnv: "OPENAI_API_KEY"}
	if name == "ollama" || name == "openai" {
		spec.Fields = []settings.Field{
			{Key: "api_key", Type: settings.Text, Secret: true},
			{Key: "model", Type: settings.Text, Default: "small"},
			{Key: "base_url", Type: settings.URL, Default: "https://" + name + ".example/v1", Destination: true},
			{Key: "calls_per_hour", Type: settings.Number, Default: "60"},
			{Key: "store_prompts", Type: settings.Bool, Default: "false"},
			{Key: "headers", Type: settings.Map, Secret: true},
		}
	}
	return spec, spec.Fields != nil || name == "local"
}

type asked struct {
	providers.Provider
	name string
}

func (m asked) Terms() providers.Terms {
	t := providers.Terms{Model: m.name}
	if m.name == "ancient" {
		t.Warning = "the model ancient ended on 2026-01-01"
	}
	return t
}

func (offered) Make(_ string, config json.RawMessage) (providers.Provider, error) {
	s := struct {
		APIKey  string            `json:"api_key"`
		Model   string            `json:"model"`
		BaseURL string            `json:"base_url"`
		Calls   float64           `json:"calls_per_hour"`
		Store   bool              `json:"store_prompts"`
		Headers map[string]string `json:"headers"`
	}{Model: "small"}
	if err := settings.Decode(config, &s); err != nil {
		return nil, err
	}
	if s.Calls < 0 {
		return nil, settings.Bad("calls_per_hour", "must be 0 or more")
	}
	return asked{name: s.Model}, nil
}

// trials work for those with the right key.
type trials struct{ of *analysts.Service }

func (t trials) Test(ctx context.Context, tenant, ref string) (intelligence.TestResult, error) {
	l, err := t.of.Open(ctx, tenant, ref)
	if err != nil {
		return intelligence.TestResult{}, err
	}
	if strings.Contains(string(l.Config), `"right-key"`) {
		return intelligence.TestResult{OK: true, Model: "small-1", LatencyMS: 42}, nil
	}
	return intelligence.TestResult{ErrorClass: providers.ErrAuth, LatencyMS: 7}, nil
}

func usage(context.Context, string, time.Time) ([]intelligence.Usage, error) {
	return []intelligence.Usage{{Provider: "openai", Calls: 12, Failed: 2, PromptTokens: 900, CompletionTokens: 100, CostMicros: 4200, MeanMS: 1500}}, nil
}

type stored struct {
	Name     string         `json:"name"`
	Provider string         `json:"provider"`
	Config   map[string]any `json:"config"`
	IsActive bool           `json:"is_active"`
	Model    string         `json:"model"`
	Version  int64          `json:"version"`
}

func (s *shell) provider(t *testing.T, name string) stored {
	t.Helper()
	var one stored
	decode(t, s.ok(t, "", "provider", "show", name, "--json"), &one)
	return one
}

func TestSetupIntelligence(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte("wrong-key\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.ok(t, "", "key", "create", "bot") // which makes the database
	if out := s.ok(t, "", "provider", "list"); !strings.Contains(out, "nothing leaves this machine") {
		t.Error(out)
	}
	// What cannot be used stores nothing.
	for name, tt := range map[string]struct {
		in   string
		args []string
		says string
	}{
		"no terminal":                {"", nil, "there must be a terminal"},
		"unknown kind":               {"", []string{"--provider", "psychic"}, "there are: ollama, openai"},
		"the local one":              {"", []string{"--provider", "local"}, "there are: ollama, openai"},
		"unknown setting":            {"", []string{"--provider", "openai", "--set", "colour=red"}, `no setting "colour"`},
		"no number":                  {"", []string{"--provider", "openai", "--set", "calls_per_hour=many"}, `"many" is no number`},
		"refused":                    {"", []string{"--provider", "openai", "--set", "calls_per_hour=-1"}, "calls_per_hour: must be 0 or more"},
		"key as an argument":         {"", []string{"--provider", "openai", "--set", "api_key=canary"}, "--api-key-file"},
		"no such file":               {"", []string{"--provider", "openai", "--api-key-file", "/no/such/file"}, "/no/such/file"},
		"an empty key":               {"\n", []string{"--provider", "openai", "--api-key-file", "-"}, "no key in it"},
		"two lines":                  {"a\nb\n", []string{"--provider", "openai", "--api-key-file", "-"}, "a key is one line"},
		"two keys":                   {"", []string{"--provider", "openai", "--api-key-file", file, "--api-key-env", "X"}, "give the key once"},
		"a key as it is, and a file": {"", []string{"--provider", "openai", "--api-key-file", file, "--api-key", "canary"}, "give the key once"},
		"an unset variable":          {"", []string{"--provider", "openai", "--api-key-env", "NOBODY"}, "NOBODY: there is no key in it"},
	} {
		r := s.run(t, tt.in, append([]string{"setup-intelligence"}, tt.args...)...)
		if r.code != cli.ExitUsage || !strings.Contains(r.err, tt.says) || strings.Contains(r.out+r.err, "canary") {
			t.Errorf("%s: %+v", name, r)
		}
	}
	if out := s.ok(t, "", "provider", "list", "--json"); strings.TrimSpace(out) != "[]" {
		t.Errorf("stored: %s", out)
	}

	// A failed test stores, and does not activate.
	r := s.run(t, "", "setup-intelligence", "--provider", "openai", "--api-key-file", file, "--model", "large", "--test", "--activate")
	if r.code != cli.ExitFailed || !strings.Contains(r.err, "the provider refused the key (auth, after 7 ms)") || !strings.Contains(r.err, "It is not activated") || strings.Contains(r.out+r.err, "wrong-key") {
		t.Errorf("%+v", r)
	}
	if one := s.provider(t, "openai"); one.IsActive || one.Model != "large" {
		t.Errorf("%+v", one)
	}
	if r := s.run(t, "", "provider", "test", "openai", "--json"); r.code != cli.ExitFailed || !strings.Contains(r.out, `"error_class": "auth"`) {
		t.Errorf("%+v", r)
	}

	// Again, with the right key: what is not given stays.
	var done struct {
		Provider  stored
		Test      *intelligence.TestResult
		Activated bool
	}
	s.vars["KEY"] = "right-key"
	decode(t, s.ok(t, "", "setup-intelligence", "--provider", "openai", "--api-key-env", "KEY", "--set", "store_prompts=true", "--test", "--activate", "--json"), &done)
	if done.Test == nil || !done.Test.OK || !done.Activated || !done.Provider.IsActive || done.Provider.Model != "large" || done.Provider.Config["store_prompts"] != true {
		t.Errorf("%+v", done)
	}
	if r := s.run(t, "", "setup-intelligence", "--provider", "ollama", "--name", "openai"); r.code != cli.ExitUsage || !strings.Contains(r.err, "choose another --name") {
		t.Errorf("%+v", r)
	}
	// Nobody is asked to activate: it is only stored.
	if out := s.ok(t, "", "setup-intelligence", "--provider", "ollama", "--base-url", "https://ollama.example/v1"); !strings.Contains(out, `provider activate "ollama"`) || s.provider(t, "ollama").IsActive {
		t.Error(out)
	}
	if help := s.ok(t, "", "setup-intelligence", "--help"); !strings.Contains(help, "--api-key-file") || !strings.Contains(help, "others can see it") || !strings.Contains(help, "HUB_EGRESS_ALLOW=127.0.0.1:11434") {
		t.Error(help)
	}
}

func TestProviders(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.ok(t, "", "setup-intelligence", "--provider", "openai", "--api-key", "right-key", "--activate")
	s.ok(t, "", "setup-intelligence", "--provider", "ollama", "--model", "ancient")
	out := s.ok(t, "", "provider", "list")
	for _, want := range []string{"ollama  ollama  ancient", "openai  openai  small    active  12           12      2       1000    0.0042  1.5s", "ollama: the model ancient ended"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if out := s.ok(t, "", "provider", "show", "openai"); !strings.Contains(out, "api_key  configured") || !strings.Contains(out, "12 calls, 2 failed") || strings.Contains(out, "right-key") {
		t.Error(out)
	}
	if out := s.ok(t, "", "provider", "test", "openai"); out != "It works: small-1 answered in 42 ms.\n" {
		t.Error(out)
	}
	s.ok(t, "headers: {X-Team: sre, X-Token: canary}\ncalls_per_hour: 9", "provider", "set", "openai", "model=large", "--config", "-", "--name", "main", "--description", "of operations")
	one := s.provider(t, "main")
	headers, _ := one.Config["headers"].(map[string]any)
	if one.Model != "large" || !one.IsActive || one.Config["calls_per_hour"] != 9.0 || headers["X-Team"] != "sre" || one.Version != 3 {
		t.Errorf("%+v", one)
	}
	if out := s.ok(t, "", "provider", "show", "main"); !strings.Contains(out, "headers.X-Token  configured") || strings.Contains(out, "canary") {
		t.Error(out)
	}
	s.ok(t, "", "provider", "set", "main", "--unset", "calls_per_hour", "--unset", "headers")
	if one := s.provider(t, "main"); one.Config["calls_per_hour"] != nil || one.Config["headers"] != nil || one.Config["api_key"] == nil {
		t.Errorf("%+v", one)
	}
	if r := s.run(t, "", "provider", "set", "main", "base_url=https://evil.example/v1"); r.code != cli.ExitUsage || !strings.Contains(r.err, "api_key: enter it again") {
		t.Errorf("another host keeps the key: %+v", r)
	}
	for name, args := range map[string][]string{
		"no pair": {"main", "model"}, "a map": {"main", "headers=x"}, "a secret": {"main", "api_key=canary"}, "no bool": {"main", "store_prompts=maybe"}, "unset nothing": {"main", "--unset", "colour"},
		"a taken name's kind": {"main", "--name", "ollama"}, "no file": {"main", "--config", "/no/such/file"}, "twice stdin": {"main", "--config", "-", "--api-key-file", "-"},
	} {
		if r := s.run(t, "", append([]string{"provider", "set"}, args...)...); r.code != cli.ExitUsage || strings.Contains(r.err, "canary") {
			t.Errorf("%s: %+v", name, r)
		}
	}
	s.ok(t, "", "provider", "activate", "ollama")
	if s.provider(t, "main").IsActive || !s.provider(t, "ollama").IsActive {
		t.Error("two are active, or none")
	}
	if out := s.ok(t, "", "provider", "deactivate", "ollama", "--json"); !strings.Contains(out, `"is_active": false`) {
		t.Error(out)
	}
	s.ok(t, "", "provider", "set", "main", "--unset", "api_key")
	if one := s.provider(t, "main"); one.Config["api_key"] != nil {
		t.Errorf("the key is still there: %+v", one)
	}
	if out := s.ok(t, "", "provider", "delete", "main", "--json"); !strings.Contains(out, `"deleted": "main"`) {
		t.Error(out)
	}
	for _, act := range []string{"show", "activate", "deactivate", "test", "delete", "set"} {
		if r := s.run(t, "", "provider", act, "main"); r.code != cli.ExitFailed || !strings.Contains(r.err, "not found") {
			t.Errorf("%s of nobody: %+v", act, r)
		}
	}
}
