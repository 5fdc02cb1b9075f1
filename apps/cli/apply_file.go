package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/incidenthub/incidenthub/apps/cli/apply"
)

type applyCmd struct {
	where
	File   string `short:"f" required:"" placeholder:"FILE" help:"YAML file; - for standard input."`
	DryRun bool   `help:"Say what would be done and write nothing."`
	Prune  bool   `help:"Delete what the file does not have, of the kinds it has a list for."`
	JSON   bool   `help:"Print JSON."`
}

// Help implements kong.HelpProvider.
func (applyCmd) Help() string {
	return `The file has lists under "sources", "channels", "providers", "silences" and "pipelines"; entries have a name and the fields of the API. Entries are found by
name, so that applying a file twice changes nothing. All of the file is applied or nothing. A running hub takes the change over by itself.

Write secrets as ${NAME}: they are taken from the environment. The default source and the built-in inbox are never deleted.

Examples:

    incidenthub apply -f hub.yaml --dry-run
    OPS_TOKEN=… incidenthub apply -f hub.yaml --prune`
}

// Run implements the command.
func (c applyCmd) Run(ctx context.Context, p *Program) error {
	raw, err := p.input(c.File)
	if err != nil {
		return err
	}
	file, err := apply.Read(raw, p.Getenv)
	if err != nil {
		return c.refused(p, err)
	}
	open := p.withHub
	if c.DryRun {
		open = p.withAny
	}
	return open(ctx, c.where, func(ctx context.Context, h *Hub) error {
		plan, err := h.Target.Apply(ctx, file, apply.Options{Tenant: tenant, By: "apply", DryRun: c.DryRun, Prune: c.Prune})
		if err != nil {
			return c.refused(p, err)
		}
		if c.JSON {
			return p.printJSON(plan)
		}
		return c.report(p, plan)
	})
}

// refused prints the problems of the file; other errors it hands back.
func (c applyCmd) refused(p *Program, err error) error {
	wrong := (*apply.Problems)(nil)
	if !errors.As(err, &wrong) {
		return err
	}
	if c.JSON {
		if err := p.printJSON(map[string]any{"problems": wrong.List}); err != nil {
			return err
		}
		return failure{}
	}
	for _, one := range wrong.List {
		_, _ = fmt.Fprintf(p.Err, "%s: %s\n", clean(c.File), clean(one.String()))
	}
	_, _ = fmt.Fprintln(p.Err, "Nothing was applied.")
	return failure{}
}

func (c applyCmd) report(p *Program, plan apply.Plan) error {
	rows := make([][]string, len(plan.Steps))
	for i, s := range plan.Steps {
		rows[i] = []string{string(s.Action), string(s.Kind), s.Name, strings.Join(s.Changes, ", ")}
	}
	if err := p.table([]string{"ACTION", "KIND", "NAME", "CHANGES"}, rows); err != nil {
		return err
	}
	for _, s := range plan.Steps {
		if s.Key != "" {
			p.say("\nIngest key of source %q, shown this once: %s", clean(s.Name), s.Key)
		}
	}
	done := "changed"
	if plan.DryRun {
		done = "would change"
	}
	p.say("\n%d of %d %s.", plan.Changes(), len(plan.Steps), done)
	p.notes(plan.Warnings)
	return nil
}

type exportCmd struct {
	where
	Output string `short:"o" default:"-" placeholder:"FILE" help:"File to write, replaced if it exists; - for standard output."`
	JSON   bool   `help:"Print what was written as JSON: the file's text and the names of the variables it needs."`
}

// Help implements kong.HelpProvider.
func (exportCmd) Help() string {
	return `Writes the form that "apply" reads. Secrets are not in it: each becomes a ${NAME}, and the names are listed at the top.

Example:

    incidenthub export -o hub.yaml`
}

// Run implements the command.
func (c exportCmd) Run(ctx context.Context, p *Program) error {
	return p.withStored(ctx, c.where, func(ctx context.Context, h *Hub) error {
		file, names, err := h.Target.Export(ctx, tenant)
		if err != nil {
			return err
		}
		if c.Output != "-" {
			if err := os.WriteFile(c.Output, file, 0o600); err != nil {
				return fmt.Errorf("write %s: %w", c.Output, err)
			}
		}
		switch {
		case c.JSON:
			if names == nil {
				names = []string{}
			}
			return p.printJSON(map[string]any{"file": string(file), "variables": names})
		case c.Output == "-":
			_, err = p.Out.Write(file)
			return err
		}
		p.say("Wrote %s.", clean(c.Output))
		if len(names) > 0 {
			p.say("Secrets are not in it; set before applying: %s", strings.Join(names, " "))
		}
		return nil
	})
}
