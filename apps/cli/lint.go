package cli

import (
	"bytes"
	"errors"
	"log/slog"

	"github.com/incidenthub/incidenthub/apps/cli/apply"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/drivers/registry"
	"github.com/incidenthub/incidenthub/internal/platform/config"
)

type lintCmd struct {
	JSON  bool     `help:"Print JSON."`
	Files []string `arg:"" name:"file" help:"Pipeline definitions (JSON) or configuration files (YAML); - for standard input."`
}

// Help implements kong.HelpProvider.
func (lintCmd) Help() string {
	return `Prints every problem at once with its place and a suggestion. Warnings alone leave the exit code at 0. It needs no hub and no
database, and so cannot tell whether a channel exists; "apply --dry-run" can.

Examples:

    incidenthub lint pipelines/*.json
    incidenthub lint --json hub.yaml`
}

// linted is the report on one file.
type linted struct {
	File     string       `json:"file"`
	OK       bool         `json:"ok"`
	Problems []lintedLine `json:"problems"`
}

type lintedLine struct {
	Line       int    `json:"line,omitempty"`
	Pointer    string `json:"pointer,omitempty"`
	Message    string `json:"message"`
	Suggestion string `json:"suggestion,omitempty"`
	Severity   string `json:"severity,omitempty"`

	text string
}

// Run implements the command.
func (c lintCmd) Run(p *Program) error {
	reg, err := registry.New(registry.Builtin()...)
	if err != nil {
		return err
	}
	known := orchestration.Known{WebhookDrivers: reg.Names()}
	if p.Analyzer != nil {
		a, err := p.Analyzer(config.Config{}, slog.New(slog.DiscardHandler))
		if err != nil {
			return err
		}
		known.Providers = a.Names()
	}
	reports := make([]linted, 0, len(c.Files))
	ok := true
	for _, name := range c.Files {
		raw, err := p.input(name)
		if err != nil {
			return err
		}
		report := lintFile(name, raw, known)
		ok = ok && report.OK
		reports = append(reports, report)
	}
	if c.JSON {
		if err := p.printJSON(reports); err != nil {
			return err
		}
	} else {
		for _, r := range reports {
			for _, line := range r.Problems {
				p.say("%s: %s", clean(r.File), clean(line.text))
			}
			if r.OK {
				p.say("%s: ok", clean(r.File))
			}
		}
	}
	if !ok {
		return failure{}
	}
	return nil
}

func lintFile(name string, raw []byte, known orchestration.Known) linted {
	r := linted{File: name, Problems: []lintedLine{}}
	if bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
		problems := orchestration.Lint(raw, known)
		r.OK = !orchestration.HasErrors(problems)
		for _, f := range problems {
			r.Problems = append(r.Problems, lintedLine{
				Pointer: f.Pointer, Message: f.Message, Suggestion: f.Suggestion, Severity: string(f.Severity),
				text: string(f.Severity) + ": " + f.String(),
			})
		}
		return r
	}
	add := func(list []apply.Problem) {
		for _, f := range list {
			r.Problems = append(r.Problems, lintedLine{Line: f.Line, Pointer: f.Field, Message: f.Message, text: f.String()})
		}
	}
	// Whether secrets are set is a question to the machine that applies the file.
	file, err := apply.Read(raw, func(string) string { return "set" })
	if wrong := (*apply.Problems)(nil); errors.As(err, &wrong) {
		add(wrong.List)
		return r
	}
	problems, ok := file.Lint(known)
	add(problems)
	r.OK = ok
	return r
}
