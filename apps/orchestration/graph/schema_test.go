package graph

import (
	"bytes"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/incidenthub/incidenthub/pipelines"
)

func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	raw, err := Schema(Builtin(Known{}))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource("pipeline.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("pipeline.json")
	if err != nil {
		t.Fatalf("the schema is no schema: %v", err)
	}
	return s
}

func TestSchemaAndLintAgree(t *testing.T) {
	t.Parallel()
	schema := compiledSchema(t)
	specs := Builtin(Known{})
	good := shipped(t)
	good["example"] = []byte(example)
	for name, raw := range good {
		if problems := Lint(raw, specs); len(problems) > 0 {
			t.Errorf("%s: lint: %v", name, problems)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(doc); err != nil {
			t.Errorf("%s: schema: %v", name, err)
		}
	}
	for name, raw := range map[string]string{
		"unknown key":        `{"version":"1.0","nodez":[]}`,
		"unknown type":       `{"version":"1.0","nodes":[{"id":"a","type":"webhook"}]}`,
		"unknown config key": `{"version":"1.0","nodes":[{"id":"a","type":"notify","config":{"channel":["x"]}}]}`,
		"config of another":  `{"version":"1.0","nodes":[{"id":"a","type":"ingest","config":{"channels":["x"]}}]}`,
		"next is a number":   `{"version":"1.0","nodes":[{"id":"a","type":"ingest","next":3}]}`,
		"negative retries":   `{"version":"1.0","nodes":[{"id":"a","type":"ingest","max_retries":-1}]}`,
		"bad trigger":        `{"version":"1.0","trigger":{"on":"email"},"nodes":[{"id":"a","type":"ingest"}]}`,
		"match without op":   `{"version":"1.0","trigger":{"match":[{"field":"source","value":"x"}]},"nodes":[{"id":"a","type":"ingest"}]}`,
		"no version":         `{"nodes":[{"id":"a","type":"ingest"}]}`,
		"node without id":    `{"version":"1.0","nodes":[{"type":"ingest"}]}`,
	} {
		if !HasErrors(Lint([]byte(raw), specs)) {
			t.Errorf("%s: lint finds nothing", name)
		}
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		if schema.Validate(doc) == nil {
			t.Errorf("%s: the schema accepts it", name)
		}
	}
}

// shipped returns every definition that comes with the hub.
func shipped(t *testing.T) map[string][]byte {
	t.Helper()
	presets, err := pipelines.Presets()
	if err != nil {
		t.Fatal(err)
	}
	samples, err := pipelines.Samples()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, p := range presets {
		out["preset "+p.Name] = p.Config
	}
	for _, p := range samples {
		out["sample "+p.Name] = p.Config
	}
	return out
}

func TestShippedDefinitionsCompile(t *testing.T) {
	t.Parallel()
	specs := Builtin(Known{
		Providers: []string{"local", "openai"}, Checkers: []string{"cpu", "memory", "disk"},
		ChannelDrivers: []string{"generic", "pagerduty"}, WebhookDrivers: []string{"pagerduty"},
	})
	for name, raw := range shipped(t) {
		if problems := Lint(raw, specs); len(problems) > 0 {
			t.Errorf("%s: %v", name, problems)
		}
		if _, err := Load(raw, specs); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
