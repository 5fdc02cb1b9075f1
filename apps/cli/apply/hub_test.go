package apply_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/apps/analysts"
	"github.com/incidenthub/incidenthub/apps/cli/apply"
	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/apps/silences"
	"github.com/incidenthub/incidenthub/apps/sources"
	"github.com/incidenthub/incidenthub/internal/platform/secret"
	"github.com/incidenthub/incidenthub/internal/platform/secretstore"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/providers"
)

const tenant = "default"

// webhook is a channel driver with a plain, a secret and a map setting.
type webhook struct{}

type webhookSettings struct {
	URL     string            `json:"url"`
	Token   string            `json:"token"`
	Headers map[string]string `json:"headers"`
	Retries int               `json:"retries"`
}

func (webhook) Spec() channel.Spec {
	return channel.Spec{
		Name:     "webhook",
		Required: []channel.Field{{Key: "url", Type: channel.FieldText}},
		Optional: []channel.Field{
			{Key: "token", Type: channel.FieldText, Secret: true},
			{Key: "headers", Type: channel.FieldMap, Secret: true},
			{Key: "retries", Type: channel.FieldNumber},
		},
	}
}

func (webhook) New(config json.RawMessage) (channel.Channel, error) {
	var s webhookSettings
	err := channel.Decode(config, &s)
	if s.URL == "" {
		err = errors.Join(err, channel.Bad("url", "is required"))
	}
	return nil, err
}

type drivers struct{}

func (drivers) Driver(name string) (channel.Driver, error) {
	if name != "webhook" {
		return nil, errors.New("unknown driver")
	}
	return webhook{}, nil
}

func (drivers) CheckURL(string) error { return nil }

// minds are one kind of provider with a plain, a secret and a map setting.
type minds struct{}

func (minds) Names() []string { return []string{"oracle"} }

func (minds) Spec(name string) (providers.Spec, bool) {
	return providers.Spec{Name: name, Fields: []settings.Field{
		{Key: "base_url", Type: settings.URL, Destination: true, Default: "https://oracle.example"},
		{Key: "api_key", Type: settings.Text, Secret: true},
		{Key: "headers", Type: settings.Map, Secret: true},
		{Key: "calls", Type: settings.Number},
	}}, name == "oracle"
}

func (minds) Make(_ string, config json.RawMessage) (providers.Provider, error) {
	var s struct {
		BaseURL string            `json:"base_url"`
		Key     string            `json:"api_key"`
		Headers map[string]string `json:"headers"`
		Calls   float64           `json:"calls"`
	}
	return nil, settings.Decode(config, &s)
}

type hub struct {
	*apply.Target
	db *storage.DB
}

func newHub(t *testing.T, db *storage.DB) hub {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	log := slog.New(slog.DiscardHandler)
	ring, err := secret.NewKeyring(secret.NewString("a passphrase of at least thirty-two characters"))
	must(err)
	c := apply.Config{DB: db}
	c.Secrets, err = secretstore.New(secretstore.Config{DB: db, Keyring: ring})
	must(err)
	c.Sources, err = sources.New(sources.Config{DB: db, Secrets: c.Secrets, Log: log, Drivers: []string{"alertmanager", "pagerduty"}})
	must(err)
	c.Channels, err = notify.NewChannelService(notify.ChannelConfig{DB: db, Secrets: c.Secrets, Drivers: drivers{}, URLs: drivers{}, Log: log})
	must(err)
	c.Providers, err = analysts.New(analysts.Config{DB: db, Secrets: c.Secrets, Kinds: minds{}, URLs: drivers{}, Log: log})
	must(err)
	c.Pipelines, err = orchestration.NewDefinitionService(orchestration.DefinitionConfig{
		DB: db, Log: log,
		Specs: func(context.Context, string) ([]orchestration.NodeSpec, error) { return orchestration.NodeKinds(), nil },
	})
	must(err)
	c.Silences, err = silences.New(silences.Config{DB: db, Log: log, Firing: func(context.Context, string, func(*event.Alert) bool) error { return nil }})
	must(err)
	target, err := apply.New(c)
	must(err)
	return hub{target, db}
}

func env(values ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(values); i += 2 {
			if values[i] == name {
				return values[i+1]
			}
		}
		return ""
	}
}

func read(t *testing.T, file string, getenv func(string) string) *apply.Document {
	t.Helper()
	doc, err := apply.Read([]byte(file), getenv)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func (h hub) apply(t *testing.T, file string, o apply.Options, vars ...string) apply.Plan {
	t.Helper()
	o.Tenant, o.By = tenant, "test"
	plan, err := h.Apply(t.Context(), read(t, file, env(vars...)), o)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// steps renders a plan as "action kind name: changes".
func steps(p apply.Plan) []string {
	var out []string
	for _, s := range p.Steps {
		line := string(s.Action) + " " + string(s.Kind) + " " + s.Name
		if len(s.Changes) > 0 {
			line += ": " + strings.Join(s.Changes, ", ")
		}
		out = append(out, line)
	}
	return out
}
