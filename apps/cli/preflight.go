package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/incidenthub/incidenthub/internal/platform/preflight"
)

type preflightCmd struct {
	where
	Only []string `enum:"security,environment,pipeline,crontab,migrations,database" placeholder:"GROUP" help:"Look at these groups only: security, environment, pipeline, crontab, migrations, database. Repeat or separate by commas."`
	JSON bool     `help:"Print JSON."`
}

// Help implements kong.HelpProvider.
func (preflightCmd) Help() string {
	return `Looks at the settings, the database, Redis, keys and their files, space, clocks, pipelines, channels and crontabs of this machine. It needs no
running hub, changes nothing, and keeps what it found in the database when there is one of this release. The exit code is 1 when there are
errors, and 0 when there are only warnings, or none.

Examples:

    incidenthub preflight
    incidenthub preflight --only security,database --json`
}

// Run implements the command.
func (c preflightCmd) Run(ctx context.Context, p *Program) error {
	if p.Preflight == nil {
		return errors.New("this program has no preflight")
	}
	cfg, err := p.settings(c.overrides())
	if err != nil {
		return err
	}
	var environ []string
	if p.Environ != nil {
		environ = p.Environ()
	}
	r, err := p.Preflight(ctx, cfg, environ, c.Only, "cli")
	if err != nil && len(r.List) == 0 {
		return public(err)
	}
	if err != nil { // it was looked, but not kept
		_, _ = fmt.Fprintln(p.Err, "incidenthub: "+clean(public(err).Error()))
	}
	if c.JSON {
		if err := p.printJSON(r); err != nil {
			return err
		}
	} else if err := c.print(p, r); err != nil {
		return err
	}
	if r.OverallStatus == preflight.Error {
		return failure{}
	}
	return nil
}

func (preflightCmd) print(p *Program, r preflight.Run) error {
	var b strings.Builder
	for _, group := range preflight.Groups() {
		if !slices.ContainsFunc(r.List, func(c preflight.Check) bool { return c.Group == group }) {
			continue
		}
		fmt.Fprintf(&b, "%s\n", strings.ToUpper(group))
		for _, c := range r.List {
			if c.Group != group {
				continue
			}
			fmt.Fprintf(&b, "  %-5s  %s\n", c.Level, clean(c.Message))
			if c.Hint != "" && c.Level != preflight.OK {
				fmt.Fprintf(&b, "         %s\n", clean(c.Hint))
			}
		}
	}
	fmt.Fprintf(&b, "\n%s: %d passed, %d warnings, %d errors\n", r.OverallStatus, r.Passed, r.Warnings, r.Errors)
	_, err := fmt.Fprint(p.Out, b.String())
	return err
}
