package server_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/apps/cli"
	"github.com/incidenthub/incidenthub/internal/server"
	"github.com/incidenthub/incidenthub/providers/providertest"
)

// TestEval measures every kind of language model on the example of the docs, by its own API, and then again from what was recorded: the
// figures are the same.
func TestEval(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config, fakes := obj{}, map[string]*providertest.Server{}
	kinds := []string{"claude", "copilot", "gemini", "grok", "mistral", "ollama", "openai"}
	for _, kind := range kinds {
		s := providertest.New(t, kind)
		fakes[kind] = s
		config[kind] = s.Config(obj{"price_input": 2, "price_output": 10})
	}
	fakes["mistral"].Answer(providertest.Script{Status: 401, Body: `{"message":"no"}`})
	settings := filepath.Join(dir, "providers.json")
	raw, err := json.Marshal(config)
	if err == nil {
		err = os.WriteFile(settings, raw, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (int, string, string) {
		var out, errs bytes.Buffer
		code := cli.Run(t.Context(), cli.Program{
			In: strings.NewReader(""), Out: &out, Err: &errs, Analyzer: server.Analyzer, Getenv: func(string) string { return "" },
		}, append([]string{"eval", "--json"}, args...))
		return code, out.String(), errs.String()
	}
	const set = "../../docs/examples/incidents.jsonl"
	record := filepath.Join(dir, "answers.jsonl")
	code, live, errs := run("--set", set, "--provider", strings.Join(kinds, ","), "--config", settings, "--record", record)
	if code != cli.ExitFailed || !strings.Contains(errs, "mistral") || strings.Count(errs, "answered nothing") != 1 {
		t.Errorf("live: %d %s", code, errs)
	}
	figures := func(text string) map[string]any {
		t.Helper()
		var r struct {
			Results []map[string]any
		}
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		out := map[string]any{}
		for _, one := range r.Results {
			if one["cost"] != nil || one["answered"] == 0.0 { // the others are the example's own
				out[one["provider"].(string)] = one
			}
		}
		return out
	}
	first := figures(live)
	for _, kind := range kinds {
		one, _ := first[kind].(obj)
		if one == nil {
			t.Fatalf("%s is not measured: %s", kind, live)
		}
		answered, calls := 4.0, 4
		if kind == "mistral" { // nobody is asked by a breaker: each one is asked
			answered = 0
		}
		if one["answered"] != answered || len(fakes[kind].Requests()) != calls {
			t.Errorf("%s answered %v of 4 and was asked %d times", kind, one["answered"], len(fakes[kind].Requests()))
		}
		if kind != "mistral" && (one["cost"] != 4*(900*2+120*10)/1e6 || one["prompt_tokens"] != 3600.0 || one["prompt_version"] == "" || one["model"] == "") {
			t.Errorf("%s: %v", kind, one)
		}
	}
	before := map[string]int{}
	for kind, s := range fakes {
		before[kind] = len(s.Requests())
	}
	for range 2 {
		_, again, errs := run("--set", record, "--offline", "--provider", "openai,gemini,grok,copilot", "--config", settings)
		second := figures(again)
		for _, kind := range []string{"openai", "gemini", "grok", "copilot"} {
			was, is := first[kind].(obj), second[kind]
			if is == nil {
				t.Fatalf("%s is not measured again: %s %s", kind, again, errs)
			}
			a, _ := json.Marshal(was)
			b, _ := json.Marshal(is)
			if !bytes.Equal(a, b) {
				t.Errorf("%s, live and offline:\n%s\n%s", kind, a, b)
			}
		}
	}
	for kind, s := range fakes {
		if len(s.Requests()) != before[kind] {
			t.Errorf("%s was asked offline", kind)
		}
	}
	if kept, err := os.ReadFile(record); err != nil || bytes.Contains(kept, []byte(providertest.Key)) {
		t.Errorf("the record: %v", err)
	}
}
