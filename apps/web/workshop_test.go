package web_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/analysts"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/sources"
	"github.com/incidenthub/incidenthub/apps/web"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/secret"
	"github.com/incidenthub/incidenthub/internal/platform/secretstore"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

// bridge is a channel driver with a setting of each type.
type bridge struct{ channel.Channel }

type bridgeSettings struct {
	Endpoint string            `json:"endpoint"`
	Other    string            `json:"other"`
	Method   string            `json:"method"`
	Headers  map[string]string `json:"headers"`
	Timeout  float64           `json:"timeout"`
	Secret   string            `json:"secret"`
	Sign     bool              `json:"sign"`
	To       []string          `json:"to"`
	Template settings.Template `json:"template"`
	Text     settings.Template `json:"text_template"`
}

func (bridge) Spec() channel.Spec {
	return channel.Spec{
		Name: "generic", Description: "For tests.",
		Required: []channel.Field{{Key: "endpoint", Type: channel.FieldURL, Destination: true}},
		Optional: []channel.Field{
			{Key: "other", Type: channel.FieldURL, Destination: true},
			{Key: "method", Type: channel.FieldText, Default: "POST", Enum: []string{"POST", "PUT"}},
			{Key: "headers", Type: channel.FieldMap, Secret: true},
			{Key: "timeout", Type: channel.FieldNumber, Default: "20"},
			{Key: "secret", Type: channel.FieldText, Secret: true},
			{Key: "sign", Type: channel.FieldBool, Default: "false"},
			{Key: "to", Type: channel.FieldList},
			{Key: "template", Type: channel.FieldTemplate},
			{Key: "text_template", Type: channel.FieldTemplate, Doc: "Another name for template; give one of them."},
		},
	}
}

func (bridge) New(config json.RawMessage) (channel.Channel, error) {
	var s bridgeSettings
	if err := channel.Decode(config, &s); err != nil {
		return nil, err
	}
	if s.Endpoint == "" && s.Other == "" {
		return nil, channel.Bad("endpoint", "is required")
	}
	if s.Sign && s.Secret == "" {
		return nil, channel.Bad("sign", "needs secret")
	}
	if s.Headers["Host"] != "" {
		return nil, channel.Bad("headers.Host", "belongs to the connection")
	}
	return bridge{}, nil
}

// box is the driver of the inbox.
type box struct{ channel.Channel }

func (box) Spec() channel.Spec { return channel.Spec{Name: notify.InboxName, Local: true} }

func (box) New(config json.RawMessage) (channel.Channel, error) {
	return box{}, channel.Decode(config, &struct{}{})
}

// kinds are the drivers of the workshop.
type kinds struct{}

func (kinds) Driver(name string) (channel.Driver, error) {
	if name == notify.InboxName {
		return box{}, nil
	}
	return bridge{}, nil
}

// workshop is the pages over the services that keep channels, sources and providers, on an empty database.
type workshop struct {
	*visitor
	channels *notify.ChannelService
	sources  *sources.Service
	analysts *analysts.Service
	store    *secretstore.Store
	server   *httptest.Server
	hub      *hub
}

func newWorkshop(t *testing.T, token string) *workshop {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	db := dbtest.Open(t, storage.SQLite)
	ring, err := secret.NewKeyring(secret.NewString(strings.Repeat("k", 40)))
	if err != nil {
		t.Fatal(err)
	}
	w := &workshop{hub: demo(now())}
	if w.store, err = secretstore.New(secretstore.Config{DB: db, Keyring: ring}); err != nil {
		t.Fatal(err)
	}
	client, err := httpclient.New(httpclient.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	if w.channels, err = notify.NewChannelService(notify.ChannelConfig{DB: db, Secrets: w.store, Drivers: kinds{}, URLs: client, Log: log}); err != nil {
		t.Fatal(err)
	}
	if w.sources, err = sources.New(sources.Config{DB: db, Secrets: w.store, Log: log, Drivers: web.Drivers()}); err != nil {
		t.Fatal(err)
	}
	if w.analysts, err = analysts.New(analysts.Config{DB: db, Secrets: w.store, Kinds: modelKinds{}, URLs: client, Log: log}); err != nil {
		t.Fatal(err)
	}
	c := w.hub.config()
	c.Log, c.Channels, c.Sources, c.Providers = log, w.channels, w.sources, w.analysts
	pages, err := web.New(c)
	if err != nil {
		t.Fatal(err)
	}
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	pages.Register(engine)
	w.server = httptest.NewServer(engine)
	t.Cleanup(func() {
		w.hub.events.Close()
		w.server.CloseClientConnections()
		w.server.Close()
	})
	w.visitor = visit(t, w.server).signIn(token)
	return w
}

// post fills in a form; a version among the pairs is the one that the page had.
func (w *workshop) post(path string, pairs ...string) answer {
	w.t.Helper()
	form := url.Values{"csrf": {w.csrf("/channels/new")}}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return w.do(http.MethodPost, path, form)
}

func (w *workshop) channel(name string) notify.Channel {
	w.t.Helper()
	c, err := w.channels.Get(w.t.Context(), "default", name)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// sealed are the stored secrets of something, by field.
func (w *workshop) sealed(owner string, of id.ID) map[string]string {
	w.t.Helper()
	all, err := w.store.All(w.t.Context(), "default", owner, of)
	if err != nil {
		w.t.Fatal(err)
	}
	out := map[string]string{}
	for field, v := range all {
		out[field] = v.Reveal()
	}
	return out
}

var versionInput = regexp.MustCompile(`name="version" value="(\d+)"`)

// version is the one that the page at path carries.
func (w *workshop) version(path string) string {
	w.t.Helper()
	found := versionInput.FindStringSubmatch(w.get(path).text)
	if found == nil {
		w.t.Fatalf("no version on %s", path)
	}
	return found[1]
}
