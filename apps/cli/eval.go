package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/incidenthub/incidenthub/apps/intelligence"
	"github.com/incidenthub/incidenthub/apps/intelligence/scorecard"
	"github.com/incidenthub/incidenthub/providers"
)

type evalCmd struct {
	Set           string   `required:"" placeholder:"FILE" help:"Past incidents with what was the matter: JSON lines; - for standard input."`
	Provider      []string `placeholder:"NAME" help:"Who is measured; several with commas. With --offline: all that the set has answers of."`
	Config        string   `placeholder:"FILE" help:"YAML or JSON file with settings of the provider, or of several under their names."`
	Model         []string `placeholder:"MODEL" help:"Models of the one provider, each measured by itself. With --offline: of those recorded."`
	PromptVersion string   `placeholder:"V" help:"Version of the prompt. With --offline: of those recorded; else this release's."`
	Offline       bool     `help:"Ask nobody: take the answers that the set has."`
	Record        string   `placeholder:"FILE" help:"Write the set with the answers that came. It may be the set's own file."`
	MinTop1       int      `name:"min-top1" placeholder:"PERCENT" help:"Exit with 1 when fewer of the first recommendations are right."`
	JSON          bool     `help:"Print JSON."`
}

// Help implements kong.HelpProvider.
func (evalCmd) Help() string {
	return `Has past incidents, of which it is known what was the matter, analysed again, and counts: hits, claims without evidence, tokens, money,
seconds. No hub and no database: nothing is stored and nobody is told. Without --offline each incident of the set is sent to each provider,
redacted as always; that costs what it costs.

A line of the set is an incident (as for analyze), a label, and answers that were recorded:

    {"id": "2026-09-14", "incident": {"title": "…", "alerts": […], "checks": […]},
     "label": {"type": "disk", "culprit": "java", "keywords": ["deleted but open"], "evidence": ["C1"]}}

A label has a type, a culprit (a name, or {"name", "path", "address", "pid"}), keywords of which one names the cause, ids of evidence to cite,
or "healthy": true where nothing was wrong.

The exit code is 0 when all was measured, whatever came of it; 1 when somebody answered nothing at all, or was below --min-top1; and 2 when
the set, the settings or the names cannot be used.

Examples:

    incidenthub eval --set incidents.jsonl --provider claude,ollama --config providers.yaml --record answers.jsonl
    incidenthub eval --set answers.jsonl --offline
    incidenthub eval --set answers.jsonl --offline --provider claude --min-top1 70 --json`
}

// Run implements the command.
func (c evalCmd) Run(ctx context.Context, p *Program) error {
	set, err := c.read(p)
	if err != nil {
		return err
	}
	var m map[string]any
	if c.Config != "" {
		if m, err = p.settingsFile(c.Config); err != nil {
			return err
		}
	}
	files := []map[string]any{m}
	for _, name := range c.Provider {
		if of, ok := m[name].(map[string]any); ok {
			files = append(files, of)
		}
	}
	a, err := p.analyzer(files...)
	if err != nil {
		return err
	}
	e := &evaluation{
		Program: p, set: set, offline: c.Offline, record: c.Record,
		analyzer: a.Through(func(of intelligence.Providers) intelligence.Providers { return scorecard.Watched{Of: of} }),
	}
	who, err := c.contestants(e)
	if err != nil {
		return err
	}
	settings, err := c.settings(m, who)
	if err != nil {
		return err
	}
	var totals []scorecard.Total
	for _, one := range who {
		t, err := e.measure(ctx, one, settings[one.Provider])
		if err != nil {
			return err
		}
		totals = append(totals, t)
	}
	if c.JSON {
		err = p.printJSON(map[string]any{"set": c.Set, "offline": c.Offline, "results": totals})
	} else {
		err = p.showTotals(totals)
	}
	if err != nil {
		return err
	}
	return c.verdict(p, totals)
}

// read reads the set.
func (c evalCmd) read(p *Program) ([]scorecard.Case, error) {
	switch {
	case c.Set == "-" && c.Config == "-":
		return nil, usage{errors.New("standard input can be --set or --config, not both")}
	case c.Record != "" && c.Offline:
		return nil, usage{errors.New("--record keeps what providers say; with --offline nobody is asked")}
	case c.Record == "-":
		return nil, usage{errors.New("--record wants the name of a file")}
	case c.MinTop1 < 0 || c.MinTop1 > 100:
		return nil, usage{errors.New("--min-top1 is a number from 0 to 100")}
	}
	body, err := p.input(c.Set)
	if err != nil {
		return nil, usage{err}
	}
	set, err := scorecard.Read(body, intelligence.ReadInput)
	if err != nil {
		return nil, usage{fmt.Errorf("%s: %w", c.Set, err)}
	}
	return set, nil
}

