package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/incidenthub/incidenthub/apps/intelligence"
	"github.com/incidenthub/incidenthub/internal/platform/config"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
	"github.com/incidenthub/incidenthub/providers"
)

type analyzeCmd struct {
	Incident string `required:"" placeholder:"FILE" help:"JSON file with an incident; - for standard input."`
	Provider string `default:"local" placeholder:"NAME" help:"Who analyses: local looks at this machine; openai, claude, gemini, grok, mistral, ollama or copilot is asked over the network."`
	Config   string `placeholder:"FILE" help:"YAML or JSON file with settings of the provider (api_key, base_url, model, timeout_s …; of local top_n_processes, scan_paths …)."`
	JSON     bool   `help:"Print JSON."`
}

// Help implements kong.HelpProvider.
func (analyzeCmd) Help() string {
	return `Analyses one incident as a pipeline would, without a hub and without a database: nothing is stored and nobody is told. The local
provider looks at the machine that the command runs on; run it as root to let it see all processes. A language model is asked as a hub
asks it, but past its cache, its budgets and the breaker; when it does not answer the local analyzer does, and the output says so. A key
that the file does not have is taken from the environment (OPENAI_API_KEY, ANTHROPIC_API_KEY …). The address in the file may be called;
other addresses of your own network must be in HUB_EGRESS_ALLOW.

The file is an object, plain or as {"incident": {…}}; every key may be left out:

    {"title": "…", "description": "…", "severity": "…", "status": "…", "labels": {…},
     "alerts": [{"name": "…", "description": "…", "severity": "…", "status": "…", "labels": {…}}],
     "checks": [{"checker_name": "…", "status": "…", "message": "…", "metrics": {…}}],
     "history": [{"title": "…", "summary": "…", "resolved_at": "…"}], "metadata": {…}}

Evidence is named by its place: A1 is the first alert, C1 the first failed check, H1 the first earlier incident.

The exit code is 0 whenever an analysis is printed, also when only the facts are left, and 2 when the input cannot be read.

Examples:

    echo '{"title":"host unhealthy"}' | incidenthub analyze --incident - --json
    incidenthub analyze --incident incident.json --provider local --config settings.yaml
    incidenthub analyze --incident incident.json --provider openai --config openai.yaml --json`
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
	var m map[string]any
	if c.Config != "" {
		if m, err = p.settingsFile(c.Config); err != nil {
			return err
		}
	}
	a, err := p.analyzer(m)
	if err != nil {
		return err
	}
	if err := p.providerSettings(a, c.Config, m, r); err != nil {
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

// analyze makes one analysis on this machine. It is refused only to who cannot be asked: there is no such provider, or not with these
// settings.
func analyze(ctx context.Context, a *intelligence.Analyzer, r *intelligence.Request) (*intelligence.Analysis, error) {
	got, err := a.Analyze(ctx, r)
	if err != nil {
		return nil, usage{err}
	}
	return got, nil
}

// analyzer makes an analyzer for one command. It may call the addresses that the settings name: who gives them here has this machine.
func (p *Program) analyzer(files ...map[string]any) (*intelligence.Analyzer, error) {
	cfg, err := config.Load(p.ofProviders, nil)
	if err != nil {
		return nil, err
	}
	var addresses, secrets []string
	for _, settings := range files {
		for _, key := range []string{"base_url", "host"} {
			if s, ok := settings[key].(string); ok {
				addresses = append(addresses, s)
			}
		}
		if key, ok := settings["api_key"].(string); ok {
			secrets = append(secrets, key)
		}
	}
	for _, raw := range addresses {
		if raw = strings.TrimSpace(raw); !strings.Contains(raw, "://") {
			raw = "http://" + raw
		}
		u, err := url.Parse(raw)
		if err != nil || u.Hostname() == "" {
			continue // the provider says what is wrong
		}
		port := u.Port()
		if port == "" {
			port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
		}
		if entry := net.JoinHostPort(u.Hostname(), port); port != "" && httpclient.CheckAllow([]string{entry}) == nil {
			cfg.Egress.Allow = append(cfg.Egress.Allow, entry)
		}
	}
	a, err := p.Analyzer(cfg, p.logger(config.Log{Level: slog.LevelError + 1}))
	if err != nil {
		return nil, err
	}
	for _, s := range cfg.Models.Keys() {
		secrets = append(secrets, s.Reveal())
	}
	a.Redact().Know(secrets)
	return a, nil
}

// ofProviders is the environment of commands that ask providers: what is wrong with a hub's other settings does not matter to them.
func (p *Program) ofProviders(name string) string {
	switch {
	case name == "HUB_EGRESS_ALLOW", name == "SSRF_ALLOWED_HOSTS", strings.HasSuffix(name, "_API_KEY"), strings.HasSuffix(name, "_MODEL"):
		return p.Getenv(name)
	case name == "HUB_DATA_DIR":
		return "." // it must have a value, and is not used
	default:
		return ""
	}
}

// providerSettings puts a file of settings into a request.
func (p *Program) providerSettings(a *intelligence.Analyzer, name string, m map[string]any, r *intelligence.Request) error {
	if name == "" {
		return nil
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
		"provider": "Written by " + a.Provider + modelNote(a), "local": "Written by the local analyzer, which looked at this machine",
		"facts": "Nobody reasoned: these are the facts that were given",
	}
	s := fmt.Sprintf("%s, in %.1f s", words[a.Rung], a.Took.Seconds())
	if a.ErrorClass != "" {
		s += fmt.Sprintf("; provider %s failed: %s (%s)", a.Provider, a.ErrorClass, intelligence.Why(a.ErrorClass))
	}
	if a.Hint != "" {
		s += "; " + a.Hint
	}
	return s + "." + spent(a)
}

func modelNote(a *intelligence.Analysis) string {
	if a.Model == "" || a.Model == a.Provider {
		return ""
	}
	return " (" + a.Model + ")"
}

// spent says what an answer in words cost.
func spent(a *intelligence.Analysis) string {
	if a.Usage.Prompt == nil && a.Usage.Completion == nil {
		return ""
	}
	tokens := func(n *int64) string {
		if n == nil {
			return "an unknown number of"
		}
		return strconv.FormatInt(*n, 10)
	}
	s := fmt.Sprintf(" It took %s tokens in and %s out", tokens(a.Usage.Prompt), tokens(a.Usage.Completion))
	if a.Cost != nil {
		s += fmt.Sprintf(", which cost %.4f", float64(*a.Cost)/1e6)
	}
	return s + "."
}
