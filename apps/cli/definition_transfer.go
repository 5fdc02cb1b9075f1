package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// definitionFile is a definition outside of a hub. Fields that a file does not have stay as they are in the hub.
type definitionFile struct {
	Name        string          `json:"name,omitempty"`
	Description *string         `json:"description,omitempty"`
	Tags        *[]string       `json:"tags,omitempty"`
	IsActive    *bool           `json:"is_active,omitempty"`
	Config      json.RawMessage `json:"config"`
}

// readDefinition reads what export writes, or a definition alone.
func readDefinition(raw []byte) (definitionFile, error) {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(raw, &keys); err != nil || keys == nil {
		return definitionFile{}, fmt.Errorf("the file is no pipeline definition: %w", firstError(err, errors.New("it is not a JSON object")))
	}
	if _, wrapped := keys["config"]; !wrapped {
		return definitionFile{Config: raw}, nil
	}
	var f definitionFile
	if err := json.Unmarshal(raw, &f); err != nil {
		return f, fmt.Errorf("read the pipeline: %w", err)
	}
	return f, nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

type definitionExportCmd struct {
	remote
	Name    string `arg:"" help:"Name or id."`
	Version int64  `placeholder:"N" help:"The config of this version. Default: the newest."`
	Config  bool   `help:"Only the definition, as lint reads it, without name, description and tags."`
}

// Help implements kong.HelpProvider.
func (definitionExportCmd) Help() string {
	return `It is always JSON. Examples:

    incidenthub definition export direct > direct.json
    incidenthub definition export direct --config | incidenthub lint -`
}

// Run implements the command.
func (c definitionExportCmd) Run(ctx context.Context, p *Program) error {
	hub, err := p.client(c.remote)
	if err != nil {
		return err
	}
	var d, old wireDefinition
	if _, err := hub.call(ctx, http.MethodGet, definitionPath(c.Name), nil, nil, &d); err != nil {
		return err
	}
	if c.Version != 0 {
		if _, err := hub.call(ctx, http.MethodGet, definitionPath(c.Name)+"/versions/"+strconv.FormatInt(c.Version, 10), nil, nil, &old); err != nil {
			return err
		}
		d.Config = old.Config
	}
	if c.Config {
		return p.printJSON(d.Config)
	}
	return p.printJSON(definitionFile{Name: d.Name, Description: &d.Description, Tags: &d.Tags, IsActive: &d.IsActive, Config: d.Config})
}

type definitionImportCmd struct {
	remote
	File     string `arg:"" help:"What export wrote, or a definition alone; - for standard input."`
	Name     string `placeholder:"NAME" help:"Name in the hub. Default: the one in the file, else the file's own."`
	Replace  bool   `help:"Change the pipeline of this name if there is one: its new config is a new version."`
	Inactive bool   `help:"Keep it out of routing."`
}

// Help implements kong.HelpProvider.
func (definitionImportCmd) Help() string {
	return `The hub checks it first and stores nothing that is not valid. Fields that the file does not have stay as they are in the hub.

Examples:

    incidenthub definition import direct.json
    incidenthub definition import --replace --name direct new.json`
}

// Run implements the command.
func (c definitionImportCmd) Run(ctx context.Context, p *Program) error {
	raw, err := p.input(c.File)
	if err != nil {
		return err
	}
	in, err := readDefinition(raw)
	if err != nil {
		return err
	}
	if in.Name = firstOf(c.Name, in.Name); in.Name == "" && c.File != "-" {
		in.Name = strings.TrimSuffix(filepath.Base(c.File), filepath.Ext(c.File))
	}
	if in.Name == "" {
		return errors.New("the pipeline has no name: give one with --name")
	}
	if c.Inactive {
		in.IsActive = new(bool)
	}
	hub, err := p.client(c.remote)
	if err != nil {
		return err
	}
	var known list[wireDefinition]
	if _, err := hub.call(ctx, http.MethodGet, definitionsPath, nil, nil, &known); err != nil {
		return err
	}
	i := slices.IndexFunc(known.Items, func(d wireDefinition) bool { return d.Name == in.Name })
	if i < 0 {
		return changeDefinition(ctx, p, c.remote, http.MethodPost, definitionsPath, in)
	}
	if !c.Replace {
		return fmt.Errorf("there is a pipeline %q: change it with --replace, or give another name with --name", in.Name)
	}
	return changeDefinition(ctx, p, c.remote, http.MethodPatch, definitionPath(in.Name), struct {
		definitionFile
		Version int64 `json:"version"` // so that nothing is written over a change made meanwhile
	}{in, known.Items[i].Version})
}
