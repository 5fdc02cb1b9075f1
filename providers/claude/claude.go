// Package claude asks Anthropic's Messages API.
package claude

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/incidenthub/incidenthub/internal/platform/settings"
	"github.com/incidenthub/incidenthub/providers"
	"github.com/incidenthub/incidenthub/providers/llm"
)

const (
	name = "claude"
	// version of the API; newer parameters come without a new one.
	version = "2023-06-01"
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
		Kind: name, BaseURL: "https://api.anthropic.com", KeyEnv: []string{"ANTHROPIC_API_KEY"}, ModelEnv: "ANTHROPIC_MODEL",
	}
}

// Spec is what this kind says of itself.
func Spec() providers.Spec {
	d := defaults()
	fields := llm.Fields(d)
	for i, f := range fields {
		if f.Key == "structured" { // there is no JSON without a schema
			fields[i].Enum = slices.DeleteFunc(slices.Clone(f.Enum), func(s string) bool { return s == llm.StructuredJSON })
		}
	}
	return providers.Spec{
		Name: name, Label: "Claude", Description: "Anthropic's models, by the Messages API.",
		KeyEnv: d.KeyEnv[0], ModelEnv: d.ModelEnv, Fields: fields,
	}
}

// New reads the settings and calls nothing. Without a key each analysis is refused with the class auth.
func New(raw json.RawMessage, d llm.Deps) (*Provider, error) {
	c, err := llm.Read(defaults(), raw, d)
	if c.Structured == llm.StructuredJSON {
		err = errors.Join(err, settings.Bad("structured", "must be schema or none: this API has no JSON without a schema"))
	}
	if err != nil {
		return nil, fmt.Errorf("provider %s: %w", name, err)
	}
	return &Provider{deps: d, config: c}, nil
}

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
		return nil, &providers.Error{Class: providers.ErrInternal, Err: errors.New("claude: there is nothing to ask")}
	}
	if err := p.Ready(); err != nil {
		return nil, err
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

// address takes a base with and without its version.
func address(base string) string {
	return strings.TrimSuffix(base, "/v1") + "/v1/messages"
}

func header(c llm.Config) http.Header {
	h := http.Header{}
	h.Set("X-Api-Key", c.APIKey.Reveal())
	h.Set("Anthropic-Version", version)
	maps.Copy(h, c.Header)
	return h
}

func ask(c llm.Config, p *providers.Prompt) request {
	q := request{
		Model: c.Model, MaxTokens: c.MaxTokens, System: p.System, Messages: []message{{Role: "user", Content: p.User}}, Temperature: c.Temperature,
	}
	var o output
	if o.Effort = c.Effort; c.Structured == llm.StructuredSchema && len(p.Schema) > 0 {
		o.Format = &format{Type: "json_schema", Schema: p.Schema}
	}
	if o != (output{}) {
		q.OutputConfig = &o
	}
	return q
}
