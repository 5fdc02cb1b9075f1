package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/period"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
)

type channelCmd struct {
	List     channelListCmd     `cmd:"" help:"List the channels: who is told, of what, and who is told instead."`
	Show     channelShowCmd     `cmd:"" help:"Show one channel with its settings; secrets are only said to be there."`
	Create   channelCreateCmd   `cmd:"" help:"Make a channel."`
	Update   channelUpdateCmd   `cmd:"" help:"Change settings of a channel."`
	Delete   channelDeleteCmd   `cmd:"" help:"Remove a channel; the log of what it told stays."`
	Test     channelTestCmd     `cmd:"" help:"Send a test message, through a running hub."`
	Validate channelValidateCmd `cmd:"" help:"Check settings without saving them."`
	Drivers  channelDriversCmd  `cmd:"" help:"List what a channel can be, and the settings of each kind."`
}

// wireChannel is a channel as --json prints it.
type wireChannel struct {
	ID          id.ID           `json:"id"`
	Name        string          `json:"name"`
	Driver      string          `json:"driver"`
	Config      json.RawMessage `json:"config"` // {"configured": true} in place of secrets
	IsActive    bool            `json:"is_active"`
	Description string          `json:"description"`
	MinSeverity event.Severity  `json:"min_severity"`
	Renotify    string          `json:"renotify"`
	Fallback    *wireFallback   `json:"fallback"`
	Throttle    *wireThrottle   `json:"throttle"`
	State       string          `json:"state"` // active, inactive, off, failing
	StateDetail string          `json:"state_detail"`
	Trouble     *notify.Trouble `json:"trouble"`
	Warnings    []string        `json:"warnings"`
	BuiltIn     bool            `json:"built_in"`
	Version     int64           `json:"version"`
	CreatedAt   time.Time       `json:"created_at"`
	UpdatedAt   time.Time       `json:"updated_at"`
}

type wireFallback struct {
	Channel string `json:"channel"`
	After   string `json:"after"`
}

type wireThrottle struct {
	Messages int    `json:"messages"`
	Per      string `json:"per"`
}

func viewChannel(c notify.Channel) wireChannel {
	in := notify.InputOf(c)
	v := wireChannel{
		ID: c.ID, Name: c.Name, Driver: c.Driver, Config: c.Config.V, IsActive: c.IsActive, Description: c.Description, MinSeverity: c.MinSeverity,
		Renotify: period.Text(in.Renotify), BuiltIn: c.BuiltIn(), Version: c.Version, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt,
		State: c.State, StateDetail: c.Why, Trouble: c.Trouble, Warnings: c.Warnings(),
	}
	if in.Fallback != "" {
		v.Fallback = &wireFallback{cmp.Or(c.FallbackName, in.Fallback), period.Text(in.FallbackAfter)}
	}
	if in.Throttle != (notify.Throttle{}) {
		v.Throttle = &wireThrottle{in.Throttle.Messages, period.Text(in.Throttle.Per)}
	}
	return v
}

// words say who is told instead, "" for nobody.
func (f *wireFallback) words() string {
	switch {
	case f == nil:
		return ""
	case f.After == "":
		return f.Channel
	default:
		return f.Channel + " after " + f.After
	}
}

// words say how the channel stands.
func (v wireChannel) words() string {
	switch v.State {
	case notify.ChannelInactive:
		return "inactive"
	case notify.ChannelOff:
		return "sends nothing"
	default:
		return v.State
	}
}

type channelListCmd struct {
	where
	JSON bool `help:"Print JSON."`
}

// Help implements kong.HelpProvider.
func (channelListCmd) Help() string {
	return `STATE is active, inactive (it is told nothing), failing, or sends nothing (its settings say so). TOLD is the least severity. REMINDED is how long after the last message a reminder follows while it still fires. FALLBACK is told when the
channel cannot be. AT MOST is how many messages it gets in how long.

Examples:

    incidenthub channel list
    incidenthub channel list --json | jq -r '.[] | select(.is_active | not) | .name'`
}

