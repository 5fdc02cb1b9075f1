package cli

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/silences"
	"github.com/incidenthub/incidenthub/internal/platform/period"
)

type silenceCmd struct {
	List    silenceListCmd    `cmd:"" help:"List silences and maintenance windows, newest first."`
	Show    silenceShowCmd    `cmd:"" help:"Show one silence."`
	Create  silenceCreateCmd  `cmd:"" help:"Keep people from being told of what matches, until an end that must be given."`
	Preview silencePreviewCmd `cmd:"" help:"Show what a silence would match now, and would have kept back in the last 7 days."`
	Update  silenceUpdateCmd  `cmd:"" help:"Change a silence that is not over: what is not named stays as it is."`
	Expire  silenceExpireCmd  `cmd:"" help:"End a silence now. What it held back is told, if it still fires."`
}

// wireSilence is what the commands show of the API's silence.
type wireSilence struct {
	ID            string               `json:"id"`
	Name          string               `json:"name"`
	Kind          string               `json:"kind"`
	Matchers      []string             `json:"matchers"`
	Comment       string               `json:"comment"`
	CreatedBy     string               `json:"created_by"`
	StartsAt      *time.Time           `json:"starts_at"`
	EndsAt        *time.Time           `json:"ends_at"`
	UntilResolved bool                 `json:"until_resolved"`
	UnusedFor     string               `json:"unused_for"`
	Recurrence    *silences.Recurrence `json:"recurrence"`
	Status        string               `json:"status"`
	Until         *time.Time           `json:"active_until"`
	Next          *time.Time           `json:"next_at"`
	Holding       int                  `json:"holding"`
	ExpiredAt     *time.Time           `json:"expired_at"`
	ExpiredBy     string               `json:"expired_by"`
	Version       int64                `json:"version"`
}

// end says in a few words when a silence is over.
func (s *wireSilence) end() string {
	var ways []string
	switch {
	case s.ExpiredAt != nil:
		return at(s.ExpiredAt)
	case s.Status == "pending" && s.Next != nil && s.Until != nil:
		ways = append(ways, "from "+at(s.Next)+" to "+at(s.Until))
		if s.Recurrence != nil {
			ways[0] = "next window " + ways[0]
		}
	case s.Status == "pending" && s.Next != nil:
		ways = append(ways, "from "+at(s.Next))
	}
	switch {
	case len(ways) > 0 && s.Until != nil: // it is said already
	case s.Until != nil:
		ways = append(ways, at(s.Until))
	case s.EndsAt != nil:
		ways = append(ways, at(s.EndsAt))
	}
	if s.UntilResolved {
		ways = append(ways, "when resolved")
	}
	if s.UnusedFor != "" {
		ways = append(ways, "unused for "+s.UnusedFor)
	}
	return strings.Join(ways, ", ")
}

type silenceListCmd struct {
	remote
	page
	Status []string `enum:"pending,active,expired" default:"active,pending" help:"Only these: pending, active, expired. Default: what is not over."`
	Kind   string   `placeholder:"KIND" help:"Only silence or maintenance."`
	Search string   `placeholder:"TEXT" help:"In matchers, comment, name or author."`
}

// Help implements kong.HelpProvider.
func (silenceListCmd) Help() string {
	return `HELD is how many incidents are told at the end, if they still fire.

Examples:

    incidenthub silence list
    incidenthub silence list --status expired --json | jq -r '.items[].comment'`
}

// Run implements the command.
func (c silenceListCmd) Run(ctx context.Context, p *Program) error {
	q := c.query()
	q.Set("status", strings.Join(c.Status, ","))
	for name, v := range map[string]string{"kind": c.Kind, "q": c.Search} {
		if v != "" {
			q.Set(name, v)
		}
	}
	var found list[wireSilence]
	return get(ctx, p, c.remote, "/api/v1/silences", q, &found, func() error {
		rows := make([][]string, len(found.Items))
		for i, s := range found.Items {
			rows[i] = []string{s.ID, s.Name, s.Status, s.Kind, s.end(), strconv.Itoa(s.Holding), s.CreatedBy, strings.Join(silences.Written(s.Matchers), " "), s.Comment}
		}
		if err := p.table([]string{"ID", "NAME", "STATUS", "KIND", "END", "HELD", "BY", "MATCHERS", "COMMENT"}, rows); err != nil {
			return err
		}
		p.more(found.NextCursor)
		return nil
	})
}

type silenceShowCmd struct {
	remote
	ID string `arg:"" help:"Id of the silence."`
}

// Help implements kong.HelpProvider.
func (silenceShowCmd) Help() string {
	return `Example:

    incidenthub silence show 0190a6c1-7c4e-7b1a-9d0e-5b8f3c2a1d4e`
}

// Run implements the command.
func (c silenceShowCmd) Run(ctx context.Context, p *Program) error {
	var s wireSilence
	return get(ctx, p, c.remote, "/api/v1/silences/"+segment(c.ID), nil, &s, func() error {
		p.saySilence(&s)
		return nil
	})
}

