package server_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/platform/config"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
	"github.com/incidenthub/incidenthub/providers"
	"github.com/incidenthub/incidenthub/providers/providertest"
)

// TestEveryKindOfProvider is configured, tried and active in its turn; one is active at a time, definitions may ask for it, and the
// environment may have its key.
func TestEveryKindOfProvider(t *testing.T) {
	t.Parallel()
	servertest.Engines(t, nil, func(t *testing.T, h *servertest.Hub) {
		var kinds struct {
			Items []struct {
				Name, Label, Description string
				KeyEnv                   string `json:"key_env"`
				ModelEnv                 string `json:"model_env"`
				Fields                   []struct {
					Key    string
					Secret bool
				}
			}
		}
		h.Get("/api/v1/provider-kinds", &kinds)
		var names []string
		for _, k := range kinds.Items {
			names = append(names, k.Name)
			s := providertest.New(t, k.Name)
			h.Asks(s, servertest.Map{"model": "a-model-of-mine"})
			h.Want(http.StatusOK, http.MethodPatch, "/api/v1/providers/"+k.Name, servertest.Map{"description": "still active"})
			got := h.Want(http.StatusOK, http.MethodPost, "/api/v1/providers/"+k.Name+"/test", nil)
			if got["ok"] != true || got["error_class"] != "" || got["model"] == "" || len(s.Requests()) != 1 {
				t.Errorf("%s: %v after %d requests", k.Name, got, len(s.Requests()))
			}
			if on := activeOf(h); !slices.Equal(on, []string{k.Name}) {
				t.Errorf("active are %v, want %s", on, k.Name)
			}
			cfg, err := config.Load(func(name string) string {
				return map[string]string{"HOME": "/x", k.KeyEnv: "a-key", k.ModelEnv: "a-model"}[name]
			}, nil)
			if err != nil || cfg.Models.Env(k.KeyEnv) != "a-key" || cfg.Models.Env(k.ModelEnv) != "a-model" {
				t.Errorf("%s: %q and %q are no settings, %v", k.Name, k.KeyEnv, k.ModelEnv, err)
			}
			if k.Label == "" || k.Description == "" || !slices.ContainsFunc(k.Fields, func(f struct {
				Key    string
				Secret bool
			},
			) bool {
				return f.Key == "api_key" && f.Secret
			}) {
				t.Errorf("%s: %+v", k.Name, k)
			}
			lint := h.Want(http.StatusOK, http.MethodPost, "/api/v1/definitions/lint", servertest.Map{"config": asking(k.Name)})
			if raw, err := json.Marshal(lint); err != nil || strings.Contains(string(raw), "provider") {
				t.Errorf("a definition that asks %s: %s, %v", k.Name, raw, err)
			}
		}
		want := []string{"claude", "copilot", "gemini", "grok", "mistral", "ollama", "openai"}
		if diff := cmp.Diff(want, names); diff != "" {
			t.Errorf("kinds (-want +got):\n%s", diff)
		}
		var old struct {
			Providers []string
			Count     int
		}
		h.Get("/intelligence/providers/", &old)
		if diff := cmp.Diff(slices.Insert(want, 4, "local"), old.Providers); diff != "" || old.Count != 8 {
			t.Errorf("%d by the old way (-want +got):\n%s", old.Count, diff)
		}
	})
}

func asking(provider string) servertest.Map {
	return servertest.Map{
		"version": "1.0", "description": "x", "trigger": servertest.Map{"on": "webhook"},
		"nodes": []servertest.Map{
			{"id": "in", "type": "ingest", "next": "why"},
			{"id": "why", "type": "intelligence", "config": servertest.Map{"provider": provider}, "next": "tell"},
			{"id": "tell", "type": "notify", "config": servertest.Map{"channels": []string{"inbox"}}},
		},
	}
}

func activeOf(h *servertest.Hub) (names []string) {
	var list struct {
		Items []struct {
			Name     string
			IsActive bool `json:"is_active"`
		}
	}
	h.Get("/api/v1/providers", &list)
	for _, p := range list.Items {
		if p.IsActive {
			names = append(names, p.Name)
		}
	}
	return names
}

// logText is what a hub logs.
type logText struct {
	mu  sync.Mutex
	all strings.Builder
}

// Write implements io.Writer.
func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(p)
}

func (l *logText) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

// TestProviderTrials: what a test of a provider says when it cannot be asked, is refused, or has its key from the environment.
func TestProviderTrials(t *testing.T) {
	t.Parallel()
	servertest.Forms(t, func(t *testing.T, begin func(servertest.Setup) *servertest.Hub) {
		logs := &logText{}
		providerTrials(t, logs, begin(servertest.Setup{
			Env: map[string]string{"OPENAI_API_KEY": envCanary}, Log: slog.NewTextHandler(logs, &slog.HandlerOptions{Level: slog.LevelDebug}),
		}))
	})
}

const envCanary = "env-c4n4ry-0123456789"

func providerTrials(t *testing.T, logs *logText, h *servertest.Hub) {
	t.Helper()
	s := providertest.New(t, "openai").Lenient()
	h.Want(http.StatusCreated, http.MethodPost, "/api/v1/providers", servertest.Map{
		"name": "main", "provider": "openai", "config": servertest.Map{"base_url": s.URL}, "is_active": true,
	})
	try := func() map[string]any {
		return h.Want(http.StatusOK, http.MethodPost, "/api/v1/providers/main/test", nil)
	}
	if got := try(); got["ok"] != true {
		t.Errorf("with the environment's key: %v", got)
	}
	if q := s.Requests(); len(q) != 1 || q[0].Header.Get("Authorization") != "Bearer "+envCanary {
		t.Errorf("asked with %v", q)
	}
	s.Answer(providertest.Script{Status: http.StatusUnauthorized, Body: `{"error":{"message":"no ` + envCanary + `"}}`})
	if got := try(); got["ok"] != false || got["error_class"] != providers.ErrAuth {
		t.Errorf("refused: %v", got)
	}
	h.Want(http.StatusOK, http.MethodPatch, "/api/v1/providers/main", servertest.Map{"config": servertest.Map{"base_url": s.URL, "api_key": "own-c4n4ry-0123456789"}})
	s.OK(providertest.Analysis)
	if got, q := try(), s.Requests(); got["ok"] != true || q[len(q)-1].Header.Get("Authorization") != "Bearer own-c4n4ry-0123456789" {
		t.Errorf("with its own key: %v", got)
	}
	db := h.Server.DB()
	if err := db.From(t.Context()).Exec("DELETE FROM secrets WHERE owner = 'providers'").Error; err != nil {
		t.Fatal(err)
	}
	got := h.Want(http.StatusUnprocessableEntity, http.MethodPost, "/api/v1/providers/main/test", nil)
	if raw, err := json.Marshal(got["errors"]); err != nil || !strings.Contains(string(raw), "api_key is missing in the store") {
		t.Errorf("without its key: %v %v", got, err)
	}
	h.Want(http.StatusNotFound, http.MethodPost, "/api/v1/providers/nobody/test", nil)
	for _, path := range []string{"/api/v1/providers", "/api/v1/providers/main", "/api/v1/provider-usage", "/openapi.json", "/metrics", "/providers"} {
		if _, raw := h.Do(http.MethodGet, path, nil); strings.Contains(string(raw), "c4n4ry") {
			t.Errorf("%s shows a key", path)
		}
	}
	if strings.Contains(logs.text(), "c4n4ry") {
		t.Error("the log shows a key")
	}
}
