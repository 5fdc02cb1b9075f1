package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/rehearsal"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

type backtestCmd struct {
	remote
	Definition string   `placeholder:"FILE" help:"The definition to try: what \"definition export\" wrote, or a definition alone; - for standard input."`
	Name       string   `placeholder:"NAME" help:"The pipeline that it takes the place of. Default: the name in the file, else the file's own. Without --definition: the stored one is tried, made active if it is not."`
	Since      string   `default:"7d" placeholder:"TIME" help:"Beginning of the window: 7d, 36h, 90m ago, or a time like 2026-11-20T10:00:00Z. Default: 7d."`
	Until      string   `placeholder:"TIME" help:"Its end, in the same way. Default: now."`
	GroupBy    []string `placeholder:"SOURCE=LABEL,LABEL" sep:"none" help:"Group the alerts of a source by these labels, or by \"vendor\", the sender's own key. Can be given several times."`
}

// Help implements kong.HelpProvider.
func (backtestCmd) Help() string {
	return `What came in is gone through once more by the real engine with the definition in its place, and compared with what really happened:
messages per channel, alerts that would go nowhere, incidents that would merge or split. Nothing is stored and nothing is sent. One
back-test runs at a time; Ctrl-C cancels it.

Examples:

    incidenthub backtest --definition new.json --name direct --since 7d
    incidenthub backtest --name night-shift --since 48h
    incidenthub backtest --group-by alertmanager=alertname,cluster --since 30d --json`
}

const backtestsPath = "/api/v1/backtests"

// backtestAsk is the request of the API.
type backtestAsk struct {
	Name       string              `json:"name,omitempty"`
	Definition json.RawMessage     `json:"definition,omitempty"`
	Since      string              `json:"since"`
	Until      string              `json:"until,omitempty"`
	GroupBy    map[string][]string `json:"group_by,omitempty"`
}

// Run implements the command.
func (c backtestCmd) Run(ctx context.Context, p *Program) error {
	ask, err := c.ask(p)
	if err != nil {
		return err
	}
	hub, err := p.client(c.remote)
	if err != nil {
		return err
	}
	var job rehearsal.Job
	if _, err := hub.call(ctx, http.MethodPost, backtestsPath, nil, ask, &job); err != nil {
		return err
	}
	raw, err := p.follow(ctx, hub, &job)
	if err != nil {
		return err
	}
	switch {
	case job.State == rehearsal.StateCanceled:
		return errors.New("the back-test was canceled")
	case job.State != rehearsal.StateDone || job.Result == nil:
		return fmt.Errorf("the back-test failed: %s", firstOf(job.Error, "the hub's log says why"))
	case c.JSON:
		return p.printJSON(raw)
	default:
		return p.report(job.Result)
	}
}

func (c backtestCmd) ask(p *Program) (backtestAsk, error) {
	ask := backtestAsk{Name: c.Name, Since: c.Since, Until: c.Until}
	for _, g := range c.GroupBy {
		source, labels, ok := strings.Cut(g, "=")
		if !ok || source == "" || labels == "" {
			return ask, fmt.Errorf("--group-by %q: write a source and its labels, like alertmanager=alertname,cluster", g)
		}
		if ask.GroupBy == nil {
			ask.GroupBy = map[string][]string{}
		}
		for l := range strings.SplitSeq(labels, ",") {
			ask.GroupBy[source] = append(ask.GroupBy[source], strings.TrimSpace(l))
		}
	}
	if c.Definition == "" {
		if ask.Name == "" && ask.GroupBy == nil {
			return ask, errors.New("nothing would be otherwise: give --definition, --name or --group-by")
		}
		return ask, nil
	}
	raw, err := p.input(c.Definition)
	if err != nil {
		return ask, err
	}
	in, err := readDefinition(raw)
	if err != nil {
		return ask, err
	}
	ask.Definition = in.Config
	if ask.Name = firstOf(c.Name, in.Name); ask.Name == "" && c.Definition != "-" {
		ask.Name = strings.TrimSuffix(filepath.Base(c.Definition), filepath.Ext(c.Definition))
	}
	if ask.Name == "" {
		return ask, errors.New("the pipeline has no name: give one with --name")
	}
	return ask, nil
}

// How often a back-test is looked after.
const (
	lookSoon = 200 * time.Millisecond
	lookLate = time.Second
)

// follow waits for the end of a back-test, and cancels it when the command is asked to stop.
func (p *Program) follow(ctx context.Context, hub *client, job *rehearsal.Job) (raw json.RawMessage, err error) {
	line := p.progress()
	defer line("")
	for wait := lookSoon; ; wait = lookLate {
		if err := clock.Sleep(ctx, wait); err != nil {
			end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			_, err = hub.call(end, http.MethodDelete, backtestsPath+"/"+job.ID.String(), nil, nil, nil)
			return nil, firstError(err, errors.New("the back-test was canceled"))
		}
		if raw, err = hub.call(ctx, http.MethodGet, backtestsPath+"/"+job.ID.String(), nil, nil, job); err != nil {
			return nil, err
		}
		if job.State != rehearsal.StateRunning {
			return raw, nil
		}
		text := clean(job.Phase)
		if job.Total > 0 {
			text += fmt.Sprintf(": %d of %d receipts", job.Done, job.Total)
		}
		line(text)
	}
}

