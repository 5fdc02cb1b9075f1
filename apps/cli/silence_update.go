package cli

import (
	"context"
	"errors"
	"net/http"
)

type silenceUpdateCmd struct {
	remote
	silenceFlags
	ID              string  `arg:"" help:"Id of the silence."`
	Comment         *string `short:"c" placeholder:"TEXT" help:"Why: people who wonder read it."`
	Kind            *string `enum:"silence,maintenance" placeholder:"KIND" help:"silence or maintenance."`
	StartNow        bool    `help:"It begins now."`
	NoEnd           bool    `help:"Take away the time at which it ends, if it ends in another way."`
	NoUntilResolved bool    `help:"It goes on when nothing fires any more."`
	NoUnusedFor     bool    `help:"It goes on when it matches nothing."`
	NoRRule         bool    `name:"no-rrule" help:"It does not recur any more."`
}

// Help implements kong.HelpProvider.
func (silenceUpdateCmd) Help() string {
	return `A duration counts from now on. What is not held back any more and still fires is told. It needs a key of the scope respond.

Examples:

    incidenthub silence update 0190a6c1-7c4e-7b1a-9d0e-5b8f3c2a1d4e --duration 2h
    incidenthub silence update 0190a6c1-7c4e-7b1a-9d0e-5b8f3c2a1d4e --until-resolved --no-end
    incidenthub silence update 0190a6c1-7c4e-7b1a-9d0e-5b8f3c2a1d4e --no-rrule --ends-at 2026-11-21T10:00:00Z`
}

// Run implements the command.
func (c silenceUpdateCmd) Run(ctx context.Context, p *Program) error {
	body, err := c.body()
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		none bool
	}{{"ends_at", c.NoEnd}, {"until_resolved", c.NoUntilResolved}, {"unused_for", c.NoUnusedFor}, {"recurrence", c.NoRRule}, {"starts_at", c.StartNow}} {
		if !f.none {
			continue
		}
		if _, both := body[f.name]; both || f.name == "ends_at" && c.Duration != "" {
			return usage{errors.New("one flag sets " + firstOf(silenceNames()[f.name], f.name) + ", another one takes it away")}
		}
		body[f.name] = nil
	}
	if c.Comment != nil {
		body["comment"] = *c.Comment
	}
	if c.Kind != nil {
		body["kind"] = *c.Kind
	}
	if len(body) == 0 {
		return usage{errors.New("say what to change: see incidenthub silence update --help")}
	}
	return inFlags(send(ctx, p, c.remote, http.MethodPatch, "/api/v1/silences/"+segment(c.ID), body, func(s *wireSilence) { p.saySilence(s) }))
}
