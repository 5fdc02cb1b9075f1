package cli

import (
	"context"
	"strings"
)

type runCheckCmd struct {
	checkFlags
	Set  []string `placeholder:"KEY=VALUE" sep:"none" help:"A setting of the check; may be given several times."`
	Name string   `arg:"" help:"Check to run; check-health --list has them all."`
}

// Help implements kong.HelpProvider.
func (runCheckCmd) Help() string {
	return `Runs one check, with all that it has found out. Exit codes are those of check-health.

Examples:

    incidenthub run-check memory --set include_swap=true
    incidenthub run-check disk --disk-paths /var --warning-threshold 70
    incidenthub run-check cpu --set samples=1 --json`
}

// Run implements the command.
func (c runCheckCmd) Run(ctx context.Context, p *Program) error {
	s, err := p.checks()
	if err != nil {
		return err
	}
	defer s.Stop()
	values := make([]string, len(c.Set))
	for i, v := range c.Set {
		values[i] = c.Name + "." + v
	}
	req, err := c.request(p, s, []string{c.Name}, values)
	if err != nil {
		return err
	}
	for _, other := range []string{"disk", "disk_inodes", "network", "process"} { // flags that are for other checks
		if other != c.Name && c.Config == "" {
			delete(req.Configs, other)
		}
	}
	report, err := s.Run(ctx, req)
	if err != nil {
		return err
	}
	p.complain(report)
	result := report.Results[0]
	if c.JSON {
		if err := p.printJSON(result); err != nil {
			return err
		}
		return c.exit(report)
	}
	p.say("%s: %s", p.paint()(result.Status, strings.ToUpper(string(result.Status))), clean(result.Message))
	if len(result.Metrics) > 0 {
		p.say("")
		p.text(metricLines(result.Metrics))
	}
	return c.exit(report)
}
