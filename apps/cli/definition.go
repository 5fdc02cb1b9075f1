package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

type definitionCmd struct {
	List     definitionListCmd     `cmd:"" help:"List pipelines, the one changed last first."`
	Show     definitionShowCmd     `cmd:"" help:"Show one pipeline with its nodes."`
	Versions definitionVersionsCmd `cmd:"" help:"List its versions, newest first."`
	Diff     definitionDiffCmd     `cmd:"" help:"Show what lies between two versions, or a version and a file."`
	Restore  definitionRestoreCmd  `cmd:"" help:"Make an old version the newest again."`
	Clone    definitionCloneCmd    `cmd:"" help:"Copy it under another name, not active."`
	Export   definitionExportCmd   `cmd:"" help:"Write it to standard output."`
	Import   definitionImportCmd   `cmd:"" help:"Store the pipeline in a file."`
}

const definitionsPath = "/api/v1/definitions"

// wireDefinition is what the commands show of the API's definition.
type wireDefinition struct {
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Version     int64           `json:"version"`
	Config      json.RawMessage `json:"config"`
	Tags        []string        `json:"tags"`
	IsActive    bool            `json:"is_active"`
	NodeCount   int             `json:"node_count"`
	CreatedBy   string          `json:"created_by"`
	CreatedAt   *time.Time      `json:"created_at"`
	UpdatedAt   *time.Time      `json:"updated_at"`
	Warnings    []string        `json:"warnings"`
	Schedule    *struct {
		Next *time.Time `json:"next"`
		Last []struct {
			Slot    *time.Time `json:"slot"`
			FiredAt *time.Time `json:"fired_at"`
			RunID   string     `json:"run_id"`
		} `json:"last"`
	} `json:"schedule,omitempty"`
}

func definitionPath(name string) string { return definitionsPath + "/" + segment(name) }

func activity(active bool) string {
	if active {
		return "active"
	}
	return "not active"
}

type definitionListCmd struct {
	remote
	Active bool `help:"Only those that take part in routing."`
}

// Help implements kong.HelpProvider.
func (definitionListCmd) Help() string {
	return `Example:

    incidenthub definition list --active`
}

// Run implements the command.
func (c definitionListCmd) Run(ctx context.Context, p *Program) error {
	var found list[wireDefinition]
	return get(ctx, p, c.remote, definitionsPath, url.Values{"include_inactive": {strconv.FormatBool(!c.Active)}}, &found, func() error {
		rows := make([][]string, len(found.Items))
		for i, d := range found.Items {
			rows[i] = []string{
				d.Name, "v" + strconv.FormatInt(d.Version, 10), activity(d.IsActive), strconv.Itoa(d.NodeCount), strings.Join(d.Tags, ","), at(d.UpdatedAt), d.Description,
			}
		}
		return p.table([]string{"NAME", "VERSION", "STATE", "NODES", "TAGS", "CHANGED", "DESCRIPTION"}, rows)
	})
}

type definitionShowCmd struct {
	remote
	Name string `arg:"" help:"Name or id."`
}

// Run implements the command.
func (c definitionShowCmd) Run(ctx context.Context, p *Program) error {
	var d wireDefinition
	return get(ctx, p, c.remote, definitionPath(c.Name), nil, &d, func() error {
		p.say("%s v%d, %s", clean(d.Name), d.Version, activity(d.IsActive))
		p.say("made %s by %s, changed %s", at(d.CreatedAt), clean(d.CreatedBy), at(d.UpdatedAt))
		if len(d.Tags) > 0 {
			p.say("tags: %s", clean(strings.Join(d.Tags, ", ")))
		}
		if d.Description != "" {
			p.say("")
			p.text(d.Description)
		}
		var config struct {
			Trigger json.RawMessage `json:"trigger"`
			Nodes   []struct {
				ID     string          `json:"id"`
				Type   string          `json:"type"`
				When   string          `json:"when"`
				Next   json.RawMessage `json:"next"`
				Config json.RawMessage `json:"config"`
			} `json:"nodes"`
		}
		if err := json.Unmarshal(d.Config, &config); err != nil {
			return err
		}
		for _, w := range d.Warnings {
			p.say("%s.", clean(capital(w)))
		}
		if len(config.Trigger) > 0 {
			p.say("\nTRIGGER\n%s", clean(oneLine(config.Trigger)))
		}
		if s := d.Schedule; s != nil {
			if s.Next != nil {
				p.say("next start %s", at(s.Next))
			}
			rows := make([][]string, len(s.Last))
			for i, slot := range s.Last {
				rows[i] = []string{at(slot.Slot), at(slot.FiredAt), slot.RunID}
			}
			if err := p.section("STARTED", "not yet", []string{"DUE", "STARTED", "RUN"}, rows); err != nil {
				return err
			}
		}
		rows := make([][]string, len(config.Nodes))
		for i, n := range config.Nodes {
			rows[i] = []string{n.ID, n.Type, n.When, oneLine(n.Next), oneLine(n.Config)}
		}
		return p.section("NODES", "none", []string{"NODE", "TYPE", "WHEN", "NEXT", "CONFIG"}, rows)
	})
}

// oneLine writes JSON in one line; a text alone stands without its quotes.
func oneLine(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return ""
	}
	return b.String()
}

type definitionVersionsCmd struct {
	remote
	page
	Name string `arg:"" help:"Name or id."`
}

// Run implements the command.
func (c definitionVersionsCmd) Run(ctx context.Context, p *Program) error {
	var found list[wireDefinition]
	return get(ctx, p, c.remote, definitionPath(c.Name)+"/versions", c.query(), &found, func() error {
		rows := make([][]string, len(found.Items))
		for i, v := range found.Items {
			rows[i] = []string{strconv.FormatInt(v.Version, 10), at(v.CreatedAt), v.CreatedBy}
		}
		if err := p.table([]string{"VERSION", "MADE", "BY"}, rows); err != nil {
			return err
		}
		p.more(found.NextCursor)
		return nil
	})
}

type definitionRestoreCmd struct {
	remote
	Name    string `arg:"" help:"Name or id."`
	Version int64  `arg:"" help:"Number of the version."`
}

// Help implements kong.HelpProvider.
func (definitionRestoreCmd) Help() string {
	return `The old version comes back as a new one; those in between stay. Example:

    incidenthub definition restore direct 3`
}

// Run implements the command.
func (c definitionRestoreCmd) Run(ctx context.Context, p *Program) error {
	return changeDefinition(ctx, p, c.remote, http.MethodPost, definitionPath(c.Name)+"/versions/"+strconv.FormatInt(c.Version, 10)+"/restore", nil)
}

type definitionCloneCmd struct {
	remote
	Name string `arg:"" help:"Name or id."`
	Copy string `arg:"" help:"Name of the copy."`
}

// Run implements the command.
func (c definitionCloneCmd) Run(ctx context.Context, p *Program) error {
	return changeDefinition(ctx, p, c.remote, http.MethodPost, definitionPath(c.Name)+"/clone", map[string]string{"name": c.Copy})
}

// changeDefinition makes a change and says where the definition stands then.
func changeDefinition(ctx context.Context, p *Program, r remote, method, path string, body any) error {
	c, err := p.client(r)
	if err != nil {
		return err
	}
	var d wireDefinition
	raw, err := c.call(ctx, method, path, nil, body, &d)
	if err != nil {
		return err
	}
	if r.JSON {
		return p.printJSON(raw)
	}
	p.say("%s is at version %d, %s", clean(d.Name), d.Version, activity(d.IsActive))
	p.notes(d.Warnings)
	return nil
}
