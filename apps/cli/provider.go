package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/analysts"
	"github.com/incidenthub/incidenthub/apps/intelligence"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

type providerCmd struct {
	List       providerListCmd       `cmd:"" help:"List the providers of analyses: who is asked, what it cost, how long it took."`
	Show       providerShowCmd       `cmd:"" help:"Show one provider with its settings; secrets are only said to be there."`
	Set        providerSetCmd        `cmd:"" help:"Change settings of a provider."`
	Activate   providerActivateCmd   `cmd:"" help:"Have a provider asked from now on, and the one that is active now not."`
	Deactivate providerDeactivateCmd `cmd:"" help:"Leave analyses to the local analyzer."`
	Test       providerTestCmd       `cmd:"" help:"Ask a provider once, to see whether it works."`
	Delete     providerDeleteCmd     `cmd:"" help:"Remove a provider and its key; what it wrote stays."`
}

// wireProvider is a provider as --json prints it.
type wireProvider struct {
	ID          id.ID           `json:"id"`
	Name        string          `json:"name"`
	Provider    string          `json:"provider"`
	Config      json.RawMessage `json:"config"` // {"configured": true} in place of secrets
	IsActive    bool            `json:"is_active"`
	Description string          `json:"description"`
	Model       string          `json:"model"`
	Warnings    []string        `json:"warnings"`
	Version     int64           `json:"version"`
	CreatedAt   time.Time       `json:"created_at"`
	UpdatedAt   time.Time       `json:"updated_at"`
	Today       *wireUsage      `json:"today,omitempty"`       // since midnight UTC
	Week        *wireUsage      `json:"last_7_days,omitempty"` // what was asked of it, and what that cost
}

// wireUsage are the sums of a provider's usage.
type wireUsage struct {
	Calls            int64 `json:"calls"`
	Failed           int64 `json:"failed"`
	Cached           int64 `json:"cached"`
	Refused          int64 `json:"refused"`
	PromptTokens     int64 `json:"prompt_tokens"`
	CompletionTokens int64 `json:"completion_tokens"`
	CostMicros       int64 `json:"cost_micros"`
	MeanMS           int64 `json:"mean_ms"`
	SlowestMS        int64 `json:"slowest_ms"`
}

func viewProvider(r analysts.Record) wireProvider {
	warnings := r.Warnings
	if warnings == nil {
		warnings = []string{}
	}
	return wireProvider{
		ID: r.ID, Name: r.Name, Provider: r.Provider, Config: r.Config.V, IsActive: r.IsActive, Description: r.Description, Model: r.Model, Warnings: warnings,
		Version: r.Version, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}
}

// spending finds what was asked of providers since a time, by their names.
func spending(ctx context.Context, h *Hub, since time.Time) (map[string]*wireUsage, error) {
	list, err := h.Usage(ctx, tenant, since)
	if err != nil {
		return nil, err
	}
	out := map[string]*wireUsage{}
	for _, u := range list {
		out[u.Provider] = &wireUsage{u.Calls, u.Failed, u.Cached, u.Refused, u.PromptTokens, u.CompletionTokens, u.CostMicros, u.MeanMS, u.SlowestMS}
	}
	return out, nil
}

// withUsage adds to providers what was asked of them.
func withUsage(ctx context.Context, h *Hub, list []wireProvider) error {
	now := h.Target.DB.Now().UTC()
	today, err := spending(ctx, h, now.Truncate(24*time.Hour))
	if err != nil {
		return err
	}
	week, err := spending(ctx, h, now.Add(-7*24*time.Hour))
	if err != nil {
		return err
	}
	for i := range list {
		list[i].Today, list[i].Week = cmp.Or(today[list[i].Name], &wireUsage{}), cmp.Or(week[list[i].Name], &wireUsage{})
	}
	return nil
}

type providerListCmd struct {
	where
	JSON bool `help:"Print JSON."`
}

// Help implements kong.HelpProvider.
func (providerListCmd) Help() string {
	return `The active one is asked for analyses; when it does not answer, or none is active, the local analyzer does. TODAY is since midnight UTC. MONEY is
in the currency of the prices: US dollars, unless the provider has prices of its own.

Examples:

    incidenthub provider list
    incidenthub provider list --json`
}

