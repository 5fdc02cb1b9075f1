package llm_test

import (
	"encoding/json"
	"testing"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/providers/llm"
)

// TestKeyOfEnvironment: it goes to the vendor and to listed hosts, nowhere else.
func TestKeyOfEnvironment(t *testing.T) {
	t.Parallel()
	own := llm.Defaults{Kind: "ollama", BaseURL: "http://localhost:11434", KeyEnv: []string{"FIRST", "SECOND"}, KeyURL: "https://ollama.com", Keyless: true}
	vendor := llm.Defaults{Kind: "claude", BaseURL: "https://api.anthropic.com", KeyEnv: []string{"FIRST"}}
	client, err := llm.NewHTTP([]string{"gateway.lan:8443"}, clock.System())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	for name, tt := range map[string]struct {
		spec   llm.Defaults
		config string
		env    map[string]string
		want   string
	}{
		"the vendor":                   {vendor, ``, map[string]string{"FIRST": "k1"}, "k1"},
		"the vendor, in other letters": {vendor, `{"base_url": "https://API.anthropic.com/v1"}`, map[string]string{"FIRST": "k1"}, "k1"},
		"without TLS":                  {vendor, `{"base_url": "http://api.anthropic.com"}`, map[string]string{"FIRST": "k1"}, ""},
		"another port":                 {vendor, `{"base_url": "https://api.anthropic.com:444"}`, map[string]string{"FIRST": "k1"}, ""},
		"a name that begins alike":     {vendor, `{"base_url": "https://api.anthropic.com.example.net"}`, map[string]string{"FIRST": "k1"}, ""},
		"anybody":                      {vendor, `{"base_url": "https://example.net"}`, map[string]string{"FIRST": "k1"}, ""},
		"a listed host":                {vendor, `{"base_url": "https://gateway.lan:8443/a"}`, map[string]string{"FIRST": "k1"}, "k1"},
		"the settings' own key":        {vendor, `{"base_url": "https://example.net", "api_key": "k9"}`, map[string]string{"FIRST": "k1"}, "k9"},
		"the cloud, not the machine":   {own, `{"host": "https://ollama.com"}`, map[string]string{"FIRST": "k1"}, "k1"},
		"the machine":                  {own, ``, map[string]string{"FIRST": "k1"}, ""},
		"the second name":              {own, `{"host": "https://ollama.com/"}`, map[string]string{"SECOND": "k2"}, "k2"},
		"lines":                        {vendor, ``, map[string]string{"FIRST": "k1\r\nX-A: b"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := llm.Read(tt.spec, json.RawMessage(tt.config), llm.Deps{HTTP: client, Getenv: func(name string) string { return tt.env[name] }})
			if err != nil {
				t.Fatal(err)
			}
			if got := c.APIKey.Reveal(); got != tt.want {
				t.Errorf("key %q, want %q", got, tt.want)
			}
			if ready := c.Ready() == nil; ready != (tt.want != "" || tt.spec.Keyless) {
				t.Errorf("ready: %v", c.Ready())
			}
		})
	}
}
