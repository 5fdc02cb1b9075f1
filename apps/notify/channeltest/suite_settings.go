package channeltest

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

// Settings checks what every driver does with bad settings, and that its Spec can be relied on.
func Settings(t *testing.T, d channel.Driver) {
	t.Helper()
	s := d.Spec()
	if s.Name == "" || s.Name != strings.ToLower(s.Name) || s.Description == "" {
		t.Errorf("name %q, description %q", s.Name, s.Description)
	}
	seen := map[string]bool{}
	for _, f := range s.Fields() {
		if f.Key == "" || f.Doc == "" || f.Type == "" || seen[f.Key] {
			t.Errorf("field %+v is not described, or twice", f)
		}
		seen[f.Key] = true
		if f.Type != channel.FieldMap && channel.LooksSecret(f.Key) && !slices.Contains(harmless[:], f.Key) && !f.Secret {
			t.Errorf("field %s looks like a secret and is not marked so", f.Key)
		}
	}
	for _, config := range []string{`[]`, `"x"`, `1`, `{`, `{} {}`, `{"no_such_key":1}`} {
		if _, err := d.New(json.RawMessage(config)); !errors.Is(err, channel.ErrConfig) {
			t.Errorf("New(%s): %v, want ErrConfig", config, err)
		}
	}
	_, err := d.New(json.RawMessage(`{"no_such_key":"canary-value"}`))
	if err == nil || !strings.Contains(err.Error(), "no_such_key") || strings.Contains(err.Error(), "canary-value") {
		t.Errorf("the complaint %v must name the key and not the value", err)
	}
	for key := range seen {
		if _, err := d.New(json.RawMessage(`{"` + strings.ToUpper(key) + `":"x"}`)); !errors.Is(err, channel.ErrConfig) {
			t.Errorf("%s in capitals was taken: %v", key, err)
		}
		// Every type that JSON has: a complaint or a channel, never a panic, and no value in the complaint.
		for _, value := range []string{`null`, `"canary-value"`, `-1`, `true`, `["canary-value"]`, `{"a":"canary-value"}`, `{"type":"inline","template":"{{ x"}`} {
			if _, err := d.New(json.RawMessage(`{"` + key + `":` + value + `}`)); err != nil && strings.Contains(err.Error(), "canary-value") && isSecret(s, key) {
				t.Errorf("the complaint %q shows the secret", err)
			}
		}
	}
	if seen["template"] && len(s.Required) > 0 {
		complaints := map[string]int{}
		_, err := d.New(json.RawMessage(`{"template":{"type":"inline","template":"{{ x"}}`))
		for _, k := range channel.KeyErrors(err) {
			complaints[k.Key]++
		}
		if complaints["template"] != 1 || len(complaints) < 2 {
			t.Errorf("of a bad template and of what is missing beside it, each once: %v", err)
		}
	}
	for _, f := range s.Required {
		if _, err := d.New(json.RawMessage(`{"timeout":5}`)); seen["timeout"] && len(channel.KeyErrors(err)) == 0 {
			t.Errorf("%s is required and was not asked for: %v", f.Key, err)
		}
	}
}

// Complaints checks which settings a driver complains about, by key and in this order; nil: these are good.
func Complaints(t *testing.T, d channel.Driver, config string, want []string) {
	t.Helper()
	_, err := d.New(json.RawMessage(config))
	var keys []string
	for _, k := range channel.KeyErrors(err) {
		keys = append(keys, k.Key)
	}
	if diff := cmp.Diff(want, keys); diff != "" {
		t.Errorf("complaints about (-want +got):\n%s%v", diff, err)
	}
}

// harmless settings only look like secrets.
var harmless = [...]string{"secret_name", "dedup_key"}

func isSecret(s channel.Spec, key string) bool {
	for _, f := range s.Fields() {
		if f.Key == key {
			return f.Secret
		}
	}
	return false
}