// Run implements the command.
func (c providerListCmd) Run(ctx context.Context, p *Program) error {
	return p.withStored(ctx, c.where, func(ctx context.Context, h *Hub) error {
		records, err := h.Target.Providers.List(ctx, tenant)
		if err != nil {
			return err
		}
		list := make([]wireProvider, len(records))
		for i, r := range records {
			list[i] = viewProvider(r)
		}
		if err := withUsage(ctx, h, list); err != nil {
			return err
		}
		if c.JSON {
			return p.printJSON(list)
		}
		if len(list) == 0 {
			p.say("There is no provider: the local analyzer answers, and nothing leaves this machine.\nSet one up with: incidenthub setup-intelligence")
			return nil
		}
		return p.showProviders(list)
	})
}

func (p *Program) showProviders(list []wireProvider) error {
	var rows [][]string
	for _, r := range list {
		state, mean := "off", ""
		if r.IsActive {
			state = "active"
		}
		if r.Week.Calls > 0 {
			mean = strconv.FormatFloat(float64(r.Week.MeanMS)/1000, 'f', 1, 64) + "s"
		}
		count := func(n int64) string { return strconv.FormatInt(n, 10) }
		rows = append(rows, []string{
			r.Name, r.Provider, r.Model, state, count(r.Today.Calls), count(r.Week.Calls), count(r.Week.Failed), count(r.Week.PromptTokens + r.Week.CompletionTokens), amount(r.Week.CostMicros), mean,
		})
	}
	if err := p.table([]string{"NAME", "KIND", "MODEL", "STATE", "CALLS TODAY", "7 DAYS", "FAILED", "TOKENS", "MONEY", "MEAN TIME"}, rows); err != nil {
		return err
	}
	for _, r := range list {
		for _, w := range r.Warnings {
			p.say("\n%s: %s", clean(r.Name), clean(w))
		}
	}
	return nil
}

// amount is money in millionths as people read it.
func amount(micros int64) string {
	switch {
	case micros == 0:
		return "0"
	case micros < 100:
		return "<0.0001"
	}
	return strconv.FormatFloat(float64(micros)/1e6, 'f', 4, 64)
}

type providerShowCmd struct {
	where
	Provider string `arg:"" help:"Name or id."`
	JSON     bool   `help:"Print JSON."`
}

// Help implements kong.HelpProvider.
func (providerShowCmd) Help() string {
	return `Examples:

    incidenthub provider show openai
    incidenthub provider show openai --json`
}

// Run implements the command.
func (c providerShowCmd) Run(ctx context.Context, p *Program) error {
	return p.withStored(ctx, c.where, func(ctx context.Context, h *Hub) error {
		r, err := h.Target.Providers.Get(ctx, tenant, c.Provider)
		if err != nil {
			return err
		}
		one := []wireProvider{viewProvider(r)}
		if err := withUsage(ctx, h, one); err != nil {
			return err
		}
		if c.JSON {
			return p.printJSON(one[0])
		}
		return p.showProvider(one[0])
	})
}

func (p *Program) showProvider(r wireProvider) error {
	state := "off"
	if r.IsActive {
		state = "active: it is asked for analyses"
	}
	p.say("%s\n%s, model %s, %s, version %d", clean(r.Name), clean(r.Provider), clean(cmp.Or(r.Model, "unknown")), state, r.Version)
	if r.Description != "" {
		p.say("%s", clean(r.Description))
	}
	var rows [][]string
	for _, s := range settingRows(r.Config) {
		rows = append(rows, []string{s[0], s[1]})
	}
	if err := p.section("SETTINGS", "None: each has its default.", []string{"KEY", "VALUE"}, rows); err != nil {
		return err
	}
	p.say("\nLast 7 days: %d calls, %d failed, %d answered from the cache, %d not made; %d tokens, money %s",
		r.Week.Calls, r.Week.Failed, r.Week.Cached, r.Week.Refused, r.Week.PromptTokens+r.Week.CompletionTokens, amount(r.Week.CostMicros))
	for _, w := range r.Warnings {
		p.say("Warning: %s", clean(w))
	}
	return nil
}

type providerActivateCmd struct {
	where
	Provider string `arg:"" help:"Name or id."`
	JSON     bool   `help:"Print JSON."`
}

// Help implements kong.HelpProvider.
func (providerActivateCmd) Help() string {
	return `One provider at most is active. A running hub takes the change over by itself.

Example:

    incidenthub provider activate openai`
}

// Run implements the command.
func (c providerActivateCmd) Run(ctx context.Context, p *Program) error {
	return p.changeProvider(ctx, c.where, c.JSON, func(ctx context.Context, h *Hub) (analysts.Record, error) {
		return h.Target.Providers.Activate(ctx, tenant, c.Provider, 0)
	}, "Provider %q is asked from now on.")
}

