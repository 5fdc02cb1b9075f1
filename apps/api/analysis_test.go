package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/alerts"
	"github.com/incidenthub/incidenthub/apps/intelligence"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/providers"
)

// analyst plays the local analyzer: it says what it was asked, and fails where the path is /srv.
type analyst struct{}

func (analyst) Names() []string { return []string{"local"} }

func (a analyst) Make(name string, _ json.RawMessage) (providers.Provider, error) {
	if name != "local" {
		return nil, errors.New("nobody else is here")
	}
	return a, nil
}

func (analyst) Name() string { return "local" }

func (analyst) Analyze(_ context.Context, r *providers.Request) (*providers.Answer, error) {
	if r.Options.Path == "/srv" {
		return nil, &providers.Error{Class: providers.ErrServer, Err: errors.New("token=hunter2-hunter2")}
	}
	said, err := json.Marshal(map[string]any{"kind": r.Kind, "options": r.Options, "incident": r.Incident != nil})
	if err != nil {
		return nil, err
	}
	return &providers.Answer{Result: &providers.Result{Summary: "Looked", Recommendations: []providers.Recommendation{
		{Type: providers.Memory, Priority: providers.High, Title: "It was asked", Description: string(said), Actions: []string{"free -m"}, Evidence: []string{"A1", "Z9"}},
	}}}, nil
}

// stored finds incidents for analyses.
type stored struct{ of *alerts.Reader }

func (s stored) Load(ctx context.Context, tenant string, incident id.ID) (*providers.Incident, []providers.Alert, error) {
	a, err := s.of.About(ctx, tenant, incident)
	if err != nil {
		return nil, nil, err
	}
	var list []providers.Alert
	for _, one := range a.Alerts {
		list = append(list, providers.Alert{Name: one.Name, Labels: one.Labels, Count: one.Count})
	}
	return &providers.Incident{ID: a.ID.String(), Title: a.Title}, list, nil
}

