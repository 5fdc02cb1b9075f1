package mattermost_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// TestManual: the channel with which docs/templates.md begins is one.
func TestManual(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../docs/templates.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "```yaml\n")
	example, _, found := strings.Cut(after, "```")
	var file struct {
		Channels []struct {
			Driver string         `yaml:"driver"`
			Config map[string]any `yaml:"config"`
		} `yaml:"channels"`
	}
	if err := yaml.Unmarshal([]byte(example), &file); !found || err != nil || len(file.Channels) != 1 || file.Channels[0].Driver != "mattermost" {
		t.Fatalf("%v in %s", err, example)
	}
	config, err := json.Marshal(file.Channels[0].Config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newDriver(nil).New(config); err != nil {
		t.Errorf("%s is refused: %v", config, err)
	}
}
