package intelligence

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/redact"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
	"github.com/incidenthub/incidenthub/providers"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// known1 is an incident that is stored.
var known1 = id.New()

// shelf has one incident.
type shelf struct{ away error }

func (s shelf) Load(_ context.Context, _ string, incident id.ID) (*providers.Incident, []providers.Alert, error) {
	switch {
	case s.away != nil:
		return nil, nil, s.away
	case incident != known1:
		return nil, nil, storage.ErrNotFound
	}
	return &providers.Incident{ID: incident.String(), Title: "Disk", Severity: "critical"}, []providers.Alert{{Name: "Disk", Description: "password=hunter2hunter2"}}, nil
}

// notes remembers what was written into the history of incidents.
type notes struct {
	mu   sync.Mutex
	list []Noted
	err  error
	// after is what was said of the transactions.
	after []bool
}

func (n *notes) note(_ *storage.Tx, list []Noted) (func(bool), error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.list = append(n.list, list...)
	return func(committed bool) {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.after = append(n.after, committed)
	}, n.err
}

func service(t *testing.T, db *storage.DB, s set, of Incidents, n *notes) (*Service, *Reader) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	a, err := NewAnalyzer(AnalyzerConfig{Providers: s, Log: log, Redact: redact.New("the-hubs-own-secret")})
	if err != nil {
		t.Fatal(err)
	}
	svc, err := New(Config{DB: db, Analyzer: a, Incidents: of, Log: log, Note: n.note})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(svc.Stop)
	r, err := NewReader(db)
	if err != nil {
		t.Fatal(err)
	}
	return svc, r
}

