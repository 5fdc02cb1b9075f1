package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/period"
)

// channelFlags are what an operator says of a channel beside its settings.
type channelFlags struct {
	channelSettings
	Description   *string `placeholder:"TEXT" help:"What people should know of it."`
	MinSeverity   *string `enum:"all,info,warning,critical" placeholder:"LEVEL" help:"The least severity that it is told: info, warning, critical, or all."`
	Renotify      *string `placeholder:"TIME" help:"Remind it that long after the last message while it still fires: 30m, 4h, 2d; 0: never."`
	Fallback      string  `xor:"fallback" placeholder:"CHANNEL" help:"Channel that is told when this one cannot be."`
	FallbackAfter *string `placeholder:"TIME" help:"Tell it also when a message is not through after that time: 10m; 0: only once it is dead."`
	NoFallback    bool    `xor:"fallback" help:"Nobody is told instead."`
	Throttle      *string `placeholder:"N/TIME" help:"Send it at most so many messages in that time, 5/10m, and the rest when there is room, if it still fires; 0: any number."`
	Active        *bool   `negatable:"" help:"Whether it is told at all."`
}

// over brings the flags over an input.
func (c channelFlags) over(in notify.ChannelInput) (notify.ChannelInput, error) {
	if c.Description != nil {
		in.Description = *c.Description
	}
	if c.MinSeverity != nil {
		in.MinSeverity = event.Severity(*c.MinSeverity)
		if *c.MinSeverity == "all" {
			in.MinSeverity = ""
		}
	}
	if c.Active != nil {
		in.IsActive = *c.Active
	}
	if c.Fallback != "" {
		in.Fallback = c.Fallback
	}
	if c.NoFallback {
		in.Fallback, in.FallbackAfter = "", 0
	}
	var errs []error
	if c.Throttle != nil {
		var err error
		if in.Throttle, err = parseThrottle(*c.Throttle); err != nil {
			errs = append(errs, err)
		}
	}
	for _, t := range []struct {
		flag string
		text *string
		set  func(string) error
	}{
		{"--renotify", c.Renotify, func(s string) (err error) { in.Renotify, err = period.Parse(s); return err }},
		{"--fallback-after", c.FallbackAfter, func(s string) (err error) { in.FallbackAfter, err = period.Parse(s); return err }},
	} {
		if t.text == nil {
			continue
		}
		if err := t.set(*t.text); err != nil {
			errs = append(errs, errors.New(t.flag+": "+err.Error()))
		}
	}
	return in, errors.Join(errs...)
}

// parseThrottle reads 5/10m; 0 and nothing are no throttle.
func parseThrottle(text string) (notify.Throttle, error) {
	if text = strings.TrimSpace(text); text == "" || text == "0" {
		return notify.Throttle{}, nil
	}
	messages, per, _ := strings.Cut(text, "/")
	n, err := strconv.Atoi(strings.TrimSpace(messages))
	span, bad := period.Parse(per)
	if err != nil || bad != nil || span == 0 {
		return notify.Throttle{}, errors.New("--throttle: must be a number of messages and a time, such as 5/10m, or 0 for any number")
	}
	return notify.Throttle{Messages: n, Per: span}, nil
}

type channelCreateCmd struct {
	where
	channelFlags
	Name   string `arg:"" help:"What people, commands and pipelines call it."`
	Driver string `required:"" placeholder:"DRIVER" help:"What it is: see incidenthub channel drivers."`
	JSON   bool   `help:"Print JSON."`
}

// Help implements kong.HelpProvider.
func (channelCreateCmd) Help() string {
	return `Pipelines that tell every channel use it at once; a running hub takes it over by itself. Secrets are read from files, standard input or the
environment, never from the command line, and are never shown again.

Examples:

    incidenthub channel create ops --driver generic --set endpoint=https://ops.example/in --secret-file secret=hmac.txt
    pass show slack | incidenthub channel create slack --driver slack --secret-file webhook_url=-
    incidenthub channel create mail --driver email --set smtp_host=mail.example --set from_address=hub@example.org \
        --set to_addresses=a@example.org,b@example.org --set username=hub --secret-env password=SMTP_PASSWORD \
        --min-severity warning --renotify 4h --fallback slack --fallback-after 10m
    incidenthub channel create hook --driver generic --set endpoint=https://x.example/in --set headers.X-Team=ops \
        --secret-file headers.Authorization=token.txt --set-file payload_template=payload.j2`
}

// Run implements the command.
func (c channelCreateCmd) Run(ctx context.Context, p *Program) error {
	return changeChannel(ctx, p, p.withHub, c.where, c.JSON, "Channel %q is made. Try it: incidenthub channel test %q", func(ctx context.Context, h *Hub) (was string, now notify.Channel, err error) {
		spec, err := driverOf(h, c.Driver)
		if err != nil {
			return "", now, err
		}
		in, err := c.over(notify.ChannelInput{Name: c.Name, Driver: spec.Name, IsActive: true})
		if err != nil {
			return "", now, usage{err}
		}
		if in.Config, err = c.channelSettings.over(p, spec, json.RawMessage(`{}`)); err != nil {
			return "", now, usage{err}
		}
		now, err = h.Target.Channels.Create(ctx, tenant, in)
		return "", now, err
	})
}

