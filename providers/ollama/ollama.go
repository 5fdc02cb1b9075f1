// Package ollama asks models that an Ollama server runs, by its own API: its OpenAI layer cannot set the window.
package ollama

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"

	"github.com/incidenthub/incidenthub/providers"
	"github.com/incidenthub/incidenthub/providers/llm"
)

const (
	name = "ollama"
	// step is what windows are multiples of, in tokens: a server loads a model anew for another window, so there should be few of them.
	step = 4096
)

// Provider asks one model.
type Provider struct {
	deps   llm.Deps
	config llm.Config
}

var (
	_ providers.Provider = (*Provider)(nil)
	_ providers.Asked    = (*Provider)(nil)
)

func defaults() llm.Defaults {
	return llm.Defaults{
		Kind: name, BaseURL: "http://localhost:11434", KeyEnv: []string{"OLLAMA_API_KEY"}, ModelEnv: "OLLAMA_MODEL", Keyless: true,
		KeyURL: "https://ollama.com",
	}
}

// Spec is what this kind says of itself.
func Spec() providers.Spec {
	d := defaults()
	return providers.Spec{
		Name: name, Label: "Ollama", Description: "Models on a server of one's own, or Ollama's cloud.",
		KeyEnv: d.KeyEnv[0], ModelEnv: d.ModelEnv, Fields: llm.Fields(d),
	}
}

// New reads the settings and calls nothing.
func New(raw json.RawMessage, d llm.Deps) (*Provider, error) {
	c, err := llm.Read(defaults(), raw, d)
	if err != nil {
		return nil, fmt.Errorf("provider %s: %w", name, err)
	}
	return &Provider{deps: d, config: c}, nil
}

// Name implements providers.Provider.
func (p *Provider) Name() string { return name }

// Terms implements providers.Asked. The window is the one that is asked for, whatever the model could take.
func (p *Provider) Terms() providers.Terms {
	m, _ := llm.Find(name, p.config.Model)
	t := p.config.Terms(name, m)
	t.Window = window(t.MaxInput, t.MaxOutput, t.Window)
	return t
}

// window has room for a prompt and an answer, and at most what there is. 0 for most: nobody knows.
func window(input, output, most int) int {
	w := (input + output + step - 1) / step * step
	if most > 0 {
		w = min(w, most)
	}
	return w
}

// Analyze asks r.Prompt, with at most one more try, within the time that the settings give.
func (p *Provider) Analyze(ctx context.Context, r *providers.Request) (*providers.Answer, error) {
	if r == nil || r.Prompt == nil {
		return nil, &providers.Error{Class: providers.ErrInternal, Err: errors.New("ollama: there is nothing to ask")}
	}
	c, _ := p.config.For(r.Options)
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	return llm.Retry(ctx, p.deps, func(ctx context.Context) (*providers.Answer, error) {
		reply, err := llm.Post(ctx, p.deps, address(c.BaseURL), header(c), ask(c, r.Prompt))
		if err != nil {
			return nil, err
		}
		return read(reply.Body)
	})
}

// address takes a base as others write it, too.
func address(base string) string {
	return strings.TrimSuffix(strings.TrimSuffix(base, "/v1"), "/api") + "/api/chat"
}

func header(c llm.Config) http.Header {
	h := http.Header{}
	if !c.APIKey.IsZero() {
		h.Set("Authorization", "Bearer "+c.APIKey.Reveal())
	}
	maps.Copy(h, c.Header)
	return h
}

// ask always sets the window: by itself a server takes 4096 tokens on small machines and cuts what is longer, without a word.
func ask(c llm.Config, p *providers.Prompt) request {
	q := request{
		Model: c.Model, Messages: []message{{Role: "system", Content: p.System}, {Role: "user", Content: p.User}},
		Options: options{Window: window(c.InputTokens, c.MaxTokens, c.ContextTokens), MaxTokens: c.MaxTokens, Temperature: c.Temperature},
	}
	switch c.Structured {
	case llm.StructuredSchema:
		q.Format = p.Schema
	case llm.StructuredJSON:
		q.Format = json.RawMessage(`"json"`)
	}
	switch c.Effort {
	case "":
	case "none":
		q.Think = false
	default:
		q.Think = c.Effort
	}
	return q
}
