// Package gemini asks Google's Gemini API.
package gemini

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/incidenthub/incidenthub/providers"
	"github.com/incidenthub/incidenthub/providers/llm"
)

const (
	name    = "gemini"
	version = "/v1beta" // responseJsonSchema and thinkingConfig are not in v1
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
		Kind: name, BaseURL: "https://generativelanguage.googleapis.com", KeyEnv: []string{"GEMINI_API_KEY", "GOOGLE_API_KEY"}, ModelEnv: "GEMINI_MODEL",
	}
}

// Spec is what this kind says of itself.
func Spec() providers.Spec {
	d := defaults()
	return providers.Spec{
		Name: name, Label: "Gemini", Description: "Google's models, by the Gemini API.", KeyEnv: d.KeyEnv[0], ModelEnv: d.ModelEnv, Fields: llm.Fields(d),
	}
}

// New reads the settings and calls nothing. Without a key each analysis is refused with the class auth.
func New(raw json.RawMessage, d llm.Deps) (*Provider, error) {
	c, err := llm.Read(defaults(), raw, d)
	if err != nil {
		return nil, fmt.Errorf("provider %s: %w", name, err)
	}
	c.Model = bare(c.Model)
	return &Provider{deps: d, config: c}, nil
}

// bare takes a model's name as lists of the API give it too.
func bare(model string) string { return strings.TrimPrefix(model, "models/") }

// Name implements providers.Provider.
func (p *Provider) Name() string { return name }

// Terms implements providers.Asked.
func (p *Provider) Terms() providers.Terms {
	m, _ := llm.Find(name, p.config.Model)
	return p.config.Terms(name, m)
}

// Ready is nil, or why nothing will be called: there is no key.
func (p *Provider) Ready() error { return p.config.Ready() }

// Analyze asks r.Prompt, with at most one more try, within the time that the settings give.
func (p *Provider) Analyze(ctx context.Context, r *providers.Request) (*providers.Answer, error) {
	if r == nil || r.Prompt == nil {
		return nil, &providers.Error{Class: providers.ErrInternal, Err: errors.New("gemini: there is nothing to ask")}
	}
	if err := p.Ready(); err != nil {
		return nil, err
	}
	o := r.Options
	o.Model = bare(o.Model)
	c, _ := p.config.For(o)
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	return llm.Retry(ctx, p.deps, func(ctx context.Context) (*providers.Answer, error) {
		reply, err := llm.Post(ctx, p.deps, address(c.BaseURL, c.Model), header(c), ask(c, r.Prompt))
		if err != nil {
			return nil, err
		}
		return read(reply.Body)
	})
}

// address takes a base with and without its version. The key is never in it: addresses are logged on their way.
func address(base, model string) string {
	if last := base[strings.LastIndexByte(base, '/')+1:]; last != "v1" && last != "v1alpha" && last != version[1:] {
		base += version
	}
	return base + "/models/" + url.PathEscape(model) + ":generateContent"
}

func header(c llm.Config) http.Header {
	h := http.Header{}
	h.Set("X-Goog-Api-Key", c.APIKey.Reveal())
	maps.Copy(h, c.Header)
	return h
}

func ask(c llm.Config, p *providers.Prompt) request {
	g := generation{MaxTokens: c.MaxTokens, Temperature: c.Temperature}
	if c.Effort != "" {
		g.Thinking = &thinking{Level: c.Effort}
	}
	if c.Structured != llm.StructuredNone {
		g.MIMEType = "application/json"
	}
	if c.Structured == llm.StructuredSchema {
		g.Schema = p.Schema
	}
	return request{
		System: content{Parts: []part{{Text: p.System}}}, Contents: []content{{Role: "user", Parts: []part{{Text: p.User}}}}, Generation: g,
	}
}
