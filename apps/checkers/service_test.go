package checkers_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/apps/checkers/checkertest"
	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func service(t *testing.T, c checkers.Config, list ...checkers.Checker) *checkers.Service {
	t.Helper()
	var err error
	if c.Set, err = checkers.NewSet(list...); err != nil {
		t.Fatal(err)
	}
	if c.Probe == nil {
		c.Probe = here
	}
	c.Log = slog.New(slog.DiscardHandler)
	s, err := checkers.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

func run(t *testing.T, s *checkers.Service, r checkers.Request) checkers.Report {
	t.Helper()
	r.Tenant = "default"
	got, err := s.Run(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// lines are results in short.
func lines(r checkers.Report) []string {
	out := []string{}
	for _, x := range r.Results {
		out = append(out, fmt.Sprintf("%s %s %v", x.CheckerName, x.Status, x.Metrics["value"]))
	}
	return append(out, r.Errors...)
}

func TestRun(t *testing.T) {
	t.Parallel()
	endpoint := level("endpoint")
	endpoint.spec.Endpoint = true
	s := service(t, checkers.Config{}, level("a"), level("b"), endpoint)
	conf := func(pairs ...string) map[string]json.RawMessage {
		m := map[string]json.RawMessage{}
		for i := 0; i+1 < len(pairs); i += 2 {
			m[pairs[i]] = json.RawMessage(pairs[i+1])
		}
		return m
	}
	for name, tt := range map[string]struct {
		req  checkers.Request
		want []string
	}{
		"all that look at the host": {checkers.Request{}, []string{"a ok 50", "b ok 50"}},
		"endpoints with settings":   {checkers.Request{Configs: conf("endpoint", `{}`)}, []string{"a ok 50", "b ok 50", "endpoint ok 50"}},
		"in the order of names":     {checkers.Request{Names: []string{"b", "a", "b"}}, []string{"b ok 50", "a ok 50"}},
		"one is unknown":            {checkers.Request{Names: []string{"b", "x"}}, []string{"b ok 50", `unknown check "x"; available are a, b, endpoint`}},
		"own settings win": {
			checkers.Request{Configs: conf(checkers.All, `{"value":80,"critical_threshold":80}`, "b", `{"value":75}`)}, []string{"a critical 80", "b warning 75"},
		},
		"thresholds for all": {
			checkers.Request{Warning: at(40), Critical: at(45), Configs: conf("b", `{"critical_threshold":60}`)}, []string{"a critical 50", "b warning 50"},
		},
		"switched off":               {checkers.Request{Configs: conf("a", `{"enabled":false}`)}, []string{"b ok 50"}},
		"switched off, and named":    {checkers.Request{Names: []string{"a"}, Configs: conf("a", `{"enabled":false}`)}, []string{"a ok <nil>"}},
		"settings of nobody":         {checkers.Request{Names: []string{"a"}, Configs: conf("x", `{}`)}, []string{"a ok 50", `settings: unknown check "x"; available are a, b, endpoint`}},
		"settings of the wrong kind": {checkers.Request{Names: []string{"a"}, Configs: conf("a", `7`)}, []string{"a unknown <nil>"}},
		"for all, and for nobody": {
			checkers.Request{Names: []string{"a"}, Configs: conf(checkers.All, `{"x":1}`)},
			[]string{"a ok 50", `settings: __all__: unknown setting "x"; there are count, critical_threshold, enabled, flag, names, timeout, value, wait, warning_threshold`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := run(t, s, tt.req)
			if diff := cmp.Diff(tt.want, lines(got)); diff != "" || got.Hostname != "web-01" {
				t.Errorf("of %s (-want +got):\n%s", got.Hostname, diff)
			}
		})
	}
	if _, err := s.Run(t.Context(), checkers.Request{Names: []string{"x", "y"}}); !errors.Is(err, checkers.ErrUnknown) {
		t.Errorf("only unknown ones: %v", err)
	}
	if got := run(t, s, checkers.Request{Names: []string{"a"}, Hostname: "db", CreateAlerts: true}); got.Hostname != "db" || len(got.Errors) != 1 || got.Passed != 1 {
		t.Errorf("alerts without a way: %+v", got)
	}
	if got := run(t, service(t, checkers.Config{Probe: &checkertest.Host{Fails: errors.New("no /proc")}}, level("a")), checkers.Request{}); got.Results[0].Error != "look at the host: no /proc" || got.Worst() != checkers.Unknown {
		t.Errorf("no host: %+v", got)
	}
}

// counting counts how often it runs, and how many at once.
type counting struct {
	made

	runs, now, most atomic.Int64
}

func count(name string, takes time.Duration) *counting {
	c := &counting{made: level(name)}
	c.do = func(context.Context, checkers.Input) (checkers.Finding, error) {
		n := c.runs.Add(1)
		c.most.Store(max(c.most.Load(), c.now.Add(1)))
		defer c.now.Add(-1)
		time.Sleep(takes)
		return checkers.Finding{Status: checkers.OK, Message: "m", Metrics: map[string]any{"value": float64(n)}}, nil
	}
	return c
}

// TestShared: a hundred at once cost one look, and so do those that come within 15 s.
func TestShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := count("a", time.Second)
		s := service(t, checkers.Config{}, c)
		var wg sync.WaitGroup
		ask := func(r checkers.Request, want float64) {
			wg.Go(func() {
				if got := run(t, s, r); got.Results[0].Metrics["value"] != want {
					t.Errorf("got %v, want %v", got.Results[0].Metrics, want)
				}
			})
		}
		shared := checkers.Request{Shared: true, Configs: map[string]json.RawMessage{"a": json.RawMessage(`{"value":1,"count":2}`)}}
		other := checkers.Request{Shared: true, Configs: map[string]json.RawMessage{"a": json.RawMessage(`{"count":2, "value":1}`)}}
		for range 50 {
			ask(shared, 1)
			ask(other, 1) // the same in other words
		}
		wg.Wait()
		time.Sleep(13 * time.Second)
		ask(shared, 1)
		wg.Wait()
		time.Sleep(3 * time.Second)
		ask(shared, 2) // it was too old
		wg.Wait()
		for range 10 {
			ask(checkers.Request{}, 3) // joins what runs
		}
		wg.Wait()
		ask(checkers.Request{}, 4) // and shares nothing else
		wg.Wait()
		short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		r := checkers.Request{Tenant: "default", Hostname: "x", Shared: true}
		if got, err := s.Run(short, r); err != nil || got.Results[0].Status != checkers.Unknown {
			t.Errorf("left: %+v, %v", got, err)
		}
		ask(r, 5) // the first one's leaving did not end it
		wg.Wait()
		if c.runs.Load() != 5 || c.most.Load() != 1 {
			t.Errorf("%d runs, %d at once", c.runs.Load(), c.most.Load())
		}
	})
}

