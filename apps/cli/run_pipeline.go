package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode"
)

type runPipelineCmd struct {
	remote
	Sample  bool   `xor:"payload" help:"Take a made-up alert in."`
	Payload string `xor:"payload" placeholder:"JSON" help:"Take this in, in the form of any tool."`
	File    string `xor:"payload" placeholder:"FILE" help:"Take a file in, or standard input for -."`

	Definition  string            `xor:"pipeline" placeholder:"NAME" help:"Run this active pipeline instead of the built-in one."`
	Config      string            `xor:"pipeline" placeholder:"FILE" help:"Run the pipeline in a file, which is stored nowhere, instead of the built-in one."`
	Source      string            `default:"cli" help:"What the run shows as its source."`
	Environment string            `default:"development" help:"What the run shows as its environment."`
	TraceID     string            `placeholder:"ID" help:"Goes with everything that comes of it; default: a new one."`
	Label       map[string]string `mapsep:"none" placeholder:"K=V" help:"Put onto every alert of the payload, over its own; may be given again."`
	DryRun      bool              `help:"Only print what would be opened and who would be told what: nothing is stored and nothing is sent."`

	ChecksOnly        bool     `help:"Built-in pipeline: nothing but the checks."`
	Checkers          []string `placeholder:"NAMES" help:"Built-in pipeline: these checks instead of all."`
	Hostname          string   `placeholder:"NAME" help:"Built-in pipeline: name that the checks report."`
	WarningThreshold  *float64 `placeholder:"N" help:"Built-in pipeline: of every check."`
	CriticalThreshold *float64 `placeholder:"N" help:"Built-in pipeline: of every check."`
	NoIncidents       bool     `help:"Built-in pipeline: open no incident. Alerts that are taken in belong to incidents, so this goes with --checks-only."`
	NotifyDriver      string   `placeholder:"NAME" help:"Built-in pipeline: tell the channels of this driver instead of all."`
	NotifyChannel     string   `placeholder:"NAME" help:"Built-in pipeline: tell this channel instead of all."`
}

// Help implements kong.HelpProvider.
func (runPipelineCmd) Help() string {
	return `Runs a pipeline once: the built-in one (ingest, check, analyze, notify), or another. Alerts of the payload become alerts and incidents
of the hub, and people are told of them; see first what would happen with --dry-run. The exit code is 1 when the run failed.

Examples:

    incidenthub run-pipeline --sample --dry-run
    incidenthub run-pipeline --file alert.json --label env=prod --notify-channel ops
    incidenthub run-pipeline --definition direct --payload '{"name":"Disk full","severity":"critical"}'
    incidenthub run-pipeline --config new.json --sample --dry-run --json`
}

// sampleAlert is what --sample takes in.
const sampleAlert = `{"name":"Sample alert","status":"firing","severity":"warning","description":"Sent by hand to try a pipeline.","labels":{"instance":"sample-1"}}`

// Run implements the command.
func (c runPipelineCmd) Run(ctx context.Context, p *Program) error {
	path, body, err := c.request(p)
	if err != nil {
		return err
	}
	api, err := p.client(c.remote)
	if err != nil {
		return err
	}
	query := url.Values{}
	if c.DryRun {
		query.Set("dry_run", "true")
	}
	var began struct {
		Status string    `json:"status"`
		Over   bool      `json:"over"`
		RunID  string    `json:"run_id"`
		Run    *wireRun  `json:"run"`
		Plan   *wirePlan `json:"plan"`
	}
	raw, err := api.call(ctx, http.MethodPost, path, query, body, &began)
	if err != nil {
		return err
	}
	if c.DryRun {
		plan := began.Plan
		if plan == nil { // the built-in pipeline answers with the plan itself
			plan = &wirePlan{}
			if err := json.Unmarshal(raw, plan); err != nil {
				return fmt.Errorf("read the plan: %w", err)
			}
		}
		if c.JSON {
			return p.printJSON(raw)
		}
		return p.showPlan(plan)
	}
	failed := began.Status == "FAILED" || began.Run != nil && began.Run.State != "succeeded"
	switch over := began.Over || began.Status == "COMPLETED" || failed; {
	case c.JSON:
		if err := p.printJSON(raw); err != nil {
			return err
		}
	case !over:
		p.say("%s goes on; see how it ends with: incidenthub run show %[1]s", clean(began.RunID))
		return nil
	default:
		if err := showRunByID(ctx, p, api, began.RunID); err != nil {
			return err
		}
	}
	if failed {
		return failure{}
	}
	return nil
}

