package llm

import "time"

// table lists models, of each kind the default one first. A name that ends in * stands for a family. What is not in it is called all the
// same, without parameters that newer models refuse.
//
// Sources: the vendors' model and deprecation pages, as of November 2026.
func table() []Model {
	gpt6 := []string{"none", "low", "medium", "high", "xhigh", "max"}
	return []Model{
		{Kind: "openai", Name: "gpt-6-luna", Window: 1_050_000, MaxOutput: 128_000, Reasoning: true, Efforts: gpt6, Effort: "none", PriceIn: 0.10, PriceOut: 0.50},
		{Kind: "claude", Name: "claude-haiku-5-5", Window: 1_000_000, MaxOutput: 128_000, Reasoning: true},
		{Kind: "gemini", Name: "gemini-3.5-flash-lite", Window: 1_048_576, MaxOutput: 65_536, Reasoning: true},
		{Kind: "grok", Name: "grok-4.3", Window: 1_000_000, Reasoning: true},
		{Kind: "mistral", Name: "mistral-small-latest", Temperature: true},
		{Kind: "copilot", Name: "gpt-4o", Temperature: true},
		{Kind: "ollama", Name: "llama3.1", Window: 131_072, Temperature: true},
	}
}

func day(year int, month time.Month, d int) time.Time {
	return time.Date(year, month, d, 0, 0, 0, 0, time.UTC)
}
