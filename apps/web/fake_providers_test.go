package web_test

import (
	"context"
	"encoding/json"
	"math"
	"slices"
	"time"

	"github.com/incidenthub/incidenthub/apps/analysts"
	"github.com/incidenthub/incidenthub/apps/intelligence"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/providers"
)

// modelKinds are kinds of providers with settings of each type.
type modelKinds struct{}

func (modelKinds) Names() []string { return []string{"claude", "copilot", "local", "ollama", "openai"} }

func (modelKinds) Spec(name string) (providers.Spec, bool) {
	labels := map[string][2]string{
		"claude": {"Claude", "https://api.anthropic.com"}, "copilot": {"GitHub Copilot", "https://api.githubcopilot.com"},
		"ollama": {"Ollama", "http://localhost:11434"}, "openai": {"OpenAI", "https://api.openai.com/v1"},
	}
	label, ok := labels[name]
	if !ok {
		return providers.Spec{Name: name}, name == "local"
	}
	return providers.Spec{
		Name: name, Label: label[0], Description: "For tests.", Experimental: name == "copilot",
		Fields: []settings.Field{
			{Key: "api_key", Type: settings.Text, Secret: true, Doc: "Key of the API. Without it the environment's OPENAI_API_KEY is taken."},
			{Key: "model", Type: settings.Text, Default: "gpt-6-luna", Doc: "Name of the model."},
			{Key: "base_url", Type: settings.URL, Default: label[1], Destination: true, Doc: "Address of the API, up to the part that all its calls share."},
			{Key: "host", Type: settings.URL, Destination: true, Doc: "Another name for base_url; give one of them."},
			{Key: "timeout_s", Type: settings.Number, Default: "30", Doc: "Seconds a whole analysis may take, tries and waits included."},
			{Key: "effort", Type: settings.Text, Doc: "How much a model thinks, for those that take it."},
			{Key: "structured", Type: settings.Text, Default: "schema", Enum: []string{"schema", "json", "none"}, Doc: "How the form of the answer is asked for."},
			{Key: "headers", Type: settings.Map, Secret: true, Doc: "More headers, for gateways."},
			{Key: "calls_per_hour", Type: settings.Number, Default: "60", Doc: "0: no limit. When it is spent the local analyzer answers."},
			{Key: "tokens_per_day", Type: settings.Number, Default: "0", Doc: "Question and answer together. 0: no limit."},
			{Key: "money_per_day", Type: settings.Number, Default: "0", Doc: "In the currency of the prices. 0: no limit."},
			{Key: "redact_emails", Type: settings.Bool, Default: "false", Doc: "Take mail addresses out of the question too."},
			{Key: "store_prompts", Type: settings.Bool, Default: "false", Doc: "Keep the redacted question and the raw answer with each analysis."},
		},
	}, true
}

// model is a provider that is only asked for its terms.
type model struct {
	providers.Provider
	name, kind string
}

func (m model) Terms() providers.Terms {
	t := providers.Terms{Kind: m.kind, Model: m.name}
	if m.name == "gpt-4o-mini" {
		t.Warning = "the model gpt-4o-mini ended on 2026-10-01: set model to gpt-6-luna"
	}
	return t
}

func (modelKinds) Make(name string, config json.RawMessage) (providers.Provider, error) {
	var s struct {
		APIKey       string            `json:"api_key"`
		Model        string            `json:"model"`
		BaseURL      string            `json:"base_url"`
		Host         string            `json:"host"`
		TimeoutS     float64           `json:"timeout_s"`
		Effort       string            `json:"effort"`
		Structured   string            `json:"structured"`
		Headers      map[string]string `json:"headers"`
		CallsPerHour float64           `json:"calls_per_hour"`
		TokensPerDay float64           `json:"tokens_per_day"`
		MoneyPerDay  float64           `json:"money_per_day"`
		RedactEmails bool              `json:"redact_emails"`
		StorePrompts bool              `json:"store_prompts"`
	}
	if err := settings.Decode(config, &s); err != nil {
		return nil, err
	}
	if s.TimeoutS < 0 {
		return nil, settings.Bad("timeout_s", "must be from 0.1 to 600")
	}
	if s.Model == "" {
		s.Model = "gpt-6-luna"
	}
	return model{name: s.Model, kind: name}, nil
}

// providerPart is the hub's web.Providers, Spending and Tester. It changes nothing; what forms do is tried on the real service.
type providerPart struct{ h *hub }

func (p providerPart) Kinds() []providers.Spec {
	var out []providers.Spec
	for _, name := range (modelKinds{}).Names() {
		if s, _ := (modelKinds{}).Spec(name); len(s.Fields) > 0 {
			out = append(out, s)
		}
	}
	return out
}

func (p providerPart) List(context.Context, string) ([]analysts.Record, error) {
	p.h.mu.Lock()
	defer p.h.mu.Unlock()
	return slices.Clone(p.h.providers), nil
}

func (p providerPart) Get(_ context.Context, _, ref string) (analysts.Record, error) {
	p.h.mu.Lock()
	defer p.h.mu.Unlock()
	for _, r := range p.h.providers {
		if r.ID.String() == ref || r.Name == ref {
			return r, nil
		}
	}
	return analysts.Record{}, storage.ErrNotFound
}

func (providerPart) Create(context.Context, string, analysts.RecordInput) (analysts.Record, error) {
	return analysts.Record{}, analysts.ErrExists
}

func (providerPart) Update(context.Context, string, string, int64, analysts.RecordInput) (analysts.Record, error) {
	return analysts.Record{}, analysts.ErrConflict
}

