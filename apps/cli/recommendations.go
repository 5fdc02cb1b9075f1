package cli

import (
	"context"
	"errors"
	"net/http"

	"github.com/incidenthub/incidenthub/apps/intelligence"
	"github.com/incidenthub/incidenthub/providers"
)

type recommendationsCmd struct {
	IncidentID    string `placeholder:"ID" help:"About this incident, through a running hub."`
	Provider      string `default:"local" placeholder:"NAME" help:"Who is asked."`
	Memory        bool   `help:"What uses the memory of this machine."`
	Disk          bool   `help:"What uses a disk of this machine."`
	All           bool   `help:"Memory, disk and processors of this machine."`
	Path          string `placeholder:"DIR" help:"Folder that the disk report is about (default /)."`
	TopN          int    `placeholder:"N" help:"How many processes to list (default 10)."`
	ThresholdMB   int    `name:"threshold-mb" placeholder:"MB" help:"Files and folders from this size on are large (default 100)."`
	OldDays       int    `placeholder:"DAYS" help:"Files that were not changed for so long are old (default 30)."`
	ListProviders bool   `help:"List who can be asked."`

	remote
}

// Help implements kong.HelpProvider.
func (recommendationsCmd) Help() string {
	return `Says what could be done about this machine, or about an incident. Without --incident-id it needs no hub and no database: the local
analyzer looks at the machine that the command runs on. With it the hub is asked, which looks at its own machine and keeps the analysis.

Examples:

    incidenthub get-recommendations
    incidenthub get-recommendations --disk --path /var --threshold-mb 500 --old-days 90
    incidenthub get-recommendations --all --json
    incidenthub get-recommendations --incident-id 0190a6c1-7c4e-7b1a-9d0e-5b8f3c2a1d4e`
}

// recommended is what the command prints, and what the hub answers.
type recommended struct {
	Provider        string                     `json:"provider"`
	IncidentID      *string                    `json:"incident_id"`
	Recommendations []providers.Recommendation `json:"recommendations"`
	Count           int                        `json:"count"`
}

// Run implements the command.
func (c recommendationsCmd) Run(ctx context.Context, p *Program) error {
	if err := c.check(); err != nil {
		return usage{err}
	}
	if c.IncidentID != "" {
		return c.ask(ctx, p)
	}
	a, err := p.analyzer(nil)
	if err != nil {
		return err
	}
	if c.ListProviders {
		if c.JSON {
			return p.printJSON(map[string]any{"providers": a.Names(), "count": len(a.Names())})
		}
		for _, name := range a.Names() {
			p.say("%s", name)
		}
		return nil
	}
	out := recommended{Provider: c.Provider, Recommendations: []providers.Recommendation{}}
	for _, kind := range c.kinds() {
		got, err := analyze(ctx, a, &intelligence.Request{Tenant: tenant, Provider: c.Provider, Kind: kind, Options: c.options()})
		if err != nil {
			return err
		}
		if got.ErrorClass != "" {
			return errors.New("this machine could not be looked at: " + intelligence.Why(got.ErrorClass))
		}
		out.Provider = got.Provider
		out.Recommendations = append(out.Recommendations, got.Recommendations...)
	}
	out.Count = len(out.Recommendations)
	if c.JSON {
		return p.printJSON(out)
	}
	p.showRecommendations(out.Recommendations)
	return nil
}

// check refuses options that would have no effect.
func (c recommendationsCmd) check() error {
	reports := c.Memory || c.Disk || c.All
	switch {
	case c.IncidentID != "" && (reports || c.ListProviders):
		return errors.New("--incident-id asks about an incident: leave --memory, --disk, --all and --list-providers out")
	case c.IncidentID != "" && c.Path != "":
		return errors.New("--path is for --disk; an incident says itself which path it is about")
	case c.ListProviders && reports:
		return errors.New("--list-providers looks at nothing: leave --memory, --disk and --all out")
	case reports && !c.Disk && !c.All && (c.Path != "" || c.ThresholdMB != 0 || c.OldDays != 0):
		return errors.New("--path, --threshold-mb and --old-days are for --disk or --all")
	case c.TopN < 0 || c.TopN > 100:
		return errors.New("--top-n must be a number from 1 to 100")
	case c.ThresholdMB < 0 || c.OldDays < 0:
		return errors.New("--threshold-mb and --old-days must be numbers from 1 on")
	default:
		return nil
	}
}

// kinds are the reports to make; "" is whatever needs attention.
func (c recommendationsCmd) kinds() []string {
	var out []string
	if c.Memory || c.All {
		out = append(out, providers.Memory)
	}
	if c.Disk || c.All || c.Path != "" && !c.Memory {
		out = append(out, providers.Disk)
	}
	if c.All {
		out = append(out, providers.CPU)
	}
	if out == nil {
		out = []string{""}
	}
	return out
}

func (c recommendationsCmd) options() providers.Options {
	return providers.Options{TopProcesses: c.TopN, LargeFileMB: c.ThresholdMB, OldFileDays: c.OldDays, Path: c.Path}
}

// ask has a running hub analyse an incident.
func (c recommendationsCmd) ask(ctx context.Context, p *Program) error {
	api, err := p.client(c.remote)
	if err != nil {
		return err
	}
	settings := map[string]any{}
	for name, n := range map[string]int{"top_n_processes": c.TopN, "large_file_threshold_mb": c.ThresholdMB, "old_file_days": c.OldDays} {
		if n > 0 {
			settings[name] = n
		}
	}
	var out recommended
	raw, err := api.call(ctx, http.MethodPost, "/intelligence/recommendations/", nil,
		map[string]any{"incident_id": c.IncidentID, "provider": c.Provider, "config": settings}, &out)
	if err != nil {
		return err
	}
	if c.JSON {
		return p.printJSON(raw)
	}
	p.showRecommendations(out.Recommendations)
	return nil
}
