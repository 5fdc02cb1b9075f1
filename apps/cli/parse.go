package cli

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/alerts"
	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/drivers/registry"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/doc"
)

type parseCmd struct {
	Driver string `placeholder:"NAME" help:"Read it with this driver instead of detecting one."`
	JSON   bool   `help:"Print JSON; it always does."`
	File   string `arg:"" optional:"" default:"-" help:"File with one webhook body; - for standard input."`
}

// Help implements kong.HelpProvider.
func (parseCmd) Help() string {
	return `Prints the alerts as a first sight would store them, and the items that could not be used with the reason. The exit code is 1 when
no driver recognises the body or nothing in it can be used. It needs no hub and no database.

Examples:

    incidenthub parse alert.json
    curl -s https://example.com/payload | incidenthub parse --driver grafana -`
}

// parsed is what parse prints.
type parsed struct {
	Driver   string           `json:"driver"`
	Source   string           `json:"source"`
	Version  string           `json:"version"`
	GroupKey string           `json:"group_key"`
	Alerts   []parsedAlert    `json:"alerts"`
	Rejected []event.Rejected `json:"rejected"`
}

type parsedAlert struct {
	Fingerprint string            `json:"fingerprint"`
	Name        string            `json:"name"`
	Status      event.Status      `json:"status"`
	Severity    event.Severity    `json:"severity"`
	StartedAt   time.Time         `json:"started_at"`
	EndedAt     *time.Time        `json:"ended_at"`
	Description string            `json:"description"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

// Run implements the command.
func (c parseCmd) Run(p *Program) error {
	body, err := p.input(c.File)
	if err != nil {
		return err
	}
	reg, err := registry.New(registry.Builtin()...)
	if err != nil {
		return err
	}
	found, err := alerts.Parse(reg, c.Driver, body, doc.Limits{})
	if err != nil {
		return fmt.Errorf("parse %s: %w", c.File, err)
	}
	if found.Driver == "" {
		return fmt.Errorf("parse %s: %w", c.File, unrecognised(reg, body, found.Unusable))
	}
	if err := p.printJSON(wireParsed(found, clock.System().Now())); err != nil {
		return err
	}
	if found.Unusable != "" {
		return fmt.Errorf("parse %s: %w", c.File, errors.New(found.Unusable))
	}
	if found.Ignored != "" {
		_, _ = fmt.Fprintln(p.Err, "There is nothing to store in it: "+clean(found.Ignored))
	}
	return nil
}

// unrecognised says on one line for each driver what it looked for and did not find.
func unrecognised(reg *registry.Registry, body []byte, plain string) error {
	var none *registry.UnrecognisedError
	o, err := doc.Decode(body, doc.Limits{})
	if err == nil {
		_, err = reg.Detect(o)
	}
	if !errors.As(err, &none) {
		return errors.New(plain)
	}
	lines := []string{registry.ErrUnrecognised.Error() + "; tried, most specific first:"}
	for _, m := range none.Tried {
		lines = append(lines, fmt.Sprintf("  %-13s %s", m.Driver, cmp.Or(m.Missing, "not its shape")))
	}
	return errors.New(strings.Join(append(lines, "To read it as one of them all the same: incidenthub parse --driver NAME"), "\n"))
}

func wireParsed(found alerts.Parsed, now time.Time) parsed {
	out := parsed{
		Driver: found.Driver, Source: found.Source, Version: found.Version, GroupKey: found.GroupKey,
		Alerts: make([]parsedAlert, len(found.Observations)), Rejected: found.Rejected,
	}
	if out.Source == "" {
		out.Source = found.Driver
	}
	if out.Rejected == nil {
		out.Rejected = []event.Rejected{}
	}
	for i, o := range found.Observations {
		o = o.FirstSight(now)
		a := parsedAlert{
			Fingerprint: o.Fingerprint, Name: o.Name, Status: o.Status, Severity: o.Severity, StartedAt: o.StartedAt,
			Description: o.Description, Labels: orEmpty(o.Labels), Annotations: orEmpty(o.Annotations),
		}
		if !o.EndedAt.IsZero() {
			a.EndedAt = &o.EndedAt
		}
		out.Alerts[i] = a
	}
	return out
}

func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}
