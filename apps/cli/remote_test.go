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

// TestLedgerLines: what was told at the end of a silence is named.
func TestLedgerLines(t *testing.T) {
	t.Parallel()
	a := newAPI(t, map[string]string{"GET /api/v1/ledger/lines": `{"items":[{"receipt_id":"p-1","at":"2026-03-01T12:00:00Z","alert":"Disk","instance":"db-1","status":"firing","severity":"critical","pipeline":"night",
		"state":"suppressed","reason":"silenced","why":"silenced by ada","channels":[{"channel":"ops","state":"suppressed"}],
		"told_later":{"at":"2026-03-01T14:00:00Z","channels":[{"channel":"ops","state":"delivered","delivery_id":"d-1","cause":"silence"},{"channel":"mail","state":"dead","delivery_id":"d-2","cause":"silence"},
			{"channel":"ops","state":"delivered","delivery_id":"d-3","cause":"throttle"},{"channel":"phone","state":"delivered","delivery_id":"d-4","cause":"fallback"}]}}]}`})
	r := newShell(t).run(t, "", "ledger", "--lines", "--server", a.URL, "--token", "the-key")
	for _, want := range []string{
		"p-1      2026-03-01 12:00:00Z  Disk   db-1      critical firing  night     suppressed(silenced)  ops (suppressed)  silenced by ada; told at its end, 2026-03-01 14:00:00Z: ops by d-1, mail (dead) by d-2",
	} {
		if r.code != 0 || !strings.Contains(r.out, want) {
			t.Errorf("no %q in %s%s", want, r.out, r.err)
		}
	}
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

// hub's answers for the tests of incidents and runs.
const (
	deliveries = `{"items":[
		{"channel":"ops","kind":"firing","state":"dead","reason":"expired","attempt_count":2,"created_at":"2026-03-01T12:00:01Z","finished_at":"2026-03-01T12:30:00Z",
			"attempts":[{"n":1,"error":"first"},{"n":2,"error":"no answer within 10 s"}]},
		{"channel":"","kind":"firing","state":"pending","reason":"","attempt_count":1,"created_at":"2026-03-01T12:00:01Z","next_at":"2026-03-01T12:00:31Z"},
		{"channel":"inbox","kind":"firing","state":"delivered","attempt_count":1,"created_at":"2026-03-01T12:00:01Z","finished_at":"2026-03-01T12:00:02Z","attempts":[{"n":1,"response":"ok"}]},
		{"channel":"log","kind":"firing","state":"suppressed","reason":"below_min_severity","created_at":"2026-03-01T12:00:01Z"}],"next_cursor":""}`
	timelineItems = `{"items":[
		{"at":"2026-03-01T12:05:00Z","kind":"incident","event":"note","actor":"ada","details":{"text":"looking"}},
		{"at":"2026-03-01T12:01:00Z","kind":"incident","event":"severity_raised","details":{"from":"warning","to":"critical"}},
		{"at":"2026-03-01T12:00:00Z","kind":"alert","event":"created","alert_name":"DiskFull","details":{}}],"next_cursor":""}`
)

func TestIncidents(t *testing.T) {
	t.Parallel()
	incident := `{"id":"i-1","title":` + text(hostile) + `,"description":"97 % used\nsince noon","status":"acknowledged","severity":"critical","alert_count":3,"firing_alert_count":2,
		"created_at":"2026-03-01T12:00:00Z","updated_at":"2026-03-01T12:05:00Z","summary":"s","trace_id":"t-1","instance":"db-1","sources":["grafana"],"alerts":[
		{"name":"Gone","status":"resolved","severity":"warning","source":"grafana","started_at":"2026-03-01T11:00:00Z","ended_at":"2026-03-01T12:04:00Z","occurrences":1},
		{"name":"DiskFull","status":"firing","severity":"critical","source":"grafana","labels":{"instance":"db-1"},"started_at":"2026-03-01T12:00:00Z","occurrences":7}]}`
	a := newAPI(t, map[string]string{
		"GET /api/v1/incidents":                  `{"items":[` + incident + `],"next_cursor":"i-1"}`,
		"GET /api/v1/incidents/i-1":              incident,
		"GET /api/v1/incidents/i-1/timeline":     timelineItems,
		"GET /api/v1/deliveries":                 deliveries,
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
	// In this order: what, since when, why; what fires before what is over; who was not told and why; the latest last.
	rest := out
	for _, want := range []string{
		"disk  [2J full\ncritical, acknowledged, 2 of 3 alerts firing\nopened 2026-03-01 12:00:00Z (", "on db-1, from grafana, trace t-1\n\n97 % used\nsince noon\n\nSummary: s\n",
		"\nALERTS\nSTATUS ", "firing    critical  DiskFull  db-1      grafana  2026-03-01 12:00:00Z  7\n", "resolved  warning   Gone                grafana  2026-03-01 12:04:00Z  1\n",
		"\nTOLD\nID ", "ops        firing  dead        2      2026-03-01 12:30:00Z       no answer within 10 s\n",
		"(deleted)  firing  pending     1      next 2026-03-01 12:00:31Z\n", "inbox      firing  delivered   1      2026-03-01 12:00:02Z\n",
		"log        firing  suppressed  0      2026-03-01 12:00:01Z       below min severity\n",
		"\nTIMELINE\nAT ", "2026-03-01 12:00:00Z  alert fires           DiskFull\n", "severity raised       warning to critical\n", "2026-03-01 12:05:00Z  note             ada  looking\n",
	} {
		before, after, found := strings.Cut(rest, want)
		if !found {
			t.Fatalf("show: no %q in\n%s\nafter\n%s", want, rest, strings.TrimSuffix(out, rest))
		}
		_, rest = before, after
	}
	if strings.ContainsAny(out, "\x1b\u202e") {
		t.Errorf("show: steers the terminal: %q", out)
	}
	var whole map[string]json.RawMessage
	decode(t, s.ok(t, "", "incident", "show", "i-1", "--json"), &whole)
	if whole["incident"] == nil || whole["timeline"] == nil || whole["deliveries"] == nil {
		t.Errorf("json: %v", whole)
	}
	a.asked = append(a.asked[:4:4], a.asked[7:]...) // the same three again
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
		"GET /api/v1/incidents/i-1", "GET /api/v1/incidents/i-1/timeline", "GET /api/v1/deliveries?attempts=true&incident=i-1&limit=50",
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
		"trace_id":"t-1","incident_id":"i-1","receipt_id":"p-1","created_at":"2026-03-01T12:00:00Z","started_at":"2026-03-01T12:00:00.001Z","total_duration_ms":12.5,
		"last_error":{"type":"timeout","message":"too slow"},"nodes":[
		{"node_id":"tell","node_type":"notify","state":"failed","attempt":3,"started_at":"2026-03-01T12:00:00.003Z","duration_ms":10.004,"attempts":[
			{"attempt":2,"state":"failed","error_message":"refused","duration_ms":3,"started_at":"2026-03-01T12:00:00.003Z"}]},
		{"node_id":"old","node_type":"transform","state":"succeeded","attempt":1},
		{"node_id":"branch","node_type":"condition","state":"succeeded","attempt":1,"choice":"then","started_at":"2026-03-01T12:00:00.002Z","duration_ms":0.5},
		{"node_id":"other","node_type":"notify","state":"skipped","reason":"not_reached"},
		{"node_id":"in","node_type":"ingest","state":"succeeded","attempt":1,"started_at":"2026-03-01T12:00:00.001Z","duration_ms":1}],
		"graph":{"nodes":[{"id":"tell","type":"notify","layer":2,"row":0},{"id":"in","type":"ingest","layer":0,"row":0},{"id":"later","type":"notify","layer":3,"row":0},
			{"id":"other","type":"notify","layer":2,"row":1},{"id":"branch","type":"condition","layer":1,"row":0}]}}`
	a := newAPI(t, map[string]string{
		"GET /api/v1/runs": `{"items":[` + run + `],"next_cursor":""}`, "GET /api/v1/runs/r-1": run, "GET /api/v1/deliveries": deliveries,
		"GET /api/v1/runs/r-2": `{"run_id":"r-2","definition_name":"gone","state":"pending","nodes":[{"node_id":"only","state":"running"}],"graph":null}`,
	})
	s := newShell(t)
	s.vars["HUB_ADMIN_KEY"] = "the-key"
	out := s.ok(t, "", "run", "list", "--server", a.URL, "--state", "failed", "--definition", "direct", "--incident", "i-1")
	if !strings.Contains(out, "direct v2") || !strings.Contains(out, "12.5ms") {
		t.Error(out)
	}
	out = s.ok(t, "", "run", "show", "r-1", "--server", a.URL)
	want := `direct v2: failed after 12.5ms
run r-1, started 2026-03-01 12:00:00Z, trace t-1
incident i-1
receipt p-1

timeout: too slow

NODES
NODE    TYPE       STATE      START  TOOK   TRY  WHY
in      ingest     succeeded  +0s    1ms    1
branch  condition  succeeded  +1ms   500µs  1    chose then
tell    notify     failed     +2ms   10ms   3    see below
other   notify     skipped                       not reached
later   notify     waiting
old     transform  succeeded                1

WHAT WENT WRONG
NODE  TRY  STATE   AT                    TOOK  ERROR
tell  2    failed  2026-03-01 12:00:00Z  3ms   refused

TOLD
ID  CHANNEL    WHAT    STATE       TRIES  WHEN                       WHY
`
	if diff := cmp.Diff(want, out[:min(len(out), len(want))]); diff != "" {
		t.Error(diff)
	}
	if out := s.ok(t, "", "run", "show", "r-2", "--server", a.URL); !strings.Contains(out, "only") {
		t.Error(out)
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
