package pipelines

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPresets(t *testing.T) {
	t.Parallel()
	presets, err := Presets()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, p := range presets {
		var c struct {
			Version  string
			Defaults map[string]int
			Nodes    []struct {
				ID, Type string
				Required *bool
			}
		}
		if err := json.Unmarshal(p.Config, &c); err != nil {
			t.Fatalf("%s: %v", p.Name, err)
		}
		if p.Description == "" || !cmp.Equal(p.Tags, []string{"setup_wizard"}) || c.Version != "1.0" {
			t.Errorf("%s: description %q, tags %v, version %q", p.Name, p.Description, p.Tags, c.Version)
		}
		if c.Defaults["max_retries"] != 3 || c.Defaults["timeout_seconds"] != 300 {
			t.Errorf("%s: defaults %v", p.Name, c.Defaults)
		}
		for _, n := range c.Nodes {
			got[p.Name] = append(got[p.Name], n.ID+":"+n.Type)
			if n.ID == "analyze_incident" && (n.Required == nil || *n.Required) {
				t.Errorf("%s: analyze_incident must not be required", p.Name)
			}
		}
	}
	want := map[string][]string{
		"direct":         {"ingest_webhook:ingest", "notify_channels:notify"},
		"health-checked": {"ingest_webhook:ingest", "check_health:context", "notify_channels:notify"},
		"ai-analyzed":    {"ingest_webhook:ingest", "analyze_incident:intelligence", "notify_channels:notify"},
		"full":           {"ingest_webhook:ingest", "check_health:context", "analyze_incident:intelligence", "notify_channels:notify"},
		"local-monitor":  {"check_health:context", "notify_channels:notify"},
		"local-smart":    {"check_health:context", "analyze_incident:intelligence", "notify_channels:notify"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("presets (-want +got):\n%s", diff)
	}
}

func TestSamplesAndPayloads(t *testing.T) {
	t.Parallel()
	samples, err := Samples()
	if err != nil || len(samples) != 4 {
		t.Fatalf("got %d samples, %v; want 4", len(samples), err)
	}
	for _, vendor := range []string{"alertmanager", "grafana", "pagerduty"} {
		body, err := Payload(vendor)
		if err != nil || !json.Valid(body) {
			t.Errorf("payload of %s: valid %v, %v", vendor, json.Valid(body), err)
		}
	}
	if _, err := Payload("../../embed"); err == nil {
		t.Error("a payload outside of the folder was read")
	}
}