// saySilence shows one silence.
func (p *Program) saySilence(s *wireSilence) {
	name := ""
	if s.Name != "" {
		name = " " + s.Name
	}
	p.say("%s %s%s is %s", clean(s.Kind), clean(s.ID), clean(name), clean(s.Status))
	for _, m := range silences.Written(s.Matchers) {
		p.say("  %s", clean(m))
	}
	if s.Comment != "" {
		p.say("%s", clean(s.Comment))
	}
	p.say("By %s, from %s. End: %s", clean(firstOf(s.CreatedBy, "nobody")), at(s.StartsAt), clean(s.end()))
	if r := s.Recurrence; r != nil {
		p.say("Recurs: %s, %s each, %s", clean(r.RRule), clean(r.Duration), clean(firstOf(r.Timezone, "UTC")))
	}
	if s.ExpiredBy != "" {
		p.say("Ended by %s", clean(s.ExpiredBy))
	}
	if s.Holding > 0 {
		p.say("%s for its end", count(s.Holding, "incident waits", "incidents wait"))
	}
}

// silenceFlags say what is silenced, and when.
type silenceFlags struct {
	Matcher       []string `short:"m" sep:"none" placeholder:"MATCHER" help:"As in Alertmanager: instance=~\"a|b\"; repeat for several, all of which must hold."`
	Incident      string   `placeholder:"ID" help:"Instead of matchers: what the firing alerts of this incident have in common."`
	Duration      string   `short:"d" placeholder:"TIME" help:"How long it lasts from its start, or in a change from now: 30m, 2h, 3d."`
	EndsAt        string   `placeholder:"TIME" help:"When it ends, such as 2026-11-21T10:00:00Z."`
	UntilResolved bool     `help:"End it when nothing fires any more that it matches."`
	UnusedFor     string   `placeholder:"TIME" help:"End it when it matched nothing for that long."`
	StartsAt      string   `placeholder:"TIME" help:"When it begins. Default: now."`
	RRule         string   `name:"rrule" placeholder:"RULE" help:"Make it recur: FREQ=WEEKLY;BYDAY=SU;BYHOUR=2;BYMINUTE=0."`
	Window        string   `placeholder:"TIME" help:"How long each window of a rule is."`
	Timezone      string   `placeholder:"ZONE" help:"Of the rule, such as Europe/Berlin. Default: UTC."`
}

// body is the request that the flags make.
func (f *silenceFlags) body() (map[string]any, error) {
	b := map[string]any{}
	switch {
	case len(f.Matcher) > 0 && f.Incident != "":
		return nil, usage{errors.New("give --matcher or --incident, not both")}
	case f.Incident != "":
		b["incident_id"] = f.Incident
	case len(f.Matcher) > 0:
		b["matchers"] = f.Matcher
	}
	for name, text := range map[string]string{"starts_at": f.StartsAt, "ends_at": f.EndsAt} {
		if text == "" {
			continue
		}
		when, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return nil, usage{errors.New("--" + strings.ReplaceAll(name, "_", "-") + " must look like 2026-11-21T10:00:00Z")}
		}
		b[name] = when
	}
	for name, text := range map[string]string{"duration": f.Duration, "unused_for": f.UnusedFor} {
		if text == "" {
			continue
		}
		if d, err := period.Parse(text); err != nil || d <= 0 {
			return nil, usage{errors.New("--" + strings.ReplaceAll(name, "_", "-") + " must be a time like 30m, 2h or 3d")}
		}
		b[name] = text
	}
	if f.UntilResolved {
		b["until_resolved"] = true
	}
	if f.RRule != "" || f.Window != "" || f.Timezone != "" {
		if f.RRule == "" || f.Window == "" {
			return nil, usage{errors.New("what recurs needs --rrule and --window")}
		}
		b["recurrence"] = silences.Recurrence{RRule: f.RRule, Duration: f.Window, Timezone: f.Timezone}
	}
	return b, nil
}

type silenceCreateCmd struct {
	remote
	silenceFlags
	Comment     string `short:"c" placeholder:"TEXT" help:"Why: people who wonder read it."`
	Maintenance bool   `help:"Call it a maintenance window."`
	Name        string `placeholder:"NAME" help:"A name, unique among those that are not over. Configuration files know silences by it."`
}

// Help implements kong.HelpProvider.
func (silenceCreateCmd) Help() string {
	return `An end must be given: --duration, --ends-at, --until-resolved, --unused-for, or windows that recur. Of several what comes first ends it. The end of
what was told before is told all the same. It needs a key of the scope respond.

Examples:

    incidenthub silence create --matcher 'instance=~"web-1|web-2"' --duration 2h --comment "new disks"
    incidenthub silence create --incident 0190a6c1-7c4e-7b1a-9d0e-5b8f3c2a1d4e --until-resolved
    incidenthub silence create -m job=backup -m severity!=critical --unused-for 7d
    incidenthub silence create --maintenance -m cluster=prod --rrule "FREQ=WEEKLY;BYDAY=SU;BYHOUR=2;BYMINUTE=0" --window 4h --timezone Europe/Berlin`
}