// contestants are those who are measured.
func (c evalCmd) contestants(e *evaluation) ([]scorecard.Contestant, error) {
	names := slices.Compact(slices.Clone(c.Provider))
	if len(c.Model) > 0 && len(names) != 1 {
		return nil, usage{errors.New("--model goes with one --provider; models of several stand in --config")}
	}
	for _, name := range names {
		if _, err := e.analyzer.Resolve(tenant, name); err != nil {
			return nil, usage{err}
		}
	}
	if c.Offline {
		return c.recorded(e.set, names)
	}
	if len(names) == 0 {
		return nil, usage{errors.New("--provider says who is asked; --offline asks nobody")}
	}
	if v := c.PromptVersion; v != "" && v != intelligence.PromptVersion {
		return nil, usage{fmt.Errorf("this release asks with version %s of the prompt; answers to version %q can be measured with --offline", intelligence.PromptVersion, v)}
	}
	var out []scorecard.Contestant
	for _, name := range names {
		if len(c.Model) == 0 {
			out = append(out, scorecard.Contestant{Provider: name})
		}
		for _, m := range c.Model {
			out = append(out, scorecard.Contestant{Provider: name, Model: m})
		}
	}
	return out, nil
}

// recorded are those of whom the set has answers.
func (c evalCmd) recorded(set []scorecard.Case, names []string) ([]scorecard.Contestant, error) {
	if len(names) == 0 {
		names = []string{""}
	}
	models := c.Model
	if len(models) == 0 {
		models = []string{""}
	}
	var out []scorecard.Contestant
	for _, name := range names {
		for _, model := range models {
			found := scorecard.Contestants(set, scorecard.Contestant{Provider: name, Model: model, PromptVersion: c.PromptVersion})
			if len(found) == 0 {
				return nil, usage{fmt.Errorf("%s has no answers of %s; it has: %s", c.Set, scorecard.Contestant{
					Provider: name, Model: model, PromptVersion: c.PromptVersion,
				}, listed(scorecard.Contestants(set, scorecard.Contestant{})))}
			}
			out = append(out, found...)
		}
	}
	return out, nil
}

func listed(list []scorecard.Contestant) string {
	if len(list) == 0 {
		return "none at all; --record keeps them"
	}
	out := make([]string, 0, len(list))
	for _, c := range list {
		out = append(out, c.String())
	}
	return strings.Join(out, ", ")
}

// settings are those of each provider: of the one provider that is measured, or under the names of several.
func (c evalCmd) settings(m map[string]any, who []scorecard.Contestant) (map[string]intelligence.Settings, error) {
	out := map[string]intelligence.Settings{}
	if c.Config == "" {
		return out, nil
	}
	files := map[string]map[string]any{}
	for _, one := range who {
		if of, ok := m[one.Provider].(map[string]any); ok {
			files[one.Provider] = of
		}
	}
	if len(files) == 0 {
		for _, one := range who {
			if one.Provider != who[0].Provider {
				return nil, usage{fmt.Errorf("%s: the settings of several providers stand under their names, such as %q", c.Config, one.Provider)}
			}
		}
		files[who[0].Provider] = m
	}
	for name, of := range files {
		s, err := intelligence.ReadSettings(of, true)
		if err != nil {
			return nil, usage{fmt.Errorf("%s: %s: %w", c.Config, name, err)}
		}
		out[name] = s
	}
	return out, nil
}

// verdict is what the exit code says.
func (c evalCmd) verdict(p *Program, totals []scorecard.Total) error {
	bad := false
	say := func(t scorecard.Total, why string, args ...any) {
		bad = true
		_, _ = fmt.Fprintf(p.Err, "incidenthub: %s %s\n", clean(t.String()), fmt.Sprintf(why, args...))
	}
	for _, t := range totals {
		switch {
		case t.Answered == 0:
			say(t, "answered nothing")
		case t.Top1.Of > 0 && t.Top1.N*100 < c.MinTop1*t.Top1.Of:
			say(t, "was right at once in %d of %d, less than %d %%", t.Top1.N, t.Top1.Of, c.MinTop1)
		}
	}
	if bad {
		return failure{}
	}
	return nil
}

// class is what a request failed with, "" when it could not be asked at all.
func class(err error) string {
	if failed := (*providers.Error)(nil); errors.As(err, &failed) {
		return failed.Class
	}
	return ""
}
