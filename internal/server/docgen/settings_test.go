package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/apps/checkers/registry"
	"github.com/incidenthub/incidenthub/apps/cli"
)

// TestCheckExamples: the settings in the examples of --help are ones that the checks know.
func TestCheckExamples(t *testing.T) {
	t.Parallel()
	set, err := checkers.NewSet(registry.Builtin(registry.Options{})...)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, command := range []string{"check-health", "run-check"} {
		var buf bytes.Buffer
		cli.Run(t.Context(), cli.Program{Out: &buf, Err: &buf, Getenv: func(string) string { return "" }}, []string{command, "--help"})
		out := buf.String()
		for line := range strings.Lines(out) {
			if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "incidenthub "+command+" "); ok && strings.Contains(rest, "--set ") {
				lines = append(lines, rest)
			}
		}
	}
	if len(lines) < 3 {
		t.Fatalf("%d examples with settings: %q", len(lines), lines)
	}
	for _, line := range lines {
		words := strings.Fields(line)
		for i, w := range words {
			if w != "--set" {
				continue
			}
			key, _, _ := strings.Cut(words[i+1], "=")
			key = key[strings.LastIndex(key, ".")+1:]
			if err := set.Validate(words[0], json.RawMessage(`{"`+key+`":null}`)); err != nil && strings.Contains(err.Error(), "unknown") {
				t.Errorf("%q: %v", line, err)
			}
		}
	}
}
