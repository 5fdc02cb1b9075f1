package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/incidenthub/incidenthub/apps/checkers"
)

type checkHealthCmd struct {
	checkFlags
	List  bool     `help:"List the checks that there are."`
	Set   []string `placeholder:"CHECK.KEY=VALUE" sep:"none" help:"A setting of a check; may be given several times."`
	Names []string `arg:"" optional:"" name:"name" help:"Checks to run. Default: all that look at this machine."`
}

// Help implements kong.HelpProvider.
func (checkHealthCmd) Help() string {
	return `Looks at this machine and says what is wrong with it. It needs no hub and no database, keeps nothing and tells nobody: for that let a
pipeline of the hub run checks.

The exit code is 2 if anything is critical, else 1 if anything could not be found out, else 0. With --fail-on-warning it is 1 on a
warning and on critical.

Examples:

    incidenthub check-health
    incidenthub check-health cpu memory --warning-threshold 60 --critical-threshold 80
    incidenthub check-health disk network process --disk-paths /,/var --ping-hosts db.lan --processes postgres,nginx
    incidenthub check-health http --set http.url=https://example.com --json
    incidenthub check-health --config checks.yaml --fail-on-warning`
}

// Run implements the command.
func (c checkHealthCmd) Run(ctx context.Context, p *Program) error {
	s, err := p.checks()
	if err != nil {
		return err
	}
	defer s.Stop()
	if c.List {
		return c.list(p, s)
	}
	req, err := c.request(p, s, c.Names, c.Set)
	if err != nil {
		return err
	}
	report, err := s.Run(ctx, req)
	if err != nil && !errors.Is(err, checkers.ErrUnknown) {
		return err
	}
	p.complain(report)
	if c.JSON {
		err = p.printJSON(struct {
			Hostname string            `json:"hostname"`
			Results  []checkers.Result `json:"results"`
			Summary  summary           `json:"summary"`
			Errors   []string          `json:"errors,omitempty"`
		}{report.Hostname, report.Results, tally(report), report.Errors})
		if err != nil {
			return err
		}
	} else if len(report.Results) > 0 {
		p.showChecks(report)
	}
	return c.exit(report)
}

func (c checkHealthCmd) list(p *Program, s *checkers.Service) error {
	specs := s.Specs()
	list := make([]checkers.Description, len(specs))
	rows := make([][]string, len(specs))
	for i := range specs {
		d := specs[i].Describe()
		list[i] = d
		where := ""
		if !d.Supported {
			where = "not here"
		}
		rows[i] = []string{d.Name, limits(d), where, d.Doc}
	}
	if c.JSON {
		return p.printJSON(struct {
			Checkers []checkers.Description `json:"checkers"`
		}{list})
	}
	return p.table([]string{"CHECK", "WARNING / CRITICAL", "", "LOOKS AT"}, rows)
}

// showChecks prints results for people.
func (p *Program) showChecks(r checkers.Report) {
	width := 0
	for i := range r.Results {
		width = max(width, len(r.Results[i].CheckerName))
	}
	paint := p.paint()
	p.say("Checks of %s\n", clean(r.Hostname))
	for i := range r.Results {
		c := &r.Results[i]
		head := fmt.Sprintf("  %s  %-*s  ", paint(c.Status, fmt.Sprintf("%-8s", c.Status)), width, c.CheckerName)
		p.hang(head, 2+8+2+width+2, clean(c.Message))
	}
	n := tally(r)
	p.say("\n%d checks: %d ok, %d warning, %d critical, %d unknown", n.Total, n.OK, n.Warning, n.Critical, n.Unknown)
}
