package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/incidenthub/incidenthub/apps/analysts"
	"github.com/incidenthub/incidenthub/apps/intelligence"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/providers"
)

type setupIntelligenceCmd struct {
	where
	keySource
	Provider    string   `placeholder:"KIND" help:"openai, claude, gemini, grok, mistral, ollama, copilot (experimental). Without it a terminal is asked."`
	Name        string   `placeholder:"NAME" help:"What to call it. Default: the kind."`
	Model       string   `placeholder:"MODEL" help:"Default: a current, cheap one of the kind."`
	BaseURL     string   `name:"base-url" placeholder:"URL" help:"Address of the API: of a gateway, of anything that speaks like OpenAI, or of your own Ollama."`
	Set         []string `placeholder:"KEY=VALUE" sep:"none" help:"Any other setting; repeat for several."`
	Description *string  `placeholder:"TEXT" help:"What people should know of it."`
	Test        bool     `help:"Ask it once, to see whether it works."`
	Activate    bool     `help:"Have it asked from now on. With --test only when it works."`
	JSON        bool     `help:"Print JSON."`
}

// Help implements kong.HelpProvider.
func (setupIntelligenceCmd) Help() string {
	return `Sets up who explains incidents. At a terminal it asks; with --provider it does what the flags say. A provider of that name is changed, what is not
given stays as it is. A running hub takes the change over by itself.

The key is typed unseen, or read from a file, from standard input, or from the environment; as an argument others can see it. It is stored sealed.
Without one the environment of the hub counts (OPENAI_API_KEY and the like).

The exit code is 0 when all was done, 1 when the test failed (what was given is stored all the same, and not activated), 2 when something cannot be
used (nothing is stored).

Examples:

    incidenthub setup-intelligence
    incidenthub setup-intelligence --provider openai --api-key-file key.txt --test --activate
    pass show anthropic | incidenthub setup-intelligence --provider claude --api-key-file - --test
    HUB_EGRESS_ALLOW=127.0.0.1:11434 incidenthub setup-intelligence --provider ollama --model llama3.1 --test --activate`
}

// wireSetup is what --json prints.
type wireSetup struct {
	Provider  wireProvider             `json:"provider"`
	Test      *intelligence.TestResult `json:"test"` // null: it was not tested
	Activated bool                     `json:"activated"`
}

// Run implements the command.
func (c setupIntelligenceCmd) Run(ctx context.Context, p *Program) error {
	q := p.questions()
	if c.Provider == "" && (q == nil || c.JSON) {
		return usage{errors.New("say whom to ask with --provider; without it there must be a terminal to ask at")}
	}
	return p.withHub(ctx, c.where, func(ctx context.Context, h *Hub) error {
		var typed string
		if c.Provider == "" {
			var err error
			if typed, err = c.ask(ctx, q, h.Target.Providers); err != nil {
				return err
			}
		}
		r, err := c.save(ctx, p, h.Target.Providers, typed)
		if err != nil {
			return refusedProvider(err)
		}
		out := wireSetup{Provider: viewProvider(r)}
		if !c.JSON {
			p.say("Provider %q is stored: %s, model %s.", clean(r.Name), clean(r.Provider), clean(cmp.Or(r.Model, "unknown")))
			for _, w := range r.Warnings {
				p.warn("%s", clean(w))
			}
		}
		return c.finish(ctx, p, h, &out)
	})
}

// finish tests and activates what is stored.
func (c setupIntelligenceCmd) finish(ctx context.Context, p *Program, h *Hub, out *wireSetup) error {
	if c.Test {
		got, err := h.Test(ctx, tenant, out.Provider.ID.String())
		if err != nil {
			return refusedProvider(err)
		}
		if out.Test = &got; !c.JSON {
			p.sayTested(got)
		}
	}
	works := out.Test == nil || out.Test.OK
	if c.Activate && works {
		r, err := h.Target.Providers.Activate(ctx, tenant, out.Provider.ID.String(), 0)
		if err != nil {
			return refusedProvider(err)
		}
		out.Provider, out.Activated = viewProvider(r), true
	}
	if c.JSON {
		if err := p.printJSON(out); err != nil {
			return err
		}
	} else {
		c.next(p, out, works)
	}
	if !works {
		return failure{}
	}
	return nil
}

// next says where things stand.
func (c setupIntelligenceCmd) next(p *Program, out *wireSetup, works bool) {
	name := clean(out.Provider.Name)
	switch {
	case out.Activated:
		p.say("It is asked from now on; a running hub takes that over by itself. The local analyzer answers when it does not.")
	case !works && c.Activate:
		p.warn("It is not activated. Mend it, then: incidenthub provider test %q, incidenthub provider activate %q", name, name)
	case !works, out.Provider.IsActive:
	case c.Test:
		p.say("It is not asked yet: incidenthub provider activate %q", name)
	default:
		p.say("It is not asked yet: incidenthub provider test %q, then incidenthub provider activate %q", name, name)
	}
}

