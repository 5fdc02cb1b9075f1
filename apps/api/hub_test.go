package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/incidenthub/incidenthub/apps/alerts"
	"github.com/incidenthub/incidenthub/apps/api"
	"github.com/incidenthub/incidenthub/apps/auth"
	"github.com/incidenthub/incidenthub/apps/changes"
	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/apps/ledger"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/apps/rehearsal"
	"github.com/incidenthub/incidenthub/apps/retention"
	"github.com/incidenthub/incidenthub/apps/silences"
	"github.com/incidenthub/incidenthub/apps/sources"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/pubsub"
	"github.com/incidenthub/incidenthub/internal/platform/queue"
	"github.com/incidenthub/incidenthub/internal/platform/secret"
	"github.com/incidenthub/incidenthub/internal/platform/secretstore"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

func TestMain(m *testing.M) { testkit.Main(m) }

const tenant = "default"

// hub is the API over real services and a real database; only what acts on incidents and receipts is made up.
type hub struct {
	t      *testing.T
	db     *storage.DB
	engine *gin.Engine
	auth   *auth.Service
	acts   *acts
	events *pubsub.Broadcaster
	ready  error
	calls  int
	hand   *hand

	admin, read, respond, edit, ingest string // keys
}

// acts records what people do and refuses what it is told to.
type acts struct {
	mu    sync.Mutex
	calls []string
	err   error
	run   id.ID // that an execution begins, and that has ended; zero: it goes on
}

func (a *acts) do(what string, tenant string, incident id.ID, more ...string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls = append(a.calls, strings.Join(append([]string{what, tenant, incident.String()}, more...), " "))
	return a.err
}

func (a *acts) Cancel(_ context.Context, t string, run id.ID, by string) error {
	return a.do("cancel", t, run, by)
}

func (a *acts) Resume(_ context.Context, t string, run id.ID, by string) error {
	return a.do("resume", t, run, by)
}

func (a *acts) Replay(_ context.Context, t string, run id.ID, r orchestration.Replay, by string) (id.ID, error) {
	return run, a.do("replay", t, run, r.From, strconv.FormatBool(r.Newest), strconv.FormatBool(r.Send), by)
}

func (a *acts) Execute(_ context.Context, t string, e api.Execution) (api.Executed, error) {
	raw, _ := json.Marshal(e)
	return api.Executed{RunID: a.run, TraceID: e.TraceID}, a.do("execute", t, a.run, string(raw))
}

func (a *acts) Wait(context.Context, string, id.ID) (bool, error) { return !a.run.IsZero(), nil }

func (a *acts) Rehearse(_ context.Context, t string, e api.Execution) (rehearsal.DryRunResult, error) {
	return rehearsal.DryRunResult{Outcome: "queued", TraceID: e.TraceID}, a.do("rehearse", t, a.run)
}

func (a *acts) Acknowledge(_ context.Context, t string, i id.ID, by string) error {
	return a.do("acknowledge", t, i, by)
}

func (a *acts) Resolve(_ context.Context, t string, i id.ID, by, summary string) error {
	return a.do("resolve", t, i, by, summary)
}

func (a *acts) Close(_ context.Context, t string, i id.ID, by string) error {
	return a.do("close", t, i, by)
}

func (a *acts) Reopen(_ context.Context, t string, i id.ID, by string) error {
	return a.do("reopen", t, i, by)
}

func (a *acts) Note(_ context.Context, t string, i id.ID, by, text string) error {
	return a.do("note", t, i, by, text)
}

func (a *acts) Resend(_ context.Context, t string, d id.ID, channel, by string) (id.ID, error) {
	return d, a.do("resend", t, d, channel, by)
}

func (a *acts) Reprocess(_ context.Context, t string, receipt id.ID) (id.ID, error) {
	return receipt, a.do("reprocess", t, receipt)
}

// Check implements rehearsal.Stage: nothing can be tried here.
func (h *hub) Check(context.Context, string, *rehearsal.Backtest) error {
	return fmt.Errorf("%w: not here", rehearsal.ErrBadInput)
}

