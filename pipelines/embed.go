// Package pipelines holds the pipeline definitions that come with the hub: the presets, and samples to start from. Their
// format is described in apps/orchestration/graph.
package pipelines

import (
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"strings"
)

//go:embed *.json samples/*.json samples/payloads/*.json
var files embed.FS

// Preset is one definition. Config is the whole file and must not be changed by the caller.
type Preset struct {
	Name        string // file name without its ending
	Description string
	Tags        []string
	Config      []byte
}

// Presets returns the presets by name.
func Presets() ([]Preset, error) { return read(".", "setup_wizard") }

// Samples returns further definitions that show what the format can do, by name.
func Samples() ([]Preset, error) { return read("samples", "sample") }

// Payload returns a made-up webhook body of a vendor: alertmanager, grafana or pagerduty.
func Payload(vendor string) ([]byte, error) {
	body, err := files.ReadFile(path.Join("samples/payloads", path.Base(vendor)+".json"))
	if err != nil {
		return nil, fmt.Errorf("sample payload of %q: %w", vendor, err)
	}
	return body, nil
}

func read(folder, tag string) ([]Preset, error) {
	entries, err := files.ReadDir(folder) // sorted by name
	if err != nil {
		return nil, fmt.Errorf("list pipelines: %w", err)
	}
	var out []Preset
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".json")
		if e.IsDir() || !ok {
			continue
		}
		config, err := files.ReadFile(path.Join(folder, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("read pipeline %s: %w", name, err)
		}
		var head struct {
			Description string `json:"description"`
		}
		if err := json.Unmarshal(config, &head); err != nil {
			return nil, fmt.Errorf("read pipeline %s: %w", name, err)
		}
		out = append(out, Preset{Name: name, Description: head.Description, Tags: []string{tag}, Config: config})
	}
	return out, nil
}