func (providerPart) Activate(context.Context, string, string, int64) (analysts.Record, error) {
	return analysts.Record{}, analysts.ErrConflict
}

func (providerPart) Deactivate(context.Context, string, string, int64) (analysts.Record, error) {
	return analysts.Record{}, analysts.ErrConflict
}

func (providerPart) Delete(context.Context, string, string) error { return storage.ErrNotFound }

// Usage is what was asked since the hour of a time.
func (p providerPart) Usage(_ context.Context, _ string, since time.Time) ([]intelligence.Usage, error) {
	p.h.mu.Lock()
	defer p.h.mu.Unlock()
	var out []intelligence.Usage
	for _, u := range p.h.usage {
		sum := intelligence.Usage{Provider: u.Provider}
		var took int64
		for _, h := range u.Hours {
			if h.Hour.Before(since.UTC().Truncate(time.Hour)) {
				continue
			}
			sum.Hours = append(sum.Hours, h)
			sum.Calls, sum.Failed, sum.Cached, sum.Refused = sum.Calls+h.Calls, sum.Failed+h.Failed, sum.Cached+h.Cached, sum.Refused+h.Refused
			sum.PromptTokens, sum.CompletionTokens = sum.PromptTokens+h.Tokens*4/5, sum.CompletionTokens+h.Tokens/5
			sum.CostMicros += h.CostMicros
			took += h.MeanMS * h.Calls
			sum.SlowestMS = max(sum.SlowestMS, h.MeanMS*3)
		}
		if sum.MeanMS = took / max(sum.Calls, 1); len(sum.Hours) > 0 {
			out = append(out, sum)
		}
	}
	return out, nil
}

// Test works for whoever is active.
func (p providerPart) Test(_ context.Context, _, ref string) (intelligence.TestResult, error) {
	p.h.mu.Lock()
	defer p.h.mu.Unlock()
	p.h.tested = append(p.h.tested, ref)
	if p.h.testFails != "" {
		r := intelligence.TestResult{ErrorClass: p.h.testFails, LatencyMS: 312}
		if r.ErrorClass == providers.ErrNetwork {
			r.Hint = "http://10.0.0.9:11434: start the hub with HUB_EGRESS_ALLOW=10.0.0.9:11434"
		}
		return r, nil
	}
	if p.h.refuse != nil {
		return intelligence.TestResult{}, p.h.refuse
	}
	return intelligence.TestResult{OK: true, Model: "gpt-6-luna-2026-09-01", LatencyMS: 812}, nil
}

func (h *hub) paused(_, provider string) (time.Time, string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if provider == h.pausedName {
		return h.now.Add(9 * time.Minute), providers.ErrOverloaded
	}
	return time.Time{}, ""
}

// asked gives the hub providers: one that is active and fares well, one with trouble, one that was never asked.
func (h *hub) askers() {
	record := func(name, kind, config, description string, active bool) analysts.Record {
		var m struct{ Model string }
		_ = json.Unmarshal([]byte(config), &m)
		r := analysts.Record{
			ID: id.New(), Name: name, Provider: kind, Config: storage.Doc(json.RawMessage(config)), IsActive: active, Description: description, Version: 4,
			CreatedAt: h.ago(30 * 24 * time.Hour), UpdatedAt: h.ago(3 * time.Hour), Model: m.Model,
		}
		return r
	}
	h.providers = []analysts.Record{
		record("claude", "claude", `{"api_key":{"configured":true},"model":"claude-haiku-5-5"}`, "", false),
		record("old account", "openai", `{"api_key":{"configured":true},"model":"gpt-4o-mini","headers":{"X-Team":"sre","X-Token":{"configured":true}},"redact_emails":true}`, "of the finance team", false),
		record("openai", "openai", `{"api_key":{"configured":true},"model":"gpt-6-luna","tokens_per_day":100000,"money_per_day":0.05}`, "paid by operations", true),
		record("workstation", "ollama", `{"model":"llama3.1:70b","host":"http://10.0.0.9:11434"}`, "", false),
	}
	h.providers[1].Warnings = []string{"the model gpt-4o-mini ended on 2026-10-01: set model to gpt-6-luna"}
	h.providers[3].Warnings = []string{"http://10.0.0.9:11434 is a private address; allow it with HUB_EGRESS_ALLOW=10.0.0.9"}
	h.pausedName = "old account"
	busy := intelligence.Usage{Provider: "openai"}
	for i := range 24 * 20 {
		at := h.now.UTC().Truncate(time.Hour).Add(-time.Duration(24*20-1-i) * time.Hour)
		n := int64(math.Max(0, 3+3*math.Sin(float64(i)/4)+float64(i%3)-1))
		if at.Hour() > 1 && at.Hour() < 6 && i%5 != 0 {
			n = 0
		}
		u := intelligence.UsageOfHour{Hour: at, Calls: n, Cached: n / 2, Tokens: n * 4310, CostMicros: n * 4310 / 5, MeanMS: 1800 + int64(i%7)*240}
		if i%41 == 0 {
			u.Failed, u.Refused = min(n, 2), 3
		}
		if n+u.Refused > 0 {
			busy.Hours = append(busy.Hours, u)
		}
	}
	few := intelligence.Usage{Provider: "old account"}
	for i := range 3 {
		few.Hours = append(few.Hours, intelligence.UsageOfHour{Hour: h.now.UTC().Truncate(time.Hour).Add(-time.Duration(50-i) * time.Hour), Calls: 2, Failed: 2, Refused: 5, MeanMS: 240})
	}
	h.usage = []intelligence.Usage{few, busy}
}
