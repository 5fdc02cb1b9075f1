package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	records "github.com/incidenthub/incidenthub/apps/analysts"
	"github.com/incidenthub/incidenthub/apps/intelligence"
	"github.com/incidenthub/incidenthub/internal/platform/secretstore"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/providers"
)

// minds are one kind of provider, "oracle", beside the local one.
type minds struct{}

func (minds) Names() []string { return []string{"local", "oracle"} }

func (minds) Spec(name string) (providers.Spec, bool) {
	spec := providers.Spec{Name: name, Label: "Oracle", KeyEnv: "ORACLE_API_KEY"}
	if name == "oracle" {
		spec.Fields = []settings.Field{
			{Key: "api_key", Type: settings.Text, Secret: true, Doc: "Key of the API."},
			{Key: "base_url", Type: settings.URL, Destination: true, Default: "https://oracle.example"},
			{Key: "mood", Type: settings.Text, Enum: []string{"good", "bad"}},
		}
	}
	return spec, name == "local" || name == "oracle"
}

func (minds) Make(_ string, config json.RawMessage) (providers.Provider, error) {
	var o oracle
	err := settings.Decode(config, &o)
	if o.Mood == "worse" {
		err = errors.Join(err, settings.Bad("mood", "must be one of good, bad"))
	}
	return o, err
}

type oracle struct {
	analyst

	Key     string `json:"api_key"`
	BaseURL string `json:"base_url"`
	Mood    string `json:"mood"`
}

func (o oracle) Terms() providers.Terms {
	t := providers.Terms{Kind: "oracle", Model: "delphi"}
	if o.Mood == "bad" {
		t.Warning = "delphi ended in 393"
	}
	return t
}

