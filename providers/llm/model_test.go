package llm_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/providers"
	"github.com/incidenthub/incidenthub/providers/llm"
)

func TestFind(t *testing.T) {
	t.Parallel()
	for asked, want := range map[[2]string]struct {
		known, reasoning, temperature bool
		window                        int
		ends                          string
	}{
		{"openai", "gpt-6-luna"}:               {true, true, false, 1_050_000, ""},
		{"openai", "gpt-4o"}:                   {true, false, true, 128_000, "2027-01-14"},
		{"openai", "gpt-4o-2024-08-06"}:        {true, false, true, 128_000, "2027-01-14"},
		{"openai", "gpt-4o-2024-05-13"}:        {true, false, true, 128_000, "2026-10-23"},
		{"openai", "gpt-4o-audio"}:             {false, false, false, 0, ""},
		{"openai", "gpt-4-0613"}:               {true, false, true, 8192, "2026-10-23"},
		{"openai", "gpt-5.9-terra"}:            {true, true, false, 0, ""},
		{"openai", "o4-mini-2025-04-16"}:       {true, true, false, 200_000, "2026-10-23"},
		{"openai", "qwen3:32b"}:                {false, false, false, 0, ""},
		{"claude", "claude-sonnet-4-20250514"}: {true, false, false, 200_000, "2026-06-15"},
		{"claude", "claude-sonnet-4-5"}:        {true, false, false, 200_000, "2026-11-30"},
		{"gemini", "gemini-2.0-flash"}:         {true, false, true, 1_048_576, "2026-06-01"},
		{"grok", "grok-3-latest"}:              {true, false, true, 131_072, "2026-05-15"},
		{"ollama", "llama3.1:70b"}:             {true, false, true, 131_072, ""},
		{"ollama", "phi4"}:                     {true, false, true, 0, ""},
		{"grok", "gpt-6-luna"}:                 {false, false, false, 0, ""},
		{"psychic", "gpt-6-luna"}:              {false, false, false, 0, ""},
		{"openai", ""}:                         {false, false, false, 0, ""},
	} {
		m, known := llm.Find(asked[0], asked[1])
		ends := ""
		if !m.Ends.IsZero() {
			ends = m.Ends.Format(time.DateOnly)
		}
		if known != want.known || m.Name != asked[1] || m.Reasoning != want.reasoning || m.Temperature != want.temperature || m.Window != want.window || ends != want.ends {
			t.Errorf("%v: %t %+v", asked, known, m)
		}
	}
}

// TestTable: no default has ended or ends soon, and what stands in for an ended model is in the table and has not ended.
func TestTable(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	for _, kind := range []string{"openai", "claude", "gemini", "grok", "mistral", "copilot", "ollama"} {
		m := llm.Default(kind)
		if m.Name == "" || m.Warning(now) != "" {
			t.Errorf("%s: %q %s", kind, m.Name, m.Warning(now))
		}
	}
	if llm.Default("psychic").Name != "" {
		t.Error("an unknown kind has a model")
	}
	for kind, names := range map[string][]string{
		"openai": {"gpt-4o-mini", "gpt-4o", "gpt-5", "o3", "gpt-3.5-turbo"}, "claude": {"claude-sonnet-4-20250514", "claude-sonnet-4-5"},
		"gemini": {"gemini-2.0-flash"}, "grok": {"grok-3", "grok-3-mini"}, "copilot": {"gpt-4.1"},
	} {
		for _, name := range names {
			m, _ := llm.Find(kind, name)
			if m.Ends.IsZero() {
				t.Errorf("%s %s has no end", kind, name)
			}
			if next, known := llm.Find(kind, m.Replacement); !known || next.Warning(now) != "" {
				t.Errorf("%s %s: in its stead %+v", kind, name, next)
			}
		}
	}
}

func TestWarning(t *testing.T) {
	t.Parallel()
	m := llm.Model{Name: "old-1", Ends: time.Date(2027, 1, 14, 0, 0, 0, 0, time.UTC), Replacement: "new-2"}
	for at, want := range map[string]string{
		"2026-11-10T00:00:00Z": "", "2026-11-16T00:00:00Z": "the model old-1 ends on 2027-01-14: set model to new-2",
		"2027-01-13T23:59:59Z": "the model old-1 ends on 2027-01-14: set model to new-2",
		"2027-01-14T00:00:00Z": "the model old-1 ended on 2027-01-14: set model to new-2",
	} {
		now, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Warning(now); got != want {
			t.Errorf("%s: %q, want %q", at, got, want)
		}
	}
	if got := (llm.Model{Name: "x"}).Warning(time.Now()); got != "" {
		t.Errorf("no end: %q", got)
	}
}

// TestTermsWarn: an operator is told what the settings ask for and do not get, by the clock that the hub has.
func TestTermsWarn(t *testing.T) {
	t.Parallel()
	late := clock.At(time.Date(2026, 12, 24, 0, 0, 0, 0, time.UTC))
	for raw, want := range map[string]string{
		`{}`:                                     "",
		`{"model":"gpt-4o"}`:                     "the model gpt-4o ends on 2027-01-14: set model to gpt-6-luna",
		`{"model":"gpt-3.5-turbo"}`:              "the model gpt-3.5-turbo ended on 2026-10-23",
		`{"temperature":0.3}`:                    "temperature is not sent: gpt-6-luna takes none",
		`{"model":"qwen3","temperature":0.3}`:    "",
		`{"effort":"minimal"}`:                   "effort minimal is not sent: gpt-6-luna takes none, low, medium",
		`{"effort":"high"}`:                      "",
		`{"model":"gpt-4.1","effort":"high"}`:    "effort high is not sent: gpt-4.1 takes no effort",
		`{"model":"gpt-4o","max_tokens":100000}`: "max_tokens is 16384: gpt-4o has room for no more",
	} {
		c, err := llm.Read(defaults(), json.RawMessage(raw), llm.Deps{Clock: late})
		if err != nil {
			t.Fatal(err)
		}
		m, _ := llm.Find("openai", c.Model)
		if got := c.Terms("openai", m).Warning; want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", raw, got, want)
		}
	}
}

// TestWindow: question and answer fit into the model together.
func TestWindow(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]providers.Terms{
		`{"model":"gpt-4"}`:                                        {Window: 8192, MaxInput: 4096, MaxOutput: 4096},
		`{"model":"gpt-4","input_tokens":1000}`:                    {Window: 8192, MaxInput: 1000, MaxOutput: 4096},
		`{"model":"mine","context_tokens":2048}`:                   {Window: 2048, MaxInput: 1024, MaxOutput: 1024},
		`{"model":"mine","context_tokens":2048,"max_tokens":300}`:  {Window: 2048, MaxInput: 1748, MaxOutput: 300},
		`{"model":"gpt-6-luna","context_tokens":9000}`:             {Window: 9000, MaxInput: 4904, MaxOutput: 4096},
		`{"model":"mine","input_tokens":90000,"max_tokens":90000}`: {Window: 0, MaxInput: 90000, MaxOutput: 90000},
	} {
		c, err := llm.Read(defaults(), json.RawMessage(raw), llm.Deps{})
		if err != nil {
			t.Fatal(err)
		}
		m, _ := llm.Find("openai", c.Model)
		if got := c.Terms("openai", m); got.Window != want.Window || got.MaxInput != want.MaxInput || got.MaxOutput != want.MaxOutput {
			t.Errorf("%s: %d %d %d", raw, got.Window, got.MaxInput, got.MaxOutput)
		}
	}
}
