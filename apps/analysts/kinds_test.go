package analysts_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/analysts"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
	"github.com/incidenthub/incidenthub/internal/platform/secret"
	"github.com/incidenthub/incidenthub/internal/platform/secretstore"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/providers"
)

func TestMain(m *testing.M) { testkit.Main(m) }

const tenant = "default"

// kinds are two vendors of language models, one with an address of its own, and an analyzer without settings.
type kinds struct{}

var usual = map[string]string{"remote": "https://api.vendor.example/v1", "nearby": "http://localhost:11434"}

func (kinds) Names() []string { return []string{"local", "nearby", "remote"} }

func (kinds) Spec(name string) (providers.Spec, bool) {
	spec := providers.Spec{Name: name, Label: strings.ToUpper(name)}
	switch {
	case name == "local":
		return spec, true
	case usual[name] == "":
		return spec, false
	}
	spec.KeyEnv = "REMOTE_API_KEY"
	spec.Fields = []settings.Field{
		{Key: "api_key", Type: settings.Text, Secret: true},
		{Key: "model", Type: settings.Text},
		{Key: "base_url", Type: settings.URL, Destination: true, Default: usual[name]},
		{Key: "host", Type: settings.URL, Destination: true},
		{Key: "timeout_s", Type: settings.Number},
		{Key: "headers", Type: settings.Map, Secret: true},
	}
	return spec, true
}

// Make is as strict as real kinds are, and tells the value when it may not.
func (kinds) Make(name string, config json.RawMessage) (providers.Provider, error) {
	var m model
	if err := settings.Decode(config, &m.given); err != nil {
		return nil, err
	}
	var errs []error
	if m.given.Timeout != nil && *m.given.Timeout <= 0 {
		errs = append(errs, settings.Bad("timeout_s", "must be above 0"))
	}
	if strings.ContainsAny(m.given.Key, "\r\n") {
		errs = append(errs, settings.Bad("api_key", "must be one line"))
	}
	if m.given.Model == "leaks" {
		errs = append(errs, errors.New("cannot use "+m.given.Key))
	}
	m.name = name
	return m, errors.Join(errs...)
}

type model struct {
	name  string
	given struct {
		Key     string            `json:"api_key"`
		Model   string            `json:"model"`
		BaseURL string            `json:"base_url"`
		Host    string            `json:"host"`
		Timeout *float64          `json:"timeout_s"`
		Headers map[string]string `json:"headers"`
	}
}

func (m model) Name() string { return m.name }

func (model) Analyze(context.Context, *providers.Request) (*providers.Answer, error) {
	return nil, errors.New("nobody asks here")
}

func (m model) Ready() error {
	if m.given.Key == "" && m.name == "remote" {
		return errors.New("no key")
	}
	return nil
}

func (m model) Terms() providers.Terms {
	t := providers.Terms{Kind: m.name, Model: m.given.Model}
	if t.Model == "" {
		t.Model = "newest"
	}
	if t.Model == "ancient" {
		t.Warning = "ancient ended on 2026-01-01; choose newest"
	}
	return t
}

func store(t *testing.T, db *storage.DB) *secretstore.Store {
	t.Helper()
	ring, err := secret.NewKeyring(secret.NewString(strings.Repeat("k", 40)))
	if err != nil {
		t.Fatal(err)
	}
	s, err := secretstore.New(secretstore.Config{DB: db, Keyring: ring})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func service(t *testing.T, db *storage.DB, allow ...string) *analysts.Service {
	t.Helper()
	client, err := httpclient.New(httpclient.Config{Allow: allow})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	s, err := analysts.New(analysts.Config{DB: db, Secrets: store(t, db), Kinds: kinds{}, URLs: client, Log: testkit.Logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func remote(name, config string) analysts.RecordInput {
	return analysts.RecordInput{Name: name, Provider: "remote", Config: json.RawMessage(config)}
}

func create(t *testing.T, s *analysts.Service, in analysts.RecordInput) analysts.Record {
	t.Helper()
	r, err := s.Create(t.Context(), tenant, in)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func fieldsOf(err error) []string {
	invalid, ok := errors.AsType[*analysts.Invalid](err)
	if !ok {
		return nil
	}
	var out []string
	for _, p := range invalid.Problems {
		out = append(out, p.Field)
	}
	return out
}

// sameJSON compares documents, not their spelling.
func sameJSON(t *testing.T, want string, got json.RawMessage) {
	t.Helper()
	var a, b any
	if err := errors.Join(json.Unmarshal([]byte(want), &a), json.Unmarshal(got, &b)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("document (-want +got):\n%s", diff)
	}
}

func generation(t *testing.T, db *storage.DB) int64 {
	t.Helper()
	n, err := db.Generation(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// active are the names of the active records, with their tenants.
func active(t *testing.T, db *storage.DB) []string {
	t.Helper()
	var out []string
	if err := db.Read(t.Context()).Raw("SELECT tenant_id || '/' || name FROM providers WHERE is_active").Scan(&out).Error; err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}
