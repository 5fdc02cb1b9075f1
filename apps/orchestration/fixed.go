package orchestration

import (
	"encoding/json"
	"fmt"
)

// FixedName is what runs of the built-in pipeline show as their definition.
const FixedName = "pipeline"

// The nodes of the built-in pipeline, which are its stages as well.
const (
	StageIngest  = "ingest"
	StageCheck   = "check"
	StageAnalyze = "analyze"
	StageNotify  = "notify"
)

// stages are the contract's names of node kinds.
var stages = map[string]string{"ingest": StageIngest, "context": StageCheck, "intelligence": StageAnalyze, "notify": StageNotify}

// StageOf is the name under which older tools know a node: that of the stage for the built-in pipeline, else its kind.
func StageOf(node, kind string) string {
	if stages[kind] == node {
		return node
	}
	return kind
}

// Fixed is the built-in pipeline as a caller asks for it: take in, check, analyze, notify, each with what is given here.
type Fixed struct {
	Driver         string // "": by the shape of the payload
	ChecksOnly     bool   // nothing but the checks
	Checkers       []string
	CheckerConfigs map[string]map[string]any
	Hostname       string
	Provider       string // "": local
	ProviderConfig map[string]any
	Channels       []string // to tell; these and Drivers empty: every active one
	Drivers        []string
}

// FixedDefaults are the settings of the built-in pipeline.
type FixedDefaults struct {
	MaxRetries int
	Backoff    float64
	Fallback   bool // go on without an analysis
}

type fixedNode struct {
	ID           string         `json:"id"`
	Type         string         `json:"type"`
	Config       map[string]any `json:"config"`
	Next         string         `json:"next,omitempty"`
	Required     *bool          `json:"required,omitempty"`
	SkipIfErrors []string       `json:"skip_if_errors,omitempty"`
}

// Definition is the pipeline in the form of all others.
func (f Fixed) Definition(d FixedDefaults) (json.RawMessage, error) {
	check := fixedNode{ID: StageCheck, Type: "context", Config: given(map[string]any{
		"checker_names": f.Checkers, "checker_configs": f.CheckerConfigs, "hostname": f.Hostname,
	})}
	yes, needed := true, !d.Fallback
	nodes := []fixedNode{check}
	if f.ChecksOnly {
		nodes[0].Required = &yes
	} else {
		provider := f.Provider
		if provider == "" {
			provider = "local"
		}
		channels := f.Channels
		if len(channels)+len(f.Drivers) == 0 {
			channels = []string{"*"}
		}
		check.Next = StageAnalyze
		nodes = []fixedNode{
			{ID: StageIngest, Type: "ingest", Config: given(map[string]any{"driver": f.Driver}), Next: StageCheck},
			check,
			{
				ID: StageAnalyze, Type: "intelligence", Required: &needed, Next: StageNotify,
				Config: given(map[string]any{"provider": provider, "provider_config": f.ProviderConfig, "fallback": d.Fallback}),
			},
			// Where nothing was taken in there is nothing to tell.
			{ID: StageNotify, Type: "notify", Config: given(map[string]any{"channels": channels, "drivers": f.Drivers}), SkipIfErrors: []string{StageIngest}},
		}
	}
	raw, err := json.Marshal(map[string]any{
		"version": "1.0", "description": "The built-in pipeline: " + map[bool]string{false: "ingest, check, analyze, notify.", true: "checks only."}[f.ChecksOnly],
		"trigger":  map[string]any{"on": "manual"},
		"defaults": map[string]any{"max_retries": d.MaxRetries, "timeout_seconds": 300, "backoff_factor": d.Backoff},
		"nodes":    nodes,
	})
	if err != nil {
		return nil, fmt.Errorf("write the built-in pipeline: %w", err)
	}
	return raw, nil
}

// given leaves out what was not.
func given(m map[string]any) map[string]any {
	for k, v := range m {
		switch v := v.(type) {
		case string:
			if v == "" {
				delete(m, k)
			}
		case []string:
			if len(v) == 0 {
				delete(m, k)
			}
		case map[string]any:
			if len(v) == 0 {
				delete(m, k)
			}
		case map[string]map[string]any:
			if len(v) == 0 {
				delete(m, k)
			}
		}
	}
	return m
}
