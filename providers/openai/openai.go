// Package openai asks models behind the chat API of OpenAI: its own, those of xAI, Mistral and GitHub Copilot, and every server that speaks
// it too.
package openai

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"strings"

	openai "github.com/sashabaranov/go-openai"

	"github.com/incidenthub/incidenthub/providers"
	"github.com/incidenthub/incidenthub/providers/llm"
)

// Provider asks one model by one configuration.
type Provider struct {
	flavour Flavour
	config  llm.Config
	deps    llm.Deps
}

var (
	_ providers.Provider = (*Provider)(nil)
	_ providers.Asked    = (*Provider)(nil)
)

// New reads settings, strictly. It opens nothing.
func (f Flavour) New(settings json.RawMessage, d llm.Deps) (*Provider, error) {
	config, err := llm.Read(f.Defaults, settings, d)
	if err != nil {
		return nil, fmt.Errorf("provider %s: %w", f.Kind, err)
	}
	return &Provider{flavour: f, config: config, deps: d}, nil
}

// Name implements providers.Provider.
func (p *Provider) Name() string { return p.flavour.Kind }

// Terms implements providers.Asked.
func (p *Provider) Terms() providers.Terms {
	m, _ := llm.Find(p.flavour.Kind, p.config.Model)
	return p.config.Terms(p.flavour.Kind, m)
}

// Ready is nil, or why nothing will be called: there is no key.
func (p *Provider) Ready() error { return p.config.Ready() }

// Analyze asks once, and once more when that may help. An answer beside an error says what the useless one took.
func (p *Provider) Analyze(ctx context.Context, r *providers.Request) (*providers.Answer, error) {
	if r == nil || r.Prompt == nil {
		return nil, &providers.Error{Class: providers.ErrInternal, Err: errors.New("there is no prompt")}
	}
	if err := p.Ready(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, p.config.Timeout)
	defer cancel()
	config, model := p.config.For(r.Options)
	question := p.question(config, model, r.Prompt)
	return llm.Retry(ctx, p.deps, func(ctx context.Context) (*providers.Answer, error) { return p.ask(ctx, config, question) })
}

// question is the body of the request.
func (p *Provider) question(c llm.Config, m llm.Model, prompt *providers.Prompt) openai.ChatCompletionRequest {
	q := openai.ChatCompletionRequest{
		Model: c.Model,
		Messages: []openai.ChatCompletionMessage{
			{Role: openai.ChatMessageRoleSystem, Content: prompt.System},
			{Role: openai.ChatMessageRoleUser, Content: prompt.User},
		},
		ReasoningEffort: c.Effort,
	}
	if p.flavour.oldLimit && (!p.flavour.newLimit || !m.Reasoning) {
		q.MaxTokens = c.MaxTokens //nolint:staticcheck // SA1019: at OpenAI it is; the others know no other name
	} else {
		q.MaxCompletionTokens = c.MaxTokens
	}
	if t := c.Temperature; t != nil {
		// A plain zero is left out by the client.
		q.Temperature = max(float32(*t), math.SmallestNonzeroFloat32)
	}
	switch {
	case c.Structured == llm.StructuredSchema && len(prompt.Schema) > 0:
		q.ResponseFormat = &openai.ChatCompletionResponseFormat{
			Type:       openai.ChatCompletionResponseFormatTypeJSONSchema,
			JSONSchema: &openai.ChatCompletionResponseFormatJSONSchema{Name: "analysis", Strict: true, Schema: prompt.Schema},
		}
	case c.Structured == llm.StructuredJSON:
		q.ResponseFormat = &openai.ChatCompletionResponseFormat{Type: openai.ChatCompletionResponseFormatTypeJSONObject}
	}
	return q
}

// ask makes one call.
func (p *Provider) ask(ctx context.Context, c llm.Config, q openai.ChatCompletionRequest) (*providers.Answer, error) {
	line := &line{doer: llm.Doer(p.deps), header: p.flavour.headers(c.Header)}
	config := openai.DefaultConfig(c.APIKey.Reveal())
	// Some write the whole address.
	config.BaseURL, config.HTTPClient = strings.TrimSuffix(c.BaseURL, "/chat/completions"), line
	_, err := openai.NewClientWithConfig(config).CreateChatCompletion(ctx, q)
	if line.answered {
		// What the client makes of a body is not asked: to it missing counts are zeros, and nonsense in a field that nobody needs an error.
		return read(line.body, p.deps)
	}
	if e, ok := errors.AsType[*providers.Error](err); ok {
		return nil, e
	}
	// It was never sent: the client knows models that do not take these parameters.
	return nil, &providers.Error{Class: providers.ErrBadRequest, Err: fmt.Errorf("the request is not sent: %w", err)}
}

// line is where the client makes its calls: guarded, with more headers, and the answer is kept.
type line struct {
	doer     llm.Doing
	header   http.Header
	body     []byte
	answered bool
}

// Do implements the client's HTTPDoer.
func (l *line) Do(req *http.Request) (*http.Response, error) {
	maps.Copy(req.Header, l.header)
	resp, body, err := l.doer.DoRead(req)
	if err != nil {
		return nil, err
	}
	l.body, l.answered = body, true
	return resp, nil
}