// configured are providers as the hub has them.
func configured(t *testing.T, db *storage.DB, secrets *secretstore.Store) *records.Service {
	t.Helper()
	s, err := records.New(records.Config{DB: db, Secrets: secrets, Kinds: minds{}, URLs: drivers{}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// trials play what is asked: "main" answers, "poor" has no money, and of others the settings are of no use.
type trials struct{ of *records.Service }

func (r trials) Test(ctx context.Context, tenant, ref string) (intelligence.TestResult, error) {
	l, err := r.of.Open(ctx, tenant, ref)
	switch {
	case err != nil:
		return intelligence.TestResult{}, err
	case l.Name == "main":
		return intelligence.TestResult{OK: true, Model: "delphi-2", LatencyMS: 7}, nil
	case l.Name == "poor":
		return intelligence.TestResult{LatencyMS: 3, ErrorClass: providers.ErrQuota}, nil
	}
	return intelligence.TestResult{}, records.Unusable(settings.Bad("mood", "must be better"))
}

// Usage is of a provider called main and one that is not stored.
func (trials) Usage(_ context.Context, t string, since time.Time) ([]intelligence.Usage, error) {
	if t != tenant || since.IsZero() {
		return nil, errors.New("of whom, and since when?")
	}
	days := int64(time.Since(since).Hours() / 24)
	return []intelligence.Usage{
		{Provider: "main", Calls: days, Hours: []intelligence.UsageOfHour{{Hour: since, Calls: days}}},
		{Provider: "oracle", Cached: 2, Hours: []intelligence.UsageOfHour{{Hour: since, Cached: 2}}},
	}, nil
}

func TestProviders(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	made := h.want(201, "POST", "/api/v1/providers",
		`{"name":"main","provider":"oracle","config":{"base_url":"https://oracle.example/v1","api_key":"canary","mood":"bad"}}`)
	if made["provider"] != "oracle" || made["is_active"] != false || made["model"] != "delphi" || made["version"] != 1.0 {
		t.Errorf("made %v", made)
	}
	if diff := cmp.Diff([]any{"delphi ended in 393"}, made["warnings"]); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	changed := h.want(200, "PATCH", "/api/v1/providers/main", `{"description":"for incidents","is_active":true}`)
	if changed["description"] != "for incidents" || changed["version"] != 2.0 || changed["is_active"] != true {
		t.Errorf("changed %v", changed)
	}
	back := h.want(200, "PUT", "/api/v1/providers/main", mustJSON(t, changed))
	shown := map[string]any{"base_url": "https://oracle.example/v1", "api_key": map[string]any{"configured": true}, "mood": "bad"}
	if diff := cmp.Diff(any(shown), back["config"]); diff != "" || back["is_active"] != true {
		t.Errorf("after sending back what was read %v (-want +got):\n%s", back, diff)
	}
	problem(t, h.call(h.edit, "PATCH", "/api/v1/providers/main", `{"description":"late","version":1}`), 409)
	problem(t, h.call(h.edit, "POST", "/api/v1/providers", `{"name":"main","provider":"oracle"}`), 409)
	for pointer, body := range map[string]string{
		"/config/base_url": `{"name":"x","provider":"oracle","config":{"base_url":"http://169.254.169.254","api_key":"canary"}}`,
		"/config/mood":     `{"name":"x","provider":"oracle","config":{"mood":"worse","api_key":"canary"}}`,
		"/provider":        `{"name":"x","provider":"psychic","config":{"api_key":"canary"}}`,
		"/name":            `{"name":"active","provider":"oracle"}`,
	} {
		w := h.call(h.edit, "POST", "/api/v1/providers", body)
		if p := problem(t, w, 422); len(p.Errors) == 0 || p.Errors[0].Pointer != pointer || strings.Contains(w.Body.String(), "canary") {
			t.Errorf("%s: %s, want an error at %s", body, w.Body, pointer)
		}
	}
	w := h.call(h.edit, "PATCH", "/api/v1/providers/main", `{"config":{"base_url":"https://evil.example"}}`)
	if p := problem(t, w, 422); p.Errors[0].Pointer != "/config/api_key" {
		t.Errorf("the key goes to another host: %s", w.Body)
	}
	if got := h.want(200, "POST", "/api/v1/providers/validate", `{"provider":"oracle","config":{"mood":"bad"}}`); got["valid"] != true || len(got["warnings"].([]any)) != 1 {
		t.Errorf("validate %v", got)
	}
	problem(t, h.call(h.edit, "POST", "/api/v1/providers/validate", `{"provider":"oracle","config":{"mood":"worse"}}`), 422)

	second := h.want(201, "POST", "/api/v1/providers", `{"name":"second","provider":"oracle","is_active":true}`)
	if got := h.want(200, "GET", "/api/v1/providers/main", ""); got["is_active"] != false || second["is_active"] != true || len(second["warnings"].([]any)) != 0 {
		t.Errorf("two are active: %v and %v", got, second)
	}
	put := h.want(200, "PUT", "/api/v1/providers/second", `{"config":{"mood":"good"}}`)
	if put["is_active"] != false || put["name"] != "second" {
		t.Errorf("what is left out takes its default: %v", put)
	}
	list := h.call(h.read, "GET", "/api/v1/providers", "").Body.String()
	if strings.Contains(list, "canary") || !strings.Contains(list, `"main"`) || !strings.Contains(list, `"second"`) {
		t.Errorf("list %s", list)
	}
	if w := h.call(h.edit, "DELETE", "/api/v1/providers/main", ""); w.Code != 204 {
		t.Errorf("delete: %d", w.Code)
	}
	problem(t, h.call(h.read, "GET", "/api/v1/providers/main", ""), 404)
}

func TestProviderKinds(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	got := h.want(200, "GET", "/api/v1/provider-kinds", "")["items"].([]any)
	if len(got) != 1 {
		t.Fatalf("kinds %v", got)
	}
	kind := got[0].(map[string]any)
	fields := kind["fields"].([]any)
	want := map[string]any{
		"key": "api_key", "type": "string", "description": "Key of the API.", "default": "", "enum": []any{}, "secret": true, "destination": false,
	}
	if diff := cmp.Diff(any(want), fields[0]); diff != "" || kind["name"] != "oracle" || kind["key_env"] != "ORACLE_API_KEY" || len(fields) != 3 {
		t.Errorf("kind %v, its key (-want +got):\n%s", kind, diff)
	}
}

func TestProviderUse(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	for _, name := range []string{"main", "poor", "odd"} {
		h.want(201, "POST", "/api/v1/providers", `{"name":"`+name+`","provider":"oracle","config":{"api_key":"canary"}}`)
	}
	for name, want := range map[string]map[string]any{
		"main": {"ok": true, "model": "delphi-2", "latency_ms": 7.0, "error_class": ""},
		"poor": {"ok": false, "model": "", "latency_ms": 3.0, "error_class": "quota"},
	} {
		if diff := cmp.Diff(want, h.want(200, "POST", "/api/v1/providers/"+name+"/test", "")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	w := h.call(h.edit, "POST", "/api/v1/providers/odd/test", "")
	if p := problem(t, w, 422); p.Errors[0].Pointer != "/config/mood" {
		t.Errorf("settings of no use: %s", w.Body)
	}
	problem(t, h.call(h.edit, "POST", "/api/v1/providers/nobody/test", ""), 404)
	problem(t, h.call(h.read, "POST", "/api/v1/providers/main/test", ""), 403)

	for query, calls := range map[string]float64{"": 30, "?days=2": 2} {
		if got := h.want(200, "GET", "/api/v1/providers/main/usage"+query, ""); got["calls"] != calls || len(got["hours"].([]any)) != 1 {
			t.Errorf("usage%s: %v", query, got)
		}
	}
	if got := h.want(200, "GET", "/api/v1/providers/poor/usage", ""); got["calls"] != 0.0 || got["provider"] != "poor" || len(got["hours"].([]any)) != 0 {
		t.Errorf("usage of who was never asked: %v", got)
	}
	problem(t, h.call(h.read, "GET", "/api/v1/providers/nobody/usage", ""), 404)
	problem(t, h.call(h.read, "GET", "/api/v1/providers/main/usage?days=0", ""), 422)
	if got := h.want(200, "GET", "/api/v1/provider-usage", "")["items"].([]any); len(got) != 2 {
		t.Errorf("usage of all: %v", got)
	}
}
