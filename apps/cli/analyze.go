package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/incidenthub/incidenthub/apps/intelligence"
	"github.com/incidenthub/incidenthub/internal/platform/config"
	"github.com/incidenthub/incidenthub/providers"
)

type analyzeCmd struct {
	Incident string `required:"" placeholder:"FILE" help:"JSON file with an incident; - for standard input."`
	Provider string `default:"local" placeholder:"NAME" help:"Who analyses: local looks at this machine."`
	Config   string `placeholder:"FILE" help:"YAML or JSON file with settings of the provider (timeout_s, top_n_processes, scan_paths …)."`
	JSON     bool   `help:"Print JSON."`
}

// Help implements kong.HelpProvider.
func (analyzeCmd) Help() string {
	return `Analyses one incident as a pipeline would, without a hub and without a database: nothing is stored and nobody is told. The local
provider looks at the machine that the command runs on; run it as root to let it see all processes.

The file is an object, plain or as {"incident": {…}}; every key may be left out:

    {"title": "…", "description": "…", "severity": "…", "status": "…", "labels": {…},
     "alerts": [{"name": "…", "description": "…", "severity": "…", "status": "…", "labels": {…}}],
     "checks": [{"checker_name": "…", "status": "…", "message": "…", "metrics": {…}}],
     "history": [{"title": "…", "summary": "…", "resolved_at": "…"}], "metadata": {…}}

Evidence is named by its place: A1 is the first alert, C1 the first failed check, H1 the first earlier incident.

The exit code is 0 whenever an analysis is printed, also when only the facts are left, and 2 when the input cannot be read.

Examples:

    echo '{"title":"host unhealthy"}' | incidenthub analyze --incident - --json
    incidenthub analyze --incident incident.json --provider local --config settings.yaml`
}

// Run implements the command.
func (c analyzeCmd) Run(ctx context.Context, p *Program) error {
	if c.Incident == "-" && c.Config == "-" {
		return usage{errors.New("standard input can be --incident or --config, not both")}
	}
	body, err := p.input(c.Incident)
	if err != nil {
		return usage{err}
	}
	r := &intelligence.Request{Tenant: tenant, Provider: c.Provider}
	if r.Incident, r.Evidence, err = intelligence.ReadInput(body); err != nil {
		return usage{fmt.Errorf("%s: %w", c.Incident, err)}
	}
	a, err := p.Analyzer(p.logger(config.Log{Level: slog.LevelError + 1}))
	if err != nil {
		return err
	}
	if err := p.providerSettings(a, c.Config, r); err != nil {
		return err
	}
	got, err := analyze(ctx, a, r)
	if err != nil {
		return err
	}
	if c.JSON {
		return p.printJSON(got.Print())
	}
	p.showAnalysis(got)
	return nil
}

// analyze makes one analysis on this machine.
func analyze(ctx context.Context, a *intelligence.Analyzer, r *intelligence.Request) (*intelligence.Analysis, error) {
	got, err := a.Analyze(ctx, r)
	if errors.Is(err, intelligence.ErrUnknownProvider) {
		return nil, usage{err}
	}
	return got, err
}

// providerSettings reads a file of settings into a request.
func (p *Program) providerSettings(a *intelligence.Analyzer, name string, r *intelligence.Request) error {
	if name == "" {
		return nil
	}
	m, err := p.settingsFile(name)
	if err != nil {
		return err
	}
	s, err := intelligence.ReadSettings(m, true)
	if err != nil {
		return usage{fmt.Errorf("%s: %w", name, err)}
	}
	asked, err := a.Resolve(r.Tenant, r.Provider)
	if err != nil {
		return usage{err}
	}
	for _, w := range s.Apply(r, asked.Kind) {
		_, _ = fmt.Fprintln(p.Err, "incidenthub: "+clean(w))
	}
	return nil
}

// settingsFile reads a file of settings.
func (p *Program) settingsFile(name string) (map[string]any, error) {
	raw, err := p.input(name)
	if err != nil {
		return nil, usage{err}
	}
	m := map[string]any{}
	if err := yaml.Unmarshal(raw, &m); err != nil {
		return nil, usage{fmt.Errorf("%s is neither YAML nor JSON: %s", name, firstLine(yaml.FormatError(err, false, false)))}
	}
	return m, nil
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	return s
}

// showAnalysis prints an analysis for people.
func (p *Program) showAnalysis(a *intelligence.Analysis) {
	p.say("%s", clean(a.Summary))
	if a.ProbableCause != "" {
		p.say("\nProbable cause%s\n%s", confidenceNote(a), clean(a.ProbableCause))
	}
	p.showRecommendations(a.Recommendations)
	p.say("\n%s", clean(origin(a)))
}

// showRecommendations prints recommendations for people.
func (p *Program) showRecommendations(list []providers.Recommendation) {
	for i, r := range list {
		p.say("\n%d. [%s] %s (%s)", i+1, clean(r.Priority), clean(r.Title), clean(r.Type))
		p.text(r.Description)
		for _, action := range r.Actions {
			sign := "-"
			if providers.IsCommand(action) {
				sign = "$"
			}
			p.say("   %s %s", sign, clean(action))
		}
		if len(r.Evidence) > 0 {
			p.say("   Evidence: %s", clean(strings.Join(r.Evidence, ", ")))
		}
	}
	if len(list) == 0 {
		p.say("\nThere is nothing to recommend.")
	}
}

// confidenceNote says how sure the analysis is; what stands on nothing, or was cut, is little whatever it says itself.
func confidenceNote(a *intelligence.Analysis) string {
	switch {
	case !a.Grounded || a.Truncated:
		return " (low confidence)"
	case a.Confidence == nil:
		return ""
	default:
		return fmt.Sprintf(" (%.0f %% sure)", math.Round(*a.Confidence*100))
	}
}

// origin says who wrote an analysis, and why not somebody better.
func origin(a *intelligence.Analysis) string {
	words := map[string]string{
		"provider": "Written by " + a.Provider, "local": "Written by the local analyzer, which looked at this machine",
		"facts": "Nobody reasoned: these are the facts that were given",
	}
	s := fmt.Sprintf("%s, in %.1f s", words[a.Rung], a.Took.Seconds())
	if a.ErrorClass != "" {
		s += fmt.Sprintf("; provider %s failed: %s", a.Provider, a.ErrorClass)
	}
	return s + "."
}