// TestOrder: checks run side by side, but those that keep the machine busy wait for those that measure it.
func TestOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rate, walk, plain := count("rate", 3*time.Second), count("walk", 2*time.Second), count("plain", time.Second)
		rate.spec.Pair, walk.spec.Busy = true, true
		inner := walk.do
		walk.do = func(ctx context.Context, in checkers.Input) (checkers.Finding, error) {
			if rate.now.Load() > 0 || rate.runs.Load() == 0 {
				t.Error("it walks while somebody measures")
			}
			return inner(ctx, in)
		}
		began := time.Now()
		s := service(t, checkers.Config{}, walk, plain, rate)
		run(t, s, checkers.Request{})
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

func TestPair(t *testing.T) {
	t.Parallel()
	p := &checkertest.Host{Samples: []*host.Sample{{Hostname: "a"}, {Hostname: "b"}, {Hostname: "c"}}}
	pair := level("pair")
	pair.spec.Pair = true
	pair.do = func(_ context.Context, in checkers.Input) (checkers.Finding, error) {
		return checkers.Finding{Status: checkers.OK, Message: in.Before.Hostname + in.Sample.Hostname}, nil
	}
	if got := run(t, service(t, checkers.Config{Probe: p}, pair), checkers.Request{}); got.Results[0].Message != "ab" {
		t.Errorf("%+v", got.Results)
	}
}

func TestKept(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		store := checkers.NewStore(db)
		told := map[id.ID]int{}
		s := service(t, checkers.Config{Store: store, Clock: clock.At(now), Changed: func(tenant, kind string, i id.ID) {
			if tenant != "default" || kind != "check" {
				t.Errorf("told of a %s of %s", kind, tenant)
			}
			told[i]++
		}}, level("a"))
		one := id.New()
		got := run(t, s, checkers.Request{Origin: "pipeline", TraceID: "t", RunID: one, Shared: true, Configs: map[string]json.RawMessage{"a": json.RawMessage(`{"value":95,"warning_threshold":null}`)}})
		row, err := store.Get(t.Context(), "default", got.Results[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		want := checkers.CheckRun{
			ID: got.Results[0].ID, TenantID: "default", CheckerName: "a", Hostname: "web-01", Status: "critical", Message: "level", Metrics: map[string]any{"value": 95.0},
			Warning: at(70), Critical: at(90), Origin: "pipeline", RunID: &one, ExecutedAt: now, TraceID: "t", IsCritical: true, HasIssue: true,
		}
		row.DurationMS = 0
		if diff := cmp.Diff(want, row); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if _, err := store.Get(t.Context(), "other", row.ID); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("somebody else's: %v", err)
		}
		again := run(t, s, checkers.Request{RunID: id.New(), Shared: true, Configs: map[string]json.RawMessage{"a": json.RawMessage(`{"value":95,"warning_threshold":null}`)}})
		if again.Results[0].ID != row.ID {
			t.Errorf("what is shared has a row of its own: %+v", again)
		}
		if len(told) != 1 || told[row.ID] != 1 {
			t.Errorf("told of %v, one row was kept", told)
		}
		page, err := store.List(t.Context(), "default", checkers.Filter{RunID: one}, storage.Paging{})
		if err != nil || len(page.Items) != 1 {
			t.Errorf("of the run: %+v, %v", page, err)
		}
	})
}

