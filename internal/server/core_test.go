package server

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/alerts"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/config"
	"github.com/incidenthub/incidenthub/internal/platform/doc"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

// receiver is a webhook receiver that remembers what arrived.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	keys   []string
	bodies []map[string]any
	status func(n int) int
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{status: func(int) int { return http.StatusOK }}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		raw, _ := io.ReadAll(req.Body)
		var body map[string]any
		_ = json.Unmarshal(raw, &body)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.keys = append(r.keys, req.Header.Get("Idempotency-Key"))
		r.bodies = append(r.bodies, body)
		w.WriteHeader(r.status(len(r.keys)))
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) titles() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := []string{}
	for _, b := range r.bodies {
		out = append(out, fmt.Sprint(b["title"]))
	}
	return out
}

func engines(t *testing.T, fn func(t *testing.T, url string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); fn(t, dbtest.SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { t.Parallel(); fn(t, dbtest.Postgres(t)) })
}

func startCore(t *testing.T, url string, env map[string]string) *core {
	t.Helper()
	return startCoreWith(t, url, env, coreOptions{})
}

func startCoreWith(t *testing.T, url string, env map[string]string, opt coreOptions) *core {
	t.Helper()
	if opt.preset == "" {
		opt.preset = "direct"
	}
	opt.unsafe = true
	settings := map[string]string{
		"HUB_DATABASE_URL": url, "HUB_DATA_DIR": t.TempDir(), "HUB_EGRESS_ALLOW": "127.0.0.0/8", "HUB_ADMIN_KEY": "test-admin-key-0123456789",
	}
	if !strings.HasPrefix(url, "postgres") {
		settings["HUB_DATABASE_URL"] = "sqlite:" + url
	}
	maps.Copy(settings, env)
	cfg, err := config.Load(func(k string) string { return settings[k] }, nil)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	if os.Getenv("HUB_TEST_VERBOSE") != "" {
		log = testkit.Logger(t)
	}
	c, err := openCore(t.Context(), cfg, log, io.Discard, opt)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.first(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := c.stop(ctx); err != nil {
			t.Error(err)
		}
		if err := c.close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func (c *core) tells(t *testing.T, r *receiver) {
	t.Helper()
	raw, _ := json.Marshal(map[string]any{"endpoint": r.URL})
	if _, err := c.channels.Create(t.Context(), tenant, notify.ChannelInput{Name: "ops", Driver: "generic", Config: raw, IsActive: true}); err != nil {
		t.Fatal(err)
	}
}

func (c *core) push(t *testing.T, body string) orchestration.Accepted {
	t.Helper()
	p, err := alerts.Parse(c.parsers, "", []byte(body), doc.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	e, _ := c.entries.Default(tenant)
	got, err := c.engine.Intake.Accept(t.Context(), &orchestration.Push{
		Tenant: tenant, On: "webhook", Origin: "incoming_webhook", Driver: p.Driver, Body: []byte(body), Parsed: p.Parsed, Unusable: p.Unusable,
		Entry: orchestration.Entry{ID: e.ID, Name: e.Name},
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func am(status string, names ...string) string {
	var items []string
	for _, n := range names {
		items = append(items, fmt.Sprintf(`{"status":%q,"labels":{"alertname":%q,"instance":"web-01","severity":"critical"},"annotations":{"summary":"s"},
			"startsAt":"2026-11-20T10:00:00Z","endsAt":"0001-01-01T00:00:00Z"}`, status, n))
	}
	return fmt.Sprintf(`{"version":"4","groupKey":"g","status":%q,"receiver":"hub","groupLabels":{},"commonLabels":{},"commonAnnotations":{},"externalURL":"",
		"alerts":[%s]}`, status, strings.Join(items, ","))
}

func (c *core) counts(t *testing.T) map[string]int64 {
	t.Helper()
	var rows []struct {
		K string
		N int64
	}
	if err := c.db.Read(t.Context()).Raw(`SELECT state || ':' || reason AS k, count(*) AS n FROM ledger GROUP BY state, reason`).Scan(&rows).Error; err != nil {
		t.Fatal(err)
	}
	out := map[string]int64{}
	for _, r := range rows {
		out[r.K] = r.N
	}
	return out
}

func (c *core) rest(t *testing.T) {
	t.Helper()
	testkit.Eventually(t, 2*time.Minute, func() bool {
		var n int64
		if err := c.db.Read(t.Context()).Raw(`SELECT count(*) FROM jobs`).Scan(&n).Error; err != nil {
			t.Fatal(err)
		}
		return n == 0
	}, "jobs left")
}

func TestFireRepeatResolve(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, url string) {
		c := startCore(t, url, nil)
		r := newReceiver(t)
		c.tells(t, r)
		got := c.push(t, am("firing", "DiskFull"))
		if got.Outcome != "queued" || len(got.RunIDs) != 1 {
			t.Fatalf("accepted as %+v", got)
		}
		if f := c.engine.Wait(t.Context(), tenant, got.ReceiptID); f == nil || f.Counters.AlertsCreated != 1 || f.Counters.IncidentsCreated != 1 {
			t.Errorf("folded %+v", f)
		}
		c.rest(t)
		c.push(t, am("firing", "DiskFull"))
		c.rest(t)
		c.push(t, am("resolved", "DiskFull"))
		c.rest(t)
		c.push(t, am("resolved", "DiskFull"))
		c.rest(t)
		want := map[string]int64{"delivered:": 2, "suppressed:duplicate": 2}
		if diff := cmp.Diff(want, c.counts(t)); diff != "" {
			t.Error(diff)
		}
		if got := r.titles(); len(got) != 2 {
			t.Errorf("told %q", got)
		}
		rep, err := c.checker.Check(t.Context(), tenant)
		if err != nil || !rep.Balanced {
			t.Errorf("check: %+v %v", rep, err)
		}
		list, err := c.alerts.Incidents(t.Context(), tenant, alerts.IncidentFilter{}, storage.Paging{})
		if err != nil || len(list.Items) != 1 || list.Items[0].Instance != "web-01" {
			t.Fatalf("incidents %+v %v", list.Items, err)
		}
		told, err := c.deliveries.LastTold(t.Context(), tenant, []id.ID{list.Items[0].ID, id.New()})
		var last []string
		for _, d := range told[list.Items[0].ID] {
			last = append(last, d.ChannelName+" "+string(d.Kind)+" "+d.State)
		}
		if diff := cmp.Diff([]string{"inbox resolved delivered", "ops resolved delivered"}, last); diff != "" || err != nil || len(told) != 1 {
			t.Errorf("%v %s", err, diff)
		}
		var runs []struct{ State, Status string }
		c.db.Read(t.Context()).Raw(`SELECT state, status FROM runs`).Scan(&runs)
		for _, r := range runs {
			if r.State != "succeeded" || r.Status != "notified" {
				t.Errorf("run %+v", r)
			}
		}
	})
}

func TestParallelPushesOfOneAlert(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, url string) {
		c := startCore(t, url, nil)
		r := newReceiver(t)
		c.tells(t, r)
		var wg sync.WaitGroup
		for range 32 {
			wg.Go(func() { c.push(t, am("firing", "Same")) })
		}
		wg.Wait()
		c.rest(t)
		var n struct{ Alerts, Incidents, Occurrences int64 }
		c.db.Read(t.Context()).Raw(`SELECT (SELECT count(*) FROM alerts) AS alerts, (SELECT count(*) FROM incidents) AS incidents,
			(SELECT sum(occurrences) FROM alerts) AS occurrences`).Scan(&n)
		if n.Alerts != 1 || n.Incidents != 1 || n.Occurrences != 32 || len(r.titles()) != 1 {
			t.Errorf("%+v, told %d times", n, len(r.titles()))
		}
		got := c.counts(t)
		if got["delivered:"]+got["suppressed:duplicate"]+got["suppressed:superseded"] != 32 || got["delivered:"] != 1 {
			t.Error(got)
		}
	})
}

func TestStartRefusedForgetsNoKey(t *testing.T) {
	t.Parallel()
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	dir := t.TempDir()
	open := func(listen string) (*Server, error) {
		cfg, err := config.Load(func(k string) string {
			return map[string]string{"HUB_DATA_DIR": dir, "HUB_LISTEN": listen}[k]
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return New(t.Context(), cfg, slog.New(slog.DiscardHandler), io.Discard, Options{Unsafe: true})
	}
	if _, err := open(busy.Addr().String()); err == nil || !strings.Contains(err.Error(), "HUB_LISTEN") {
		t.Errorf("a taken address gives %v", err)
	}
	s, err := open("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	if s.OwnerToken() == "" || s.IngestKey() == "" {
		t.Error("the keys of the first start were used up by one that failed")
	}
	if err := s.Stop(context.Background()); err != nil {
		t.Error(err)
	}
}
