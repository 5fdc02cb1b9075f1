package checkers

import (
	"encoding/json"
	"runtime"
	"slices"
)

// Description is a Spec as lists show it.
type Description struct {
	Name      string          `json:"name"`
	Doc       string          `json:"description"`
	Looks     string          `json:"looks_at" enum:"host,endpoint"`
	Unit      string          `json:"unit" doc:"Of the thresholds."`
	Warning   *float64        `json:"warning_threshold"`
	Critical  *float64        `json:"critical_threshold"`
	Inverted  bool            `json:"inverted" doc:"The less, the worse."`
	Metric    string          `json:"metric" doc:"What the thresholds are about."`
	Timeout   float64         `json:"timeout_s"`
	Platforms []string        `json:"platforms" doc:"Empty: all."`
	Supported bool            `json:"supported" doc:"On this platform; elsewhere it is skipped."`
	Schema    json.RawMessage `json:"config_schema" doc:"JSON Schema of its settings."`
}

// Describe puts a Spec of a Set into words.
func (s *Spec) Describe() Description {
	d := Description{
		Name: s.Name, Doc: s.Doc, Looks: "host", Unit: s.Unit, Warning: s.Warning, Critical: s.Critical, Inverted: s.Inverted, Metric: s.Metric,
		Timeout: timeoutOf(*s, common{}).Seconds(), Platforms: append([]string{}, s.Platform...), Schema: s.Schema,
		Supported: len(s.Platform) == 0 || slices.Contains(s.Platform, runtime.GOOS),
	}
	if s.Endpoint {
		d.Looks = "endpoint"
	}
	return d
}
