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

// TestAnalyzeCommand: the command asks a language model at the address of its file as a hub does, with no hub and nothing allowed. The
// machine beneath is one that is looked at at once: what the local analyzer says is not lost on a slow one.
func TestAnalyzeCommand(t *testing.T) {
	t.Parallel()
	const incident = `{"title":"Disk full","severity":"critical","alerts":[{"name":"DiskFull","description":"Bearer abcdefghijklmnopqrstuvwxyz"}]}`
	type printed struct {
		Rung       string   `json:"rung"`
		Provider   string   `json:"provider"`
		ErrorClass string   `json:"error_class"`
		Fallback   bool     `json:"fallback_used"`
		Grounded   bool     `json:"grounded"`
		Model      string   `json:"model"`
		Cost       *float64 `json:"cost"`
		Usage      struct {
			Prompt *int64 `json:"prompt_tokens"`
		} `json:"usage"`
		Recommendations []struct {
			Title string `json:"title"`
		} `json:"recommendations"`
	}
	run := func(t *testing.T, kind, file string, flags ...string) (code int, out, errs string) {
		t.Helper()
		name := filepath.Join(t.TempDir(), "settings")
		if err := os.WriteFile(name, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		var stdout, stderr bytes.Buffer
		code = cli.Run(t.Context(), cli.Program{
			In: strings.NewReader(incident), Out: &stdout, Err: &stderr, Getenv: func(string) string { return "" }, Analyzer: server.AnalyzerOn(&quiet{}),
		}, append([]string{"analyze", "--incident", "-", "--provider", kind, "--config", name}, flags...))
		return code, stdout.String(), stderr.String()
	}
	for _, kind := range []string{"openai", "claude", "gemini", "grok", "mistral", "copilot", "ollama"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			model := providertest.New(t, kind)
			lines := []string{"timeout_s: 20", "price_input: 1", "price_output: 2"}
			var settings map[string]string
			if err := json.Unmarshal(model.Config(nil), &settings); err != nil {
				t.Fatal(err)
			}
			for k, v := range settings {
				lines = append(lines, k+": "+v)
			}
			code, out, errs := run(t, kind, strings.Join(lines, "\n"), "--json")
			var got printed
			if err := json.Unmarshal([]byte(out), &got); code != 0 || err != nil {
				t.Fatalf("%d %s %v", code, errs, err)
			}
			if got.Rung != "provider" || got.Provider != kind || got.Fallback || got.ErrorClass != "" || !got.Grounded || *got.Usage.Prompt != 900 || *got.Cost != 0.00114 || got.Model == "" ||
				got.Recommendations[0].Title != "Free space on /var" {
				t.Errorf("%s", out)
			}
			asked := model.Requests()
			if len(asked) != 1 || strings.Contains(string(asked[0].Body), "abcdefghijklmnop") || !strings.Contains(string(asked[0].Body), "DiskFull") {
				t.Errorf("%d requests: %s", len(asked), asked[0].Body)
			}
			if code, out, _ := run(t, kind, string(model.Config(nil))); code != 0 || !strings.Contains(out, "Written by "+kind+" (") || !strings.Contains(out, "It took 900 tokens in and 120 out") {
				t.Errorf("for people: %d\n%s", code, out)
			}
			model.Answer(providertest.Script{Status: 401, Body: `{"error":{"message":"the key sk-fake-0123456789abcdef is bad"}}`})
			code, out, errs = run(t, kind, string(model.Config(nil)), "--json")
			got = printed{}
			if err := json.Unmarshal([]byte(out), &got); code != 0 || err != nil || got.Rung != "local" || got.ErrorClass != "auth" || !got.Fallback || strings.Contains(out+errs, "sk-fake") {
				t.Errorf("%d %s %s %v", code, out, errs, err)
			}
		})
	}
	if code, out, errs := run(t, "openai", "modell: x\n"); code != 2 || out != "" || !strings.Contains(errs, "modell") {
		t.Errorf("settings that there are not: %d %q %q", code, out, errs)
	}
	if code, out, _ := run(t, "openai", "model: x\n", "--json"); code != 0 || !strings.Contains(out, `"error_class": "auth"`) {
		t.Errorf("no key: %d %q", code, out)
	}
	if code, out, _ := run(t, "ollama", "timeout_s: 5\n"); code != 0 || !strings.Contains(out, "HUB_EGRESS_ALLOW=localhost:11434") {
		t.Errorf("an address that nobody named: %d %q", code, out)
	}
}
