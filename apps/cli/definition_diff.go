package cli

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/incidenthub/incidenthub/apps/orchestration"
)

type definitionDiffCmd struct {
	remote
	Name string `arg:"" help:"Name or id."`
	From int64  `placeholder:"N" help:"The older version. Default: the one before --to; with --file the newest."`
	To   int64  `placeholder:"N" help:"The newer version. Default: the newest."`
	File string `placeholder:"FILE" help:"Compare with the pipeline in this file instead of --to; - for standard input."`
}

// Help implements kong.HelpProvider.
func (definitionDiffCmd) Help() string {
	return `Goes by what is said, not by how it is spelled. Pointers of what was removed lead into the older text, all others into the newer.

Examples:

    incidenthub definition diff direct
    incidenthub definition diff direct --from 1 --to 4 --json
    incidenthub definition diff direct --file new.json`
}

// wireDiff is the API's answer.
type wireDiff struct {
	Name string `json:"name"`
	From int64  `json:"from"`
	To   int64  `json:"to"`
	orchestration.Difference
}

// Run implements the command.
func (c definitionDiffCmd) Run(ctx context.Context, p *Program) error {
	if c.File != "" {
		return c.withFile(ctx, p)
	}
	q := url.Values{}
	for name, v := range map[string]int64{"from": c.From, "to": c.To} {
		if v != 0 {
			q.Set(name, strconv.FormatInt(v, 10))
		}
	}
	var d wireDiff
	return get(ctx, p, c.remote, definitionPath(c.Name)+"/diff", q, &d, func() error {
		p.say("%s: version %d and version %d", clean(d.Name), d.From, d.To)
		return p.difference(d.Difference)
	})
}

func (c definitionDiffCmd) withFile(ctx context.Context, p *Program) error {
	if c.To != 0 {
		return errors.New("--file takes the place of --to: give one of them")
	}
	hub, err := p.client(c.remote)
	if err != nil {
		return err
	}
	raw, err := p.input(c.File)
	if err != nil {
		return err
	}
	file, err := readDefinition(raw)
	if err != nil {
		return err
	}
	path := definitionPath(c.Name)
	if c.From != 0 {
		path += "/versions/" + strconv.FormatInt(c.From, 10)
	}
	var was wireDefinition
	if _, err := hub.call(ctx, http.MethodGet, path, nil, nil, &was); err != nil {
		return err
	}
	d, err := orchestration.DiffConfigs(was.Config, file.Config)
	if err != nil {
		return err
	}
	if c.JSON {
		return p.printJSON(struct {
			Name string `json:"name"`
			From int64  `json:"from"`
			File string `json:"file"`
			orchestration.Difference
		}{c.Name, was.Version, c.File, d})
	}
	p.say("%s: version %d and %s", clean(c.Name), was.Version, clean(c.File))
	return p.difference(d)
}

// difference writes a diff for people, a line for each change.
func (p *Program) difference(d orchestration.Difference) error {
	if d.Same {
		p.say("no difference")
		return nil
	}
	var rows [][]string
	add := func(what, pointer string, from, to json.RawMessage) {
		rows = append(rows, []string{what, pointer, oneLine(from), oneLine(to)})
	}
	for _, n := range d.NodesRemoved {
		add("node removed", n.Pointer, n.Node, nil)
	}
	for _, n := range d.NodesAdded {
		add("node added", n.Pointer, nil, n.Node)
	}
	for _, n := range d.NodesChanged {
		for _, ch := range n.Changes {
			add("node "+n.ID+" "+ch.Op, ch.Pointer, ch.From, ch.To)
		}
	}
	for _, ch := range d.Trigger {
		add("trigger "+ch.Op, ch.Pointer, ch.From, ch.To)
	}
	for _, ch := range d.Defaults {
		add("defaults "+ch.Op, ch.Pointer, ch.From, ch.To)
	}
	for _, ch := range d.Other {
		add(ch.Op, ch.Pointer, ch.From, ch.To)
	}
	return p.table([]string{"WHAT", "WHERE", "FROM", "TO"}, rows)
}
