package openai

import (
	"maps"
	"net/http"

	"github.com/incidenthub/incidenthub/providers"
	"github.com/incidenthub/incidenthub/providers/llm"
)

// Flavour is one of those who speak this API, each a little differently.
type Flavour struct {
	llm.Defaults
	label, about string
	experimental bool
	// oldLimit: the tokens of an answer are called max_tokens, of models that think excepted when newLimit is set too.
	oldLimit, newLimit bool
	header             http.Header
}

// Flavours are all of them.
func Flavours() []Flavour {
	return []Flavour{
		{
			Defaults: llm.Defaults{Kind: "openai", BaseURL: "https://api.openai.com/v1", KeyEnv: []string{"OPENAI_API_KEY"}, ModelEnv: "OPENAI_MODEL"},
			label:    "OpenAI", about: "OpenAI, and with base_url every server that speaks its chat API: vLLM, llama.cpp, gateways.",
		},
		{
			Defaults: llm.Defaults{Kind: "grok", BaseURL: "https://api.x.ai/v1", KeyEnv: []string{"XAI_API_KEY", "GROK_API_KEY"}, ModelEnv: "XAI_MODEL"},
			label:    "Grok", about: "xAI.",
		},
		{
			Defaults: llm.Defaults{Kind: "mistral", BaseURL: "https://api.mistral.ai/v1", KeyEnv: []string{"MISTRAL_API_KEY"}, ModelEnv: "MISTRAL_MODEL"},
			label:    "Mistral", about: "Mistral AI.", oldLimit: true,
		},
		{
			Defaults: llm.Defaults{
				Kind: "copilot", BaseURL: "https://api.githubcopilot.com", KeyEnv: []string{"COPILOT_API_KEY"}, ModelEnv: "COPILOT_MODEL",
				Structured: llm.StructuredNone,
			},
			label: "GitHub Copilot", experimental: true, oldLimit: true, newLimit: true,
			about: "GitHub Copilot's own endpoint, which is not a published API: it wants a short-lived Copilot token, personal access tokens are refused.",
			header: http.Header{
				"Copilot-Integration-Id": {"incidenthub"},
				"Editor-Version":         {"incidenthub/1"},
			},
		},
	}
}

// Spec says what it is.
func (f Flavour) Spec() providers.Spec {
	return providers.Spec{
		Name: f.Kind, Label: f.label, Description: f.about, Experimental: f.experimental, KeyEnv: f.KeyEnv[0], ModelEnv: f.ModelEnv,
		Fields: llm.Fields(f.Defaults),
	}
}

// headers are those of the flavour, and then those of the settings.
func (f Flavour) headers(more http.Header) http.Header {
	h := f.header.Clone()
	if h == nil {
		h = http.Header{}
	}
	maps.Copy(h, more)
	return h
}