type channelUpdateCmd struct {
	where
	channelFlags
	Channel string `arg:"" help:"Name or id."`
	Name    string `placeholder:"NAME" help:"Call it this from now on."`
	JSON    bool   `help:"Print JSON."`
}

// Help implements kong.HelpProvider.
func (channelUpdateCmd) Help() string {
	return `What is not named stays as it is, secrets too. When the address gets another host the secrets must be given again. A running hub takes the
change over by itself.

Examples:

    incidenthub channel update ops --min-severity critical --renotify 30m
    incidenthub channel update mail --set to_addresses=team@example.org --unset cc
    incidenthub channel update mail --fallback phone --fallback-after 10m
    incidenthub channel update phone --throttle 5/10m
    incidenthub channel update slack --no-active`
}

// Run implements the command.
func (c channelUpdateCmd) Run(ctx context.Context, p *Program) error {
	return changeChannel(ctx, p, p.withStored, c.where, c.JSON, "Channel %q is changed. Try it: incidenthub channel test %q", func(ctx context.Context, h *Hub) (string, notify.Channel, error) {
		was, err := h.Target.Channels.Get(ctx, tenant, c.Channel)
		if err != nil {
			return "", was, err
		}
		in, err := c.over(notify.InputOf(was))
		if err != nil {
			return "", was, usage{err}
		}
		in.Name = firstOf(c.Name, in.Name)
		if c.given() {
			spec, err := driverOf(h, was.Driver)
			if err != nil {
				return "", was, err
			}
			if in.Config, err = c.channelSettings.over(p, spec, was.Config.V); err != nil {
				return "", was, usage{err}
			}
		}
		now, err := h.Target.Channels.Update(ctx, tenant, was.ID.String(), was.Version, in)
		return was.Name, now, err
	})
}

// changeChannel makes one change and says so. change returns the channel's name before, "" for a new one.
func changeChannel(ctx context.Context, p *Program, open opens, w where, asJSON bool, done string, change func(context.Context, *Hub) (was string, now notify.Channel, err error)) error {
	return open(ctx, w, func(ctx context.Context, h *Hub) error {
		was, r, err := change(ctx, h)
		if err != nil {
			return refusedChannel(err)
		}
		v := viewChannel(r)
		told := v.State != notify.ChannelInactive && v.State != notify.ChannelOff
		more, err := namedBy(ctx, h, orchestration.ChannelChange{Was: was, Now: r.Name, Told: told})
		v.Warnings = append(v.Warnings, more...)
		if asJSON {
			return errors.Join(p.printJSON(v), err)
		}
		p.say(done, clean(r.Name), clean(r.Name))
		p.notes(v.Warnings)
		return err
	})
}

// namedBy says what a change that was made means for the pipelines that name the channel.
func namedBy(ctx context.Context, h *Hub, change orchestration.ChannelChange) ([]string, error) {
	if !change.Matters() {
		return nil, nil
	}
	list, err := h.Target.Pipelines.List(ctx, tenant, true)
	if err != nil {
		return nil, fmt.Errorf("the change is made; look which pipelines name the channel: %w", err)
	}
	return change.Warnings(list), nil
}

// notes writes what to know after a change.
func (p *Program) notes(warnings []string) {
	for _, w := range warnings {
		p.warn("Note: %s.", clean(w))
	}
}

type channelValidateCmd struct {
	where
	channelSettings
	Channel string `arg:"" optional:"" help:"Name or id of a channel; with settings: those that would replace its own."`
	Driver  string `placeholder:"DRIVER" help:"Check settings for a new channel of this kind."`
	JSON    bool   `help:"Print JSON."`
}

// Help implements kong.HelpProvider.
func (channelValidateCmd) Help() string {
	return `Nothing is saved and nothing is sent. The exit code is 2 when the settings cannot be used.

Examples:

    incidenthub channel validate ops
    incidenthub channel validate ops --set timeout=5
    incidenthub channel validate --driver slack --secret-file webhook_url=url.txt`
}

// Run implements the command.
func (c channelValidateCmd) Run(ctx context.Context, p *Program) error {
	if (c.Channel == "") == (c.Driver == "") {
		return usage{errors.New("name a channel, or a --driver with settings")}
	}
	open := p.withStored
	if c.Channel == "" {
		open = p.withAny
	}
	return open(ctx, c.where, func(ctx context.Context, h *Hub) error {
		if err := c.check(ctx, p, h); err != nil {
			return refusedChannel(err)
		}
		if c.JSON {
			return p.printJSON(map[string]bool{"valid": true})
		}
		p.say("The settings can be used.")
		return nil
	})
}

func (c channelValidateCmd) check(ctx context.Context, p *Program, h *Hub) error {
	driver, stored := c.Driver, json.RawMessage(`{}`)
	if c.Channel != "" {
		was, err := h.Target.Channels.Get(ctx, tenant, c.Channel)
		if err != nil {
			return err
		}
		driver, stored = was.Driver, was.Config.V
	}
	spec, err := driverOf(h, driver)
	if err != nil {
		return err
	}
	config, err := c.over(p, spec, stored)
	switch {
	case err != nil:
		return usage{err}
	case c.Channel != "":
		return h.Target.Channels.ValidateStored(ctx, tenant, c.Channel, config)
	default:
		return h.Target.Channels.Validate(driver, config)
	}
}
