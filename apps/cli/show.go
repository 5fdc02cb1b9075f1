package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

type showPipelineCmd struct {
	remote
	Name string `placeholder:"NAME" help:"This pipeline, node by node."`
	All  bool   `help:"Also those that are not active."`
}

// Help implements kong.HelpProvider.
func (showPipelineCmd) Help() string {
	return `Examples:

    incidenthub show-pipeline
    incidenthub show-pipeline --name direct --json`
}

// Run implements the command.
func (c showPipelineCmd) Run(ctx context.Context, p *Program) error {
	if c.Name != "" {
		return definitionShowCmd{remote: c.remote, Name: c.Name}.Run(ctx, p)
	}
	var found list[wireDefinition]
	return get(ctx, p, c.remote, definitionsPath, url.Values{"include_inactive": {strconv.FormatBool(c.All)}}, &found, func() error {
		rows := make([][]string, len(found.Items))
		for i, d := range found.Items {
			var config struct {
				Trigger struct {
					On any `json:"on"`
				} `json:"trigger"`
				Nodes []struct {
					ID   string `json:"id"`
					Type string `json:"type"`
				} `json:"nodes"`
			}
			if err := json.Unmarshal(d.Config, &config); err != nil {
				return err
			}
			nodes := make([]string, len(config.Nodes))
			for n, node := range config.Nodes {
				nodes[n] = node.ID + ":" + node.Type
			}
			rows[i] = []string{d.Name, "v" + strconv.FormatInt(d.Version, 10), activity(d.IsActive), startsOn(config.Trigger.On), strings.Join(nodes, " ")}
		}
		return p.section("PIPELINES", "None is active; --all has the others.", []string{"NAME", "VERSION", "STATE", "STARTS ON", "NODES"}, rows)
	})
}

// startsOn is what a trigger waits for: a word, or a list of them.
func startsOn(on any) string {
	switch on := on.(type) {
	case string:
		return firstOf(on, "webhook")
	case []any:
		kinds := make([]string, len(on))
		for i, kind := range on {
			kinds[i] = fmt.Sprint(kind)
		}
		return strings.Join(kinds, ", ")
	default:
		return "webhook"
	}
}