// request is where the command asks, and for what.
func (c runPipelineCmd) request(p *Program) (path string, body map[string]any, err error) {
	body = map[string]any{"source": c.Source, "environment": c.Environment}
	if c.TraceID != "" {
		body["trace_id"] = c.TraceID
	}
	if len(c.Label) > 0 {
		body["labels"] = c.Label
	}
	payload, err := c.payload(p)
	if err != nil {
		return "", nil, err
	}
	if payload != nil {
		body["payload"] = payload
	}
	switch own := c.ownFlags(); {
	case c.Definition == "" && c.Config == "":
		if payload == nil && !c.ChecksOnly {
			return "", nil, errors.New("there is nothing to take in: give --sample, --payload or --file (or --checks-only)")
		}
		c.builtIn(body)
		return "/orchestration/pipeline/sync/", body, nil
	case len(own) > 0:
		return "", nil, fmt.Errorf("%s: only the built-in pipeline takes it; the pipeline that --definition or --config names says it itself", strings.Join(own, ", "))
	case c.Definition != "":
		return definitionPath(c.Definition) + "/execute", body, nil
	}
	raw, err := p.input(c.Config)
	if err != nil {
		return "", nil, err
	}
	if !json.Valid(raw) {
		return "", nil, fmt.Errorf("%s is not valid JSON; incidenthub lint says where", c.Config)
	}
	body["config"] = json.RawMessage(raw)
	return definitionsPath + "/execute", body, nil
}

// payload is what shall be taken in, nil for nothing.
func (c runPipelineCmd) payload(p *Program) (json.RawMessage, error) {
	var raw []byte
	where := "--payload"
	switch {
	case c.Sample:
		return json.RawMessage(sampleAlert), nil
	case c.Payload != "":
		raw = []byte(c.Payload)
	case c.File != "":
		if c.File == "-" && c.Config == "-" {
			return nil, errors.New("standard input can be --file or --config, not both")
		}
		var err error
		if raw, err = p.input(c.File); err != nil {
			return nil, err
		}
		where = c.File
	default:
		return nil, nil
	}
	if raw = bytes.TrimFunc(raw, unicode.IsSpace); !json.Valid(raw) {
		return nil, fmt.Errorf("%s is not valid JSON", where)
	}
	return raw, nil
}

// ownFlags are the given flags that only the built-in pipeline takes.
func (c runPipelineCmd) ownFlags() []string {
	var out []string
	for _, f := range []struct {
		name  string
		given bool
	}{
		{"--checks-only", c.ChecksOnly},
		{"--checkers", len(c.Checkers) > 0},
		{"--hostname", c.Hostname != ""},
		{"--no-incidents", c.NoIncidents},
		{"--warning-threshold", c.WarningThreshold != nil},
		{"--critical-threshold", c.CriticalThreshold != nil},
		{"--notify-driver", c.NotifyDriver != ""},
		{"--notify-channel", c.NotifyChannel != ""},
	} {
		if f.given {
			out = append(out, f.name)
		}
	}
	return out
}

// builtIn adds what the built-in pipeline is asked for.
func (c runPipelineCmd) builtIn(body map[string]any) {
	for name, value := range map[string]string{"hostname": c.Hostname, "notify_driver": c.NotifyDriver, "notify_channel": c.NotifyChannel} {
		if value != "" {
			body[name] = value
		}
	}
	if c.ChecksOnly {
		body["checks_only"] = true
	}
	if c.NoIncidents {
		body["no_incidents"] = true
	}
	if len(c.Checkers) > 0 {
		body["checker_names"] = c.Checkers
	}
	all := map[string]any{}
	for name, value := range map[string]*float64{"warning_threshold": c.WarningThreshold, "critical_threshold": c.CriticalThreshold} {
		if value != nil {
			all[name] = *value
		}
	}
	if len(all) > 0 {
		body["checker_configs"] = map[string]any{"__all__": all}
	}
}
