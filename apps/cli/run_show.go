package cli

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

type runShowCmd struct {
	remote
	ID string `arg:"" help:"Id of the run."`
}

// Help implements kong.HelpProvider.
func (runShowCmd) Help() string {
	return `Prints the nodes in the order of the graph: START counts from the start of the run. Then every try that went wrong, and who was told.

Example:

    incidenthub run show 019a… --json | jq '.nodes[].output'`
}

// Run implements the command.
func (c runShowCmd) Run(ctx context.Context, p *Program) error {
	api, err := p.client(c.remote)
	if err != nil {
		return err
	}
	var r wireRun
	raw, err := api.call(ctx, http.MethodGet, "/api/v1/runs/"+segment(c.ID), nil, nil, &r)
	if err != nil {
		return err
	}
	if c.JSON {
		return p.printJSON(raw)
	}
	return showRunOf(ctx, p, api, &r)
}

// showRunByID reads a run and shows it.
func showRunByID(ctx context.Context, p *Program, api *client, run string) error {
	var r wireRun
	if _, err := api.call(ctx, http.MethodGet, "/api/v1/runs/"+segment(run), nil, nil, &r); err != nil {
		return err
	}
	return showRunOf(ctx, p, api, &r)
}

// showRunOf shows a run with who was told.
func showRunOf(ctx context.Context, p *Program, api *client, r *wireRun) error {
	var told list[wireDelivery]
	q := url.Values{"run": {r.ID}, "attempts": {"true"}, "limit": {"50"}}
	if _, err := api.call(ctx, http.MethodGet, "/api/v1/deliveries", q, nil, &told); err != nil {
		return err
	}
	return p.showRun(r, told)
}

func (p *Program) showRun(r *wireRun, told list[wireDelivery]) error {
	state := clean(r.State)
	if r.DurationMS != nil {
		state += " after " + took(r.DurationMS)
	}
	p.say("%s v%d: %s", clean(r.Definition), r.Version, state)
	p.say("run %s, started %s, trace %s", clean(r.ID), at(r.CreatedAt), clean(r.TraceID))
	for _, link := range [][2]string{{"incident", r.IncidentID}, {"receipt", r.ReceiptID}} {
		if link[1] != "" {
			p.say("%s %s", link[0], clean(link[1]))
		}
	}
	if r.LastError != nil {
		p.say("\n%s: %s", clean(r.LastError.Type), clean(r.LastError.Message))
	}
	nodes := inOrder(r)
	rows := make([][]string, len(nodes))
	var tries [][]string
	for i, n := range nodes {
		why := strings.ReplaceAll(n.Reason, "_", " ")
		if n.Choice != "" {
			why = strings.TrimPrefix(why+", chose "+n.Choice, ", ")
		}
		for _, a := range n.Attempts {
			if a.Error != "" {
				tries = append(tries, []string{n.ID, strconv.FormatInt(a.Attempt, 10), a.State, at(a.StartedAt), took(a.DurationMS), a.Error})
				why = firstOf(why, "see below")
			}
		}
		rows[i] = []string{n.ID, n.Type, n.State, since(r, n), took(n.DurationMS), number(n.Attempt), why}
	}
	if err := p.section("NODES", "None has begun.", []string{"NODE", "TYPE", "STATE", "START", "TOOK", "TRY", "WHY"}, rows); err != nil {
		return err
	}
	if len(tries) > 0 {
		if err := p.section("WHAT WENT WRONG", "", []string{"NODE", "TRY", "STATE", "AT", "TOOK", "ERROR"}, tries); err != nil {
			return err
		}
	}
	if len(told.Items) == 0 {
		return nil
	}
	return p.section("TOLD", "", toldHead, toldRows(told.Items))
}

// inOrder returns the nodes as the graph has them, from the first layer to the last; those that have not begun are waiting. Of a
// pipeline that is no longer kept there is no graph: then it is the order in which they ran.
func inOrder(r *wireRun) []wireNode {
	if len(r.Graph.Nodes) == 0 {
		return r.Nodes
	}
	order := slices.Clone(r.Graph.Nodes)
	slices.SortStableFunc(order, func(a, b wireGraphNode) int {
		return cmp.Or(cmp.Compare(a.Layer, b.Layer), cmp.Compare(a.Row, b.Row))
	})
	out := make([]wireNode, 0, len(order))
	for _, g := range order {
		at := slices.IndexFunc(r.Nodes, func(n wireNode) bool { return n.ID == g.ID })
		if at < 0 {
			out = append(out, wireNode{ID: g.ID, Type: g.Type, State: "waiting"})
			continue
		}
		out = append(out, r.Nodes[at])
	}
	for _, n := range r.Nodes { // of another version, or unknown to the graph: never left out
		if !slices.ContainsFunc(order, func(g wireGraphNode) bool { return g.ID == n.ID }) {
			out = append(out, n)
		}
	}
	return out
}

// since is when a node began, counted from the run's own beginning.
func since(r *wireRun, n wireNode) string {
	start := r.StartedAt
	if start == nil {
		start = r.CreatedAt
	}
	if start == nil || n.StartedAt == nil || n.StartedAt.IsZero() {
		return ""
	}
	ms := float64(n.StartedAt.Sub(*start).Microseconds()) / 1000
	if ms < 0 {
		ms = 0
	}
	return "+" + took(&ms)
}

func number(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}
