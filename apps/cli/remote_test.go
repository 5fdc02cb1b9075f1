package cli_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/cli"
)

// hostile is text that would steer a terminal.
const hostile = "disk \x1b[2J\u202efull"

// api plays the hub's API: it notes what it is asked and answers from a table of method and path.
type api struct {
	*httptest.Server
	asked []string
}

func newAPI(t *testing.T, answers map[string]string) *api {
	t.Helper()
	a := &api{}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		a.asked = append(a.asked, strings.TrimSpace(r.Method+" "+r.URL.RequestURI()+" "+string(body)))
		w.Header().Set("Content-Type", "application/json")
		if r.Header.Get("Authorization") != "Bearer the-key" {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"title":"Unauthorized","status":401,"detail":"Give an API key."}`)
			return
		}
		answer, ok := answers[r.Method+" "+r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"title":"Not Found","status":404,"detail":"incident 1: not found","errors":[{"message":"no","pointer":"/x","suggestion":"yes"}]}`)
			return
		}
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(a.Close)
	return a
}

func text(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

func TestIncidents(t *testing.T) {
	t.Parallel()
	incident := `{"id":"i-1","title":` + text(hostile) + `,"status":"acknowledged","severity":"critical","alert_count":3,"firing_alert_count":2,
		"created_at":"2026-03-01T12:00:00Z","summary":"s","trace_id":"t-1","alerts":[{"name":"DiskFull","status":"firing","severity":"critical","source":"grafana"}]}`
	a := newAPI(t, map[string]string{
		"GET /api/v1/incidents":                  `{"items":[` + incident + `],"next_cursor":"i-1"}`,
		"GET /api/v1/incidents/i-1":              incident,
		"GET /api/v1/incidents/i-1/timeline":     `{"items":[{"at":"2026-03-01T12:00:00Z","event":"note","actor":"ada","details":{"text":"looking"}}],"next_cursor":""}`,
		"POST /api/v1/incidents/i-1/acknowledge": incident, "POST /api/v1/incidents/i-1/resolve": incident,
		"POST /api/v1/incidents/i-1/close": incident, "POST /api/v1/incidents/i-1/reopen": incident, "POST /api/v1/incidents/i-1/notes": incident,
	})
	s := newShell(t)
	s.vars["HUB_SERVER"], s.vars["HUB_TOKEN"] = a.URL, "the-key"

	out := s.ok(t, "", "incident", "list", "--status", "open,acknowledged", "--severity", "critical", "--search", "disk", "--limit", "5", "--cursor", "i-9")
	for _, want := range []string{"i-1", "acknowledged", "critical", "2/3", "2026-03-01 12:00:00Z", "disk  [2J full", "--cursor i-1"} {
		if !strings.Contains(out, want) {
			t.Errorf("list: no %q in\n%s", want, out)
		}
	}
	out = s.ok(t, "", "incident", "show", "i-1")
	for _, want := range []string{"critical, acknowledged", "DiskFull", "note", "ada", "looking"} {
		if !strings.Contains(out, want) {
			t.Errorf("show: no %q in\n%s", want, out)
		}
	}
	if strings.ContainsAny(out, "\x1b\u202e") {
		t.Errorf("show: steers the terminal: %q", out)
	}
	if out := s.ok(t, "", "incident", "ack", "i-1"); !strings.HasPrefix(out, "i-1 is acknowledged: disk") {
		t.Error(out)
	}
	s.ok(t, "", "incident", "resolve", "i-1", "--summary", "grown")
	s.ok(t, "", "incident", "close", "i-1")
	s.ok(t, "", "incident", "reopen", "i-1")
	var got map[string]any
	decode(t, s.ok(t, "", "incident", "note", "i-1", "some words", "--json"), &got)
	if got["id"] != "i-1" {
		t.Errorf("%v", got)
	}
	want := []string{
		"GET /api/v1/incidents?cursor=i-9&limit=5&q=disk&severity=critical&status=open%2Cacknowledged",
		"GET /api/v1/incidents/i-1", "GET /api/v1/incidents/i-1/timeline",
		"POST /api/v1/incidents/i-1/acknowledge", `POST /api/v1/incidents/i-1/resolve {"summary":"grown"}`,
		"POST /api/v1/incidents/i-1/close", "POST /api/v1/incidents/i-1/reopen", `POST /api/v1/incidents/i-1/notes {"text":"some words"}`,
	}
	if diff := cmp.Diff(want, a.asked); diff != "" {
		t.Error(diff)
	}
}

func TestRuns(t *testing.T) {
	t.Parallel()
	run := `{"run_id":"r-1","definition_name":"direct","definition_version":2,"state":"failed","status":"failed","source":"grafana",
		"incident_id":"i-1","created_at":"2026-03-01T12:00:00Z","total_duration_ms":12.5,"last_error":{"type":"timeout","message":"too slow"},
		"nodes":[{"node_id":"tell","node_type":"notify","state":"failed","attempt":3,"duration_ms":10,"attempts":[{"error_message":"refused"}]}]}`
	a := newAPI(t, map[string]string{
		"GET /api/v1/runs": `{"items":[` + run + `],"next_cursor":""}`, "GET /api/v1/runs/r-1": run,
	})
	s := newShell(t)
	s.vars["HUB_ADMIN_KEY"] = "the-key"
	out := s.ok(t, "", "run", "list", "--server", a.URL, "--state", "failed", "--definition", "direct", "--incident", "i-1")
	if !strings.Contains(out, "direct v2") || !strings.Contains(out, "12.5ms") {
		t.Error(out)
	}
	out = s.ok(t, "", "run", "show", "r-1", "--server", a.URL)
	for _, want := range []string{"r-1 of direct v2, failed", "incident i-1", "timeout: too slow", "tell", "refused"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if want := "GET /api/v1/runs?definition=direct&incident=i-1&limit=50&state=failed"; a.asked[0] != want {
		t.Errorf("asked %q, want %q", a.asked[0], want)
	}
}

func TestLedger(t *testing.T) {
	t.Parallel()
	for _, balanced := range []string{"true", "false"} {
		a := newAPI(t, map[string]string{
			"GET /api/v1/ledger": `{"counts":{"pending":1,"delivered":22},"by_reason":{"duplicate":7},"balanced":` + balanced + `,"problem":"3 are missing"}`,
		})
		s := newShell(t)
		for _, args := range [][]string{{}, {"--json"}} {
			r := s.run(t, "", append([]string{"ledger", "--server", a.URL, "--token", "the-key"}, args...)...)
			if (r.code == cli.ExitOK) != (balanced == "true") || (r.code != 0) != strings.Contains(r.err, "3 are missing") {
				t.Errorf("balanced %s: %+v", balanced, r)
			}
			if !strings.Contains(r.out, "22") || !strings.Contains(r.out, "duplicate") {
				t.Errorf("%s", r.out)
			}
		}
	}
}

func TestRemoteRefused(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	other := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(other.Close)
	for name, tt := range map[string]struct {
		args []string
		want []string
	}{
		"missing":       {[]string{"--server", a.URL, "--token", "the-key"}, []string{"incident 1: not found", "/x: no (yes)"}},
		"wrong key":     {[]string{"--server", a.URL, "--token", "canary"}, []string{"Give an API key", "HUB_TOKEN"}},
		"no key":        {[]string{"--server", a.URL}, []string{"HUB_TOKEN", "key create"}},
		"nobody there":  {[]string{"--server", gone.URL, "--token", "canary"}, []string{"no hub answers", "incidenthub serve"}},
		"another thing": {[]string{"--server", other.URL, "--token", "canary"}, []string{"404"}},
		"no address":    {[]string{"--server", "localhost", "--token", "canary"}, []string{"--server"}},
		"with password": {[]string{"--server", "http://a:canary@localhost", "--token", "x"}, []string{"--server"}},
	} {
		r := newShell(t).run(t, "", append([]string{"incident", "show", "i-1"}, tt.args...)...)
		if r.code != cli.ExitFailed || strings.Contains(r.err, "canary") {
			t.Errorf("%s: %+v", name, r)
		}
		for _, want := range tt.want {
			if !strings.Contains(r.err, want) {
				t.Errorf("%s: no %q in\n%s", name, want, r.err)
			}
		}
	}
}