func TestStored(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		p := &fake{name: "p", answer: says("Free the-hubs-own-secret")}
		p.answer.Usage = providers.Usage{Prompt: new(int64(7)), Total: new(int64(9))}
		p.answer.Result.Confidence = new(0.25)
		n := &notes{}
		s, r := service(t, db, set{"p": p, "local": {name: "local", err: &providers.Error{Class: providers.ErrServer, Err: errors.New("hunter2hunter2")}}}, shelf{}, n)
		run := id.New()
		got, err := s.Analyze(t.Context(), &Request{
			Tenant: "t1", TraceID: "trace", RunID: run, IncidentID: known1, Provider: "p", Config: json.RawMessage(`{"api_key":"k-k-k","effort":"low"}`), CheckRef: "checker:x",
			Options: providers.Options{TopProcesses: 3}, Evidence: providers.Evidence{Checks: []providers.Check{{Name: "disk", Status: "critical", Message: "full"}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		d, err := r.Run(t.Context(), "t1", got.ID)
		if err != nil {
			t.Fatal(err)
		}
		if d.TraceID != "trace" || *d.RunID != run || *d.IncidentID != known1 || d.Provider != "p" || d.ModelName != "m-1" || d.Status != StatusSucceeded || d.Rung != "provider" ||
			d.ErrorClass+d.ErrorMessage != "" || d.FallbackUsed || !d.Grounded || d.Truncated || d.Cached || d.CheckerOutputRef != "checker:x" || d.RecommendationsCount != 1 ||
			*d.Confidence != 0.25 || *d.PromptTokens != 7 || d.CompletionTokens != nil || *d.TotalTokens != 9 || d.CompletedAt == nil || d.StartedAt == nil || d.DurationMS == nil {
			t.Errorf("row %+v", d.AnalysisRun)
		}
		var config, input map[string]any
		if json.Unmarshal(d.ProviderConfig, &config) != nil || config["effort"] != "low" || config["top_n_processes"] != 3.0 || !strings.Contains(fmt.Sprint(config["api_key"]), "redacted") {
			t.Errorf("settings %s", d.ProviderConfig)
		}
		if json.Unmarshal(d.InputSummary, &input) != nil || input["alerts"] != 1.0 || input["checks_failed"] != 1.0 || input["incident"] != true {
			t.Errorf("input %s", d.InputSummary)
		}
		if len(d.Evidence) != 2 || d.Evidence[0].ID != "A1" || d.Evidence[1].ID != "C1" || d.Recommendations[0].Title != "Free [redacted:secret]" || d.Recommendations[0].IncidentID != known1.String() {
			t.Errorf("detail %+v", d)
		}
		if raw, err := json.Marshal(d); err != nil || strings.Contains(string(raw), "hunter2") || strings.Contains(string(raw), "k-k-k") {
			t.Errorf("%s %v", raw, err)
		}

		failed, err := s.Analyze(t.Context(), &Request{Tenant: "t1", IncidentID: known1})
		if err != nil {
			t.Fatal(err)
		}
		f, err := r.Run(t.Context(), "t1", failed.ID)
		if err != nil || f.Status != StatusFailed || f.Rung != "facts" || f.ErrorClass != "server" || f.ErrorMessage != "the provider failed" || !f.FallbackUsed || f.RunID != nil {
			t.Errorf("failed %+v %v", f.AnalysisRun, err)
		}
		if _, err := s.Analyze(t.Context(), &Request{Tenant: "t1", Incident: &providers.Incident{Title: "x"}, FactsOnly: true}); err != nil {
			t.Error(err)
		}
		if len(n.list) != 2 || n.list[0].IncidentID != known1 || n.list[0].Details["analysis_id"] != got.ID.String() || n.list[0].Details["run_id"] != run.String() ||
			n.list[1].Details["error_class"] != "server" || n.list[0].RunID != run || n.list[0].Analysis == nil || n.list[0].Analysis.ID != got.ID ||
			!slices.Equal(n.after, []bool{true, true}) || n.list[1].Details["rung"] != "facts" {
			t.Errorf("noted %+v", n.list)
		}
		for name, tt := range map[string]struct {
			f    Filter
			want int
		}{
			"all": {Filter{}, 3}, "incident": {Filter{IncidentID: known1}, 2}, "run": {Filter{RunID: run}, 1}, "provider": {Filter{Provider: "p"}, 1}, "rung": {Filter{Rung: "facts"}, 2},
			"status": {Filter{Status: StatusFailed}, 1},
		} {
			page, err := r.Runs(t.Context(), "t1", tt.f, storage.Paging{Limit: 10})
			if err != nil || len(page.Items) != tt.want {
				t.Errorf("%s: %d rows, want %d, %v", name, len(page.Items), tt.want, err)
			}
		}
		page, err := r.Runs(t.Context(), "t1", Filter{}, storage.Paging{Limit: 2})
		if err != nil || len(page.Items) != 2 || page.NextCursor == "" || page.Items[1].ID != failed.ID {
			t.Errorf("page %+v %v", page, err)
		}
		if page, err := r.Runs(t.Context(), "other", Filter{}, storage.Paging{Limit: 2}); err != nil || len(page.Items) != 0 {
			t.Errorf("another tenant sees %d rows, %v", len(page.Items), err)
		}
		if _, err := r.Run(t.Context(), "other", got.ID); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("another tenant reads it: %v", err)
		}
		for name, bad := range map[string]struct {
			r    *Request
			want error
		}{
			"no such incident": {&Request{Tenant: "t1", IncidentID: id.New()}, storage.ErrNotFound},
			"no such provider": {&Request{Tenant: "t1", Provider: "psychic"}, ErrUnknownProvider},
		} {
			if _, err := s.Analyze(t.Context(), bad.r); !errors.Is(err, bad.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// TestShared: those who ask the same of one incident share an analysis, each with its row; others do not.
func TestShared(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, storage.SQLite)
	p := &fake{name: "p", hold: make(chan struct{}), answer: says("P"), calls: make(chan time.Time, 100)}
	s, r := service(t, db, set{"p": p, "local": {name: "local", answer: says("L")}}, shelf{}, &notes{})
	var wg sync.WaitGroup
	for i := range 30 {
		wg.Go(func() {
			q := Request{Tenant: "t1", IncidentID: known1, Provider: "p"}
			if i >= 20 {
				q.Options.TopProcesses = i // another question
			}
			if _, err := s.Analyze(t.Context(), &q); err != nil {
				t.Error(err)
			}
		})
	}
	shown := func(f Filter) int {
		page, err := r.Runs(t.Context(), "t1", f, storage.Paging{Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		return len(page.Items)
	}
	testkit.Eventually(t, time.Minute, func() bool { return shown(Filter{Status: StatusRunning}) == 30 }, "they are shown as running")
	close(p.hold)
	wg.Wait()
	if n := len(p.calls); n != 11 {
		t.Errorf("%d calls, want 11", n)
	}
	page, err := r.Runs(t.Context(), "t1", Filter{}, storage.Paging{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	cached := map[bool]int{}
	for _, a := range page.Items {
		cached[a.Cached]++
	}
	if diff := cmp.Diff(map[bool]int{true: 19, false: 11}, cached); diff != "" {
		t.Errorf("cached (-want +got):\n%s", diff)
	}
}

// TestLate: whoever runs out of time gets the facts, and the row says so.
func TestLate(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, storage.SQLite)
	s, r := service(t, db, set{"local": {name: "local", after: time.Minute, answer: says("L")}}, shelf{}, &notes{})
	for name, strict := range map[string]bool{"with fallback": false, "without": true} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		got, err := s.Analyze(ctx, &Request{Tenant: "t1", IncidentID: known1, NoFallback: strict})
		cancel()
		if (err != nil) != strict || got.Rung != "facts" || got.ErrorClass != providers.ErrTimeout || got.Recommendations[0].Title != "Look into Disk" {
			t.Errorf("%s: %+v %v", name, got, err)
		}
		testkit.Eventually(t, time.Minute, func() bool {
			d, err := r.Run(t.Context(), "t1", got.ID)
			return err == nil && d.Status == StatusFailed && d.ErrorMessage == "there was no answer in time"
		}, "the row says so")
	}
}

// TestUnstored: an analysis whose row cannot be written is an analysis all the same, and one whose incident cannot be read is made of what
// the asker knows.
func TestUnstored(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, storage.SQLite)
	s, r := service(t, db, set{"local": {name: "local", answer: says("L")}}, shelf{away: storage.ErrUnavailable}, &notes{err: errors.New("no")})
	got, err := s.Analyze(t.Context(), &Request{Tenant: "t1", IncidentID: known1, Incident: &providers.Incident{Title: "Disk"}, Evidence: providers.Evidence{Alerts: []providers.Alert{{Name: "Disk"}}}})
	if err != nil || got.Rung != "local" || got.Evidence.Alerts[0].Name != "Disk" {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := r.Run(t.Context(), "t1", got.ID); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("it was stored: %v", err)
	}
	if _, err := s.Analyze(t.Context(), &Request{Tenant: "t1", IncidentID: known1}); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("nothing is known of it: %v", err)
	}
}

// TestStatementsAreKeyed: none of the hot path reads more than its rows, however small the tables were when it was planned.
func TestStatementsAreKeyed(t *testing.T) {
	t.Parallel()
	dbtest.Keyed(t, dbtest.Open(t, storage.Postgres), []string{"id", "incident_id", "key", "provider", "hour", "hour <", "hour >=", "expires_at <=", "updated_at <"}, map[string]*storage.Statement{
		"insertAnalysis": insertAnalysis, "lastAnalysis": lastAnalysis, "endAnalysis": endAnalysis, "endOrphan": endOrphan, "insertPlace": insertPlace, "lockPlace": lockPlace, "claimPlace": claimPlace,
		"leavePlace": leavePlace, "findAnswer": findAnswer, "keepAnswer": keepAnswer, "insertHour": insertHour, "lockDay": lockDay, "sumDay": sumDay, "noticeDay": noticeDay,
		"countHour": countHour, "pruneAnswers": pruneAnswers, "prunePlaces": prunePlaces, "pruneHours": pruneHours,
	})
}