// Backtest implements rehearsal.Stage.
func (h *hub) Backtest(context.Context, string, rehearsal.Backtest, rehearsal.Progress) (*rehearsal.Report, error) {
	return nil, errors.New("not here")
}

func (h *hub) Ready(context.Context) error { return h.ready }

func (h *hub) Balance(context.Context, string) (api.Balance, error) {
	return api.Balance{Balanced: true, CheckedAt: h.db.Now()}, nil
}

func onSQLite(t *testing.T) *hub {
	t.Helper()
	return newHub(t, dbtest.Open(t, storage.SQLite))
}

func onPostgres(t *testing.T) *hub {
	t.Helper()
	return newHub(t, dbtest.Open(t, storage.Postgres))
}

func newHub(t *testing.T, db *storage.DB) *hub {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	log := testkit.Logger(t)
	h := &hub{t: t, db: db, acts: &acts{}, hand: &hand{}, events: &pubsub.Broadcaster{}}
	t.Cleanup(h.events.Close)

	ring, err := secret.NewKeyring(secret.NewString("a passphrase of at least thirty-two characters"))
	must(err)
	secrets, err := secretstore.New(secretstore.Config{DB: db, Keyring: ring})
	must(err)
	entries, err := sources.New(sources.Config{DB: db, Secrets: secrets, Log: log, Drivers: []string{"grafana", "generic"}})
	must(err)
	h.auth, err = auth.New(auth.Config{
		DB: db, Log: log, AdminKey: secret.NewString("the-admin-key"),
		Sources: auth.SourceKeysFunc(func(ctx context.Context) ([]auth.SourceKey, error) {
			list, err := entries.List(ctx, tenant)
			var keys []auth.SourceKey
			for _, s := range list {
				keys = append(keys, auth.SourceKey{Tenant: tenant, SourceID: s.ID, Name: s.Name, KeyHash: s.KeyHash})
			}
			return keys, err
		}),
	})
	must(err)
	channels, err := notify.NewChannelService(notify.ChannelConfig{DB: db, Secrets: secrets, Drivers: drivers{}, URLs: drivers{}, Log: log})
	must(err)
	must(channels.EnsureInbox(t.Context(), tenant))
	deliveries, err := notify.NewReader(db)
	must(err)
	inbox, err := notify.NewInbox(db)
	must(err)
	changed, err := changes.New(db)
	must(err)
	specs := func(context.Context, string) ([]orchestration.NodeSpec, error) { return orchestration.NodeKinds(), nil }
	definitions, err := orchestration.NewDefinitionService(orchestration.DefinitionConfig{DB: db, Log: log, Specs: specs})
	must(err)
	readAlerts, err := alerts.NewReader(db)
	must(err)
	flow, err := orchestration.NewReader(db)
	must(err)
	totals, err := ledger.NewReader(db)
	must(err)
	books, err := ledger.NewChecker(db)
	must(err)
	pruning, err := retention.New(retention.Config{DB: db, Log: log, Books: books, Tenant: tenant, Keep: retention.Keep{All: 90 * 24 * time.Hour}})
	must(err)
	t.Cleanup(pruning.Stop)
	queues := &queue.Viewer{
		DB: db, Clock: clock.System(), Names: []string{"ingest", "notify"}, Away: func() string { return "" },
		Doorbell: func(context.Context) queue.Doorbell {
			return queue.Doorbell{
				Kind: "redis", Processes: []queue.Process{{ID: "1", Host: "hub-1", PID: 7, Queues: []string{"notify"}, Status: "active"}},
				Queues: map[string]queue.Rings{"notify": {Pending: 2, Processed: 5}},
			}
		},
	}
	asked := configured(t, db, secrets)
	silenced, err := silences.New(silences.Config{DB: db, Log: log, Firing: readAlerts.Firing})
	must(err)
	metrics := prometheus.NewRegistry()
	h.engine, err = api.NewEngine(api.EngineConfig{Log: log, Metrics: metrics})
	must(err)
	a, err := api.New(api.Config{
		Log: log, Version: "1.2.3", SessionCookie: "hub_session", Auth: h.auth, Keys: h.auth, Alerts: readAlerts, Acts: h.acts, RunActs: h.acts, Pipelines: h.acts, Flow: flow,
		Reprocess: h.acts, Sources: entries, Ledger: totals, Retention: pruning, Books: h, Ready: h, Events: h.events, Metrics: metrics, Definitions: definitions,
		Queues:       queues,
		ChannelKinds: []channel.Spec{hook{"hook"}.Spec(), hook{"inbox"}.Spec()}, Hand: h.hand, Resender: h.acts, Previews: h.hand,
		Channels: channels, Deliveries: deliveries, Inbox: inbox,
		Backtests: rehearsal.NewDesk(h, clock.System(), log), Changes: changed, Silences: silenced, Preflights: preflights{db}, Analysts: analysts(t, db), Analyses: kept(t, db),
		Providers: asked, ProviderTests: trials{asked}, ProviderUsage: trials{asked},
		Checks: checks(t, db), CheckRuns: checkers.NewStore(db),
		DefinitionSchema: func(context.Context, string) (json.RawMessage, error) {
			return orchestration.DefinitionSchema(orchestration.NodeKinds())
		},
	})
	must(err)
	a.Register(h.engine)

	h.admin = "the-admin-key"
	system := auth.With(t.Context(), auth.System(tenant))
	for scope, to := range map[auth.Scope]*string{
		auth.ScopeRead: &h.read, auth.ScopeRespond: &h.respond, auth.ScopeEdit: &h.edit, auth.ScopeIngest: &h.ingest,
	} {
		_, *to, err = h.auth.CreateKey(system, tenant, auth.KeyInput{Name: string(scope), Scopes: auth.Scopes{scope}})
		must(err)
	}
	return h
}

