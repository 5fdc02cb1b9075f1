package config

import (
	"fmt"
	"reflect"

	"github.com/incidenthub/incidenthub/internal/platform/secret"
)

// Models holds keys and models of providers of analyses that their own settings lack. The names are those that the vendors' tools use.
type Models struct {
	OpenAIKey      secret.String `env:"OPENAI_API_KEY" unit:"text" doc:"Key of openai, for providers whose settings have none. A key of the environment goes to the vendor's own address and to hosts of HUB_EGRESS_ALLOW only; so do the others."`
	OpenAIModel    string        `env:"OPENAI_MODEL" unit:"name" doc:"Model of openai, for providers whose settings have none. Empty: the release's default; so with the others."`
	AnthropicKey   secret.String `env:"ANTHROPIC_API_KEY" unit:"text" doc:"The same for claude."`
	AnthropicModel string        `env:"ANTHROPIC_MODEL" unit:"name" doc:"The same for claude."`
	GeminiKey      secret.String `env:"GEMINI_API_KEY" unit:"text" doc:"The same for gemini."`
	GoogleKey      secret.String `env:"GOOGLE_API_KEY" unit:"text" doc:"The same where GEMINI_API_KEY is empty."`
	GeminiModel    string        `env:"GEMINI_MODEL" unit:"name" doc:"The same for gemini."`
	XAIKey         secret.String `env:"XAI_API_KEY" unit:"text" doc:"The same for grok."`
	GrokKey        secret.String `env:"GROK_API_KEY" unit:"text" doc:"The same where XAI_API_KEY is empty."`
	XAIModel       string        `env:"XAI_MODEL" unit:"name" doc:"The same for grok."`
	MistralKey     secret.String `env:"MISTRAL_API_KEY" unit:"text" doc:"The same for mistral."`
	MistralModel   string        `env:"MISTRAL_MODEL" unit:"name" doc:"The same for mistral."`
	CopilotKey     secret.String `env:"COPILOT_API_KEY" unit:"text" doc:"The same for copilot."`
	CopilotModel   string        `env:"COPILOT_MODEL" unit:"name" doc:"The same for copilot."`
	OllamaKey      secret.String `env:"OLLAMA_API_KEY" unit:"text" doc:"The same for ollama; a server of one's own needs none."`
	OllamaModel    string        `env:"OLLAMA_MODEL" unit:"name" doc:"The same for ollama."`
}

// Env gives a setting of Models by its variable, as a provider asks for it; "" for all else.
func (m Models) Env(name string) string {
	v := reflect.ValueOf(m)
	for i := range v.NumField() {
		if name == "" || v.Type().Field(i).Tag.Get("env") != name {
			continue
		}
		if s, ok := reflect.TypeAssert[secret.String](v.Field(i)); ok {
			return s.Reveal()
		}
		return fmt.Sprint(v.Field(i).Interface())
	}
	return ""
}

// Keys are the secrets of Models, for what must show none of them.
func (m Models) Keys() []secret.String {
	return []secret.String{m.OpenAIKey, m.AnthropicKey, m.GeminiKey, m.GoogleKey, m.XAIKey, m.GrokKey, m.MistralKey, m.CopilotKey, m.OllamaKey}
}