// TestKeepingFails: that a row cannot be written is nobody's trouble.
func TestKeepingFails(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, storage.SQLite)
	if err := db.From(t.Context()).Exec("DROP TABLE check_runs").Error; err != nil {
		t.Fatal(err)
	}
	s := service(t, checkers.Config{Store: checkers.NewStore(db)}, level("a"))
	if got := run(t, s, checkers.Request{}); got.Results[0].Status != checkers.OK || len(got.Errors) > 0 {
		t.Errorf("%+v", got)
	}
}

// inbox takes what checks find.
type inbox struct {
	mu    sync.Mutex
	known map[string]checkers.Known
	found []checkers.Found
	err   error
}

// Known implements checkers.Intake.
func (i *inbox) Known(context.Context, string, []string) (map[string]checkers.Known, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.known, nil
}

// Accept implements checkers.Intake.
func (i *inbox) Accept(_ context.Context, _, _ string, f checkers.Found) (checkers.Taken, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.err != nil {
		return checkers.Taken{}, i.err
	}
	i.found = append(i.found, f)
	for _, r := range f.Results {
		i.known[checkers.Fingerprint(r.CheckerName, f.Hostname)] = checkers.Known{ID: id.New(), Firing: r.Status != checkers.OK}
	}
	return checkers.Taken{Receipt: id.New(), Counters: &event.Counters{AlertsCreated: len(f.Results)}}, nil
}

// TestAlertsOnce: those that share a result make one alert of it, and another try comes when that could not be stored.
func TestAlertsOnce(t *testing.T) {
	t.Parallel()
	in := &inbox{known: map[string]checkers.Known{}, err: errors.New("the disk at /secret is full")}
	s := service(t, checkers.Config{Intake: in}, level("a"), level("b"))
	req := checkers.Request{Shared: true, CreateAlerts: true, Configs: map[string]json.RawMessage{"a": json.RawMessage(`{"value":95}`)}}
	if got := run(t, s, req); !slices.Equal(got.Errors, []string{"alerts of checks not stored; the log of the hub says why"}) || got.Results[0].Status != checkers.Critical || got.Alerts != nil {
		t.Errorf("not stored: %+v", got)
	}
	in.err = nil
	for range 3 {
		if got := run(t, s, req); len(got.Errors) > 0 || got.Results[0].AlertID.IsZero() || !got.Results[1].AlertID.IsZero() {
			t.Errorf("stored: %+v", got)
		}
	}
	if len(in.found) != 1 || len(in.found[0].Results) != 1 || in.found[0].Hostname != "web-01" {
		t.Errorf("found %+v", in.found)
	}
	raw, err := json.Marshal(in.found[0])
	if err != nil {
		t.Fatal(err)
	}
	back, err := checkers.Read(raw)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(in.found[0].Observations(), back.Observations()); diff != "" {
		t.Errorf("read again (-was +is):\n%s", diff)
	}
}

func TestHistory(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		now := time.Now().UTC().Truncate(time.Second) // after the database is made, which takes seconds on a busy machine
		store := checkers.NewStore(db)
		for i, v := range []float64{10, 20, 95, 40} { // 40, 30, 20 and 10 minutes ago
			at := now.Add(-time.Duration(4-i) * 10 * time.Minute)
			status := checkers.OK
			if v > 90 {
				status = checkers.Critical
			}
			key := id.Before(at)
			key[15] = byte(i)
			err := db.From(t.Context()).Create(&checkers.CheckRun{
				ID: key, TenantID: "default", CheckerName: "a", Hostname: "h", Status: status, Metrics: map[string]any{"value": v}, ExecutedAt: at, Warning: &v,
			}).Error
			if err != nil {
				t.Fatal(err)
			}
		}
		spec := level("a").spec
		got, err := store.History(t.Context(), "default", spec, checkers.HistoryQuery{Hostname: "h", Since: now.Add(-50 * time.Minute), Points: 2})
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Points) != 2 || got.Points[0].Runs+got.Points[1].Runs != 4 || got.Points[1].Status != checkers.Critical || *got.Points[1].Max != 95 || *got.Points[0].Min != 10 ||
			*got.Warning != 40 || got.Metric != "value" || got.Step < 1499 || got.Step > 1502 {
			t.Errorf("%+v", got)
		}
		if got.Points[0].Runs == 2 && (*got.Points[0].Mean != 15 || *got.Points[1].Mean != 67.5) {
			t.Errorf("means %v %v", *got.Points[0].Mean, *got.Points[1].Mean)
		}
		none, err := store.History(t.Context(), "other", spec, checkers.HistoryQuery{Hostname: "h"})
		if err != nil || len(none.Points) != 0 || none.Points == nil {
			t.Errorf("somebody else's: %+v, %v", none, err)
		}
		latest, err := store.Latest(t.Context(), "default")
		if err != nil || len(latest) != 1 || latest[0].Metrics["value"] != 40.0 {
			t.Errorf("latest %+v, %v", latest, err)
		}
	})
}