func analysts(t *testing.T, db *storage.DB) *intelligence.Service {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	reader, err := alerts.NewReader(db)
	if err != nil {
		t.Fatal(err)
	}
	a, err := intelligence.NewAnalyzer(intelligence.AnalyzerConfig{Providers: analyst{}, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	s, err := intelligence.New(intelligence.Config{DB: db, Analyzer: a, Incidents: stored{reader}, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

func kept(t *testing.T, db *storage.DB) *intelligence.Reader {
	t.Helper()
	r, err := intelligence.NewReader(db)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAnalyses(t *testing.T) {
	t.Parallel()
	for engine, on := range map[string]func(*testing.T) *hub{"sqlite": onSQLite, "postgres": onPostgres} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			h := on(t)
			about := h.incident("Disk")
			incident := about.String()
			h.exec(`INSERT INTO alerts (id, tenant_id, source, fingerprint, name, severity, status, description, labels, annotations, group_key, vendor_group_key, incident_id,
				last_seq, occurrences, trace_id, started_at, received_at, updated_at) VALUES (?, ?, 'x', 'f', 'Disk', 'critical', 'firing', '', '{"instance":"a"}', '{}', 'g', '', ?, 1, 1, 't', ?, ?, ?)`,
				id.New(), tenant, about, h.db.Now(), h.db.Now(), h.db.Now())
			w := h.call(h.respond, "POST", "/api/v1/incidents/"+incident+"/analyze", `{"config":{"top_n_processes":3,"api_key":"k","scan_paths":["/etc"]}}`)
			made := decode(t, w)
			if w.Code != 200 {
				t.Fatalf("analyze: %d %s", w.Code, w.Body)
			}
			first := made["recommendations"].([]any)[0].(map[string]any)
			if made["rung"] != "local" || made["provider"] != "local" || made["status"] != "succeeded" || made["grounded"] != true || made["cached"] != false ||
				made["incident_id"] != incident || made["recommendations_count"] != 1.0 || made["prompt_version"] != "" || made["summary"] != "Looked" ||
				!cmp.Equal(first["evidence"], []any{"A1"}) || !cmp.Equal(made["provider_config"], map[string]any{"top_n_processes": 3.0}) ||
				made["evidence"].([]any)[0].(map[string]any)["id"] != "A1" || made["input_summary"].(map[string]any)["alerts"] != 1.0 || made["duration_ms"] == nil {
				t.Errorf("analysis %v", made)
			}
			if first["description"] != `{"incident":true,"kind":"","options":{"top_n_processes":3}}` {
				t.Errorf("the provider was asked %v", first["description"])
			}
			h.want(200, "GET", "/intelligence/memory", "")
			for query, want := range map[string]int{
				"": 2, "?incident_id=" + incident: 1, "?provider=local": 2, "?rung=facts": 0, "?status=succeeded&limit=1": 1, "?run_id=" + id.New().String(): 0,
			} {
				if got := len(h.want(200, "GET", "/api/v1/analyses"+query, "")["items"].([]any)); got != want {
					t.Errorf("analyses%s: %d, want %d", query, got, want)
				}
			}
			if got := h.want(200, "GET", "/api/v1/analyses/"+made["id"].(string), ""); !cmp.Equal(got, made) {
				t.Errorf("read again:\n%s", cmp.Diff(made, got))
			}
			problem(t, h.call(h.read, "GET", "/api/v1/analyses/"+id.New().String(), ""), 404)
			problem(t, h.call(h.respond, "POST", "/api/v1/incidents/"+id.New().String()+"/analyze", ""), 404)
			problem(t, h.call(h.respond, "POST", "/api/v1/incidents/"+incident+"/analyze", `{"provider":"psychic"}`), 422)
			problem(t, h.call(h.respond, "POST", "/api/v1/incidents/"+incident+"/analyze", `{"config":{"top_n_processes":"many"}}`), 422)
		})
	}
}

func TestContractIntelligence(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	incident := h.incident("Disk").String()
	asked := func(v map[string]any) string {
		return v["recommendations"].([]any)[0].(map[string]any)["description"].(string)
	}
	for _, slash := range []string{"", "/"} {
		if got := h.want(200, "GET", "/intelligence/health"+slash, ""); !cmp.Equal(got, map[string]any{"status": "healthy", "app": "intelligence", "providers": []any{"local"}}) {
			t.Errorf("health %v", got)
		}
		if a := h.call("", "GET", "/intelligence/health"+slash, ""); a.Code != 200 {
			t.Errorf("health without a key: %d", a.Code)
		}
		if got := h.want(200, "GET", "/intelligence/providers"+slash, ""); !cmp.Equal(got, map[string]any{"providers": []any{"local"}, "count": 1.0}) {
			t.Errorf("providers %v", got)
		}
		got := h.want(200, "GET", "/intelligence/recommendations"+slash+"?incident_id="+incident+"&provider=local", "")
		if got["provider"] != "local" || got["incident_id"] != incident || got["count"] != 1.0 || !strings.Contains(asked(got), `"incident":true`) {
			t.Errorf("recommendations %v", got)
		}
		got = h.want(200, "POST", "/intelligence/recommendations"+slash, `{"incident_id":null,"config":{"host":"http://x","base_url":"http://y","scan_paths":["/etc"],"old_file_days":2}}`)
		if got["incident_id"] != nil || asked(got) != `{"incident":false,"kind":"","options":{"old_file_days":2}}` {
			t.Errorf("recommendations by body %v", got)
		}
		got = h.want(200, "GET", "/intelligence/memory"+slash+"?top_n=4", "")
		if got["type"] != "memory" || got["count"] != 1.0 || asked(got) != `{"incident":false,"kind":"memory","options":{"top_n_processes":4}}` {
			t.Errorf("memory %v", got)
		}
		got = h.want(200, "GET", "/intelligence/disk"+slash, "")
		if got["type"] != "disk" || got["path"] != "/" || asked(got) != `{"incident":false,"kind":"disk","options":{"large_file_threshold_mb":100,"old_file_days":30,"path":"/"}}` {
			t.Errorf("disk %v", got)
		}
	}
	for query, want := range map[string]int{
		"path=/var/log/": 200, "path=/usr": 200, "path=/": 200, "path=/etc": 400, "path=/variable": 400, "path=/var/../etc": 400, "path=var/log": 400,
		"path=/var/%00": 400, "path=//etc": 400, "threshold_mb=x": 400, "old_days=-1": 400, "old_days=1.5": 400, "threshold_mb=1": 200, "path=/srv": 500,
	} {
		w := h.call(h.read, "GET", "/intelligence/disk/?"+query, "")
		if w.Code != want || want >= 400 && decode(t, w)["error"] == nil || strings.Contains(w.Body.String(), "hunter2") {
			t.Errorf("disk?%s: %d %s, want %d", query, w.Code, w.Body, want)
		}
		if text, _ := decode(t, w)["error"].(string); strings.HasPrefix(query, "path=") && want == 400 && text != "Invalid path" {
			t.Errorf("disk?%s: %q", query, text)
		}
	}
	for what, c := range map[string]struct {
		method, path, body string
		status             int
	}{
		"memory of words":       {"GET", "/intelligence/memory/?top_n=ten", "", 400},
		"no such incident":      {"GET", "/intelligence/recommendations/?incident_id=" + id.New().String(), "", 404},
		"no id":                 {"GET", "/intelligence/recommendations/?incident_id=7", "", 404},
		"no such provider":      {"GET", "/intelligence/recommendations/?provider=" + url.QueryEscape("psychic"), "", 400},
		"bad JSON":              {"POST", "/intelligence/recommendations/", `{"incident_id":`, 400},
		"not an object":         {"POST", "/intelligence/recommendations/", `[]`, 400},
		"unknown provider":      {"POST", "/intelligence/recommendations/", `{"provider":"psychic"}`, 400},
		"incident that is gone": {"POST", "/intelligence/recommendations/", `{"incident_id":"` + id.New().String() + `"}`, 404},
		"bad settings":          {"POST", "/intelligence/recommendations/", `{"config":{"top_n_processes":0}}`, 400},
	} {
		w := h.call(h.admin, c.method, c.path, c.body)
		if text, _ := decode(t, w)["error"].(string); w.Code != c.status || text == "" {
			t.Errorf("%s: %d %s, want %d", what, w.Code, w.Body, c.status)
		}
	}
	if w := h.call(h.read, http.MethodGet, "/intelligence/providers/", ""); w.Code != 200 {
		t.Errorf("a key that may read: %d", w.Code)
	}
}
