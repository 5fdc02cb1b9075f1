package llm

import (
	"slices"
	"time"
)

// anyEffort stands in Model.Efforts for words that are not known.
const anyEffort = "*"

// table lists models, of each kind the default one first. A name that ends in * stands for a family. What is not in it is called all the
// same, without parameters that newer models refuse. Prices are US dollars per million tokens of short questions.
//
// Sources: the vendors' pages of models, prices and deprecations, November 2026 (developers.openai.com, platform.claude.com, ai.google.dev,
// docs.x.ai, docs.mistral.ai, docs.github.com/copilot). Ends are those of the vendor's own API, clouds that resell have others.
func table() []Model {
	var (
		minimal = []string{"minimal", "low", "medium", "high"}
		none5   = []string{"none", "low", "medium", "high", "xhigh", "max"}
		low4    = []string{"low", "medium", "high", "xhigh"}
		low5    = append(slices.Clip(low4), "max")
		unknown = []string{anyEffort}
	)
	const (
		m1   = 1_000_000
		m1x  = 1_050_000
		gem  = 1_048_576
		k128 = 128_000
	)
	return []Model{
		{Kind: "openai", Name: "gpt-6-luna", Window: m1x, MaxOutput: k128, Reasoning: true, Efforts: none5, Effort: "none", PriceIn: 0.10, PriceOut: 0.50},
		{Kind: "openai", Name: "gpt-6-sol", Window: m1x, MaxOutput: k128, Reasoning: true, Efforts: none5, Effort: "none"},
		{Kind: "openai", Name: "gpt-6-astra", Window: m1x, MaxOutput: k128, Reasoning: true, Efforts: low5, Effort: "low", PriceIn: 10, PriceOut: 50},
		{Kind: "openai", Name: "gpt-6.1-sol", Window: m1x, MaxOutput: k128, Reasoning: true, Efforts: low5, Effort: "low"},
		{Kind: "openai", Name: "gpt-5.6-luna", Window: m1x, MaxOutput: k128, Reasoning: true, Efforts: none5, Effort: "none", PriceIn: 0.20, PriceOut: 1.20},
		{Kind: "openai", Name: "gpt-5.6-terra", Window: m1x, MaxOutput: k128, Reasoning: true, Efforts: none5, Effort: "none", PriceIn: 2, PriceOut: 12},
		{Kind: "openai", Name: "gpt-5.6-sol", Window: m1x, MaxOutput: k128, Reasoning: true, Efforts: none5, Effort: "none"},
		{Kind: "openai", Name: "gpt-5", Ends: day(2026, 12, 11), Replacement: "gpt-5.6-sol", Window: 400_000, MaxOutput: k128, Reasoning: true, Efforts: minimal, Effort: "minimal"},
		{Kind: "openai", Name: "gpt-5-mini", Ends: day(2026, 12, 11), Replacement: "gpt-5.6-terra", Window: 400_000, MaxOutput: k128, Reasoning: true, Efforts: minimal, Effort: "minimal"},
		{Kind: "openai", Name: "gpt-5-nano", Ends: day(2026, 12, 11), Replacement: "gpt-5.6-luna", Window: 400_000, MaxOutput: k128, Reasoning: true, Efforts: minimal, Effort: "minimal"},
		{Kind: "openai", Name: "gpt-5.1", Ends: day(2027, 4, 1), Replacement: "gpt-6-luna", Window: 400_000, MaxOutput: k128, Reasoning: true, Efforts: none5[:4], Effort: "none"},
		{Kind: "openai", Name: "gpt-4o-mini", Ends: day(2027, 1, 14), Replacement: "gpt-6-luna", Window: k128, MaxOutput: 16_384, Temperature: true, PriceIn: 0.15, PriceOut: 0.60},
		{Kind: "openai", Name: "gpt-4o", Ends: day(2027, 1, 14), Replacement: "gpt-6-luna", Window: k128, MaxOutput: 16_384, Temperature: true, PriceIn: 2.50, PriceOut: 10},
		{Kind: "openai", Name: "gpt-4o-2024-05-13", Ends: day(2026, 10, 23), Replacement: "gpt-5.6-sol", Window: k128, MaxOutput: 4096, Temperature: true},
		{Kind: "openai", Name: "gpt-4.1", Ends: day(2027, 1, 14), Replacement: "gpt-6-luna", Window: 1_047_576, MaxOutput: 32_768, Temperature: true, PriceIn: 2, PriceOut: 8},
		{Kind: "openai", Name: "gpt-4.1-mini", Ends: day(2027, 1, 14), Replacement: "gpt-6-luna", Window: 1_047_576, MaxOutput: 32_768, Temperature: true, PriceIn: 0.40, PriceOut: 1.60},
		{Kind: "openai", Name: "gpt-4.1-nano", Ends: day(2026, 10, 23), Replacement: "gpt-5.6-luna", Window: 1_047_576, MaxOutput: 32_768, Temperature: true},
		{Kind: "openai", Name: "gpt-4-turbo", Ends: day(2026, 10, 23), Replacement: "gpt-5.6-sol", Window: k128, MaxOutput: 4096, Temperature: true},
		{Kind: "openai", Name: "gpt-4", Ends: day(2026, 10, 23), Replacement: "gpt-5.6-sol", Window: 8192, MaxOutput: 8192, Temperature: true},
		{Kind: "openai", Name: "gpt-3.5-turbo", Ends: day(2026, 10, 23), Replacement: "gpt-5.6-terra", Window: 16_385, MaxOutput: 4096, Temperature: true},
		{Kind: "openai", Name: "o3", Ends: day(2026, 12, 11), Replacement: "gpt-5.6-sol", Window: 200_000, MaxOutput: 100_000, Reasoning: true, Efforts: low4[:3], Effort: "low"},
		{Kind: "openai", Name: "o1", Ends: day(2026, 10, 23), Replacement: "gpt-5.6-sol", Window: 200_000, MaxOutput: 100_000, Reasoning: true, Efforts: low4[:3], Effort: "low"},
		{Kind: "openai", Name: "o3-mini", Ends: day(2026, 10, 23), Replacement: "gpt-5.6-sol", Window: 200_000, MaxOutput: 100_000, Reasoning: true, Efforts: low4[:3], Effort: "low"},
		{Kind: "openai", Name: "o4-mini", Ends: day(2026, 10, 23), Replacement: "gpt-5.6-terra", Window: 200_000, MaxOutput: 100_000, Reasoning: true, Efforts: low4[:3], Effort: "low"},
		{Kind: "openai", Name: "gpt-6*", Reasoning: true, Efforts: unknown},
		{Kind: "openai", Name: "gpt-5*", Reasoning: true, Efforts: unknown},
		{Kind: "openai", Name: "o1*", Reasoning: true, Efforts: unknown},
		{Kind: "openai", Name: "o3*", Reasoning: true, Efforts: unknown},
		{Kind: "openai", Name: "o4*", Reasoning: true, Efforts: unknown},

		{Kind: "claude", Name: "claude-haiku-5-5", Window: m1, MaxOutput: k128, Reasoning: true, Efforts: low5, Effort: "low", PriceIn: 0.10, PriceOut: 0.50},
		{Kind: "claude", Name: "claude-sonnet-5-5", Window: m1, MaxOutput: k128, Reasoning: true, Efforts: low5, Effort: "low", PriceIn: 2, PriceOut: 10},
		{Kind: "claude", Name: "claude-opus-5-5", Window: m1, MaxOutput: k128, Reasoning: true, Efforts: low5, Effort: "low", PriceIn: 4, PriceOut: 20},
		{Kind: "claude", Name: "claude-sonnet-5", Window: m1, MaxOutput: k128, Reasoning: true, Efforts: low5, Effort: "low", PriceIn: 2, PriceOut: 10},
		{Kind: "claude", Name: "claude-haiku-4-5", Window: 200_000, MaxOutput: 64_000, Replacement: "claude-haiku-5-5", PriceIn: 1, PriceOut: 5},
		{Kind: "claude", Name: "claude-sonnet-4-5", Ends: day(2026, 11, 30), Replacement: "claude-sonnet-5-5", Window: 200_000, MaxOutput: 64_000, PriceIn: 3, PriceOut: 15},
		{Kind: "claude", Name: "claude-sonnet-4-20250514", Ends: day(2026, 6, 15), Replacement: "claude-sonnet-5-5", Window: 200_000, MaxOutput: 64_000},
		{Kind: "claude", Name: "claude-opus-4-20250514", Ends: day(2026, 6, 15), Replacement: "claude-opus-5-5", Window: 200_000, MaxOutput: 32_000},
		{Kind: "claude", Name: "claude-*", Efforts: unknown},

		// 3.8 Flash costs half of this until the end of 2026.
		{Kind: "gemini", Name: "gemini-3.5-flash-lite", Window: gem, MaxOutput: 65_536, Reasoning: true, Efforts: minimal, Effort: "minimal", PriceIn: 0.30, PriceOut: 2.50},
		{Kind: "gemini", Name: "gemini-3.8-flash", Window: gem, MaxOutput: 65_536, Reasoning: true, Efforts: minimal, Effort: "low", PriceIn: 1.50, PriceOut: 7.50},
		{Kind: "gemini", Name: "gemini-3.6-flash", Window: gem, MaxOutput: 65_536, Reasoning: true, Efforts: minimal, Effort: "low", PriceIn: 1.50, PriceOut: 7.50},
		{Kind: "gemini", Name: "gemini-2.0-flash", Ends: day(2026, 6, 1), Replacement: "gemini-3.5-flash-lite", Window: gem, MaxOutput: 8192, Temperature: true},
		{Kind: "gemini", Name: "gemini-3*", Reasoning: true, Efforts: unknown},
		{Kind: "gemini", Name: "gemini-2*", Temperature: true},

		{Kind: "grok", Name: "grok-4.3", Window: m1, Reasoning: true, Efforts: none5[:5], Effort: "none", PriceIn: 1.25, PriceOut: 2.50},
		{Kind: "grok", Name: "grok-4.7", Window: 500_000, Reasoning: true, Efforts: low4, Effort: "low", PriceIn: 2, PriceOut: 6},
		{Kind: "grok", Name: "grok-4.5", Window: 500_000, Reasoning: true, Efforts: low4[:3], Effort: "low", PriceIn: 2, PriceOut: 6},
		{Kind: "grok", Name: "grok-3", Ends: day(2026, 5, 15), Replacement: "grok-4.3", Window: 131_072, Temperature: true},
		{Kind: "grok", Name: "grok-3-mini", Ends: day(2026, 5, 15), Replacement: "grok-4.3", Window: 131_072, Temperature: true},
		{Kind: "grok", Name: "grok-*", Reasoning: true, Efforts: unknown},

		{Kind: "mistral", Name: "mistral-small-latest", Window: 256_000, MaxOutput: 256_000, Temperature: true, Efforts: []string{"none", "high"}, PriceIn: 0.15, PriceOut: 0.60},
		{Kind: "mistral", Name: "mistral-medium-latest", Window: 262_144, MaxOutput: 256_000, Temperature: true, Efforts: []string{"none", "high"}, PriceIn: 1.50, PriceOut: 7.50},
		{Kind: "mistral", Name: "*", Temperature: true, Efforts: unknown},

		// Copilot's models depend on the plan; prices are those of the plan too.
		{Kind: "copilot", Name: "gpt-5-mini", Reasoning: true, Efforts: unknown},
		{Kind: "copilot", Name: "gpt-4.1", Ends: day(2026, 6, 1), Replacement: "gpt-5-mini", Temperature: true},
		{Kind: "copilot", Name: "gpt-4o", Replacement: "gpt-5-mini", Temperature: true},
		{Kind: "copilot", Name: "gpt-6*", Reasoning: true, Efforts: unknown},
		{Kind: "copilot", Name: "o*", Reasoning: true, Efforts: unknown},
		{Kind: "copilot", Name: "gpt-5*", Reasoning: true, Efforts: unknown},

		{Kind: "ollama", Name: "llama3.1", Window: 131_072, Temperature: true},
		// Models that can think do so unless they are told not to, and what they are told is no error to those that cannot.
		{Kind: "ollama", Name: "gpt-oss*", Window: 131_072, Temperature: true, Reasoning: true, Efforts: low4[:3], Effort: "low"},
		{Kind: "ollama", Name: "*", Temperature: true, Efforts: unknown, Effort: "none"},
	}
}

func day(year int, month time.Month, d int) time.Time {
	return time.Date(year, month, d, 0, 0, 0, 0, time.UTC)
}
