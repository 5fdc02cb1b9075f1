package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/incidenthub/incidenthub/internal/platform/preflight"
)

type preflightCmd struct {
	where
	Server string   `placeholder:"URL" help:"Ask the hub that runs there, with its own settings (HUB_SERVER). It needs a key of the scope edit."`
	Token  string   `placeholder:"KEY" help:"API key for --server; better set HUB_TOKEN, since other users of this machine see flags."`
	Only   []string `enum:"security,environment,pipeline,crontab,migrations,database" placeholder:"GROUP" help:"Look at these groups only: security, environment, pipeline, crontab, migrations, database. Repeat or separate by commas."`
	JSON   bool     `help:"Print JSON."`
}

// Help implements kong.HelpProvider.
func (preflightCmd) Help() string {
	return `Looks at the settings, the database, Redis, keys and their files, space, clocks, pipelines, channels and crontabs of this machine. With --server or
HUB_SERVER the hub that runs there looks, with its own settings; else, and where none answers, it is the environment of this shell that counts, and no hub is needed. It changes nothing, and keeps what it found in the database when there is one of this release. The exit code is 1 when there are
errors, and 0 when there are only warnings, or none.

Examples:

    incidenthub preflight
    incidenthub preflight --only security,database --json
    HUB_TOKEN=… incidenthub doctor --server http://127.0.0.1:8080`
}

// Run implements the command.
func (c preflightCmd) Run(ctx context.Context, p *Program) error {
	if c.Server != "" || c.DataDir == "" && c.DatabaseURL == "" && p.Getenv("HUB_SERVER") != "" {
		r, err := c.ask(ctx, p)
		if err == nil {
			return c.result(p, r)
		}
		if c.Server != "" || errors.As(err, new(*refusal)) {
			return err
		}
		p.warn("%s", clean(err.Error())) // HUB_SERVER says where it would be; what is wrong may be why it does not run
		p.warn("So this looks with the settings of this shell.")
	}
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
	return c.result(p, r)
}

// ask has the hub that runs look at itself: it knows its settings, which need not be those of this shell.
func (c preflightCmd) ask(ctx context.Context, p *Program) (r preflight.Run, err error) {
	api, err := p.client(remote{Server: c.Server, Token: c.Token})
	if err != nil {
		return r, err
	}
	body := map[string]any{}
	if len(c.Only) > 0 {
		body["only"] = c.Only
	}
	_, err = api.call(ctx, http.MethodPost, "/api/v1/preflight", nil, body, &r)
	return r, err
}

func (c preflightCmd) result(p *Program, r preflight.Run) error {
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
	fmt.Fprintf(&b, "\n%s: %d passed, %s, %s\n", r.OverallStatus, r.Passed, count(r.Warnings, "warning", "warnings"), count(r.Errors, "error", "errors"))
	_, err := fmt.Fprint(p.Out, b.String())
	return err
}