// save stores what was given. Key is the one that was typed, "" for none.
func (c setupIntelligenceCmd) save(ctx context.Context, p *Program, s *analysts.Service, key string) (analysts.Record, error) {
	spec, err := kindOf(s, c.Provider)
	if err != nil {
		return analysts.Record{}, err
	}
	change, err := p.readChange(c.keySource, "", c.pairs(spec), nil)
	if err != nil {
		return analysts.Record{}, usage{err}
	}
	if key != "" {
		change.key = &key
	}
	name := cmp.Or(c.Name, spec.Name)
	was, err := s.Get(ctx, tenant, name)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		in := analysts.RecordInput{Name: name, Provider: spec.Name, Description: orNothing(c.Description)}
		if in.Config, err = change.over(spec, json.RawMessage("{}")); err != nil {
			return analysts.Record{}, usage{err}
		}
		return s.Create(ctx, tenant, in)
	case err != nil:
		return analysts.Record{}, err
	case was.Provider != spec.Name:
		return analysts.Record{}, usage{fmt.Errorf("provider %q is there and is of the kind %s; choose another --name", name, was.Provider)}
	}
	in := analysts.InputOf(was)
	if c.Description != nil {
		in.Description = *c.Description
	}
	if in.Config, err = change.over(spec, was.Config.V); err != nil {
		return analysts.Record{}, usage{err}
	}
	return s.Update(ctx, tenant, was.ID.String(), was.Version, in)
}

func orNothing(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// pairs are the settings among the flags.
func (c setupIntelligenceCmd) pairs(spec providers.Spec) []string {
	var out []string
	if c.Model != "" {
		out = append(out, "model="+c.Model)
	}
	if c.BaseURL != "" {
		out = append(out, addressKey(spec)+"="+c.BaseURL)
	}
	return append(out, c.Set...)
}

// addressKey is the setting that an address belongs to.
func addressKey(spec providers.Spec) string {
	for _, f := range spec.Fields {
		if f.Destination {
			return f.Key
		}
	}
	return "base_url"
}

// ask asks for what the flags do not say, and returns the key that was typed.
func (c *setupIntelligenceCmd) ask(ctx context.Context, q *questions, s *analysts.Service) (key string, err error) {
	kinds := s.Kinds()
	names := make([]string, len(kinds))
	_, _ = fmt.Fprintln(q.out, "Who explains incidents? When it does not answer the local analyzer does.")
	for i, k := range kinds {
		names[i] = k.Name
		note := ""
		if k.Experimental {
			note = " (experimental)"
		}
		_, _ = fmt.Fprintf(q.out, "  %d  %s%s\n", i+1, clean(k.Label), note)
	}
	n, err := q.choose(ctx, names)
	if err != nil {
		return "", err
	}
	spec := kinds[n]
	c.Provider = spec.Name
	if c.Name, err = q.ask(ctx, "Name", cmp.Or(c.Name, spec.Name)); err != nil {
		return "", err
	}
	was, err := s.Get(ctx, tenant, c.Name)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return "", err
	}
	stored, _ := settings.Read(was.Config.V)
	for _, one := range []struct {
		to       *string
		key, ask string
	}{{&c.Model, "model", "Model"}, {&c.BaseURL, addressKey(spec), "Address"}} {
		set, _ := stored[one.key].(string)
		usual := cmp.Or(*one.to, set, defaultOf(spec, one.key))
		got, err := q.ask(ctx, one.ask, usual)
		if err != nil {
			return "", err
		}
		if got != defaultOf(spec, one.key) || set != "" {
			*one.to = got
		}
	}
	if c.APIKeyFile == "" && c.APIKeyEnv == "" {
		if key, err = q.secret(ctx, keyQuestion(spec, stored["api_key"] != nil)); err != nil {
			return "", err
		}
		if key != "" {
			if err := checkKey(key); err != nil {
				return "", usage{err}
			}
		}
	}
	if c.Test, err = q.yes(ctx, "Ask it once, to see whether it works?"); err != nil {
		return "", err
	}
	c.Activate, err = q.yes(ctx, "Have it asked for every incident from now on?")
	return key, err
}

func keyQuestion(spec providers.Spec, stored bool) string {
	note := []string{"not shown"}
	switch {
	case stored:
		note = append(note, "empty: the stored one stays")
	case spec.KeyEnv != "":
		note = append(note, "empty: "+spec.KeyEnv+" of the hub's environment")
	default:
		note = append(note, "empty: none")
	}
	return "API key (" + strings.Join(note, "; ") + ")"
}

func defaultOf(spec providers.Spec, key string) string {
	f, err := fieldOf(spec, key)
	if err != nil {
		return ""
	}
	return f.Default
}