// Run implements the command.
func (c channelListCmd) Run(ctx context.Context, p *Program) error {
	return p.withStored(ctx, c.where, func(ctx context.Context, h *Hub) error {
		records, err := h.Target.Channels.List(ctx, tenant)
		if err != nil {
			return err
		}
		list := make([]wireChannel, len(records))
		var rows [][]string
		for i, r := range records {
			v := viewChannel(r)
			list[i] = v
			state := v.words()
			rows = append(rows, []string{v.Name, v.Driver, state, cmp.Or(string(v.MinSeverity), "all"), cmp.Or(v.Renotify, "never"), cmp.Or(v.Fallback.words(), "none"), cmp.Or(notify.InputOf(r).Throttle.Text(), "any"), v.Description})
		}
		if c.JSON {
			return p.printJSON(list)
		}
		return p.table([]string{"NAME", "DRIVER", "STATE", "TOLD", "REMINDED", "FALLBACK", "AT MOST", "DESCRIPTION"}, rows)
	})
}

type channelShowCmd struct {
	where
	Channel string `arg:"" help:"Name or id."`
	JSON    bool   `help:"Print JSON."`
}

// Help implements kong.HelpProvider.
func (channelShowCmd) Help() string {
	return `Examples:

    incidenthub channel show ops
    incidenthub channel show ops --json | jq .config`
}

// Run implements the command.
func (c channelShowCmd) Run(ctx context.Context, p *Program) error {
	return p.withStored(ctx, c.where, func(ctx context.Context, h *Hub) error {
		r, err := h.Target.Channels.Get(ctx, tenant, c.Channel)
		if err != nil {
			return err
		}
		v := viewChannel(r)
		if c.JSON {
			return p.printJSON(v)
		}
		state := v.words()
		if !v.IsActive {
			state += ": it is told nothing"
		}
		p.say("%s\n%s, %s, version %d", clean(v.Name), clean(v.Driver), state, v.Version)
		if v.StateDetail != "" {
			p.say("%s.", clean(capital(v.StateDetail)))
		}
		if v.Description != "" {
			p.say("%s", clean(v.Description))
		}
		p.say("Told: %s. Reminded: %s. Fallback: %s.", cmp.Or(atLeast(v.MinSeverity), "everything"), cmp.Or(every(v.Renotify), "never"), clean(cmp.Or(v.Fallback.words(), "none")))
		if words := notify.InputOf(r).Throttle.Words(); words != "" {
			p.say("Throttle: %s.", words)
		}
		for _, w := range v.Warnings {
			p.say("%s.", clean(capital(w)))
		}
		var rows [][]string
		for _, s := range settingRows(v.Config) {
			rows = append(rows, []string{s[0], s[1]})
		}
		return p.section("SETTINGS", "None: each has its default.", []string{"KEY", "VALUE"}, rows)
	})
}

func atLeast(s event.Severity) string {
	if s == "" {
		return ""
	}
	return string(s) + " and worse"
}

func every(span string) string {
	if span == "" {
		return ""
	}
	return "after " + span
}

type channelDeleteCmd struct {
	where
	Channel string `arg:"" help:"Name or id."`
	JSON    bool   `help:"Print JSON."`
}

// Help implements kong.HelpProvider.
func (channelDeleteCmd) Help() string {
	return `Its settings and secrets are gone then. One that others fall back on, or that active pipelines name, is not deleted: give those another
fallback, and change the pipelines, first. To keep the settings, deactivate it instead.

Examples:

    incidenthub channel delete ops
    incidenthub channel update ops --no-active`
}

// Run implements the command.
func (c channelDeleteCmd) Run(ctx context.Context, p *Program) error {
	return p.withStored(ctx, c.where, func(ctx context.Context, h *Hub) error {
		r, err := h.Target.Channels.Get(ctx, tenant, c.Channel)
		if err != nil {
			return err
		}
		warnings, err := deleteChannel(ctx, h, r)
		if err != nil {
			return err
		}
		if c.JSON {
			return p.printJSON(map[string]any{"deleted": r.Name, "warnings": warnings})
		}
		p.say("Channel %q is deleted.", clean(r.Name))
		p.notes(warnings)
		return nil
	})
}

// deleteChannel removes a channel that no active pipeline names. The warnings are of those that are not active.
func deleteChannel(ctx context.Context, h *Hub, c notify.Channel) (warnings []string, err error) {
	list, err := h.Target.Pipelines.List(ctx, tenant, true)
	if err != nil {
		return nil, err
	}
	if free := orchestration.ChannelFree(list, c.Name); free != nil && !c.BuiltIn() { // that one stays in any case, which the service says
		return nil, fmt.Errorf("delete channel %q: %w", c.Name, free)
	}
	warnings = orchestration.ChannelChange{Was: c.Name}.Warnings(list)
	return append([]string{}, warnings...), h.Target.Channels.Delete(ctx, tenant, c.ID.String())
}