// progress shows one line that is written over, on a terminal; elsewhere nothing.
func (p *Program) progress() func(text string) {
	f, ok := p.Err.(*os.File)
	if !ok {
		return func(string) {}
	}
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return func(string) {}
	}
	return func(text string) { _, _ = fmt.Fprintf(f, "\r\x1b[K%s", text) }
}

// report prints what came out, for people.
func (p *Program) report(r *rehearsal.Report) error {
	for _, s := range r.Summary {
		p.say("%s", clean(s))
	}
	for _, s := range r.Notes {
		p.say("Note: %s", clean(s))
	}
	p.say("\nFrom %s to %s: %d receipts, %d alerts; it took %s.", clean(r.Since), clean(r.Until), r.Receipts, r.Observations,
		(time.Duration(r.TookMS) * time.Millisecond).String())
	if err := p.counts(r); err != nil {
		return err
	}
	if err := p.messageLines("WOULD NOT BE SENT", r.Fewer); err != nil {
		return err
	}
	if err := p.messageLines("WOULD BE SENT", r.More); err != nil {
		return err
	}
	if err := p.observationLines("WOULD GO NOWHERE", r.Nowhere); err != nil {
		return err
	}
	if err := p.observationLines("WOULD REACH SOMEBODY", r.Somewhere); err != nil {
		return err
	}
	if err := p.incidentLines("INCIDENTS THAT WOULD BE ONE", r.Merged); err != nil {
		return err
	}
	if err := p.incidentLines("INCIDENTS THAT WOULD BE SEVERAL", r.Split); err != nil {
		return err
	}
	if err := p.receiptLines("RECEIPTS THAT CANNOT BE READ ANY MORE", r.Unreadable); err != nil {
		return err
	}
	return p.receiptLines("RECEIPTS THAT CAN BE READ NOW", r.Readable)
}

func (p *Program) counts(r *rehearsal.Report) error {
	rows := func(list []rehearsal.ChannelCount, reason bool) [][]string {
		out := make([][]string, 0, len(list))
		for _, m := range list {
			row := []string{m.Channel, m.Kind}
			if reason {
				row = append(row, m.Reason)
			}
			out = append(out, append(row, strconv.FormatInt(m.Before, 10), strconv.FormatInt(m.After, 10), fmt.Sprintf("%+d", m.After-m.Before)))
		}
		return out
	}
	if err := p.section("MESSAGES", "none, and there were none", []string{"CHANNEL", "KIND", "WERE", "WOULD BE", "CHANGE"}, rows(r.Messages, false)); err != nil {
		return err
	}
	if len(r.HeldBack) == 0 {
		return nil
	}
	return p.section("HELD BACK", "", []string{"CHANNEL", "KIND", "REASON", "WERE", "WOULD BE", "CHANGE"}, rows(r.HeldBack, true))
}

// part writes a table of a report when it has lines, and how many it leaves out.
func (p *Program) part(name string, total int64, head []string, rows [][]string) error {
	if total == 0 {
		return nil
	}
	if err := p.section(name, "", head, rows); err != nil {
		return err
	}
	if more := total - int64(len(rows)); more > 0 {
		p.say("and %d more", more)
	}
	return nil
}

func (p *Program) messageLines(name string, m rehearsal.Messages) error {
	rows := make([][]string, 0, len(m.Items))
	for _, l := range m.Items {
		rows = append(rows, []string{l.Channel, l.Kind, l.Alert, l.Was, l.WouldBe, "/receipts/" + l.ReceiptID.String(), incidentLink(l.IncidentID)})
	}
	return p.part(name, m.Total, []string{"CHANNEL", "KIND", "ALERT", "WAS", "WOULD BE", "RECEIPT", "INCIDENT"}, rows)
}

func incidentLink(i id.ID) string {
	if i.IsZero() {
		return ""
	}
	return "/incidents/" + i.String()
}

func (p *Program) observationLines(name string, o rehearsal.Observations) error {
	rows := make([][]string, 0, len(o.Items))
	for _, l := range o.Items {
		rows = append(rows, []string{l.Alert, l.Was, l.WouldBe, "/receipts/" + l.ReceiptID.String(), strconv.Itoa(l.Index), incidentLink(l.IncidentID)})
	}
	return p.part(name, o.Total, []string{"ALERT", "WAS", "WOULD BE", "RECEIPT", "NR", "INCIDENT"}, rows)
}

func (p *Program) incidentLines(name string, i rehearsal.Incidents) error {
	rows := make([][]string, 0, len(i.Items))
	for _, l := range i.Items {
		rows = append(rows, []string{strconv.FormatInt(l.Parts, 10), strings.Join(l.Titles, ", "), strings.Join(l.Links, " ")})
	}
	return p.part(name, i.Total, []string{"PARTS", "TITLES", "INCIDENTS"}, rows)
}

func (p *Program) receiptLines(name string, r rehearsal.Receipts) error {
	rows := make([][]string, 0, len(r.Items))
	for _, l := range r.Items {
		rows = append(rows, []string{"/receipts/" + l.ReceiptID.String(), l.Why})
	}
	return p.part(name, r.Total, []string{"RECEIPT", "WHY"}, rows)
}
