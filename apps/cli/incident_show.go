package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
)

type incidentShowCmd struct {
	remote
	ID string `arg:"" help:"Id of the incident."`
}

// Help implements kong.HelpProvider.
func (incidentShowCmd) Help() string {
	return `Prints what is wrong, where and since when; its alerts, those that fire first; who was told, and why somebody was not; and what happened,
the latest last. With --json: {"incident", "timeline", "deliveries"} as the API has them.

Example:

    incidenthub incident show 019a…`
}

// wireTimeline is what the commands show of the API's timeline.
type wireTimeline struct {
	At        *time.Time `json:"at"`
	Kind      string     `json:"kind"`
	Event     string     `json:"event"`
	Actor     string     `json:"actor"`
	AlertName string     `json:"alert_name"`
	Details   struct {
		Text    string `json:"text"`
		Summary string `json:"summary"`
		Why     string `json:"why"` // it is told again
		Channel string `json:"channel"`
		Alert   string `json:"alert"`
		From    string `json:"from"`
		To      string `json:"to"`
	} `json:"details"`
}

// words say whether it happened to the incident or to one of its alerts: both are opened, and resolved, at about one time.
func (e *wireTimeline) words() string {
	words := map[string]string{
		"alert created": "alert fires", "alert refired": "alert fires again", "alert resolved": "alert resolved", "alert updated": "alert changed",
		"incident opened": "incident opened", "incident resolved": "incident resolved", "incident reopened": "incident reopened", "incident closed": "incident closed",
	}
	return firstOf(words[e.Kind+" "+e.Event], strings.ReplaceAll(e.Event, "_", " "))
}

// Run implements the command.
func (c incidentShowCmd) Run(ctx context.Context, p *Program) error {
	api, err := p.client(c.remote)
	if err != nil {
		return err
	}
	path := "/api/v1/incidents/" + segment(c.ID)
	var in wireIncident
	var timeline list[wireTimeline]
	var told list[wireDelivery]
	raw, err := api.call(ctx, http.MethodGet, path, nil, nil, &in)
	if err != nil {
		return err
	}
	rawTimeline, err := api.call(ctx, http.MethodGet, path+"/timeline", nil, nil, &timeline)
	if err != nil {
		return err
	}
	q := url.Values{"incident": {in.ID}, "attempts": {"true"}, "limit": {"50"}}
	rawTold, err := api.call(ctx, http.MethodGet, "/api/v1/deliveries", q, nil, &told)
	if err != nil {
		return err
	}
	if c.JSON {
		return p.printJSON(map[string]json.RawMessage{"incident": raw, "timeline": rawTimeline, "deliveries": rawTold})
	}
	return p.showIncident(&in, timeline.Items, told, clock.System().Now())
}

func (p *Program) showIncident(in *wireIncident, timeline []wireTimeline, told list[wireDelivery], now time.Time) error {
	p.say("%s", clean(in.Title))
	p.say("%s, %s, %d of %d alerts firing", clean(in.Severity), clean(in.Status), in.Firing, in.AlertCount)
	p.say("opened %s (%s), last event %s", at(in.CreatedAt), ago(in.CreatedAt, now), cmp.Or(ago(in.UpdatedAt, now), "unknown"))
	where := "from " + cmp.Or(strings.Join(in.Sources, ", "), "nowhere")
	if in.Instance != "" {
		where = "on " + in.Instance + ", " + where
	}
	p.say("%s, trace %s", clean(where), clean(in.TraceID))
	if in.Description != "" {
		p.say("")
		p.text(in.Description)
	}
	if in.Summary != "" {
		p.say("")
		p.text("Summary: " + in.Summary)
	}
	if err := p.section("ALERTS", "None.", []string{"STATUS", "SEVERITY", "NAME", "INSTANCE", "SOURCE", "SINCE", "TIMES"}, alertRows(in)); err != nil {
		return err
	}
	if err := p.section("TOLD", "Nobody was told. incidenthub why "+clean(in.ID)+" says why.", toldHead, toldRows(told.Items)); err != nil {
		return err
	}
	p.more(told.NextCursor)
	slices.SortStableFunc(timeline, func(a, b wireTimeline) int { return cmp.Compare(unix(a.At), unix(b.At)) })
	rows := make([][]string, len(timeline))
	for i, e := range timeline {
		rows[i] = []string{at(e.At), e.words(), e.Actor, happened(&e)}
	}
	return p.section("TIMELINE", "Nothing yet.", []string{"AT", "EVENT", "BY", "WHAT"}, rows)
}

// alertRows lists the alerts, those that fire first, the oldest of each first.
func alertRows(in *wireIncident) [][]string {
	all := slices.Clone(in.Alerts)
	firing := string(event.StatusFiring)
	slices.SortStableFunc(all, func(a, b wireAlert) int {
		if (a.Status == firing) != (b.Status == firing) {
			if a.Status == firing {
				return -1
			}
			return 1
		}
		return cmp.Compare(unix(a.StartedAt), unix(b.StartedAt))
	})
	rows := make([][]string, len(all))
	for i, a := range all {
		since := at(a.StartedAt)
		if a.EndedAt != nil && a.Status != firing {
			since = at(a.EndedAt)
		}
		rows[i] = []string{a.Status, a.Severity, a.Name, event.Instance(a.Labels), a.Source, since, strconv.FormatInt(a.Occurrences, 10)}
	}
	return rows
}

// happened is what an event is about, on one line.
func happened(e *wireTimeline) string {
	what := firstOf(e.Details.Text, e.Details.Summary, e.Details.Why, e.Details.Channel, e.AlertName, e.Details.Alert)
	if e.Details.From != "" && e.Details.To != "" {
		what = strings.TrimSpace(fmt.Sprintf("%s %s to %s", what, e.Details.From, e.Details.To))
	}
	return what
}

func unix(t *time.Time) int64 {
	if t == nil {
		return 0
	}
	return t.UnixMicro()
}