type providerDeactivateCmd struct {
	where
	Provider string `arg:"" help:"Name or id."`
	JSON     bool   `help:"Print JSON."`
}

// Help implements kong.HelpProvider.
func (providerDeactivateCmd) Help() string {
	return `Nothing leaves this machine for an analysis then. A running hub takes the change over by itself.

Example:

    incidenthub provider deactivate openai`
}

// Run implements the command.
func (c providerDeactivateCmd) Run(ctx context.Context, p *Program) error {
	return p.changeProvider(ctx, c.where, c.JSON, func(ctx context.Context, h *Hub) (analysts.Record, error) {
		return h.Target.Providers.Deactivate(ctx, tenant, c.Provider, 0)
	}, "Provider %q is off; the local analyzer answers.")
}

// changeProvider makes one change and says so.
func (p *Program) changeProvider(ctx context.Context, w where, asJSON bool, change func(context.Context, *Hub) (analysts.Record, error), done string) error {
	return p.withStored(ctx, w, func(ctx context.Context, h *Hub) error {
		r, err := change(ctx, h)
		if err != nil {
			return refusedProvider(err)
		}
		if asJSON {
			return p.printJSON(viewProvider(r))
		}
		p.say(done, clean(r.Name))
		return nil
	})
}

// refusedProvider says what is wrong with settings, a line for each of them. Those cannot be used: the exit code is ExitUsage.
func refusedProvider(err error) error {
	bad := (*analysts.Invalid)(nil)
	if !errors.As(err, &bad) {
		return err
	}
	lines := []string{"the settings cannot be used"}
	for _, one := range bad.Problems {
		lines = append(lines, strings.TrimPrefix(one.Field, "config.")+": "+one.Message)
	}
	return usage{errors.New(strings.Join(lines, "\n"))}
}

type providerDeleteCmd struct {
	where
	Provider string `arg:"" help:"Name or id."`
	JSON     bool   `help:"Print JSON."`
}

// Help implements kong.HelpProvider.
func (providerDeleteCmd) Help() string {
	return `Its settings and its key are gone then; its analyses and what they cost are not.

Example:

    incidenthub provider delete openai`
}

// Run implements the command.
func (c providerDeleteCmd) Run(ctx context.Context, p *Program) error {
	return p.withStored(ctx, c.where, func(ctx context.Context, h *Hub) error {
		r, err := h.Target.Providers.Get(ctx, tenant, c.Provider)
		if err == nil {
			err = h.Target.Providers.Delete(ctx, tenant, r.ID.String())
		}
		if err != nil {
			return err
		}
		if c.JSON {
			return p.printJSON(map[string]string{"deleted": r.Name})
		}
		p.say("Provider %q is deleted.", clean(r.Name))
		return nil
	})
}

type providerTestCmd struct {
	where
	Provider string `arg:"" help:"Name or id."`
	JSON     bool   `help:"Print JSON."`
}

// Help implements kong.HelpProvider.
func (providerTestCmd) Help() string {
	return `Asks a harmless question from this machine, with the hub's settings (HUB_EGRESS_ALLOW) and environment: past cache, breaker and budgets. It
costs a few hundred tokens. The exit code is 0 when it answers, else 1.

Examples:

    incidenthub provider test openai
    incidenthub provider test openai --json | jq -r .error_class`
}

// Run implements the command.
func (c providerTestCmd) Run(ctx context.Context, p *Program) error {
	return p.withStored(ctx, c.where, func(ctx context.Context, h *Hub) error {
		got, err := h.Test(ctx, tenant, c.Provider)
		if err != nil {
			return refusedProvider(err)
		}
		if c.JSON {
			if err := p.printJSON(got); err != nil {
				return err
			}
		} else {
			p.sayTested(got)
		}
		if !got.OK {
			return failure{}
		}
		return nil
	})
}

// sayTested says what came of a test; what went wrong goes to standard error.
func (p *Program) sayTested(got intelligence.TestResult) {
	if got.OK {
		p.say("It works: %s answered in %d ms.", clean(cmp.Or(got.Model, "the provider")), got.LatencyMS)
		return
	}
	p.warn("It does not work: %s (%s, after %d ms). %s", intelligence.Why(got.ErrorClass), clean(got.ErrorClass), got.LatencyMS, clean(cmp.Or(got.Hint, intelligence.Advice(got.ErrorClass))))
}