// call makes a request with a key and returns the answer.
func (h *hub) call(key, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	h.t.Helper()
	r := httptest.NewRequestWithContext(h.t.Context(), method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	h.calls++
	r.RemoteAddr = fmt.Sprintf("10.0.%d.%d:1234", h.calls/256, h.calls%256) // failures slow their peer down
	w := httptest.NewRecorder()
	h.engine.ServeHTTP(w, r)
	return w
}

// want makes a request as admin and fails the test unless it is answered with status; the body is decoded.
func (h *hub) want(status int, method, path, body string) map[string]any {
	h.t.Helper()
	w := h.call(h.admin, method, path, body)
	if w.Code != status {
		h.t.Fatalf("%s %s: %d %s, want %d", method, path, w.Code, w.Body, status)
	}
	return decode(h.t, w)
}

func decode(t *testing.T, w *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	if w.Body.Len() == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(w.Body.Bytes()))
	var v map[string]any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("answer %q: %v", w.Body, err)
	}
	return v
}

// problem checks that an answer is a Problem with that status and returns it.
func problem(t *testing.T, w *httptest.ResponseRecorder, status int) api.Problem {
	t.Helper()
	if w.Code != status || w.Header().Get("Content-Type") != "application/problem+json" {
		t.Fatalf("%d %q %s, want a problem with %d", w.Code, w.Header().Get("Content-Type"), w.Body, status)
	}
	var p api.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatal(err)
	}
	if p.Status != status || p.Title == "" || p.Detail == "" || p.TraceID != w.Header().Get(api.TraceHeader) || p.TraceID == "" {
		t.Errorf("problem %+v with trace %q", p, w.Header().Get(api.TraceHeader))
	}
	return p
}

func (h *hub) exec(sql string, args ...any) {
	h.t.Helper()
	if err := h.db.From(h.t.Context()).Exec(sql, args...).Error; err != nil {
		h.t.Fatal(err)
	}
}

// incident stores an open incident.
func (h *hub) incident(title string) id.ID {
	h.t.Helper()
	key := id.New()
	h.exec(`INSERT INTO incidents (id, tenant_id, group_key, title, description, status, severity, event_seq, trace_id, created_at, updated_at)
		VALUES (?, ?, ?, ?, '', 'open', 'critical', 1, 't', ?, ?)`, key, tenant, key.String(), title, h.db.Now(), h.db.Now())
	return key
}
