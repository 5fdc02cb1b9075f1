package cli

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

type ledgerCmd struct {
	remote
	page
	Lines    bool     `help:"One line for each alert on each route, newest first."`
	State    []string `enum:"pending,delivered,suppressed,dead,no_route,rejected" placeholder:"STATE" help:"Only lines in one of these states."`
	Reason   []string `placeholder:"WORD" help:"Only lines with one of these reasons: duplicate, silenced, below_min_severity, http_404 …"`
	Receipt  string   `placeholder:"ID" help:"Only lines of this push."`
	Incident string   `placeholder:"ID" help:"Only lines of this incident."`
}

// Help implements kong.HelpProvider.
func (ledgerCmd) Help() string {
	return `Every alert on every route is in exactly one state; the hub checks the sums each minute. The exit code is 1 when they do not match.
With --lines, or any filter, it lists what became of each alert, by which pipeline, who was told, and why not. Each line begins with the id of the push
that brought the alert: incidenthub why explains it, and --json has the ids of the alert, the incident and the run.

Examples:

    incidenthub ledger --json
    incidenthub ledger --lines
    incidenthub ledger --state suppressed --reason silenced,throttled`
}

// wireLedger is the API's answer.
type wireLedger struct {
	Counts   map[string]int64 `json:"counts"`
	ByReason map[string]int64 `json:"by_reason"`
	Balanced bool             `json:"balanced"`
	Problem  string           `json:"problem"`
}

type wireLine struct {
	At       time.Time `json:"at"`
	Receipt  string    `json:"receipt_id"`
	Incident string    `json:"incident_id"`
	Alert    string    `json:"alert"`
	Instance string    `json:"instance"`
	Status   string    `json:"status"`
	Severity string    `json:"severity"`
	Pipeline string    `json:"pipeline"`
	State    string    `json:"state"`
	Reason   string    `json:"reason"`
	Why      string    `json:"why"`
	Channels []struct {
		Channel string `json:"channel"`
		State   string `json:"state"`
	} `json:"channels"`
	Later *struct {
		At       time.Time `json:"at"`
		Channels []struct {
			Channel  string `json:"channel"`
			State    string `json:"state"`
			Delivery string `json:"delivery_id"`
			Cause    string `json:"cause"`
		} `json:"channels"`
	} `json:"told_later"`
}

func laterWords(cause string) string {
	switch cause {
	case "throttle":
		return "told when there was room"
	case "fallback":
		return "told instead"
	default:
		return "told at its end"
	}
}

// later says what was told at the end of a silence, when a throttle had room, or to others instead; "" for nothing.
func (l *wireLine) later() string {
	if l.Later == nil {
		return ""
	}
	var words strings.Builder
	last := "none"
	for _, c := range l.Later.Channels {
		sep := ", "
		if c.Cause != last {
			sep = "; " + laterWords(c.Cause) + ", " + at(&l.Later.At) + ": "
		}
		last = c.Cause
		words.WriteString(sep + cmp.Or(c.Channel, "(deleted)"))
		if c.State != "delivered" {
			words.WriteString(" (" + c.State + ")")
		}
		words.WriteString(" by " + c.Delivery)
	}
	if len(l.Later.Channels) == 0 {
		return "; it went through the pipelines again at its end, " + at(&l.Later.At)
	}
	return words.String()
}

// became is the state with its reason, which stand together in the books.
func (l *wireLine) became() string {
	if l.Reason == "" {
		return l.State
	}
	return l.State + "(" + l.Reason + ")"
}

// Run implements the command.
func (c ledgerCmd) Run(ctx context.Context, p *Program) error {
	if c.Lines || len(c.State)+len(c.Reason)+len(c.Receipt)+len(c.Incident) > 0 {
		return c.lines(ctx, p)
	}
	var books wireLedger
	err := get(ctx, p, c.remote, "/api/v1/ledger", nil, &books, func() error {
		var rows [][]string
		for _, state := range []string{"pending", "delivered", "suppressed", "dead", "no_route", "rejected"} {
			rows = append(rows, []string{state, "", strconv.FormatInt(books.Counts[state], 10)})
		}
		for _, reason := range slices.Sorted(maps.Keys(books.ByReason)) {
			rows = append(rows, []string{"", reason, strconv.FormatInt(books.ByReason[reason], 10)})
		}
		return p.table([]string{"STATE", "REASON", "ALERTS"}, rows)
	})
	if err == nil && !books.Balanced {
		return errors.New("the books do not match: " + books.Problem)
	}
	return err
}

func (c ledgerCmd) lines(ctx context.Context, p *Program) error {
	q := c.query()
	for name, value := range map[string]string{
		"state": strings.Join(c.State, ","), "reason": strings.Join(c.Reason, ","), "receipt": c.Receipt, "incident": c.Incident,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	var found list[wireLine]
	return get(ctx, p, c.remote, "/api/v1/ledger/lines", q, &found, func() error {
		rows := make([][]string, len(found.Items))
		for i, l := range found.Items {
			told := make([]string, len(l.Channels))
			for j, one := range l.Channels {
				if told[j] = one.Channel; one.State != "delivered" {
					told[j] += " (" + one.State + ")"
				}
			}
			rows[i] = []string{
				l.Receipt, at(&l.At), cmp.Or(l.Alert, "(not usable)"), l.Instance, strings.TrimSpace(l.Severity + " " + l.Status), cmp.Or(l.Pipeline, "none"),
				l.became(), strings.Join(told, ", "), strings.TrimPrefix(l.Why+l.later(), "; "),
			}
		}
		err := p.table([]string{"RECEIPT", "WHEN", "ALERT", "INSTANCE", "SAYS", "PIPELINE", "STATE", "TOLD", "WHY"}, rows)
		p.more(found.NextCursor)
		return err
	})
}