type channelDriversCmd struct {
	where
	Driver string `arg:"" optional:"" help:"One of them, with what each setting means."`
	JSON   bool   `help:"Print JSON."`
}

// Help implements kong.HelpProvider.
func (channelDriversCmd) Help() string {
	return `Examples:

    incidenthub channel drivers
    incidenthub channel drivers email`
}

// wireDriver is a kind of channels as --json prints it.
type wireDriver struct {
	Name        string             `json:"name"`
	Description string             `json:"description"`
	Required    []string           `json:"required_config"`
	Optional    []string           `json:"optional_config"`
	Fields      []wireChannelField `json:"fields"`
}

type wireChannelField struct {
	Key         string   `json:"key"`
	Type        string   `json:"type"`
	Description string   `json:"description"`
	Default     string   `json:"default"`
	Enum        []string `json:"enum"`
	Required    bool     `json:"required"`
	Secret      bool     `json:"secret"`
}

func viewDriver(spec channel.Spec) wireDriver {
	d := wireDriver{Name: spec.Name, Description: spec.Description, Required: []string{}, Optional: []string{}, Fields: []wireChannelField{}}
	for i, f := range spec.Fields() {
		required := i < len(spec.Required)
		if required {
			d.Required = append(d.Required, f.Key)
		} else {
			d.Optional = append(d.Optional, f.Key)
		}
		d.Fields = append(d.Fields, wireChannelField{f.Key, string(f.Type), f.Doc, f.Default, append([]string{}, f.Enum...), required, f.Secret})
	}
	return d
}

// Run implements the command.
func (c channelDriversCmd) Run(ctx context.Context, p *Program) error {
	return p.withAny(ctx, c.where, func(_ context.Context, h *Hub) error {
		if c.Driver != "" {
			spec, err := driverOf(h, c.Driver)
			if err != nil {
				return err
			}
			return c.show(p, viewDriver(spec))
		}
		list := []wireDriver{}
		var rows [][]string
		for _, spec := range h.Kinds {
			d := viewDriver(spec)
			list = append(list, d)
			rows = append(rows, []string{d.Name, cmp.Or(strings.Join(d.Required, ", "), "nothing"), d.Description})
		}
		if c.JSON {
			return p.printJSON(list)
		}
		return p.table([]string{"DRIVER", "NEEDS", "DESCRIPTION"}, rows)
	})
}

func (c channelDriversCmd) show(p *Program, d wireDriver) error {
	if c.JSON {
		return p.printJSON(d)
	}
	p.say("%s\n%s", clean(d.Name), clean(d.Description))
	for _, f := range d.Fields {
		var notes []string
		for _, n := range []struct {
			is   bool
			says string
		}{
			{f.Required, "required"}, {f.Secret, "secret"}, {f.Default != "", "default " + f.Default}, {len(f.Enum) > 0, "one of " + strings.Join(f.Enum, ", ")},
		} {
			if n.is {
				notes = append(notes, n.says)
			}
		}
		p.say("\n%s (%s)\n  %s", clean(f.Key), clean(strings.Join(append([]string{f.Type}, notes...), "; ")), clean(f.Description))
	}
	return nil
}

// driverOf finds a kind of channels; the error names those there are.
func driverOf(h *Hub, name string) (channel.Spec, error) {
	var names []string
	for _, k := range h.Kinds {
		if k.Name == name {
			return k, nil
		}
		names = append(names, k.Name)
	}
	return channel.Spec{}, usage{fmt.Errorf("there is no channel driver %q; there are: %s", name, strings.Join(names, ", "))}
}

// refusedChannel says what is wrong with a channel, a line for each thing. Such input cannot be used: the exit code is ExitUsage.
func refusedChannel(err error) error {
	bad := (*notify.Invalid)(nil)
	if !errors.As(err, &bad) {
		return err
	}
	lines := []string{"the channel cannot be used as it is"}
	address := false
	for _, one := range bad.Problems {
		lines = append(lines, strings.TrimPrefix(one.Field, "config.")+": "+one.Message)
		address = address || strings.Contains(one.Message, settings.AllowIt)
	}
	if address {
		lines = append(lines, "this command goes by its own environment, which may not be that of a hub that runs: if that one has HUB_EGRESS_ALLOW, give it to this command, too")
	}
	return usage{errors.New(strings.Join(lines, "\n"))}
}
