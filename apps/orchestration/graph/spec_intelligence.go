package graph

import (
	"maps"
	"slices"
)

// IntelligenceConfig configures an intelligence node.
type IntelligenceConfig struct {
	Provider       string         `json:"provider" jsonschema:"description=Who analyses: active (the provider that is active at run time)\\, local\\, or a provider's key."`
	ProviderConfig map[string]any `json:"provider_config,omitempty" jsonschema:"description=Overrides: model\\, max_tokens\\, system_prompt_hint\\, extra_context …"`
	Timeout        *float64       `json:"timeout,omitempty" jsonschema:"description=Time for the whole analysis in seconds.,default=30"`
	Fallback       *bool          `json:"fallback,omitempty" jsonschema:"description=Use the local analyzer when the provider does not answer.,default=true"`
}

// The provider words with a meaning of their own.
const (
	ProviderActive = "active" // the active provider record, local without one
	ProviderLocal  = "local"  // no network
)

// notInPipelines are provider settings that belong to the stored provider: secrets, addresses, what may be spent and what is stored, which
// a pipeline's author must not choose.
var notInPipelines = [...]string{
	"api_key", "base_url", "host", "headers", "scan_paths", "price_input", "price_output", "calls_per_hour", "tokens_per_day", "calls_per_incident",
	"money_per_day", "redact_emails", "store_prompts",
}

func intelligenceSpec(known Known) NodeSpec {
	return NodeSpec{
		Type: "intelligence", Doc: "Analyses the incident and its evidence. It can never stop or lower a notification.",
		Config: IntelligenceConfig{}, Queue: "intelligence", Stage: "analyzed", Enriches: true,
		Check: func(cfg any, _ func(string) bool) []Problem {
			c := cfg.(*IntelligenceConfig)
			var out []Problem
			switch {
			case c.Provider == "":
				out = append(out, problemAt("/provider", `"provider" is missing`, `write "active" for the active provider, or "local"`))
			case c.Provider != ProviderActive && known.Providers != nil && !slices.Contains(known.Providers, c.Provider):
				all := append([]string{ProviderActive}, known.Providers...)
				out = append(out, problemAt("/provider", "unknown provider "+quoteAll([]string{c.Provider}), didYouMean(c.Provider, all)))
			}
			for _, key := range slices.Sorted(maps.Keys(c.ProviderConfig)) {
				if slices.Contains(notInPipelines[:], key) {
					out = append(out, problemAt(join("/provider_config", key), quoteAll([]string{key})+" cannot be set in a pipeline", "set it on the provider"))
				}
			}
			if c.Timeout != nil && *c.Timeout <= 0 {
				out = append(out, problemAt("/timeout", `"timeout" must be more than 0 seconds`, ""))
			}
			return out
		},
	}
}