// Run implements the command.
func (c silenceCreateCmd) Run(ctx context.Context, p *Program) error {
	body, err := c.body()
	if err != nil {
		return err
	}
	if len(c.Matcher) == 0 && c.Incident == "" {
		return usage{errors.New("say what to silence: --matcher or --incident")}
	}
	body["comment"], body["name"] = c.Comment, c.Name
	if c.Maintenance {
		body["kind"] = silences.KindMaintenance
	}
	return inFlags(post(ctx, p, c.remote, "/api/v1/silences", body, func(s *wireSilence) { p.saySilence(s) }))
}

type silencePreviewCmd struct {
	remote
	silenceFlags
	Silence string `placeholder:"ID" help:"A silence that is there: the rest is a change of it."`
}

// Help implements kong.HelpProvider.
func (silencePreviewCmd) Help() string {
	return `Nothing is saved. Of what recurs the windows count that its rule would have had in the last 7 days.

Examples:

    incidenthub silence preview -m 'instance=~"web-.*"'
    incidenthub silence preview -m cluster=prod --rrule "FREQ=DAILY;BYHOUR=2;BYMINUTE=0" --window 1h
    incidenthub silence preview --silence 0190a6c1-7c4e-7b1a-9d0e-5b8f3c2a1d4e -m 'instance="web-1"'`
}

// Run implements the command.
func (c silencePreviewCmd) Run(ctx context.Context, p *Program) error {
	body, err := c.body()
	if err != nil {
		return err
	}
	if c.Silence != "" {
		body["silence"] = c.Silence
	}
	if len(c.Matcher) == 0 && c.Incident == "" && c.Silence == "" {
		return usage{errors.New("say what to silence: --matcher, --incident or --silence")}
	}
	return inFlags(post(ctx, p, c.remote, "/api/v1/silences/preview", body, func(v *silences.Preview) { p.sayPreview(v) }))
}

func (p *Program) sayPreview(v *silences.Preview) {
	for _, m := range silences.Written(v.Matchers) {
		p.say("  %s", clean(m))
	}
	switch {
	case v.Now.Alerts > 0:
		p.say("It matches %s now, of %s%s.", count(v.Now.Alerts, "alert that fires", "alerts that fire"), count(v.Now.Incidents, "incident", "incidents"), partly(v.Now.Bounded))
	case v.Now.Bounded:
		p.say("It matches no alert among those that were looked at%s.", partly(true))
	default:
		p.say("It matches no alert now: as things are it would hold nothing back.")
	}
	for _, m := range v.Now.Idle {
		p.say("  Nothing that fires has %s", clean(m))
	}
	for _, a := range v.Now.List {
		p.say("  %s %s", clean(string(a.Severity)), clean(a.Name))
	}
	since := v.Past.Since
	p.say("Since %s it would have kept back %d of %s, of %s%s.", at(&since), v.Past.Messages, count(v.Past.Looked, "message", "messages"), count(v.Past.Incidents, "incident", "incidents"), partly(v.Past.Bounded))
	for _, ch := range v.Past.Channels {
		p.say("  %d by %s", ch.Messages, clean(ch.Channel))
	}
	for _, i := range v.Past.List {
		p.say("  %s %s: %d, the last at %s", i.ID, clean(i.Title), i.Messages, at(&i.LastAt))
	}
	if b := v.Before; b != nil {
		p.say("As it is stored: %s and %s now, %s of %s.", count(b.Alerts, "alert", "alerts"), count(b.Incidents, "incident", "incidents"), count(b.PastMessages, "message", "messages"), count(b.PastIncidents, "incident", "incidents"))
	}
	for _, w := range v.Windows {
		p.say("Window from %s to %s", at(&w.Start), at(&w.End))
	}
}

func partly(bounded bool) string {
	if bounded {
		return " (there was too much to look at all of it)"
	}
	return ""
}

type silenceExpireCmd struct {
	remote
	ID string `arg:"" help:"Id of the silence."`
}

// Help implements kong.HelpProvider.
func (silenceExpireCmd) Help() string {
	return `It stays in the list. To end one that is over already is no error. It needs a key of the scope respond.

Example:

    incidenthub silence expire 0190a6c1-7c4e-7b1a-9d0e-5b8f3c2a1d4e`
}

// Run implements the command.
func (c silenceExpireCmd) Run(ctx context.Context, p *Program) error {
	hub, err := p.client(c.remote)
	if err != nil {
		return err
	}
	path := "/api/v1/silences/" + segment(c.ID)
	if _, err := hub.call(ctx, http.MethodDelete, path, nil, nil, nil); err != nil {
		return err
	}
	var s wireSilence
	return get(ctx, p, c.remote, path, nil, &s, func() error {
		p.say("%s is %s", clean(s.ID), clean(s.Status))
		return nil
	})
}
