package cli

import (
	"strconv"
	"strings"
)

// wirePlan is what the commands show of a dry run.
type wirePlan struct {
	Outcome      string `json:"outcome"`
	Reason       string `json:"reason"`
	Driver       string `json:"driver"`
	TraceID      string `json:"trace_id"`
	Observations []struct {
		Name     string `json:"name"`
		Status   string `json:"status"`
		Severity string `json:"severity"`
		Rejected string `json:"rejected"`
		Routes   []struct {
			Definition string `json:"definition"`
			State      string `json:"state"`
			Reason     string `json:"reason"`
		} `json:"routes"`
	} `json:"observations"`
	Incidents []struct {
		ID       string `json:"id"`
		Known    bool   `json:"known"`
		Title    string `json:"title"`
		Status   string `json:"status"`
		Severity string `json:"severity"`
		Events   []struct {
			Kind string `json:"kind"`
		} `json:"events"`
	} `json:"incidents"`
	Runs []struct {
		Definition string `json:"definition"`
		State      string `json:"state"`
		Error      string `json:"error"`
		Nodes      []struct {
			Node   string `json:"node"`
			Type   string `json:"type"`
			State  string `json:"state"`
			Reason string `json:"reason"`
			Error  string `json:"error"`
		} `json:"nodes"`
	} `json:"runs"`
	Messages []struct {
		Channel string `json:"channel"`
		Driver  string `json:"driver"`
		Kind    string `json:"kind"`
		State   string `json:"state"`
		Reason  string `json:"reason"`
		Title   string `json:"title"`
		Body    string `json:"body"`
	} `json:"messages"`
}

// words writes a word of the API for people.
func words(s string) string { return strings.ReplaceAll(s, "_", " ") }

// showPlan prints what would happen: alerts, incidents, nodes, and each message as its receiver would get it.
func (p *Program) showPlan(plan *wirePlan) error {
	p.say("Dry run: nothing was stored and nothing was sent.")
	if plan.Outcome != "queued" {
		p.say("%s", strings.TrimSuffix(clean(words(plan.Outcome)+": "+plan.Reason), ": "))
	}
	var rows [][]string
	for _, o := range plan.Observations {
		if o.Rejected != "" {
			rows = append(rows, []string{o.Name, o.Status, o.Severity, "", "rejected", o.Rejected})
			continue
		}
		for _, r := range o.Routes {
			rows = append(rows, []string{o.Name, o.Status, o.Severity, r.Definition, words(r.State), words(r.Reason)})
		}
	}
	if len(rows) > 0 {
		if err := p.section("ALERTS, as of "+clean(plan.Driver), "", []string{"NAME", "STATUS", "SEVERITY", "PIPELINE", "BECOMES", "WHY"}, rows); err != nil {
			return err
		}
	}
	rows = nil
	for _, i := range plan.Incidents {
		kinds := make([]string, len(i.Events))
		for n, e := range i.Events {
			kinds[n] = words(e.Kind)
		}
		which := "new"
		if i.Known {
			which = i.ID
		}
		rows = append(rows, []string{i.Title, i.Severity, i.Status, strings.Join(kinds, ", "), which})
	}
	if err := p.section("INCIDENTS", "None would be opened or changed.", []string{"TITLE", "SEVERITY", "STATUS", "EVENTS", "ID"}, rows); err != nil {
		return err
	}
	rows = nil
	for _, r := range plan.Runs {
		for _, n := range r.Nodes {
			rows = append(rows, []string{r.Definition, n.Node, n.Type, n.State, firstOf(n.Error, words(n.Reason))})
		}
	}
	if err := p.section("NODES", "Nothing would run.", []string{"PIPELINE", "NODE", "TYPE", "STATE", "WHY"}, rows); err != nil {
		return err
	}
	rows = nil
	for _, m := range plan.Messages {
		rows = append(rows, []string{m.Channel, m.Driver, m.Kind, words(m.State), words(m.Reason), m.Title})
	}
	if err := p.section("MESSAGES", "Nobody would be told.", []string{"CHANNEL", "DRIVER", "WHAT", "STATE", "WHY", "TITLE"}, rows); err != nil {
		return err
	}
	for n, m := range plan.Messages {
		if m.Body != "" {
			p.say("\nMESSAGE %s to %s", strconv.Itoa(n+1), clean(m.Channel))
			p.text(m.Body)
		}
	}
	return nil
}
