// Package servertest runs a whole hub in the test's process: real database, real listener, everything wired as in production
// but for fsync.
package servertest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/config"
	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
	"github.com/incidenthub/incidenthub/internal/server"
)

// AdminKey is the key with all rights of every hub under test.
const AdminKey = "test-admin-key-0123456789abcdef"

// Hub is a hub under test.
type Hub struct {
	URL    string
	Server *server.Server
	t      testing.TB
	cfg    config.Config
	env    map[string]string // settings, its own and the test's
	client *http.Client
	probe  host.Probe // of its workers; nil: the real machine
}

// With is the same hub for a test within the test.
func (h *Hub) With(t testing.TB) *Hub { //nolint:thelper // it helps no test, it is given one
	other := *h
	other.t = t
	return &other
}

// Getenv gives the settings of the hub, for commands that work on its database.
func (h *Hub) Getenv(name string) string { return h.env[name] }

// Engines runs fn against a hub on each database.
func Engines(t *testing.T, env map[string]string, fn func(t *testing.T, h *Hub)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		fn(t, Start(t, env))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		with := map[string]string{"HUB_DATABASE_URL": Postgres(t)}
		maps.Copy(with, env)
		fn(t, Start(t, with))
	})
}

// Postgres is the URL of a new database that is migrated already.
func Postgres(t testing.TB) string {
	t.Helper()
	return dbtest.Postgres(t)
}

// Start runs a hub with these settings over the test's defaults: SQLite in a temporary folder, any free port, calls to this
// machine allowed. It is stopped with the test.
func Start(t *testing.T, env map[string]string) *Hub {
	t.Helper()
	return start(t, env, server.Options{Version: "test", Unsafe: true}, slog.New(slog.DiscardHandler))
}

// StartOn is Start on a machine that probe shows.
func StartOn(t *testing.T, env map[string]string, probe host.Probe) *Hub {
	t.Helper()
	return start(t, env, server.Options{Version: "test", Unsafe: true, Probe: probe}, slog.New(slog.DiscardHandler))
}

func start(t *testing.T, env map[string]string, opt server.Options, log *slog.Logger) *Hub {
	t.Helper()
	dir := t.TempDir()
	settings := map[string]string{
		"HUB_DATA_DIR": dir, "HUB_DATABASE_URL": "sqlite:" + filepath.Join(dir, "hub.db"), "HUB_LISTEN": "127.0.0.1:0",
		"HUB_EGRESS_ALLOW": "127.0.0.0/8", "HUB_ADMIN_KEY": AdminKey,
	}
	if _, given := env["HUB_DATABASE_URL"]; !given {
		dbtest.MakeSQLite(t, filepath.Join(dir, "hub.db"))
	}
	maps.Copy(settings, env)
	cfg, err := config.Load(func(k string) string { return settings[k] }, nil)
	if err != nil {
		t.Fatal(err)
	}
	if opt.Preset == "" {
		opt.Preset = "direct"
	}
	s, err := server.New(t.Context(), cfg, log, io.Discard, opt)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	h := &Hub{URL: "http://" + s.Addr(), Server: s, t: t, cfg: cfg, env: settings, client: &http.Client{
		Transport: transport, Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := h.Server.Stop(ctx); err != nil {
			t.Errorf("stop the hub: %v", err)
		}
		h.Server = nil // package testing keeps each parallel test with its cleanups to the very end, and would keep every hub with them
	})
	t.Cleanup(transport.CloseIdleConnections)
	return h
}

// Do makes a request with the admin key and returns the status and the body. body may be nil, []byte, string, or a value to encode.
// headers are names and values by turns; an empty value takes the header away.
func (h *Hub) Do(method, path string, body any, headers ...string) (int, []byte) {
	h.t.Helper()
	a := h.Ask(method, path, body, headers...)
	return a.Status, a.Body
}

// Answer is what the hub said.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// JSON is the answer's body as an object, nil when it is none.
func (a Answer) JSON() map[string]any {
	var out map[string]any
	if json.Unmarshal(a.Body, &out) != nil {
		return nil
	}
	return out
}

// Ask is Do with the whole answer. Redirects are not followed.
func (h *Hub) Ask(method, path string, body any, headers ...string) Answer {
	h.t.Helper()
	a, err := h.Try(method, path, body, headers...)
	if err != nil {
		h.t.Fatal(err)
	}
	return a
}

// Try is Ask for goroutines that must not end the test.
func (h *Hub) Try(method, path string, body any, headers ...string) (Answer, error) {
	var in io.Reader
	switch b := body.(type) {
	case nil:
	case []byte:
		in = bytes.NewReader(b)
	case string:
		in = bytes.NewReader([]byte(b))
	case io.Reader:
		in = b // sent in chunks
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			return Answer{}, err
		}
		in = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(h.t.Context(), method, h.URL+path, in)
	if err != nil {
		return Answer{}, err
	}
	req.Header.Set("Authorization", "Bearer "+AdminKey)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
		if headers[i+1] == "" {
			req.Header.Del(headers[i])
		}
	}
	res, err := h.client.Do(req)
	if err != nil {
		return Answer{}, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	return Answer{Status: res.StatusCode, Header: res.Header, Body: raw}, err
}

// Get reads a JSON answer of the API into out and fails the test on anything but 200. It asks again while the hub is too busy to answer.
func (h *Hub) Get(path string, out any) {
	h.t.Helper()
	var status int
	var raw []byte
	testkit.Eventually(h.t, patience, func() bool {
		status, raw = h.Do(http.MethodGet, path, nil)
		return status != http.StatusServiceUnavailable
	}, "the hub is too busy to answer")
	if status != http.StatusOK {
		h.t.Fatalf("GET %s: %d %s", path, status, raw)
	}
	if err := json.Unmarshal(raw, out); err != nil {
		h.t.Fatalf("GET %s: %v in %s", path, err, raw)
	}
}

// Want makes a request and fails the test on another status; it returns the answer as an object.
func (h *Hub) Want(status int, method, path string, body any, headers ...string) map[string]any {
	h.t.Helper()
	a := h.Ask(method, path, body, headers...)
	if a.Status != status {
		h.t.Fatalf("%s %s: %d, want %d: %s", method, path, a.Status, status, a.Body)
	}
	return a.JSON()
}

// Rest waits until nothing is pending in the ledger and returns its counts.
func (h *Hub) Rest() Ledger {
	h.t.Helper()
	var l Ledger
	testkit.Eventually(h.t, patience, func() bool {
		a := h.Ask(http.MethodGet, "/api/v1/ledger", nil)
		if a.Status == http.StatusServiceUnavailable { // too busy to say: not at rest
			return false
		}
		l = Ledger{}
		if a.Status != http.StatusOK || json.Unmarshal(a.Body, &l) != nil {
			h.t.Fatalf("the ledger: %d %s", a.Status, a.Body)
		}
		return l.Counts["pending"] == 0
	}, "the ledger still has pending rows")
	return l
}

// Ledger is the answer of GET /api/v1/ledger.
type Ledger struct {
	Counts   map[string]int64 `json:"counts"`
	ByReason map[string]int64 `json:"by_reason"`
	Balanced bool             `json:"balanced"`
	Problem  string           `json:"problem"`
}
